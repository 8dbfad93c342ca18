//! `GET /api/v2/zoom-meetings-to-credentials/`: which accounts know which meeting. Sorted by number, so that
//! paging stays complete while accounts are being synced.

use axum::{
    Json,
    extract::{RawQuery, State as Extract},
};
use model::{CredentialId, MeetingNumber, Timestamp};
use serde::Serialize;
use store::{KnownMeeting, MeetingFilter, MeetingKey, Order};
use utoipa::{IntoParams, ToSchema};

use crate::{
    State,
    caller::{Caller, Read},
    error::ApiError,
    page::Page,
    query::Query,
};

const BY_NUMBER: &str = "meeting_id";
const BY_TIME: &str = "synced_at";

/// The filters of the list, and its cursor.
#[derive(IntoParams)]
#[into_params(parameter_in = Query)]
#[expect(dead_code, reason = "`Query` reads by these names")]
pub(crate) struct ListMeetings {
    credential: Option<CredentialId>,
    meeting_id: Option<MeetingNumber>,
    /// A time, or a date.
    synced_at_after: Option<String>,
    /// A time, or a date.
    synced_at_before: Option<String>,
    /// `meeting_id`, `synced_at`, or one of them with a minus.
    ordering: Option<String>,
    /// The cursor in `next` or `previous` of another page.
    cursor: Option<String>,
}

/// A meeting, and an account that knows it.
#[derive(Serialize, ToSchema)]
pub(crate) struct MeetingToCredential {
    meeting_id: MeetingNumber,
    credential: CredentialId,
    synced_at: Timestamp,
}

/// List which accounts know which meeting
#[utoipa::path(
    get,
    path = "/api/v2/zoom-meetings-to-credentials/",
    tag = "accounts",
    operation_id = "zoom_meetings_to_credentials_list",
    security(("tokenAuth" = ["read"])),
    params(ListMeetings),
    responses((status = 200, description = "A page of meetings.", body = Page<MeetingToCredential>)),
)]
pub(crate) async fn handler(
    caller: Caller<Read>,
    Extract(state): Extract<State>,
    RawQuery(query): RawQuery,
) -> Result<Json<Page<MeetingToCredential>>, ApiError> {
    let query = Query::of_type::<ListMeetings>(query.as_deref(), None)?;
    let filter = MeetingFilter {
        credential: query.id("credential")?,
        number: query.word("meeting_id", "It must be a meeting number of 9 to 11 digits.")?,
        synced_after: query.time("synced_at_after")?,
        synced_before: query.time("synced_at_before")?,
    };
    let wanted = query.wanted(&[BY_NUMBER, BY_TIME], Order::Ascending)?;
    let key = if wanted.field == BY_TIME { MeetingKey::SyncedAt } else { MeetingKey::Number };
    let meetings = state.store.known_meetings(caller.workspace, &filter, key, &wanted.page()).await?;
    let shown = |meeting: &KnownMeeting| {
        Ok(MeetingToCredential {
            meeting_id: meeting.number,
            credential: meeting.credential,
            synced_at: meeting.synced_at,
        })
    };
    let place = (&query, &*state.broker, "/api/v2/zoom-meetings-to-credentials/");
    wanted.answer(place, meetings, |meeting| meeting.place(key), shown).map(Json)
}
