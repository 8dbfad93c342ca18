//! `/_sim/apps/{client_id}/webhook` and `/_sim/webhooks`: what Zoom tells apps unasked.

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

/// What an owner types into the Marketplace.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Wanted {
    url: LoopbackUrl,
    /// Made up when absent.
    secret_token: Option<String>,
    /// All when absent.
    events: Option<Vec<Topic>>,
}

pub(crate) async fn show(
    State(sim): State<SharedSim>,
    Path(id): Path<ClientId>,
) -> Result<Json<Endpoint>, ControlError> {
    Ok(Json(sim.world().webhooks.get(&id).ok_or(NO_WEBHOOK)?.clone()))
}

/// Sets the address and has it validated before answering; a failure is in the answer, and can be
/// made good with `…/validate`.
pub(crate) async fn register(
    State(sim): State<SharedSim>,
    Path(id): Path<ClientId>,
    Body(wanted): Body<Wanted>,
) -> Result<Json<Endpoint>, ControlError> {
    if wanted.secret_token.as_deref() == Some("") {
        return Err(ControlError::Bad("secret_token may not be empty".to_owned()));
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

/// In a task: who asked may hang up, and the answer is noted all the same.
async fn ask(sim: &SharedSim, id: ClientId) -> Result<Validation, ControlError> {
    let asked = sim.tasks.spawn(delivery::validate(sim.clone(), id)).await;
    asked.ok().flatten().ok_or(NO_WEBHOOK)
}

/// An event on demand: nothing has happened.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Sent {
    event: Topic,
    /// Need not exist.
    user_id: UserId,
    #[serde(default)]
    signed: Signed,
}

/// Delivers it at once, in one attempt, to an address that was validated or not.
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

/// The same bytes once more, signed anew: what an app gets whose answer was lost on its way.
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
