//! Sends the events of bots' meetings to their real-time endpoints.
//!
//! - `worker`: leases endpoints that may have events to send.
//! - `leased_endpoint`: reads the next events of an endpoint, and records its position.
//! - `message`: the messages, in the format of Recall's API.
//! - `webhook`: one request for each event. `websocket`: one connection, while the bot is in its meeting.
//! - `open_connections`: endpoints with an open connection, which wait for more events.
//!
//! The stored events of a meeting are the queue, and each endpoint has a position in it. So a slow or unreachable endpoint
//! takes no memory, delays no bot, and misses no events. After a crash it continues from its position, with the same ids.

mod leased_endpoint;
mod message;
mod open_connections;
mod webhook;
mod websocket;
mod worker;

use std::{
    num::NonZeroU32,
    sync::{Arc, atomic::AtomicU64},
    time::Duration,
};

use metrics::Metrics;
use model::Environment;
use outbound::CallbackClient;
use store::RealtimeStore;
use tenants::Workspaces;
use tokio::sync::Notify;
use tokio_util::sync::CancellationToken;
use workers::{Settings, Shares, Worker, Workers};

use open_connections::OpenConnections;
use worker::{DueEndpoints, MAX_OF_A_WORKSPACE};

/// The most endpoints that are served at once. Each takes a task, and an open connection takes one while it is open.
const MAX_AT_ONCE: NonZeroU32 = NonZeroU32::new(1024).expect("not zero");
/// How long a stop waits for responses. An event without a response by then is sent again after the next start.
const STOP_WITHIN: Duration = Duration::from_secs(5);

/// The dependencies and settings of [`Realtime`].
pub struct Parts {
    /// Stores bots, events of meetings and endpoints.
    pub store: Arc<dyn RealtimeStore>,
    /// Provides signing keys.
    pub workspaces: Workspaces,
    /// Decrypts requests and events of meetings.
    pub vault: tenants::Vault,
    /// Sends requests and opens connections to addresses that the operator allows.
    pub callbacks: CallbackClient,
    /// Counts attempts.
    pub metrics: Metrics,
    /// Clock and random numbers.
    pub env: Environment,
    /// Interval between queries for events that other servers have stored.
    pub poll_interval: Duration,
}

/// The worker that sends to real-time endpoints.
pub struct Realtime {
    parts: Arc<Parts>,
    worker: Worker<DueEndpoints>,
    stopping: CancellationToken,
}

impl Realtime {
    /// Starts the loops, as tasks of `workers`.
    pub fn start(parts: Parts, workers: &Workers) -> Self {
        let parts = Arc::new(parts);
        let (open, more, stopping) =
            (OpenConnections::default(), Arc::new(Notify::new()), CancellationToken::new());
        let due = DueEndpoints {
            parts: parts.clone(),
            open: open.clone(),
            more: more.clone(),
            written: AtomicU64::new(0),
            stopping: stopping.clone(),
            workspaces: Shares::new(MAX_OF_A_WORKSPACE, more),
        };
        let settings = Settings {
            most_at_once: MAX_AT_ONCE,
            claim_at_least: NonZeroU32::MIN,
            poll_interval: parts.poll_interval,
        };
        let worker = Worker::start(workers, due, settings);
        let connected = parts.clone();
        workers.run("realtime_connections", move || open.clone().run(connected.clone()));
        Self { parts, worker, stopping }
    }

    /// Closes connections and stops sending. Waits up to five seconds for responses to requests in flight.
    pub async fn stop(&self) {
        self.stopping.cancel();
        if self.parts.env.clock.timeout(STOP_WITHIN, self.worker.finish()).await.is_none() {
            tracing::info!(
                "some real-time endpoints have not responded yet; their events are sent again after the next start"
            );
        }
    }
}

impl std::fmt::Debug for Realtime {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Realtime").field("worker", &self.worker).finish_non_exhaustive()
    }
}
