//! Connections, from the listener to the door.
//!
//! `axum::serve` does the same, but lets nobody say how much of a request's head is taken in.

use std::pin::pin;

use axum::serve::Listener;
use hyper::server::conn::http1;
use hyper_util::rt::TokioIo;
use tokio::{net::TcpListener, sync::watch};
use tokio_util::task::TaskTracker;

use crate::{Door, bounds::MOST_FIELDS};

/// Well beyond what we let pass, so that our answer is what people get; past it hyper closes with a bare 431. Bytes need no
/// such number: hyper's buffer is 400 KiB.
const MOST_FIELDS_TAKEN_IN: usize = 8 * MOST_FIELDS;

/// Serves until `stop`, and then until each request that is under way has its answer.
pub async fn serve(mut listener: TcpListener, door: Door, stop: impl Future<Output = ()>) {
    let connections = TaskTracker::new();
    let (stopping, stops) = watch::channel(());
    let mut stop = pin!(stop);
    loop {
        let (stream, peer) = tokio::select! {
            accepted = Listener::accept(&mut listener) => accepted,
            () = &mut stop => break,
        };
        let (visitor, mut stops) = (door.visitor(peer), stops.clone());
        connections.spawn(async move {
            let mut http = http1::Builder::new();
            http.max_headers(MOST_FIELDS_TAKEN_IN);
            let mut connection = pin!(http.serve_connection(TokioIo::new(stream), visitor));
            let served = tokio::select! {
                served = connection.as_mut() => served,
                _ = stops.changed() => {
                    connection.as_mut().graceful_shutdown();
                    connection.await
                }
            };
            if let Err(error) = served {
                tracing::trace!(%error, "a connection broke off");
            }
        });
    }
    drop((listener, stopping));
    connections.close();
    connections.wait().await;
}
