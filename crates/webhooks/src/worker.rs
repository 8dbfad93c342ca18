//! Sends what is due to an endpoint that is leased.
//!
//! An endpoint gets a turn: what is due there is sent, some at once, until nothing is due or the turn is over. What came back
//! is written down as it comes, and only then is the next event of the same subject due.

use std::{sync::Arc, time::Duration};

use futures_util::{StreamExt as _, stream};
use metrics::DeliveryOutcome;
use model::{
    EndpointKind, EventId, Failure, KillPoint, LeaseToken, Secret, Timestamp, WEBHOOK_ENDPOINT_DISABLED,
};
use outbound::{CallbackError, Message, POST_TIMEOUT, PostAnswer, signature::SigningKey};
use serde_json::json;
use store::{
    AfterAttempt, Answer, Attempt, Delivery, EndpointAfter, FailureRun, Lease, NewEvent, WebhookEndpoint,
};
use tokio::sync::Notify;
use tokio_util::sync::CancellationToken;
use workers::{Claimed, Work};

use crate::{
    Parts,
    lanes::{LanePlace, Lanes, MAX_OF_A_HOST},
    plain::plain,
    schedule::{Verdict, after_attempt, after_failure},
    secrets::Secrets,
    told,
};

/// Requests at once to one endpoint.
const MAX_IN_FLIGHT: usize = 16;
/// Deliveries of one batch. Even if the endpoint never answers, the batch ends within the lease.
const BATCH: u32 = 32;
/// How long an endpoint is held, from one batch to the next.
const LEASE: Duration = Duration::from_secs(60);
/// After so long, others have their turn first.
const TURN: Duration = Duration::from_secs(5);

/// Endpoints for which something is due.
pub(crate) struct DueEndpoints {
    pub(crate) parts: Arc<Parts>,
    /// Told when something is due again at once.
    pub(crate) more: Arc<Notify>,
    /// No further batch is begun.
    pub(crate) stopping: CancellationToken,
    pub(crate) lanes: Lanes,
}

/// An endpoint, opened.
struct Receiver {
    row: WebhookEndpoint,
    url: Secret,
    secrets: Secrets,
    keys: Vec<SigningKey>,
}

impl Work for DueEndpoints {
    const NAME: &'static str = "webhooks";
    type Item = (WebhookEndpoint, Lease, LanePlace);
    type Error = Failure;

    async fn claim(&self, most: u32) -> Result<Vec<Claimed<Self::Item>>, Failure> {
        if self.stopping.is_cancelled() {
            return Ok(Vec::new());
        }
        let Parts { store, env, .. } = &*self.parts;
        let tokens: Vec<_> = (0..most).map(|_| LeaseToken::generate(env)).collect();
        let now = env.now();
        let full = self.lanes.full();
        let lanes = store::Lanes { full: &full, most: MAX_OF_A_HOST };
        let leased = store.lease_due_endpoints(&tokens, lanes, now, now + LEASE).await?;
        let claimed = leased.into_iter();
        let claimed = claimed.map(|(row, lease, due_at)| {
            let place = self.lanes.enter(&row.lane);
            Claimed { item: (row, lease, place), due_at }
        });
        Ok(claimed.collect())
    }

    #[tracing::instrument(name = "webhook_turn", skip_all, fields(endpoint = %row.id, workspace = %row.workspace))]
    async fn run(&self, (row, lease, _): &Self::Item) -> Result<(), Failure> {
        let Parts { store, env, .. } = &*self.parts;
        let begun = env.clock.elapsed();
        while !self.stopping.is_cancelled() && env.clock.elapsed().saturating_sub(begun) < TURN {
            let now = env.now();
            // Read anew, so that a leaked secret or a changed address is not used again.
            let Some(row) = store.renew_endpoint(row.id, lease, now + LEASE).await? else { return Ok(()) };
            if row.state != model::EndpointState::Enabled {
                break;
            }
            let due = store.due_deliveries(row.id, now, BATCH).await?;
            if due.is_empty() {
                break;
            }
            if !self.send(self.open(row)?, lease, due).await? {
                return Ok(());
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
    fn open(&self, row: WebhookEndpoint) -> Result<Receiver, Failure> {
        let endpoint = crate::Endpoint::open(&self.parts, row)?;
        let keys = endpoint.secrets.keys()?;
        Ok(Receiver { row: endpoint.row, url: endpoint.url, secrets: endpoint.secrets, keys })
    }

    /// Sends a batch, and stores each answer as it comes. `false` when the lease is lost.
    async fn send(&self, to: Receiver, lease: &Lease, due: Vec<Delivery>) -> Result<bool, Failure> {
        let attempts: Vec<_> = due.iter().map(|delivery| self.attempt(&to, delivery)).collect();
        let attempts = stream::iter(attempts).buffer_unordered(MAX_IN_FLIGHT);
        let mut attempts = std::pin::pin!(attempts.ready_chunks(BATCH as usize));
        let mut run = to.row.run;
        while let Some(attempts) = attempts.next().await {
            let now = self.parts.env.now();
            let after = self.judge(&to.row, &mut run, &attempts, now);
            let store = &self.parts.store;
            if !store.record_attempts(to.row.id, lease, &attempts, &after, now).await? {
                return Ok(false);
            }
            if after.failed.is_some() {
                tracing::warn!(endpoint = %to.row.id, "an endpoint failed for five days and is switched off");
                self.parts.metrics.webhook_endpoint_disabled();
                return Ok(true);
            }
        }
        Ok(true)
    }

    /// What becomes of the endpoint.
    fn judge(
        &self,
        row: &WebhookEndpoint,
        run: &mut FailureRun,
        attempts: &[Attempt],
        now: Timestamp,
    ) -> EndpointAfter {
        let mut after = EndpointAfter { run: *run, failed: None, is_back: false };
        for attempt in attempts {
            let verdict;
            (*run, verdict) = after_attempt(*run, attempt.then == AfterAttempt::Delivered, attempt.at);
            match verdict {
                Verdict::Goes => {}
                Verdict::Back => after.is_back = true,
                Verdict::Off => after.failed = Some(self.switched_off(row, *run, now)),
            }
        }
        EndpointAfter { run: *run, ..after }
    }

    fn switched_off(&self, row: &WebhookEndpoint, run: FailureRun, now: Timestamp) -> NewEvent {
        let data = json!({
            "data": { "code": "failed", "sub_code": null, "updated_at": now },
            "webhook_endpoint": { "id": row.id, "description": row.description },
            "message": "nothing reached this endpoint for five days",
            "failing_since": run.first_at,
            "advice": "see why in its deliveries, switch it on again, and replay the time since",
        });
        let kind = (WEBHOOK_ENDPOINT_DISABLED, &row.id as &dyn ToString);
        NewEvent::other(EventId::generate(&self.parts.env), row.workspace, kind, &data, now)
    }

    /// Sends one event, once.
    #[tracing::instrument(name = "deliver", skip_all, fields(event = %delivery.event.event.id, attempt = delivery.attempts + 1))]
    async fn attempt(&self, to: &Receiver, delivery: &Delivery) -> Attempt {
        let Parts { callbacks, env, metrics, .. } = &*self.parts;
        let event = &delivery.event.event;
        let (begun, id) = (env.clock.elapsed(), format!("msg_{}", event.id));
        let headers = [("latchkey-sequence", delivery.event.sequence.to_string())];
        let told = told::body(&self.parts, event).await;
        let (body, keys) = match to.row.kind {
            EndpointKind::Webhook => (told, &to.keys[..]),
            // None of the kind e-mail can be made yet, and its address would be refused as one of HTTP.
            EndpointKind::Slack | EndpointKind::Email => {
                (plain(&event.kind, &told).for_slack(), &[] as &[SigningKey])
            }
        };
        let message = Message { id: &id, body: &body, headers: &headers, svix: to.row.svix_headers };
        KillPoint::BeforeDelivery.reach();
        let sent = callbacks.post(to.url.expose(), keys, message).await;
        KillPoint::AfterDelivery.reach();
        let (outcome, answer) = read(sent, &to.secrets);
        metrics.webhook_attempt(outcome);
        let took = env.clock.elapsed().saturating_sub(begun).as_millis();
        let answer = Answer { took_ms: u64::try_from(took).unwrap_or(u64::MAX), ..answer };
        let at = env.now();
        let then = if outcome == DeliveryOutcome::Delivered {
            AfterAttempt::Delivered
        } else {
            tracing::info!(endpoint = %to.row.id, ?outcome, status = answer.status, "an event was not delivered");
            after_failure(delivery.attempts + 1, at)
        };
        Attempt { event: event.id, at, answer, then }
    }
}

fn read(sent: Result<PostAnswer, CallbackError>, secrets: &Secrets) -> (DeliveryOutcome, Answer) {
    match sent {
        Ok(PostAnswer { status, headers, body }) => {
            let (outcome, error) = match status {
                200..=299 => (DeliveryOutcome::Delivered, None),
                300..=399 => {
                    let error = format!("the answer is a redirect (HTTP {status}), which is never followed");
                    (DeliveryOutcome::Redirect, Some(error))
                }
                _ => (DeliveryOutcome::Refused, Some(format!("the answer is HTTP {status}"))),
            };
            let headers = headers.into_iter().map(|(name, value)| (name, secrets.removed_from(&value)));
            let body = secrets.removed_from(&body);
            (outcome, Answer { status: Some(status), headers: headers.collect(), body, error, took_ms: 0 })
        }
        Err(error) => {
            let outcome = match error {
                CallbackError::TooSlow => DeliveryOutcome::Timeout,
                CallbackError::Forbidden | CallbackError::BadUrl => DeliveryOutcome::Forbidden,
                _ => DeliveryOutcome::Unreachable,
            };
            let words = match error {
                CallbackError::TooSlow => format!("no answer within {} s", POST_TIMEOUT.as_secs()),
                error => error.to_string(),
            };
            (outcome, Answer { error: Some(words), ..Answer::default() })
        }
    }
}
