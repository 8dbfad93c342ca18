//! Common handling of REST calls: counting, limits, delays and faults.

use std::time::Duration;

use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse, Response};
use serde::de::DeserializeOwned;
use serde_json::{Map, Value};

use super::bearer::Bearer;
use super::error::RestError;
use super::quotas::Label;
use crate::clock::Clock;
use crate::faults::{self, Place};
use crate::state::Sim;
use crate::too_many_requests::{self, Headroom, RetryAfter};

/// The kinds of REST calls.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Call {
    ReadUser,
    ListUsers,
    CreateUser,
    MintUserToken,
    MintJoinToken,
    ListMeetings,
    CreateMeeting,
    ReadMeeting,
    ChangeMeeting,
    DeleteMeeting,
}

impl Call {
    /// The name in `rest_calls` of the statistics.
    fn name(self) -> &'static str {
        match self {
            Self::ReadUser => "read_user",
            Self::ListUsers => "list_users",
            Self::CreateUser => "create_user",
            Self::MintUserToken => "mint_user_token",
            Self::MintJoinToken => "mint_join_token",
            Self::ListMeetings => "list_meetings",
            Self::CreateMeeting => "create_meeting",
            Self::ReadMeeting => "read_meeting",
            Self::ChangeMeeting => "change_meeting",
            Self::DeleteMeeting => "delete_meeting",
        }
    }

    /// The rate limit label (D REF).
    fn label(self) -> Label {
        match self {
            Self::ListUsers | Self::ListMeetings => Label::Medium,
            Self::ReadUser
            | Self::CreateUser
            | Self::MintUserToken
            | Self::MintJoinToken
            | Self::CreateMeeting
            | Self::ReadMeeting
            | Self::ChangeMeeting
            | Self::DeleteMeeting => Label::Light,
        }
    }

    /// The place for faults.
    fn place(self) -> Place {
        match self {
            Self::ReadUser => Place::UsersMe,
            Self::ListUsers | Self::CreateUser => Place::Users,
            Self::MintUserToken => Place::Zak,
            Self::MintJoinToken => Place::JoinToken,
            Self::ListMeetings
            | Self::CreateMeeting
            | Self::ReadMeeting
            | Self::ChangeMeeting
            | Self::DeleteMeeting => Place::Meetings,
        }
    }
}

/// Runs `work` and returns its answer, unless a limit or a fault intervenes.
pub(super) async fn answer<T: IntoResponse>(
    sim: &Sim,
    call: Call,
    headers: &HeaderMap,
    work: impl FnOnce() -> Result<T, RestError>,
) -> Response {
    let delay = {
        let mut world = sim.world();
        *world.history.stats.rest_calls.entry(call.name()).or_default() += 1;
        world.switches.rest_delay_ms
    };
    if delay > 0 {
        Clock::wait(Duration::from_millis(delay)).await;
    }
    let response = match count(sim, call, headers) {
        Ok(headroom) => {
            let mut response = faults::around(sim, call.place(), async { work().into_response() }).await;
            if let Some(headroom) = headroom.filter(|_| response.status() != StatusCode::TOO_MANY_REQUESTS) {
                headroom.write(response.headers_mut());
            }
            response
        }
        Err(reached) => {
            let retry_after = if reached.daily { RetryAfter::Date } else { RetryAfter::Seconds };
            too_many_requests::too_many(&reached, Some(retry_after))
        }
    };
    let refused = response.status() == StatusCode::TOO_MANY_REQUESTS;
    sim.world().history.stats.rest_429 += u64::from(refused);
    response
}

/// Counts a call for the account of its token. A call with an invalid bearer token counts for no account (I).
fn count(sim: &Sim, call: Call, headers: &HeaderMap) -> Result<Option<Headroom>, Headroom> {
    let at = sim.moment();
    let mut world = sim.world();
    let account = Bearer::read(&world, headers, at.now).and_then(|bearer| bearer.account(&world).cloned());
    let Ok(account) = account else { return Ok(None) };
    world.count_call(&account, call.label(), at)
}

/// Parses a JSON object; an empty body reads as `{}`.
pub(super) fn body<T: DeserializeOwned>(body: &[u8]) -> Result<T, RestError> {
    let body = if body.is_empty() { b"{}" } else { body };
    let object: Option<Map<String, Value>> = serde_json::from_slice(body).ok();
    let read = object.and_then(|fields| serde_json::from_value(Value::Object(fields)).ok());
    read.ok_or(RestError::Validation("Request Body should be a valid JSON object."))
}
