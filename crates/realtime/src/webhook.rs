//! Sends one HTTP request for each event. The next request is sent after the previous one has succeeded.

use std::time::Duration;

use metrics::DeliveryOutcome;
use outbound::{Message as Post, PostAnswer};
use store::RealtimeNext;
use tokio::sync::Notify;
use tokio_util::sync::CancellationToken;

use crate::{
    leased_endpoint::{LeasedEndpoint, Stopped, outcome_of},
    message::Message,
};

/// The longest time for which an endpoint is served at a time, before other endpoints get their turn.
const MAX_TURN: Duration = Duration::from_secs(5);

/// Sends the events of an endpoint until there are no more or the turn is over.
#[tracing::instrument(name = "realtime_webhook", skip_all)]
pub(crate) async fn send(
    mut endpoint: LeasedEndpoint<'_>,
    more: &Notify,
    stopping: &CancellationToken,
) -> Result<(), Stopped> {
    let clock = endpoint.parts.env.clock.clone();
    let begun = clock.elapsed();
    let is_over = || stopping.is_cancelled() || clock.elapsed().saturating_sub(begun) >= MAX_TURN;
    while !is_over() {
        let events = endpoint.after(endpoint.delivered_up_to()).await?;
        if events.is_empty() {
            if endpoint.is_over(endpoint.delivered_up_to()).await? {
                return endpoint.record_done().await;
            }
            break;
        }
        let mut seen = endpoint.delivered_up_to();
        for event in &events {
            if is_over() {
                break;
            }
            if let Some(message) = endpoint.message(event) {
                if let Err(error) = attempt(&endpoint, &message).await? {
                    endpoint.record_skipped(seen).await?;
                    return endpoint.record_failure(&error).await;
                }
                endpoint.record_delivered(event.number).await?;
            }
            seen = event.number;
        }
        if seen > endpoint.delivered_up_to() {
            endpoint.record_skipped(seen).await?;
        }
    }
    if endpoint.settle(RealtimeNext::Released).await? {
        more.notify_one();
    }
    Ok(())
}

/// Sends one event, once. Returns the reason if it was not delivered.
#[tracing::instrument(name = "send_event", skip_all, fields(number = message.number))]
async fn attempt(endpoint: &LeasedEndpoint<'_>, message: &Message) -> Result<Result<(), String>, Stopped> {
    let keys = endpoint.keys().await?;
    let id = endpoint.id_of(message.number);
    let headers = [("latchkey-sequence", message.number.to_string())];
    let post = Post { id: &id, body: &message.body, headers: &headers, svix: false };
    let sent = endpoint.parts.callbacks.post(endpoint.url.expose(), &keys, post).await;
    let (outcome, error) = match sent {
        Ok(PostAnswer { status: 200..=299, .. }) => (DeliveryOutcome::Delivered, None),
        Ok(PostAnswer { status, .. }) => {
            let outcome =
                if status / 100 == 3 { DeliveryOutcome::Redirect } else { DeliveryOutcome::Refused };
            (outcome, Some(format!("the answer is HTTP {status}")))
        }
        Err(error) => (outcome_of(&error), Some(error.to_string())),
    };
    endpoint.parts.metrics.realtime_attempt(outcome);
    Ok(error.map_or(Ok(()), Err))
}
