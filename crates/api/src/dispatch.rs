//! Which handler answers a request.
//!
//! Reads of tokens are very frequent, so they bypass the router: its layers, boxed again for every request, would make
//! them half as expensive again. All other requests, and unusual reads, go through the router. The answers are the same.

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

/// The connection limit of the metrics listener.
const METRICS_CONNECTIONS: usize = 16;

/// Answers requests. Given to [`serve`](crate::serve), which accepts the connections.
#[derive(Clone)]
pub struct Server(Arc<Shared>);

struct Shared {
    state: State,
    router: Router,
    bounds: Bounds,
    /// Whether reads of tokens bypass the router.
    gives_tokens: bool,
}

/// Answers the requests of one connection.
#[derive(Clone)]
pub struct Connection {
    shared: Arc<Shared>,
    peer: SocketAddr,
}

impl Server {
    /// Serves every route of the API, and `pages` in addition.
    pub fn new(state: State, pages: Router) -> Self {
        let (router, bounds) = (router(state.clone(), pages), state.admission.bounds.clone());
        Self(Arc::new(Shared { router, bounds, state, gives_tokens: true }))
    }

    /// Serves only `/metrics`.
    pub fn metrics_only(state: State) -> Self {
        let bounds = Bounds { connections: METRICS_CONNECTIONS, ..state.admission.bounds.clone() };
        Self(Arc::new(Shared { router: metrics_router(state.clone()), bounds, state, gives_tokens: false }))
    }

    pub(crate) fn bounds(&self) -> &Bounds {
        &self.0.bounds
    }

    /// The name of the worker that sweeps this server's connections.
    pub(crate) fn sweep(&self) -> &'static str {
        if self.0.gives_tokens { "connections" } else { "metrics_connections" }
    }

    pub(crate) fn env(&self) -> &Environment {
        &self.0.state.env
    }

    /// Logs how many requests were refused without a log line of their own.
    pub(crate) fn log_suppressed(&self, now: Timestamp) {
        for (Kind { route, status, code }, more) in self.0.state.admission.refusals.take_suppressed(now) {
            tracing::info!(route, status, code, more, "more requests were refused the same way");
        }
    }

    /// The service of one connection from this address.
    pub fn connection(&self, peer: SocketAddr) -> Connection {
        Connection { shared: Arc::clone(&self.0), peer }
    }
}

impl Connection {
    /// Answers one request.
    pub async fn answer<B>(self, request: Request<B>) -> Response
    where
        B: HttpBody<Data = Bytes> + Send + 'static,
        B::Error: Into<BoxError>,
    {
        if self.shared.gives_tokens && token::is_usual(&request) {
            return token::read(&self.shared.state, self.peer, request).await;
        }
        let mut request = request.map(Body::new);
        request.extensions_mut().insert(ConnectInfo(self.peer));
        // Boxed: otherwise it would make the future of every read larger.
        Box::pin(self.shared.router.clone().oneshot(request)).await.unwrap_or_else(|never| match never {})
    }
}
