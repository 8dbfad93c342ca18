//! `/_sim/apps/{client_id}/webhook` and `/_sim/webhooks`: webhooks of apps and their deliveries.

use axum::Json;
use axum::extract::{Path, State};
use axum::http::StatusCode;
use serde::Deserialize;

use super::error::{Body, ControlError};
use crate::ids::{ClientId, UserId};
use crate::state::{SharedSim, Sim};
use crate::webhooks::delivery;
use crate::webhooks::endpoint::{Endpoint, LoopbackUrl, Validation};
use crate::webhooks::event::{self, Topic};
use crate::webhooks::outbox::Delivery;
use crate::webhooks::wire::Signed;
use crate::world::World;
use crate::world::user::User;

const NO_WEBHOOK: ControlError = ControlError::Unknown("webhook: PUT one for the app first");

/// The webhook settings that an app's owner enters in the Marketplace.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Wanted {
    url: LoopbackUrl,
    /// Generated if absent.
    secret_token: Option<String>,
    /// All events if absent.
    events: Option<Vec<Topic>>,
}

pub(crate) async fn show(
    State(sim): State<SharedSim>,
    Path(id): Path<ClientId>,
) -> Result<Json<Endpoint>, ControlError> {
    Ok(Json(sim.world().webhooks.get(&id).ok_or(NO_WEBHOOK)?.clone()))
}

/// Sets the URL and validates it before answering. The answer contains a failure; `…/validate` repeats the validation.
pub(crate) async fn register(
    State(sim): State<SharedSim>,
    Path(id): Path<ClientId>,
    Body(wanted): Body<Wanted>,
) -> Result<Json<Endpoint>, ControlError> {
    if wanted.secret_token.as_deref() == Some("") {
        return Err(ControlError::Bad("secret_token must not be empty".to_owned()));
    }
    {
        let mut world = sim.world();
        world.app(&id).ok_or(ControlError::Unknown("app"))?;
        let secret_token = wanted.secret_token.unwrap_or_else(|| world.entropy.id());
        let events = wanted.events.unwrap_or_else(|| Topic::SUBSCRIBABLE.to_vec());
        world.webhooks.insert(id.clone(), Endpoint::new(wanted.url, secret_token, events));
    }
    ask(&sim, id.clone()).await?;
    show(State(sim), Path(id)).await
}

pub(crate) async fn unregister(
    State(sim): State<SharedSim>,
    Path(id): Path<ClientId>,
) -> Result<StatusCode, ControlError> {
    sim.world().webhooks.remove(&id).ok_or(NO_WEBHOOK)?;
    Ok(StatusCode::NO_CONTENT)
}

pub(crate) async fn validate(
    State(sim): State<SharedSim>,
    Path(id): Path<ClientId>,
) -> Result<Json<Validation>, ControlError> {
    Ok(Json(ask(&sim, id).await?))
}

/// Runs in a task: the result is recorded even if the caller disconnects.
async fn ask(sim: &SharedSim, id: ClientId) -> Result<Validation, ControlError> {
    let asked = sim.tasks.spawn(delivery::validate(sim.clone(), id)).await;
    asked.ok().flatten().ok_or(NO_WEBHOOK)
}

/// An event on demand, without any real change.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Sent {
    event: Topic,
    /// The user need not exist.
    user_id: UserId,
    #[serde(default)]
    signed: Signed,
}

/// Delivers the event at once, in one attempt, even to a URL that was not validated.
pub(crate) async fn send(
    State(sim): State<SharedSim>,
    Path(client_id): Path<ClientId>,
    Body(sent): Body<Sent>,
) -> Result<Json<Delivery>, ControlError> {
    let id = {
        let mut world = sim.world();
        world.webhooks.get(&client_id).ok_or(NO_WEBHOOK)?;
        let body = body(&sim, &mut world, &client_id, &sent);
        world.outbox.hand_over(client_id, sent.event.name(), body)
    };
    deliver(&sim, id, sent.signed).await
}

/// Delivers the same bytes again with a new signature, as after an answer of the app that was lost.
pub(crate) async fn repeat(
    State(sim): State<SharedSim>,
    Path(id): Path<usize>,
) -> Result<Json<Delivery>, ControlError> {
    let again = {
        let mut world = sim.world();
        let first = world.outbox.get(id).ok_or(ControlError::Unknown("delivery"))?.clone();
        world.webhooks.get(&first.client_id).ok_or(NO_WEBHOOK)?;
        world.outbox.hand_over(first.client_id, first.event, first.body)
    };
    deliver(&sim, again, Signed::Genuine).await
}

pub(crate) async fn list(State(sim): State<SharedSim>) -> Json<Vec<Delivery>> {
    Json(sim.world().outbox.all().to_vec())
}

async fn deliver(sim: &SharedSim, id: usize, signed: Signed) -> Result<Json<Delivery>, ControlError> {
    let sent = sim.tasks.spawn(delivery::attempt(sim.clone(), id, signed)).await;
    sent.ok().flatten().map(Json).ok_or(NO_WEBHOOK)
}

fn body(sim: &Sim, world: &mut World, client_id: &ClientId, sent: &Sent) -> String {
    let event_ts = sim.moment().unix_ms;
    let user = world
        .user(&sent.user_id)
        .cloned()
        .unwrap_or_else(|| User::new(sent.user_id.clone(), world.home_account.clone(), 0, sim.now()));
    if sent.event == Topic::AppDeauthorized {
        let signature = world.entropy.secret();
        return event::app_deauthorized(&user.account_id, &user.id, client_id, &signature, event_ts);
    }
    event::user_event(sent.event, &user, event_ts)
}
