//! `GET /v2/users/me` and `/v2/users/{id or e-mail}`.

use axum::Json;
use axum::extract::{Path, State};
use axum::http::HeaderMap;
use axum::response::{IntoResponse, Response};
use serde::Serialize;

use super::bearer::Bearer;
use super::error::RestError;
use crate::faults::{self, Place};
use crate::ids::{AccountId, UserId};
use crate::sim::{SharedSim, Sim};
use crate::world::user::User;

/// Any of these lets a token read a user (D).
const SCOPES: &[&str] =
    &["user:read:user", "user:read:user:admin", "user:read", "user:read:admin", "user_profile"];

/// The user as REST tells it: the part of Zoom's answer that integrations use (D).
#[derive(Serialize)]
struct Answer {
    id: UserId,
    account_id: AccountId,
    email: String,
    display_name: String,
    first_name: String,
    last_name: String,
    pic_url: String,
    pmi: u64,
    /// `active` or `inactive`.
    status: &'static str,
    #[serde(rename = "type")]
    user_type: u8,
    language: &'static str,
    timezone: &'static str,
}

impl From<User> for Answer {
    fn from(user: User) -> Self {
        Self {
            pic_url: user.avatar_url(),
            status: if user.active { "active" } else { "inactive" },
            user_type: user.plan.user_type(),
            id: user.id,
            account_id: user.account_id,
            email: user.email,
            display_name: user.display_name,
            first_name: user.first_name,
            last_name: user.last_name,
            pmi: user.pmi,
            language: "en-US",
            timezone: "UTC",
        }
    }
}

pub(crate) async fn handler(
    State(sim): State<SharedSim>,
    Path(who): Path<String>,
    headers: HeaderMap,
) -> Response {
    faults::around(&sim, Place::UsersMe, async { read(&sim, &who, &headers).into_response() }).await
}

fn read(sim: &Sim, who: &str, headers: &HeaderMap) -> Result<Json<Answer>, RestError> {
    let world = sim.world();
    let bearer = Bearer::read(&world, headers, sim.now())?.unexpired()?.with_scope(SCOPES)?;
    Ok(Json(bearer.user(&world, who)?.into()))
}
