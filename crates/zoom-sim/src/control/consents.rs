//! `/_sim/consents`: creates many users who have consented, without a browser for each.

use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;
use serde::{Deserialize, Serialize};

use super::error::{Body, ControlError};
use crate::ids::{AccountId, ClientId, UserId};
use crate::oauth::access_token;
use crate::state::SharedSim;
use crate::world::World;
use crate::world::grant::{Grant, Owner};
use crate::world::user::User;

/// Most consents in one request.
const MAX_CONSENTS: u32 = 100_000;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Wanted {
    client_id: ClientId,
    count: u32,
}

/// The tokens that the app would have received.
#[derive(Serialize)]
pub(crate) struct Consented {
    user_id: UserId,
    account_id: AccountId,
    access_token: String,
    refresh_token: String,
    scopes: Vec<String>,
}

/// Creates `count` users, and a grant of each to the app.
pub(crate) async fn create(
    State(sim): State<SharedSim>,
    Body(Wanted { client_id, count }): Body<Wanted>,
) -> Result<(StatusCode, Json<Vec<Consented>>), ControlError> {
    if count > MAX_CONSENTS {
        return Err(ControlError::Bad(format!("count must be at most {MAX_CONSENTS}")));
    }
    let now = sim.now();
    let mut world = sim.world();
    let app = world.app(&client_id).ok_or(ControlError::Unknown("app"))?.clone();
    let consented = (0..count).filter_map(|_| {
        let World { users, entropy, grants, home_account, .. } = &mut *world;
        let (user_id, pmi) = (UserId(entropy.id()), entropy.number(4_000_000_000, 1_000_000_000));
        let mut user = User::new(user_id.clone(), home_account.clone(), pmi, now);
        user.email = format!("{user_id}@example.test");
        user.fill_names();
        let account_id = user.account_id.clone();
        users.push(user);
        let owner = Owner::User(user_id.clone());
        let grant =
            Grant { client_id: client_id.clone(), owner, scopes: app.scopes.clone(), newest_access: None };
        let grant = grants.start(entropy, grant);
        let refresh_token = grants.issue_refresh(entropy, &grant, now);
        let access_token = access_token::issue(&mut world, &grant, now)?;
        let scopes = app.scopes.clone();
        Some(Consented { user_id, account_id, access_token, refresh_token, scopes })
    });
    Ok((StatusCode::CREATED, Json(consented.collect())))
}
