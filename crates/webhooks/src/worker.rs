//! Sends due deliveries to leased endpoints.
//!
//! A leased endpoint gets a turn: its due deliveries are sent, several at once, until none is due or the turn is over. The
//! result of each attempt is stored as soon as it is known. Only then is the next event of the same subject due.

use std::{
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering::Relaxed},
    },
    time::Duration,
};

use futures_util::{StreamExt as _, stream};
use metrics::DeliveryOutcome;
use model::{
    EndpointKind, EventId, Failure, KillPoint, LeaseToken, Timestamp, WEBHOOK_ENDPOINT_DISABLED, WorkspaceId,
};
use store::{
    AfterAttempt, Answer, Attempt, Delivery, EndpointAfter, FailureRun, Lease, NewEvent, WebhookEndpoint,
    event_bodies::{StateChange, WebhookEndpointEvent, WebhookEndpointOfEvent},
};
use tokio::sync::Notify;
use tokio_util::sync::CancellationToken;
use workers::{Claimed, Share, Shares, Work};

use crate::{
    Parts,
    attempt::{self, Receiver, Sent},
    host_limits::MAX_PER_HOST,
    schedule::{PROBE_INTERVAL, Verdict, after_attempt, after_failure, is_down},
};

/// The most concurrent requests to one endpoint.
const MAX_IN_FLIGHT: usize = 16;
/// The most deliveries of one batch. Even if the endpoint never responds, the batch ends within the lease.
const BATCH: u32 = 32;
/// The most mails of one batch: an SMTP server may take longer to respond, and accepts few connections of one client.
const MAIL_BATCH: u32 = 4;
/// How long an endpoint is leased. The lease is renewed before each batch.
const LEASE_TTL: Duration = Duration::from_secs(60);
/// The longest turn of an endpoint, before other endpoints get theirs.
const MAX_TURN: Duration = Duration::from_secs(5);

/// A worker for endpoints with due deliveries.
pub(crate) struct DueEndpoints {
    pub(crate) parts: Arc<Parts>,
    /// Notified when there is more to claim at once.
    pub(crate) more: Arc<Notify>,
    /// The number of transactions with events that `may_be_due` has seen.
    pub(crate) written: AtomicU64,
    /// Cancelled when no further batch is to be started.
    pub(crate) stopping: CancellationToken,
    pub(crate) hosts: Shares<String>,
    pub(crate) workspaces: Shares<WorkspaceId>,
}

/// How a batch ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Turn {
    /// There may be more deliveries.
    Goes,
    /// The endpoint is down, so nothing more is sent until the next probe.
    Down,
    /// The lease was lost.
    Lost,
}

impl Work for DueEndpoints {
    const NAME: &'static str = "webhooks";
    type Item = (WebhookEndpoint, Lease, (Option<Share<String>>, Share<WorkspaceId>));
    type Error = Failure;

    async fn claim(&self, most: u32) -> Result<Vec<Claimed<Self::Item>>, Failure> {
        if self.stopping.is_cancelled() {
            return Ok(Vec::new());
        }
        let Parts { store, env, .. } = &*self.parts;
        let tokens = LeaseToken::generate_many(env, most);
        let now = env.now();
        let (full, full_workspaces) = (self.hosts.full(), self.workspaces.full());
        let limits =
            store::ClaimLimits { full: &full, full_workspaces: &full_workspaces, most: MAX_PER_HOST };
        let leased = store.lease_due_endpoints(&tokens, limits, now, now + LEASE_TTL).await?;
        if leased.len() >= MAX_PER_HOST as usize {
            // A host or workspace may have reached the limit of one claim: claim again.
            self.more.notify_one();
        }
        let claimed = leased.into_iter();
        let claimed = claimed.map(|(row, lease, due_at)| {
            let host = (!row.lane.is_empty()).then(|| self.hosts.enter(row.lane.clone()));
            let places = (host, self.workspaces.enter(row.workspace));
            Claimed { item: (row, lease, places), due_at }
        });
        Ok(claimed.collect())
    }

    async fn may_be_due(&self) {
        tokio::select! {
            written = self.parts.store.events_written(self.written.load(Relaxed)) => {
                self.written.store(written, Relaxed);
            }
            () = self.more.notified() => {}
        }
    }

    #[tracing::instrument(name = "webhook_turn", skip_all, fields(endpoint = %row.id, workspace = %row.workspace))]
    async fn run(&self, (row, lease, _): &Self::Item) -> Result<(), Failure> {
        let Parts { store, env, .. } = &*self.parts;
        let begun = env.clock.elapsed();
        while !self.stopping.is_cancelled() && env.clock.elapsed().saturating_sub(begun) < MAX_TURN {
            let now = env.now();
            // The row is read again, so that a replaced secret or a changed URL is no longer used.
            let Some(row) = store.renew_endpoint(row.id, lease, now + LEASE_TTL).await? else {
                return Ok(());
            };
            if row.state != model::EndpointState::Enabled {
                break;
            }
            let due = self.due(&row, now).await?;
            if due.is_empty() {
                break;
            }
            match self.send(self.open(row)?, lease, due).await? {
                Turn::Goes => {}
                Turn::Down => break,
                Turn::Lost => return Ok(()),
            }
        }
        let next = store.release_endpoint(row.id, lease).await?;
        if next.is_some_and(|at| at <= env.now()) {
            self.more.notify_one();
        }
        Ok(())
    }
}

impl DueEndpoints {
    /// Reads the next batch. An endpoint that is down gets only one delivery as a probe; others would waste their attempts.
    async fn due(&self, row: &WebhookEndpoint, now: Timestamp) -> Result<Vec<Delivery>, Failure> {
        let store = &self.parts.store;
        if is_down(row.run, now) {
            return Ok(store.probe_delivery(row.id, now).await?.into_iter().collect());
        }
        let most = if row.kind == EndpointKind::Email { MAIL_BATCH } else { BATCH };
        Ok(store.due_deliveries(row.id, now, most).await?)
    }

    fn open(&self, row: WebhookEndpoint) -> Result<Receiver, Failure> {
        let endpoint = crate::Endpoint::open(&self.parts, row)?;
        let keys = endpoint.secrets.keys()?;
        Ok(Receiver { row: endpoint.row, url: endpoint.url, secrets: endpoint.secrets, keys })
    }

    /// Sends a batch, and stores the result of each attempt as soon as it is known.
    async fn send(&self, to: Receiver, lease: &Lease, due: Vec<Delivery>) -> Result<Turn, Failure> {
        let attempts: Vec<_> = due.iter().map(|delivery| self.attempt(&to, delivery)).collect();
        let attempts = stream::iter(attempts).buffer_unordered(MAX_IN_FLIGHT);
        let mut attempts = std::pin::pin!(attempts.ready_chunks(BATCH as usize));
        let (mut run, mut turn) = (to.row.run, Turn::Goes);
        while let Some(attempts) = attempts.next().await {
            let now = self.parts.env.now();
            let after = self.judge(&to.row, &mut run, &attempts, now);
            let store = &self.parts.store;
            if !store.record_attempts(to.row.id, lease, &attempts, &after, now).await? {
                return Ok(Turn::Lost);
            }
            turn = if after.probe_at.is_some() { Turn::Down } else { Turn::Goes };
            if after.failed.is_some() {
                tracing::warn!(endpoint = %to.row.id, "an endpoint has failed for five days and is disabled");
                self.parts.metrics.webhook_endpoint_disabled();
                return Ok(Turn::Goes);
            }
        }
        Ok(turn)
    }

    /// Decides how these attempts change the state of the endpoint.
    fn judge(
        &self,
        row: &WebhookEndpoint,
        run: &mut FailureRun,
        attempts: &[Attempt],
        now: Timestamp,
    ) -> EndpointAfter {
        let mut after = EndpointAfter { run: *run, failed: None, is_back: false, probe_at: None };
        for attempt in attempts {
            let verdict;
            (*run, verdict) = after_attempt(*run, attempt.then == AfterAttempt::Delivered, attempt.at);
            match verdict {
                Verdict::Goes => {}
                Verdict::Back => after.is_back = true,
                Verdict::Off => after.failed = Some(self.switched_off(row, *run, now)),
            }
        }
        let probe_at = is_down(*run, now).then(|| now + PROBE_INTERVAL);
        EndpointAfter { run: *run, probe_at, ..after }
    }

    fn switched_off(&self, row: &WebhookEndpoint, run: FailureRun, now: Timestamp) -> NewEvent {
        let data = WebhookEndpointEvent {
            data: StateChange { code: "failed", sub_code: None, updated_at: now },
            webhook_endpoint: WebhookEndpointOfEvent { id: row.id, description: Some(&row.description) },
            message: Some("nothing reached this endpoint for five days"),
            switched_off_by: None,
            failing_since: run.first_at,
            advice: Some("see why in its deliveries, switch it on again, and replay the time since"),
        };
        let kind = (WEBHOOK_ENDPOINT_DISABLED, &row.id as &dyn ToString);
        NewEvent::other(EventId::generate(&self.parts.env), row.workspace, kind, &data, now)
    }

    /// Sends one event, once.
    #[tracing::instrument(name = "deliver", skip_all, fields(event = %delivery.event.event.id, attempt = delivery.attempts + 1))]
    async fn attempt(&self, to: &Receiver, delivery: &Delivery) -> Attempt {
        let Parts { env, metrics, .. } = &*self.parts;
        let begun = env.clock.elapsed();
        KillPoint::BeforeDelivery.reach();
        let Sent { outcome, answer, is_final } = attempt::send(&self.parts, to, &delivery.event).await;
        KillPoint::AfterDelivery.reach();
        metrics.webhook_attempt(outcome);
        let took = env.clock.elapsed().saturating_sub(begun).as_millis();
        let answer = Answer { took_ms: u64::try_from(took).unwrap_or(u64::MAX), ..answer };
        let at = env.now();
        let then = if outcome == DeliveryOutcome::Delivered {
            AfterAttempt::Delivered
        } else {
            tracing::info!(endpoint = %to.row.id, ?outcome, status = answer.status, "could not deliver an event");
            if is_final { AfterAttempt::GivenUp } else { after_failure(delivery.attempts + 1, at) }
        };
        Attempt { event: delivery.event.event.id, at, answer, then }
    }
}
