//! One request for each event. The next is sent when the one before has arrived.

use std::time::Duration;

use metrics::DeliveryOutcome;
use outbound::{Message as Post, PostAnswer};
use store::RealtimeNext;
use tokio::sync::Notify;
use tokio_util::sync::CancellationToken;

use crate::{
    message::Message,
    teller::{Stopped, Teller, outcome_of},
};

/// After so long, others have their turn first.
const TURN: Duration = Duration::from_secs(5);

/// Sends the events of an endpoint until there are no more or the turn is over.
#[tracing::instrument(name = "realtime_webhook", skip_all)]
pub(crate) async fn tell(
    mut teller: Teller<'_>,
    more: &Notify,
    stopping: &CancellationToken,
) -> Result<(), Stopped> {
    let clock = teller.parts.env.clock.clone();
    let begun = clock.elapsed();
    let is_over = || stopping.is_cancelled() || clock.elapsed().saturating_sub(begun) >= TURN;
    while !is_over() {
        let events = teller.after(teller.told()).await?;
        if events.is_empty() {
            if teller.is_over(teller.told()).await? {
                return teller.is_done().await;
            }
            break;
        }
        let mut seen = teller.told();
        for event in &events {
            if is_over() {
                break;
            }
            if let Some(message) = teller.message(event) {
                if let Err(error) = attempt(&teller, &message).await? {
                    teller.has_skipped(seen).await?;
                    return teller.has_failed(&error).await;
                }
                teller.has_told(event.number).await?;
            }
            seen = event.number;
        }
        if seen > teller.told() {
            teller.has_skipped(seen).await?;
        }
    }
    if teller.settle(RealtimeNext::Released).await? {
        more.notify_one();
    }
    Ok(())
}

/// Sends one event, once. An error says why it has not arrived.
#[tracing::instrument(name = "tell_event", skip_all, fields(number = message.number))]
async fn attempt(teller: &Teller<'_>, message: &Message) -> Result<Result<(), String>, Stopped> {
    let keys = teller.keys().await?;
    let id = teller.id_of(message.number);
    let headers = [("latchkey-sequence", message.number.to_string())];
    let post = Post { id: &id, body: &message.body, headers: &headers, svix: false };
    let sent = teller.parts.callbacks.post(teller.url.expose(), &keys, post).await;
    let (outcome, error) = match sent {
        Ok(PostAnswer { status: 200..=299, .. }) => (DeliveryOutcome::Delivered, None),
        Ok(PostAnswer { status, .. }) => {
            let outcome =
                if status / 100 == 3 { DeliveryOutcome::Redirect } else { DeliveryOutcome::Refused };
            (outcome, Some(format!("the answer is HTTP {status}")))
        }
        Err(error) => (outcome_of(&error), Some(error.to_string())),
    };
    teller.parts.metrics.realtime_attempt(outcome);
    Ok(error.map_or(Ok(()), Err))
}
