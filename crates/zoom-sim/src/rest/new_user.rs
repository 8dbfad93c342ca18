//! `POST /v2/users`: an administrator creates a user (D).

use axum::Json;
use axum::body::Bytes;
use axum::extract::State;
use axum::http::{HeaderMap, StatusCode};
use axum::response::Response;
use serde::Deserialize;
use serde_json::{Value, json};

use super::bearer::Bearer;
use super::call::{self, Call};
use super::error::RestError;
use super::scopes;
use crate::ids::UserId;
use crate::state::{SharedSim, Sim};
use crate::world::user::{Plan, User};

#[derive(Deserialize)]
struct QueryParams {
    action: Action,
    user_info: Info,
}

/// How the user joins the account. No e-mails are sent here, so every user is active at once (ours).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "camelCase")]
enum Action {
    Create,
    AutoCreate,
    /// Without a password: the user exists only for the API.
    CustCreate,
    SsoCreate,
}

#[derive(Deserialize)]
struct Info {
    email: String,
    #[serde(rename = "type")]
    user_type: u8,
    #[serde(default)]
    first_name: String,
    #[serde(default)]
    last_name: String,
    #[serde(default)]
    display_name: String,
}

pub(super) async fn create(State(sim): State<SharedSim>, headers: HeaderMap, body: Bytes) -> Response {
    call::answer(&sim, Call::CreateUser, &headers, || make(&sim, &headers, &body)).await
}

fn make(sim: &Sim, headers: &HeaderMap, body: &[u8]) -> Result<(StatusCode, Json<Value>), RestError> {
    let at = sim.moment();
    let mut world = sim.world();
    let bearer = Bearer::read(&world, headers, at.now)?.unexpired()?.with_scope(scopes::CREATE_USER)?;
    let account = bearer.account(&world)?.clone();
    let QueryParams { action, user_info: info } = call::body(body)?;
    if !info.email.contains('@') {
        return Err(RestError::Validation("The email is invalid."));
    }
    if world.users.iter().any(|user| user.email.eq_ignore_ascii_case(&info.email)) {
        return Err(RestError::UserExists(info.email));
    }
    let plan = match info.user_type {
        1 => Plan::Basic,
        2 => world.plan_of(&account).max(Plan::Pro),
        _ => return Err(RestError::Validation("The type must be 1 or 2.")),
    };
    let id = UserId(world.entropy.id());
    let pmi = world.entropy.number(4_000_000_000, 1_000_000_000);
    let mut user = User::new(id, account, pmi, at.now);
    (user.email, user.plan) = (info.email, plan);
    (user.first_name, user.last_name, user.display_name) =
        (info.first_name, info.last_name, info.display_name);
    user.fill_names();
    (user.api_created, user.sso) = (action == Action::CustCreate, action == Action::SsoCreate);
    let answer = json!({
        "id": user.id,
        "email": user.email,
        "first_name": user.first_name,
        "last_name": user.last_name,
        "display_name": user.display_name,
        "type": user.plan.user_type(),
    });
    world.add_user(user, at);
    sim.happened();
    Ok((StatusCode::CREATED, Json(answer)))
}
