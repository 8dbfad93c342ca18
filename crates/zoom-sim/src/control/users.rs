//! `/_sim/users` and `/_sim/signed-in`: users, and which of them is signed in in the browser.

use axum::Json;
use axum::extract::{Path, State};
use axum::http::StatusCode;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::error::{Body, ControlError, patched};
use crate::ids::ClientId;
use crate::ids::UserId;
use crate::state::SharedSim;
use crate::webhooks::event::{self, Topic};
use crate::world::user::User;

/// A user with the URL of their picture.
#[derive(Serialize)]
pub(crate) struct View {
    #[serde(flatten)]
    user: User,
    pic_url: String,
}

impl From<User> for View {
    fn from(user: User) -> Self {
        Self { pic_url: user.avatar_url(), user }
    }
}

pub(crate) async fn list(State(sim): State<SharedSim>) -> Json<Vec<View>> {
    Json(sim.world().users.iter().cloned().map(View::from).collect())
}

pub(crate) async fn show(
    State(sim): State<SharedSim>,
    Path(id): Path<UserId>,
) -> Result<Json<View>, ControlError> {
    Ok(Json(sim.world().user(&id).ok_or(ControlError::Unknown("user"))?.clone().into()))
}

/// Creates a user. Only `email` is required, `display_name` is usual; other fields get defaults or are derived.
pub(crate) async fn create(
    State(sim): State<SharedSim>,
    Body(body): Body<Value>,
) -> Result<(StatusCode, Json<View>), ControlError> {
    let mut world = sim.world();
    let id = UserId(world.entropy.id());
    let pmi = world.entropy.number(4_000_000_000, 1_000_000_000);
    let mut user: User = patched(&User::new(id, world.home_account.clone(), pmi, sim.now()), body)?;
    if !user.email.contains('@') {
        return Err(ControlError::Bad("email must be an e-mail address".to_owned()));
    }
    if world.users.iter().any(|other| other.id == user.id || other.email.eq_ignore_ascii_case(&user.email)) {
        return Err(ControlError::Bad("a user with this id or email already exists".to_owned()));
    }
    user.fill_names();
    world.add_user(user.clone(), sim.moment());
    sim.happened();
    Ok((StatusCode::CREATED, Json(user.into())))
}

/// Changes any field except `id`. `{"active": false}` ends every grant of the user and invalidates their ZAKs. Subscribed
/// apps are notified.
pub(crate) async fn change(
    State(sim): State<SharedSim>,
    Path(id): Path<UserId>,
    Body(body): Body<Value>,
) -> Result<Json<View>, ControlError> {
    let at = sim.moment();
    let mut world = sim.world();
    let user = world.user_mut(&id).ok_or(ControlError::Unknown("user"))?;
    let changed: User = patched(user, body)?;
    if changed.id != id {
        return Err(ControlError::Bad("id cannot be changed".to_owned()));
    }
    let before = std::mem::replace(user, changed.clone());
    let updated = event::user_updated(&before, &changed, at.unix_ms).map(|body| (Topic::UserUpdated, body));
    let toggled = match (before.active, changed.active) {
        (true, false) => Some(Topic::UserDeactivated),
        (false, true) => Some(Topic::UserActivated),
        _ => None,
    };
    let toggled = toggled.map(|topic| (topic, event::user_event(topic, &changed, at.unix_ms)));
    for (topic, body) in updated.into_iter().chain(toggled) {
        let listeners = world.listeners(&changed, topic);
        world.announce(listeners, topic, &body, at.now);
    }
    // After the listeners were determined: an app whose grant ends now still receives the event.
    if !changed.active {
        world.grants.end_user(&id);
    }
    sim.happened();
    Ok(Json(changed.into()))
}

/// Deletes a user: their grants end, their ZAKs become invalid (ours), and subscribed apps are notified.
pub(crate) async fn delete(
    State(sim): State<SharedSim>,
    Path(id): Path<UserId>,
) -> Result<StatusCode, ControlError> {
    let at = sim.moment();
    let mut world = sim.world();
    let user = world.user(&id).ok_or(ControlError::Unknown("user"))?.clone();
    let listeners = world.listeners(&user, Topic::UserDeleted);
    let body = event::user_event(Topic::UserDeleted, &user, at.unix_ms);
    world.announce(listeners, Topic::UserDeleted, &body, at.now);
    world.grants.end_user(&id);
    world.users.retain(|user| user.id != id);
    world.signed_in.take_if(|signed_in| *signed_in == id);
    sim.happened();
    Ok(StatusCode::NO_CONTENT)
}

/// The user removes an app in the Marketplace: its grant for them ends, and the app is notified (D).
pub(crate) async fn remove_app(
    State(sim): State<SharedSim>,
    Path((id, client_id)): Path<(UserId, ClientId)>,
) -> Result<StatusCode, ControlError> {
    let at = sim.moment();
    let mut world = sim.world();
    world.user(&id).ok_or(ControlError::Unknown("user"))?;
    if !world.grants.end_consent(&id, &client_id) {
        return Err(ControlError::Unknown("grant of this user to this app"));
    }
    world.announce_removal(&client_id, &id, at);
    sim.happened();
    Ok(StatusCode::NO_CONTENT)
}

/// "Sign me out from all devices": every ZAK minted so far becomes invalid (D). Grants stay valid (I).
pub(crate) async fn sign_out_everywhere(
    State(sim): State<SharedSim>,
    Path(id): Path<UserId>,
) -> Result<Json<View>, ControlError> {
    let mut world = sim.world();
    let user = world.user_mut(&id).ok_or(ControlError::Unknown("user"))?;
    user.sign_outs += 1;
    Ok(Json(user.clone().into()))
}

/// The user who is signed in in the browser and consents.
#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct SignedIn {
    user_id: Option<UserId>,
}

pub(crate) async fn signed_in(State(sim): State<SharedSim>) -> Json<SignedIn> {
    Json(SignedIn { user_id: sim.world().signed_in_user().map(|user| user.id.clone()) })
}

/// Chooses the signed-in user; `null` resets it to the first user.
pub(crate) async fn sign_in(
    State(sim): State<SharedSim>,
    Body(body): Body<SignedIn>,
) -> Result<Json<SignedIn>, ControlError> {
    let mut world = sim.world();
    if body.user_id.as_ref().is_some_and(|id| world.user(id).is_none()) {
        return Err(ControlError::Unknown("user"));
    }
    world.signed_in.clone_from(&body.user_id);
    Ok(Json(body))
}
