//! The two listeners, and how a handler drops the connection.

use std::convert::Infallible;
use std::io;
use std::net::{SocketAddr, TcpListener};
use std::sync::Arc;
use std::time::Duration;

use axum::extract::Request;
use axum::response::{IntoResponse, Response};
use axum::{Router, ServiceExt};
use axum_server::Handle;
use axum_server::tls_rustls::RustlsConfig;
use rustls::ServerConfig;
use tokio_util::task::TaskTracker;
use tower::util::MapResult;

/// How long requests in flight may still run when the simulator stops.
const GRACE: Duration = Duration::from_secs(2);

/// In a response's extensions, closes the connection without sending any of the response.
///
/// To clients this looks like an answer that was lost in the network.
#[derive(Clone, Copy, Debug)]
pub(crate) struct HangUp;

impl IntoResponse for HangUp {
    fn into_response(self) -> Response {
        let mut response = Response::default();
        response.extensions_mut().insert(self);
        response
    }
}

/// The error that makes the HTTP server drop a connection.
#[derive(Debug, thiserror::Error)]
#[error("the connection was dropped on purpose")]
struct Dropped;

impl From<Infallible> for Dropped {
    fn from(never: Infallible) -> Self {
        match never {}
    }
}

/// A running listener, which this value can stop.
pub(crate) struct Listening {
    handle: Handle<SocketAddr>,
}

impl Listening {
    /// Stops accepting connections; requests in flight get a short time to finish.
    pub(crate) fn stop(&self) {
        self.handle.graceful_shutdown(Some(GRACE));
    }
}

/// Binds a port, on the loopback interface only.
pub(crate) fn bind(port: u16) -> io::Result<TcpListener> {
    let listener = TcpListener::bind(("127.0.0.1", port))?;
    listener.set_nonblocking(true)?;
    Ok(listener)
}

/// Serves `router` over TLS.
pub(crate) fn serve_tls(
    tasks: &TaskTracker,
    listener: TcpListener,
    tls: Arc<ServerConfig>,
    router: Router,
) -> io::Result<Listening> {
    let handle = Handle::new();
    let server =
        axum_server::from_tcp_rustls(listener, RustlsConfig::from_config(tls))?.handle(handle.clone());
    let service = MapResult::new(router, answer_or_hang_up as fn(_) -> _);
    let service = ServiceExt::<Request>::into_make_service(service);
    tasks.spawn(async move {
        if let Err(error) = server.serve(service).await {
            tracing::error!(%error, "the simulated Zoom stopped serving");
        }
    });
    Ok(Listening { handle })
}

/// Serves `router` over plain HTTP.
pub(crate) fn serve_plain(
    tasks: &TaskTracker,
    listener: TcpListener,
    router: Router,
) -> io::Result<Listening> {
    let handle = Handle::new();
    let server = axum_server::from_tcp(listener)?.handle(handle.clone());
    tasks.spawn(async move {
        if let Err(error) = server.serve(router.into_make_service()).await {
            tracing::error!(%error, "the control API stopped serving");
        }
    });
    Ok(Listening { handle })
}

fn answer_or_hang_up(answer: Result<Response, Infallible>) -> Result<Response, Dropped> {
    let Ok(response) = answer;
    if response.extensions().get::<HangUp>().is_some() { Err(Dropped) } else { Ok(response) }
}
