//! The door: what each connection is served by.
//!
//! Reads of tokens come by the thousand, and go straight to their handler. Behind the router's layers, boxed anew for every
//! request, they would cost half as much again. Everything else goes through the router, and so does a read with anything
//! unusual about it: what is answered is the same.

use std::{convert::Infallible, net::SocketAddr, pin::Pin, sync::Arc};

use axum::{
    Router,
    body::Body,
    extract::{ConnectInfo, Request},
    response::Response,
};
use hyper::body::Incoming;
use tower::ServiceExt as _;

use crate::{State, router, token};

/// Makes a visitor of each connection: to be given to [`serve`](crate::serve).
#[derive(Clone)]
pub struct Door(Arc<Rooms>);

struct Rooms {
    state: State,
    router: Router,
}

/// Serves one connection.
pub struct Visitor {
    rooms: Arc<Rooms>,
    peer: SocketAddr,
}

type Answering = Pin<Box<dyn Future<Output = Result<Response, Infallible>> + Send>>;

impl Door {
    /// A door to every route of the server.
    pub fn new(state: State) -> Self {
        Self(Arc::new(Rooms { router: router(state.clone()), state }))
    }

    /// For a connection from this address.
    pub fn visitor(&self, peer: SocketAddr) -> Visitor {
        Visitor { rooms: Arc::clone(&self.0), peer }
    }
}

impl Visitor {
    /// The answer to a request.
    pub fn answer(&self, mut request: Request) -> Answering {
        let (rooms, peer) = (Arc::clone(&self.rooms), self.peer);
        if token::is_usual(&request) {
            return Box::pin(async move { Ok(token::read(&rooms.state, peer, request).await) });
        }
        request.extensions_mut().insert(ConnectInfo(peer));
        Box::pin(rooms.router.clone().oneshot(request))
    }
}

impl hyper::service::Service<http::Request<Incoming>> for Visitor {
    type Response = Response;
    type Error = Infallible;
    type Future = Answering;

    fn call(&self, request: http::Request<Incoming>) -> Self::Future {
        self.answer(request.map(Body::new))
    }
}
