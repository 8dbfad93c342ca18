//! The loop that accepts connections and serves their requests.
//!
//! `axum::serve` does the same, but wraps each request in layers that are not needed here, and sets no limits.
//!
//! hyper accepts 100 header fields and 64 KiB, and answers a bare 431 and closes above that. With a higher limit than its
//! default (`max_headers`) it would fill two tables of that size for every request: 5,000 instructions for 512 fields. Its
//! timers stay off: it would create one for every request, and it counts idle time as a late head.

use std::{
    convert::Infallible,
    io,
    pin::{Pin, pin},
    sync::Arc,
    task::{Context, Poll},
    time::Duration,
};

use axum::{
    body::{Bytes, HttpBody},
    serve::Listener,
};
use hyper::{
    body::{Frame, Incoming, SizeHint},
    server::conn::http1,
    service::service_fn,
};
use hyper_util::rt::TokioIo;
use tokio::{
    io::{AsyncRead, AsyncWrite, ReadBuf},
    net::{TcpListener, TcpStream},
};
use tokio_util::task::TaskTracker;
use workers::Workers;

use crate::{
    Connection, Server,
    bounds::{Command, ConnectionPermit, ConnectionState, Connections},
};

/// Bytes buffered for one connection: a request's head, or a body that is not read yet.
const MAX_BUFFERED: usize = 64 * 1024;
/// How often connections are swept: they count time in seconds.
const SWEEP_INTERVAL: Duration = Duration::from_secs(1);

/// The answer to a connection above the limit.
const FULL: &[u8] =
    b"HTTP/1.1 503 Service Unavailable\r\nretry-after: 1\r\nconnection: close\r\ncontent-length: 0\r\n\r\n";
/// The answer to a client that began a request and did not finish it in time.
const LATE: &[u8] = b"HTTP/1.1 408 Request Timeout\r\nconnection: close\r\ncontent-length: 0\r\n\r\n";

/// Serves until `stop` resolves, and then until each request in progress has its answer. The sweep runs as a
/// worker, so a panic in it does not stop the accepting of connections.
pub async fn serve(
    mut listener: TcpListener,
    server: Server,
    workers: &Workers,
    stop: impl Future<Output = ()>,
) {
    let tasks = TaskTracker::new();
    let connections = Arc::new(Connections::new(server.bounds()));
    let mut stop = pin!(stop);
    workers.run(server.sweep(), {
        let (server, connections) = (server.clone(), Arc::clone(&connections));
        move || run_sweep(server.clone(), Arc::clone(&connections))
    });
    loop {
        let accepted = async {
            connections.room().await;
            Listener::accept(&mut listener).await
        };
        let (stream, peer) = tokio::select! {
            accepted = accepted => accepted,
            () = &mut stop => break,
        };
        match connections.admit(peer.ip()) {
            Some(permit) => drop(tasks.spawn(converse(stream, server.connection(peer), permit))),
            // Only what the socket accepts immediately: the server does not wait here.
            None => drop(stream.try_write(FULL)),
        }
    }
    drop(listener);
    connections.stop();
    tasks.close();
    tasks.wait().await;
}

/// Serves one connection until it ends.
async fn converse(stream: TcpStream, served: Connection, permit: ConnectionPermit) {
    let state = Arc::clone(&permit.connection);
    let service = service_fn(|request: hyper::Request<Incoming>| {
        state.works();
        let (served, state) = (served.clone(), Arc::clone(&state));
        async move {
            let request = request.map(|body| Watched::new(body, &state));
            let answer = served.answer(request).await;
            state.answered();
            Ok::<_, Infallible>(answer)
        }
    });
    let mut http = http1::Builder::new();
    // Answers are short: one copied buffer is sent faster than two pieces.
    http.writev(false).max_buf_size(MAX_BUFFERED);
    let stream = Stream { stream, connection: Arc::clone(&state) };
    let mut http = http.serve_connection(TokioIo::new(stream), service);
    let order = loop {
        tokio::select! {
            // In this order, without a random number for it: nearly always there is a request and no command.
            biased;
            ended = &mut http => {
                if let Err(error) = ended {
                    tracing::trace!(%error, "a connection ended with an error");
                }
                return;
            }
            () = state.ordered() => {}
        }
        match permit.order() {
            None => {}
            Some(Command::Stop) => Pin::new(&mut http).graceful_shutdown(),
            Some(order) => break order,
        }
    };
    let parts = http.into_parts();
    // Only a request that has begun gets an answer: a client that has sent nothing expects none.
    if !parts.read_buf.is_empty() {
        let words = if order == Command::Displaced { FULL } else { LATE };
        drop(parts.io.into_inner().stream.try_write(words));
    }
}

/// Counts the seconds of connections, and logs what happened in each.
async fn run_sweep(server: Server, connections: Arc<Connections>) -> Infallible {
    let env = server.env();
    loop {
        env.clock.sleep(SWEEP_INTERVAL).await;
        let counts = connections.sweep();
        if counts.refused > 0 || counts.displaced > 0 {
            let (refused, displaced) = (counts.refused, counts.displaced);
            tracing::warn!(
                refused,
                displaced,
                "more connections than [connections] allows: the longest idle connections were closed"
            );
        }
        if counts.late > 0 {
            tracing::info!(
                connections = counts.late,
                "closed connections that did not send a complete head in time"
            );
        }
        server.log_suppressed(env.now());
    }
}

/// A connection's stream, which reports when bytes are received and sent.
struct Stream {
    stream: TcpStream,
    connection: Arc<ConnectionState>,
}

impl AsyncRead for Stream {
    fn poll_read(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let before = buffer.filled().len();
        let read = Pin::new(&mut self.stream).poll_read(context, buffer);
        if buffer.filled().len() > before {
            self.connection.received();
        }
        read
    }
}

impl AsyncWrite for Stream {
    fn poll_write(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        let written = Pin::new(&mut self.stream).poll_write(context, bytes);
        if written.is_ready() {
            self.connection.sent();
        }
        written
    }

    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_flush(context)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_shutdown(context)
    }
}

/// A body that marks its connection as waiting while no data arrives.
struct Watched {
    body: Incoming,
    /// `None` for an empty body.
    connection: Option<Arc<ConnectionState>>,
}

impl Watched {
    fn new(body: Incoming, connection: &Arc<ConnectionState>) -> Self {
        let connection = (!body.is_end_stream()).then(|| Arc::clone(connection));
        Self { body, connection }
    }
}

impl HttpBody for Watched {
    type Data = Bytes;
    type Error = hyper::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, hyper::Error>>> {
        let frame = Pin::new(&mut self.body).poll_frame(context);
        if let Some(connection) = &self.connection {
            if frame.is_pending() { connection.awaits_body() } else { connection.works() }
        }
        frame
    }

    fn is_end_stream(&self) -> bool {
        self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.body.size_hint()
    }
}
