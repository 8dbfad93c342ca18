//! `GET /api/latchkey/v1/bot/{id}/meeting-events/`: all events of a bot's meeting, with a cursor.

use axum::{
    Json,
    extract::{RawQuery, State as Extract},
};
use model::{BotId, MeetingEvent};
use serde::Serialize;
use utoipa::{IntoParams, ToSchema};

use super::find;
use crate::{
    State,
    caller::{Caller, Read},
    error::ApiError,
    path::Path,
    query::Query,
};

/// The cursor.
#[derive(IntoParams)]
#[into_params(parameter_in = Query)]
#[expect(dead_code, reason = "`Query` reads by these names")]
pub(crate) struct ListMeetingEvents {
    /// Only events with a greater number: `last` of the previous page.
    #[param(minimum = 0)]
    after: Option<u64>,
}

/// A part of the events, in order.
#[derive(Serialize, ToSchema)]
pub(crate) struct MeetingEventPage {
    /// Each with `number`, `at`, `kind` and the fields of its kind. Empty if there are no more yet.
    #[schema(value_type = Vec<Object>)]
    results: Vec<MeetingEvent>,
    /// The number of the last event in this answer, or the given number if there is none.
    last: u64,
}

/// List the events of a bot's meeting
///
/// All events, including those that Recall's downloads leave out: breakout rooms, recordings by others, requests for
/// captions. Call again with `after` for later events, also while the bot is in its meeting.
#[utoipa::path(
    get,
    path = "/api/latchkey/v1/bot/{id}/meeting-events/",
    tag = "bots",
    operation_id = "bot_meeting_events_list",
    security(("tokenAuth" = ["read"])),
    params(("id" = BotId, Path), ListMeetingEvents),
    responses((status = 200, description = "The next events.", body = MeetingEventPage)),
)]
pub(crate) async fn handler(
    caller: Caller<Read>,
    Extract(state): Extract<State>,
    Path(id): Path<BotId>,
    RawQuery(query): RawQuery,
) -> Result<Json<MeetingEventPage>, ApiError> {
    let query = Query::of_type::<ListMeetingEvents>(query.as_deref(), None)?;
    let after = query.after("event")?;
    let bot = find(&state, caller.workspace, id).await?.row;
    let results = state.bots.meetings.events_after(&bot, after).await?;
    let last = results.last().map_or(after, |event| event.number);
    Ok(Json(MeetingEventPage { results, last }))
}
