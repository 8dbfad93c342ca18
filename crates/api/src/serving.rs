//! Connections, from the listener to the door.
//!
//! `axum::serve` does the same, but wraps each request in layers that nothing here needs.
//!
//! hyper takes in 100 header fields and 400 KiB, and closes with a bare 431 past that. More fields than it does by itself
//! (`max_headers`) would have it fill two tables of so many anew for every request: 5,000 instructions for 512.

use std::{convert::Infallible, pin::pin};

use axum::serve::Listener;
use hyper::{server::conn::http1, service::service_fn};
use hyper_util::rt::TokioIo;
use tokio::{net::TcpListener, sync::watch};
use tokio_util::task::TaskTracker;

use crate::Door;

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
            let service = service_fn(|request| {
                let visitor = visitor.clone();
                async move { Ok::<_, Infallible>(visitor.answer(request).await) }
            });
            let mut http = http1::Builder::new();
            // Answers are short: copied together they leave sooner than in two pieces.
            http.writev(false);
            let mut connection = pin!(http.serve_connection(TokioIo::new(stream), service));
            let served = tokio::select! {
                // In this order, without a random number for it: nearly always there is a request, and no stop.
                biased;
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
