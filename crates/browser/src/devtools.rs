//! A small client for Chromium's DevTools protocol over pipes: JSON messages, each terminated by a zero byte.
//!
//! It logs no parameters, because they contain tokens. It enables no domains that were not asked for: the network tracking
//! of a library would receive every request, including tokens. It ignores unknown messages, and detects at once when the
//! browser is gone.

use std::{
    collections::HashMap,
    error::Error,
    sync::{
        Arc, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};

use model::Clock;
use serde::{Deserialize, de::DeserializeOwned};
use serde_json::{Value, json};
use tokio::{
    io::{AsyncBufReadExt, AsyncRead, AsyncWrite, AsyncWriteExt, BufReader},
    sync::{mpsc, oneshot},
};
use tokio_util::sync::CancellationToken;

use crate::BrowserError;

/// The default time limit for a command. A Chromium that takes longer hangs.
const COMMAND_TIMEOUT: Duration = Duration::from_secs(15);

/// The connection to one browser. Clones share it.
#[derive(Clone)]
pub(crate) struct DevTools(Arc<Shared>);

struct Shared {
    outgoing: mpsc::UnboundedSender<Vec<u8>>,
    next_id: AtomicU64,
    table: Mutex<Table>,
    gone: CancellationToken,
    clock: Arc<dyn Clock>,
}

/// Pending calls and listeners.
#[derive(Default)]
struct Table {
    calls: HashMap<u64, Call>,
    sessions: HashMap<String, mpsc::UnboundedSender<Signal>>,
    closed: bool,
}

struct Call {
    session: Option<String>,
    answer: oneshot::Sender<Result<Value, BrowserError>>,
}

/// A message that a page sent by itself.
#[derive(Debug)]
pub(crate) enum Signal {
    /// The page called its binding with this text.
    Said(String),
    /// The page crashed, or was closed from elsewhere.
    Gone,
}

/// The messages of a page, in order. The channel ends with the browser. It is unbounded, because the page limits its rate.
pub(crate) type Signals = mpsc::UnboundedReceiver<Signal>;

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Incoming {
    id: Option<u64>,
    session_id: Option<String>,
    method: Option<String>,
    #[serde(default)]
    params: Value,
    result: Option<Value>,
    error: Option<Refusal>,
}

#[derive(Deserialize)]
struct Refusal {
    message: String,
}

impl DevTools {
    /// Creates a connection, and the future that writes its commands to `commands`.
    pub(crate) fn new(
        commands: impl AsyncWrite + Unpin,
        clock: Arc<dyn Clock>,
    ) -> (Self, impl Future<Output = ()>) {
        let (outgoing, queue) = mpsc::unbounded_channel();
        let devtools = Self(Arc::new(Shared {
            outgoing,
            next_id: AtomicU64::new(1),
            table: Mutex::default(),
            gone: CancellationToken::new(),
            clock,
        }));
        let writer = write(queue, commands, devtools.0.gone.clone());
        (devtools, writer)
    }

    /// Reads responses and events until the browser is gone, and then fails all pending calls.
    pub(crate) async fn read(self, answers: impl AsyncRead + Unpin) {
        let mut messages = BufReader::with_capacity(1 << 16, answers).split(0);
        let listen = async {
            while let Ok(Some(message)) = messages.next_segment().await {
                if let Ok(incoming) = serde_json::from_slice(&message) {
                    self.dispatch(incoming);
                } else {
                    // The text may contain a token, so only its size is logged.
                    tracing::debug!(bytes = message.len(), "ignored an unknown DevTools message");
                }
            }
        };
        tokio::select! {
            () = listen => self.close(),
            () = self.gone() => {}
        }
    }

    fn dispatch(&self, incoming: Incoming) {
        let mut table = self.table();
        let Some(id) = incoming.id else { return table.event(&incoming) };
        let Some(call) = table.calls.remove(&id) else { return };
        let answer = match incoming.error {
            Some(refusal) => Err(refused("", refusal.message)),
            None => Ok(incoming.result.unwrap_or_default()),
        };
        // The receiver is gone if the call has timed out.
        let _ = call.answer.send(answer);
    }

    /// Sends `method` and waits for the response.
    pub(crate) async fn call<T: DeserializeOwned>(
        &self,
        session: Option<&str>,
        method: &'static str,
        params: Value,
    ) -> Result<T, BrowserError> {
        self.call_within(COMMAND_TIMEOUT, session, method, params).await
    }

    /// Sends `method` and waits up to `span` for the response.
    pub(crate) async fn call_within<T: DeserializeOwned>(
        &self,
        span: Duration,
        session: Option<&str>,
        method: &'static str,
        params: Value,
    ) -> Result<T, BrowserError> {
        let id = self.0.next_id.fetch_add(1, Ordering::Relaxed);
        let (answer, answered) = oneshot::channel();
        {
            let mut table = self.table();
            if table.closed {
                return Err(BrowserError::BrowserGone);
            }
            if session.is_some_and(|session| !table.sessions.contains_key(session)) {
                return Err(BrowserError::PageGone);
            }
            table.calls.insert(id, Call { session: session.map(str::to_owned), answer });
        }
        tracing::trace!(id, method, "devtools");
        self.send(id, session, method, params);
        let Some(answer) = self.0.clock.timeout(span, answered).await else {
            self.table().calls.remove(&id);
            return Err(BrowserError::Timeout { what: method, span });
        };
        let value = answer.unwrap_or(Err(BrowserError::BrowserGone)).map_err(|error| match error {
            BrowserError::Protocol { cause, .. } => refused(method, cause),
            other => other,
        })?;
        serde_json::from_value(value).map_err(|error| refused(method, error))
    }

    /// Sends `method` and ignores the response.
    pub(crate) fn send_without_answer(&self, method: &'static str, params: Value) {
        let id = self.0.next_id.fetch_add(1, Ordering::Relaxed);
        self.send(id, None, method, params);
    }

    fn send(&self, id: u64, session: Option<&str>, method: &'static str, params: Value) {
        let mut message = json!({ "id": id, "method": method });
        message["params"] = params;
        if let Some(session) = session {
            message["sessionId"] = session.into();
        }
        let mut bytes = message.to_string().into_bytes();
        bytes.push(0);
        // If the browser is gone, so is the writer. Then the caller gets the error from the table.
        let _ = self.0.outgoing.send(bytes);
    }

    /// Receives the messages of the page with the session `session` from now on.
    pub(crate) fn listen(&self, session: &str) -> Signals {
        let (sender, signals) = mpsc::unbounded_channel();
        let mut table = self.table();
        if !table.closed {
            table.sessions.insert(session.to_owned(), sender);
        }
        signals
    }

    /// Stops receiving the messages of a page that is being closed.
    pub(crate) fn forget(&self, session: &str) {
        self.table().sessions.remove(session);
    }

    /// Fails all pending calls: the browser is gone.
    pub(crate) fn close(&self) {
        let mut table = self.table();
        table.closed = true;
        table.sessions.clear();
        for (_, call) in table.calls.drain() {
            let _ = call.answer.send(Err(BrowserError::BrowserGone));
        }
        self.0.gone.cancel();
    }

    /// Resolves when the browser is gone.
    pub(crate) async fn gone(&self) {
        self.0.gone.cancelled().await;
    }

    /// Whether the browser is gone.
    pub(crate) fn is_gone(&self) -> bool {
        self.0.gone.is_cancelled()
    }

    /// The clock for all time limits and pauses.
    pub(crate) fn clock(&self) -> &dyn Clock {
        &*self.0.clock
    }

    fn table(&self) -> MutexGuard<'_, Table> {
        self.0.table.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Table {
    fn event(&mut self, event: &Incoming) {
        let session = event.session_id.as_deref().unwrap_or_default();
        match event.method.as_deref() {
            Some("Runtime.bindingCalled") => {
                let payload = event.params["payload"].as_str().unwrap_or_default();
                if let Some(listener) = self.sessions.get(session) {
                    let _ = listener.send(Signal::Said(payload.to_owned()));
                }
            }
            Some("Inspector.targetCrashed") => self.end_session(session),
            // The page was closed from elsewhere. This event is not sent in the page's own session.
            Some("Target.detachedFromTarget") => {
                self.end_session(event.params["sessionId"].as_str().unwrap_or_default());
            }
            _ => {}
        }
    }

    /// Fails the pending calls of a page that is gone, which will never respond.
    fn end_session(&mut self, session: &str) {
        if let Some(listener) = self.sessions.remove(session) {
            let _ = listener.send(Signal::Gone);
        }
        let waiting: Vec<u64> = self
            .calls
            .iter()
            .filter(|(_, call)| call.session.as_deref() == Some(session))
            .map(|(&id, _)| id)
            .collect();
        for call in waiting.into_iter().filter_map(|id| self.calls.remove(&id)) {
            let _ = call.answer.send(Err(BrowserError::PageGone));
        }
    }
}

async fn write(
    mut queue: mpsc::UnboundedReceiver<Vec<u8>>,
    mut commands: impl AsyncWrite + Unpin,
    gone: CancellationToken,
) {
    let forward = async {
        while let Some(message) = queue.recv().await {
            if commands.write_all(&message).await.is_err() {
                break;
            }
        }
    };
    tokio::select! {
        () = forward => {}
        () = gone.cancelled() => {}
    }
}

/// The error for a command that Chromium refused.
pub(crate) fn refused(
    what: impl Into<String>,
    cause: impl Into<Box<dyn Error + Send + Sync>>,
) -> BrowserError {
    BrowserError::Protocol { what: what.into(), cause: cause.into() }
}
