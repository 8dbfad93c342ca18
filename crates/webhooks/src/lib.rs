//! Delivers events to endpoints, and retries until they arrive.
//!
//! - `endpoints`: a workspace's endpoints, and changes to them.
//! - `secrets`: signing secrets; several are valid while one replaces another.
//! - `worker`: leases endpoints for which something is due, and sends it to them. `host_limits`: a part of the
//!   places for each host and each workspace.
//! - `attempt`: sends one event once, in the format of the endpoint's kind. `mail`: by SMTP.
//! - `schedule`: when an event is sent again, and when an endpoint is switched off.
//! - `sent_body`: adds to an account's event where to connect it again, and which bots are affected. `text_message`: an event as text, for
//!   people.
//! - `delivery_preview`: what is sent, for who looks at deliveries.
//! - `types`: what an endpoint can listen to.
//! - `stream`: the same events for callers that poll.
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

/// Endpoints that are told at once. One that does not answer takes one of these places; a host or a workspace has a part of
/// them.
const MAX_AT_ONCE: NonZeroU32 = NonZeroU32::new(256).expect("not zero");
/// How long a stop waits for answers. What is under way longer is sent again by the next start.
const STOP_WITHIN: Duration = Duration::from_secs(5);

/// What webhooks are made of.
pub struct Parts {
    /// Where rows live.
    pub store: Arc<dyn WebhookStore>,
    /// Seals addresses and secrets.
    pub vault: Vault,
    /// Sends, where the operator allows it.
    pub callbacks: CallbackClient,
    /// Sends mail, if the operator has an SMTP server for it.
    pub mailer: Option<Mailer>,
    /// Time and randomness.
    pub env: Environment,
    /// Scheduled bots: what an account's state may cost.
    pub scheduled: Arc<dyn Bots + Send + Sync>,
    /// Where links lead, and what is wrong with this server.
    pub broker: Arc<Broker>,
    /// Counts.
    pub metrics: Metrics,
    /// How long events and deliveries are kept.
    pub keep: Duration,
    /// How often what another server has written is looked for.
    pub poll_interval: Duration,
}

/// Endpoints of all workspaces, and the worker that tells them of events.
pub struct Webhooks {
    parts: Arc<Parts>,
    worker: Worker<DueEndpoints>,
    stopping: CancellationToken,
    /// Cancelled when streams of events must end.
    streams: CancellationToken,
}

impl Webhooks {
    /// Starts telling endpoints of events, as loops of `workers`.
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

    /// Reads a link to connect an account again; `None` when it is not ours, or past its time.
    pub fn reconnect(&self, workspace: WorkspaceId, account: CredentialId, token: &str) -> Option<Reconnect> {
        Reconnect::read(&self.parts.vault, (workspace, account), token, self.parts.env.now())
    }

    /// Stops sending. Waits a little for answers in flight.
    pub async fn stop(&self) {
        self.stopping.cancel();
        if self.parts.env.clock.timeout(STOP_WITHIN, self.worker.finish()).await.is_none() {
            tracing::info!("endpoints that have not answered yet are told again by the next start");
        }
    }
}

impl std::fmt::Debug for Webhooks {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Webhooks").field("worker", &self.worker).finish_non_exhaustive()
    }
}
