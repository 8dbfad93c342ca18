//! The task that sends due webhooks by Zoom's time, on a timer and when notified.

use std::future::pending;
use std::time::Duration;

use jiff::Timestamp;
use serde::Deserialize;

use super::endpoint::{Endpoint, VALIDATED_FOR, Validation};
use super::event;
use super::outbox::{Attempt, Delivery};
use super::wire::{Reply, Signed, hex_hmac};
use crate::clock::Clock;
use crate::ids::ClientId;
use crate::state::{SharedSim, Sim};

/// Starts the delivery task, which runs until the simulator stops. Attempts in progress are then abandoned.
pub(crate) fn start(sim: &SharedSim) {
    let rounds = rounds(sim.clone());
    sim.tasks.spawn(sim.stopping.clone().run_until_cancelled_owned(rounds));
}

async fn rounds(sim: SharedSim) {
    loop {
        let next = round(&sim);
        let nap = async {
            match next {
                Some(at) => Clock::wait(nap_until(at, sim.now())).await,
                None => pending().await,
            }
        };
        tokio::select! {
            () = nap => {}
            () = sim.mail.notified() => {}
        }
    }
}

/// The time to wait until `at`, plus one second: Zoom's clock has whole seconds.
fn nap_until(at: Timestamp, now: Timestamp) -> Duration {
    Duration::try_from(at.duration_since(now)).unwrap_or_default() + Duration::from_secs(1)
}

/// Starts everything that is due, each in its own task, and returns when the next delivery is due.
fn round(sim: &SharedSim) -> Option<Timestamp> {
    let now = sim.now();
    let mut world = sim.world();
    for id in world.outbox.take_due(now) {
        tracked(sim, attempt(sim.clone(), id, Signed::Genuine));
    }
    for (client_id, endpoint) in &mut world.webhooks {
        if endpoint.next_validation_at.is_some_and(|at| at <= now) {
            endpoint.next_validation_at = Some(now + VALIDATED_FOR);
            tracked(sim, validate(sim.clone(), client_id.clone()));
        }
    }
    let validations = world.webhooks.values().filter_map(|endpoint| endpoint.next_validation_at);
    validations.chain(world.outbox.next_due()).min()
}

fn tracked(sim: &SharedSim, work: impl Future<Output: Send> + Send + 'static) {
    sim.tasks.spawn(sim.stopping.clone().run_until_cancelled_owned(work));
}

/// Makes one attempt at a delivery and records the result. `None` if the delivery or the app's webhook no longer exists.
pub(crate) async fn attempt(sim: SharedSim, id: usize, signed: Signed) -> Option<Delivery> {
    let (endpoint, body) = {
        let mut world = sim.world();
        let delivery = world.outbox.get(id)?.clone();
        let Some(endpoint) = world.webhooks.get(&delivery.client_id).cloned() else {
            world.outbox.drop_it(id);
            return None;
        };
        (endpoint, delivery.body)
    };
    let (at, reply) = send(&sim, &endpoint, &body, signed).await;
    let settled = {
        let mut world = sim.world();
        world.outbox.settle(id, Attempt { at, signed, reply });
        world.outbox.get(id).cloned()
    };
    sim.mail.notify_one();
    settled
}

async fn send(sim: &Sim, endpoint: &Endpoint, body: &str, signed: Signed) -> (Timestamp, Reply) {
    let at = sim.now();
    let patience = {
        let mut world = sim.world();
        world.history.stats.webhooks_sent += 1;
        Duration::from_millis(world.switches.webhook_patience_ms)
    };
    let reply = sim.wire.send(endpoint, body, signed, at, patience).await;
    tracing::info!(status = reply.status, error = reply.error, ?signed, "webhook sent");
    sim.world().history.stats.webhooks_taken += u64::from(reply.is_taken());
    (at, reply)
}

/// The answer that proves a URL (D).
#[derive(Deserialize)]
struct LinkVerification {
    #[serde(rename = "plainToken")]
    plain: String,
    #[serde(rename = "encryptedToken")]
    encrypted: String,
}

/// Validates an app's URL: it must prove that it knows the secret token. `None` if the app has no webhook, or another one
/// by now.
pub(crate) async fn validate(sim: SharedSim, client_id: ClientId) -> Option<Validation> {
    let event_ts = sim.moment().unix_ms;
    let (endpoint, plain, body, id) = {
        let mut world = sim.world();
        let endpoint = world.webhooks.get(&client_id)?.clone();
        let plain = world.entropy.id();
        let body = event::url_validation(&plain, event_ts);
        let id = world.outbox.hand_over(client_id.clone(), event::URL_VALIDATION, body.clone());
        (endpoint, plain, body, id)
    };
    let (at, reply) = send(&sim, &endpoint, &body, Signed::Genuine).await;
    let reason = fault_of(&endpoint, &plain, &reply);
    let validation = Validation { at, passed: reason.is_none(), reason };
    {
        let mut world = sim.world();
        world.outbox.settle(id, Attempt { at, signed: Signed::Genuine, reply });
        let current = world.webhooks.get_mut(&client_id)?;
        if current.url != endpoint.url || current.secret_token != endpoint.secret_token {
            return None;
        }
        current.note(validation.clone());
    }
    sim.mail.notify_one();
    Some(validation)
}

fn fault_of(endpoint: &Endpoint, plain: &str, reply: &Reply) -> Option<&'static str> {
    if reply.error.is_some() {
        return reply.error;
    }
    if reply.status != Some(200) {
        return Some("the status is not 200");
    }
    let proof: Option<LinkVerification> =
        reply.answer.as_deref().and_then(|text| serde_json::from_str(text).ok());
    match proof {
        None => Some("the answer is not JSON with plainToken and encryptedToken"),
        Some(proof) if proof.plain != plain => Some("plainToken does not match"),
        Some(proof) if proof.encrypted != hex_hmac(&endpoint.secret_token, plain) => {
            Some("encryptedToken was not computed with this secret token")
        }
        Some(_) => None,
    }
}
