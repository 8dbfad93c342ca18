//! The door: what each connection is served by.
//!
//! Reads of tokens come by the thousand, and go straight to their handler. Behind the router's layers, boxed anew for every
//! request, they would cost half as much again. Everything else goes through the router, and so does a read with anything
//! unusual about it: what is answered is the same.

use std::{net::SocketAddr, sync::Arc};

use axum::{
    BoxError, Router,
    body::{Body, Bytes, HttpBody},
    extract::ConnectInfo,
    http::Request,
    response::Response,
};
use model::{Environment, Timestamp};
use tower::ServiceExt as _;

use crate::{
    State,
    bounds::{Bounds, Kind},
    metrics_router, router, token,
};

/// Connections at once for those who read the metrics.
const SCRAPERS: usize = 16;

/// Makes a visitor of each connection: to be given to [`serve`](crate::serve).
#[derive(Clone)]
pub struct Door(Arc<Rooms>);

struct Rooms {
    state: State,
    router: Router,
    bounds: Bounds,
    /// Whether reads of tokens are answered here.
    gives_tokens: bool,
}

/// Serves one connection.
#[derive(Clone)]
pub struct Visitor {
    rooms: Arc<Rooms>,
    peer: SocketAddr,
}

impl Door {
    /// A door to every route of the server.
    pub fn new(state: State) -> Self {
        let (router, bounds) = (router(state.clone()), state.admission.bounds.clone());
        Self(Arc::new(Rooms { router, bounds, state, gives_tokens: true }))
    }

    /// A door to `/metrics`, and to nothing else.
    pub fn to_metrics(state: State) -> Self {
        let bounds = Bounds { connections: SCRAPERS, ..state.admission.bounds.clone() };
        Self(Arc::new(Rooms { router: metrics_router(state.clone()), bounds, state, gives_tokens: false }))
    }

    pub(crate) fn bounds(&self) -> &Bounds {
        &self.0.bounds
    }

    pub(crate) fn env(&self) -> &Environment {
        &self.0.state.env
    }

    /// Logs how many requests were refused without a line of their own.
    pub(crate) fn say_refusals(&self, now: Timestamp) {
        for (Kind { route, status, code }, more) in self.0.state.admission.refusals.unsaid(now) {
            tracing::info!(route, status, code, more, "answered so as well");
        }
    }

    /// For a connection from this address.
    pub fn visitor(&self, peer: SocketAddr) -> Visitor {
        Visitor { rooms: Arc::clone(&self.0), peer }
    }
}

impl Visitor {
    /// The answer to a request.
    pub async fn answer<B>(self, request: Request<B>) -> Response
    where
        B: HttpBody<Data = Bytes> + Send + 'static,
        B::Error: Into<BoxError>,
    {
        if self.rooms.gives_tokens && token::is_usual(&request) {
            return token::read(&self.rooms.state, self.peer, request).await;
        }
        let mut request = request.map(Body::new);
        request.extensions_mut().insert(ConnectInfo(self.peer));
        // Boxed: it must not make every read larger.
        Box::pin(self.rooms.router.clone().oneshot(request)).await.unwrap_or_else(|never| match never {})
    }
}
