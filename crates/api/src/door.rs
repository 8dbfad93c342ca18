//! The door: what each connection is served by.
//!
//! Reads of tokens come by the thousand, and go straight to their handler. Behind the router's layers, boxed anew for every
//! request, they would cost half as much again. Everything else goes through the router, and so does a read with anything
//! unusual about it: what is answered is the same.

use std::{
    convert::Infallible,
    future::{Ready, ready},
    net::SocketAddr,
    pin::Pin,
    sync::Arc,
    task::{Context, Poll},
};

use axum::{
    Router,
    extract::{ConnectInfo, Request},
    response::Response,
    serve::IncomingStream,
};
use tokio::net::TcpListener;
use tower::{Service, ServiceExt as _};

use crate::{State, router, token};

/// Makes a service for each connection: to be given to [`axum::serve`].
#[derive(Clone)]
pub struct Door(Arc<Rooms>);

struct Rooms {
    state: State,
    router: Router,
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
        Self(Arc::new(Rooms { router: router(state.clone()), state }))
    }

    /// For a connection from this address.
    pub fn visitor(&self, peer: SocketAddr) -> Visitor {
        Visitor { rooms: Arc::clone(&self.0), peer }
    }
}

impl Service<IncomingStream<'_, TcpListener>> for Door {
    type Response = Visitor;
    type Error = Infallible;
    type Future = Ready<Result<Visitor, Infallible>>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), Infallible>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, connection: IncomingStream<'_, TcpListener>) -> Self::Future {
        ready(Ok(self.visitor(*connection.remote_addr())))
    }
}

impl Service<Request> for Visitor {
    type Response = Response;
    type Error = Infallible;
    type Future = Pin<Box<dyn Future<Output = Result<Response, Infallible>> + Send>>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), Infallible>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, mut request: Request) -> Self::Future {
        let (rooms, peer) = (Arc::clone(&self.rooms), self.peer);
        if token::is_usual(&request) {
            return Box::pin(async move { Ok(token::read(&rooms.state, peer, request).await) });
        }
        request.extensions_mut().insert(ConnectInfo(peer));
        Box::pin(rooms.router.clone().oneshot(request))
    }
}
