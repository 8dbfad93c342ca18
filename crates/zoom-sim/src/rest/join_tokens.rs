//! `GET /v2/meetings/{id}/jointoken/{privilege}`: a token that lets a bot record, stream or archive (D REF).

use axum::Json;
use axum::extract::{Path, Query, State};
use axum::http::HeaderMap;
use axum::response::Response;
use serde::{Deserialize, Serialize};

use super::bearer::{self, Bearer};
use super::call::{self, Call};
use super::error::RestError;
use super::scopes;
use crate::join_token::{self, Privilege};
use crate::state::{SharedSim, Sim};
use crate::world::user::Plan;

#[derive(Debug, Deserialize)]
pub(super) struct QueryParams {
    bypass_waiting_room: Option<String>,
}

#[derive(Serialize)]
struct Answer {
    /// Lifetime in seconds.
    expire_in: i64,
    token: String,
}

pub(super) async fn handler(
    State(sim): State<SharedSim>,
    Path((number, privilege)): Path<(String, Privilege)>,
    Query(asked): Query<QueryParams>,
    headers: HeaderMap,
) -> Response {
    call::answer(&sim, Call::MintJoinToken, &headers, || mint(&sim, &number, privilege, &asked, &headers))
        .await
}

/// Mints a token for the host's own grant or one that may reach the host; others are refused (ours).
fn mint(
    sim: &Sim,
    number: &str,
    privilege: Privilege,
    asked: &QueryParams,
    headers: &HeaderMap,
) -> Result<Json<Answer>, RestError> {
    let now = sim.now();
    let mut world = sim.world();
    let scopes = match privilege {
        Privilege::LocalRecording => scopes::LOCAL_RECORDING_TOKEN,
        Privilege::LiveStreaming => scopes::LIVE_STREAMING_TOKEN,
        Privilege::LocalArchiving => scopes::LOCAL_ARCHIVING_TOKEN,
    };
    let bearer = Bearer::read(&world, headers, now)?.unexpired()?.with_scope(scopes)?;
    let meeting = bearer::meeting(&world, number)?;
    let host = world.user(&meeting.host_id).ok_or(RestError::NoPermission)?;
    // Basic plans have none of the three privileges (D).
    if !bearer.speaks_for_host(&world, meeting) || host.plan == Plan::Basic {
        return Err(RestError::NoPermission);
    }
    if privilege == Privilege::LocalRecording && !host.local_recording {
        return Err(RestError::NotAllowed);
    }
    let bypass = match asked.bypass_waiting_room.as_deref() {
        None | Some("false") => false,
        Some("true") => true,
        Some(_) => return Err(RestError::Validation("The bypass_waiting_room must be true or false.")),
    };
    let (number, host_id) = (meeting.number.clone(), meeting.host_id.clone());
    let token = join_token::mint(&mut world, &number, &host_id, privilege, bypass, now);
    Ok(Json(Answer { expire_in: join_token::LIFE.as_secs(), token }))
}
