//! `/_sim/users` and `/_sim/signed-in`: who exists, and who sits at the browser.

use axum::Json;
use axum::extract::{Path, State};
use axum::http::StatusCode;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::error::{Body, ControlError, patched};
use crate::ids::UserId;
use crate::sim::SharedSim;
use crate::world::World;
use crate::world::user::{Plan, User};

/// A user with the address of their picture.
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

/// `email` is needed, and usually `display_name`; the rest follows from them.
pub(crate) async fn create(
    State(sim): State<SharedSim>,
    Body(body): Body<Value>,
) -> Result<(StatusCode, Json<View>), ControlError> {
    let mut world = sim.world();
    let World { entropy, home_account, .. } = &mut *world;
    let fresh = User {
        id: UserId(entropy.id()),
        account_id: home_account.clone(),
        email: String::new(),
        display_name: String::new(),
        first_name: String::new(),
        last_name: String::new(),
        plan: Plan::default(),
        pmi: entropy.number(4_000_000_000, 1_000_000_000),
        active: true,
        sso: false,
        sign_outs: 0,
    };
    let mut user: User = patched(&fresh, body)?;
    if !user.email.contains('@') {
        return Err(ControlError::Bad("email must be an e-mail address".to_owned()));
    }
    if world.users.iter().any(|other| other.id == user.id || other.email.eq_ignore_ascii_case(&user.email)) {
        return Err(ControlError::Bad("a user with this id or email exists".to_owned()));
    }
    user.fill_names();
    world.users.push(user.clone());
    Ok((StatusCode::CREATED, Json(user.into())))
}

/// Any field but `id`. `{"active": false}` ends every grant of the user and voids their ZAKs.
pub(crate) async fn change(
    State(sim): State<SharedSim>,
    Path(id): Path<UserId>,
    Body(body): Body<Value>,
) -> Result<Json<View>, ControlError> {
    let mut world = sim.world();
    let user = world.user_mut(&id).ok_or(ControlError::Unknown("user"))?;
    let changed: User = patched(user, body)?;
    if changed.id != id {
        return Err(ControlError::Bad("id cannot change".to_owned()));
    }
    *user = changed.clone();
    if !changed.active {
        world.grants.end_user(&id);
    }
    Ok(Json(changed.into()))
}

/// "Sign me out from all devices": every ZAK minted so far is void (D). Grants live on (I).
pub(crate) async fn sign_out_everywhere(
    State(sim): State<SharedSim>,
    Path(id): Path<UserId>,
) -> Result<Json<View>, ControlError> {
    let mut world = sim.world();
    let user = world.user_mut(&id).ok_or(ControlError::Unknown("user"))?;
    user.sign_outs += 1;
    Ok(Json(user.clone().into()))
}

/// Who consents.
#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct SignedIn {
    user_id: Option<UserId>,
}

pub(crate) async fn signed_in(State(sim): State<SharedSim>) -> Json<SignedIn> {
    Json(SignedIn { user_id: sim.world().signed_in_user().map(|user| user.id.clone()) })
}

/// `null` goes back to the first user.
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
