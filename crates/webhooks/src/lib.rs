//! Delivers events to endpoints, and retries until they arrive.
//!
//! - `endpoints`: a workspace's endpoints, and changes to them.
//! - `secrets`: signing secrets; several are valid while one replaces another.
//! - `worker`: leases endpoints that have due deliveries, and sends these. `host_limits`: limits the worker's slots for each
//!   host and each workspace.
//! - `attempt`: sends one event once, in the format of the endpoint's kind. `mail`: sends by SMTP.
//! - `schedule`: when an event is retried, and when an endpoint is disabled.
//! - `sent_body`: adds a link to reconnect the account, and the affected bots, to an event about an account.
//! - `text_message`: formats an event as text for people.
//! - `delivery_preview`: shows a delivery as it is sent, without secrets.
//! - `types`: the event types that an endpoint can subscribe to.
//! - `stream`: the same events as a stream, for callers without an endpoint.
//! - `alarms`: events about failures of the server itself.
//! - `maintenance`: counts pending deliveries, and deletes old ones.
//!
//! The events themselves are written where the state changes, in the same transaction (`store::Events`).

mod alarms;
mod attempt;
mod delivery_preview;
mod endpoints;
mod host_limits;
mod mail;
mod maintenance;
mod schedule;
mod secrets;
mod sent_body;
mod stream;
mod text_message;
mod types;
mod worker;

use std::{
    num::NonZeroU32,
    sync::{Arc, atomic::AtomicU64},
    time::Duration,
};

use broker::Broker;
use metrics::Metrics;
use model::{CredentialId, Environment, WorkspaceId};
use outbound::CallbackClient;
use store::{Bots, WebhookStore};
use tenants::Vault;
use tokio::sync::Notify;
use tokio_util::sync::CancellationToken;
use workers::{Settings, Shares, Worker, Workers};

pub use delivery_preview::DeliveryPreview;
pub use endpoints::{Endpoint, MAX_ENDPOINTS, MAX_REPLAY, NewEndpoint, Rotation};
pub use mail::{MailError, MailRefusal, MailSettings, MailSettingsError, MailTls, Mailer};
pub use schedule::{DISABLE_AFTER, MAX_ATTEMPTS};
pub use secrets::{NotASecret, Secrets, check_secret};
pub use sent_body::Reconnect;
pub use types::{event_types, notable_types};

use host_limits::MAX_PER_HOST;
use worker::DueEndpoints;

/// The most endpoints that are served at once. An endpoint that does not respond occupies one of these slots, so each
/// host and each workspace may occupy only a part of them.
const MAX_AT_ONCE: NonZeroU32 = NonZeroU32::new(256).expect("not zero");
/// How long a stop waits for responses. An event without a response by then is sent again after the next start.
const STOP_WITHIN: Duration = Duration::from_secs(5);

/// The dependencies and settings of [`Webhooks`].
pub struct Parts {
    /// Stores endpoints, events and deliveries.
    pub store: Arc<dyn WebhookStore>,
    /// Encrypts URLs and secrets of endpoints.
    pub vault: Vault,
    /// Sends requests to addresses that the operator allows.
    pub callbacks: CallbackClient,
    /// Sends mail, if the operator has configured an SMTP server.
    pub mailer: Option<Mailer>,
    /// Clock and random numbers.
    pub env: Environment,
    /// Finds the scheduled bots that are affected by an account's state.
    pub scheduled: Arc<dyn Bots + Send + Sync>,
    /// Provides the addresses for links, and the health of this server.
    pub broker: Arc<Broker>,
    /// Counts attempts.
    pub metrics: Metrics,
    /// How long events and deliveries are stored.
    pub keep: Duration,
    /// Interval between queries for events that other servers have stored.
    pub poll_interval: Duration,
}

/// Manages the endpoints of all workspaces, and delivers events to them.
pub struct Webhooks {
    parts: Arc<Parts>,
    worker: Worker<DueEndpoints>,
    stopping: CancellationToken,
    /// Cancelled when streams of events must end.
    streams: CancellationToken,
}

impl Webhooks {
    /// Starts the loops, as tasks of `workers`.
    pub fn start(parts: Parts, workers: &Workers) -> Self {
        let parts = Arc::new(parts);
        let (more, stopping) = (Arc::new(Notify::new()), CancellationToken::new());
        let due = DueEndpoints {
            parts: parts.clone(),
            more: more.clone(),
            written: AtomicU64::new(0),
            stopping: stopping.clone(),
            hosts: Shares::new(MAX_PER_HOST, more.clone()),
            workspaces: Shares::new(MAX_PER_HOST, more),
        };
        let settings = Settings {
            most_at_once: MAX_AT_ONCE,
            claim_at_least: NonZeroU32::MIN,
            poll_interval: parts.poll_interval,
        };
        let worker = Worker::start(workers, due, settings);
        let counted = parts.clone();
        workers.run("webhook_backlog", move || maintenance::run_backlog(counted.clone()));
        let alarmed = parts.clone();
        workers.run("alarms", move || alarms::run(alarmed.clone()));
        let kept = parts.clone();
        workers.run("event_retention", move || maintenance::run_retention(kept.clone()));
        Self { parts, worker, stopping, streams: CancellationToken::new() }
    }

    /// Reads the token of a link that reconnects an account. Returns `None` if it is invalid or has expired.
    pub fn reconnect(&self, workspace: WorkspaceId, account: CredentialId, token: &str) -> Option<Reconnect> {
        Reconnect::read(&self.parts.vault, (workspace, account), token, self.parts.env.now())
    }

    /// Stops sending. Waits up to five seconds for responses to requests in flight.
    pub async fn stop(&self) {
        self.stopping.cancel();
        if self.parts.env.clock.timeout(STOP_WITHIN, self.worker.finish()).await.is_none() {
            tracing::info!(
                "some endpoints have not responded yet; their events are sent again after the next start"
            );
        }
    }
}

impl std::fmt::Debug for Webhooks {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Webhooks").field("worker", &self.worker).finish_non_exhaustive()
    }
}
