//! `GET /api/v2/zoom-meetings-to-credentials/`: which accounts know which meeting. By number, so that whoever follows the pages
//! misses nothing while accounts are being listed.

use axum::{
    Json,
    extract::{RawQuery, State as Extract},
};
use serde_json::{Value, json};
use store::{KnownMeeting, MeetingFilter, MeetingKey, Order};

use crate::{
    State,
    caller::{Caller, Read},
    error::ApiError,
    page::Query,
};

const BY_NUMBER: &str = "meeting_id";
const BY_TIME: &str = "synced_at";

/// What the list can be narrowed by, and how it is walked through.
const FILTERS: [&str; 6] =
    ["credential", "meeting_id", "synced_at_after", "synced_at_before", "ordering", "cursor"];

pub(crate) async fn handler(
    caller: Caller<Read>,
    Extract(state): Extract<State>,
    RawQuery(query): RawQuery,
) -> Result<Json<Value>, ApiError> {
    let query = Query::of(query.as_deref()).only(&FILTERS)?;
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
        Ok(json!({
            "meeting_id": meeting.number,
            "credential": meeting.credential,
            "synced_at": meeting.synced_at,
        }))
    };
    let place = (&query, &*state.broker, "/api/v2/zoom-meetings-to-credentials/");
    wanted.answer(place, meetings, |meeting| meeting.place(key), shown).map(Json)
}
