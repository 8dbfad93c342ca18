//! `GET /v2/users`, `/v2/users/me` and `/v2/users/{id or e-mail}`.

use axum::Json;
use axum::extract::{Path, Query, State};
use axum::http::HeaderMap;
use axum::response::Response;
use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use super::bearer::Bearer;
use super::call::{self, Call};
use super::error::RestError;
use super::page::{self, Page};
use super::scopes;
use crate::gate::meeting::Meeting;
use crate::ids::{AccountId, UserId};
use crate::state::{SharedSim, Sim};
use crate::world::user::User;

/// A user in REST: the part of Zoom's answer that integrations use (D). The last fields are the same for every user.
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
    created_at: Timestamp,
    language: &'static str,
    timezone: &'static str,
    verified: u8,
    role_id: &'static str,
    dept: &'static str,
    group_ids: [String; 0],
    /// This and the next field are returned for a single user only (D).
    #[serde(skip_serializing_if = "Option::is_none")]
    personal_meeting_url: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    vanity_url: Option<String>,
}

impl From<User> for Answer {
    fn from(user: User) -> Self {
        Self {
            pic_url: user.avatar_url(),
            status: status(&user),
            user_type: user.plan.user_type(),
            id: user.id,
            account_id: user.account_id,
            email: user.email,
            display_name: user.display_name,
            first_name: user.first_name,
            last_name: user.last_name,
            pmi: user.pmi,
            created_at: user.created_at,
            language: "en-US",
            timezone: "UTC",
            verified: 1,
            role_id: "2",
            dept: "",
            group_ids: [],
            personal_meeting_url: None,
            vanity_url: None,
        }
    }
}

fn status(user: &User) -> &'static str {
    if user.active { "active" } else { "inactive" }
}

/// One user.
pub(super) async fn read(
    State(sim): State<SharedSim>,
    Path(who): Path<String>,
    headers: HeaderMap,
) -> Response {
    call::answer(&sim, Call::ReadUser, &headers, || find(&sim, &who, &headers)).await
}

fn find(sim: &Sim, who: &str, headers: &HeaderMap) -> Result<Json<Answer>, RestError> {
    let world = sim.world();
    let bearer = Bearer::read(&world, headers, sim.now())?.unexpired()?.with_scope(scopes::READ_USER)?;
    let user = bearer.user(&world, who)?;
    let room = user.pmi.to_string();
    let room = world.meetings.values().find(|meeting| meeting.number.to_string() == room);
    let link = room.map_or_else(|| format!("https://zoom.us/j/{}", user.pmi), Meeting::join_url);
    let name = Some(&user.personal_name).filter(|name| !name.is_empty());
    let vanity_url = name.map(|name| format!("https://zoom.us/my/{name}"));
    Ok(Json(Answer { personal_meeting_url: Some(link), vanity_url, ..user.into() }))
}

#[derive(Debug, Deserialize)]
pub(super) struct QueryParams {
    /// `active` if absent (D).
    status: Option<String>,
    #[serde(flatten)]
    page: page::QueryParams,
}

/// All users of the account, by id (ours; Zoom's order is unknown).
pub(super) async fn list(
    State(sim): State<SharedSim>,
    Query(asked): Query<QueryParams>,
    headers: HeaderMap,
) -> Response {
    call::answer(&sim, Call::ListUsers, &headers, || all(&sim, &asked, &headers)).await
}

fn all(sim: &Sim, asked: &QueryParams, headers: &HeaderMap) -> Result<Json<Value>, RestError> {
    let now = sim.now();
    let world = sim.world();
    let bearer = Bearer::read(&world, headers, now)?.unexpired()?.with_scope(scopes::LIST_USERS)?;
    let wanted = match asked.status.as_deref() {
        None | Some("active") => "active",
        Some("inactive") => "inactive",
        Some("pending") => "pending",
        Some(_) => return Err(RestError::Validation("The status must be active, inactive or pending.")),
    };
    let account = bearer.account(&world)?;
    let users = world.users.iter().filter(|user| user.account_id == *account && status(user) == wanted);
    let mut rows: Vec<(String, &User)> = users.map(|user| (user.id.0.clone(), user)).collect();
    rows.sort_by(|one, other| one.0.cmp(&other.0));
    let page = Page::read(&asked.page, format!("users/{account}/{wanted}"), &world.signing_key, now)?;
    let row = |user: &&User| json!(Answer::from((*user).clone()));
    Ok(Json(page.show("users", &rows, row, &world.signing_key, now)))
}
