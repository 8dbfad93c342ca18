//! `GET /api/latchkey/v1/bot-outcomes/`: how many bots joined, were done or failed, by hour and sub code.

use std::time::Duration;

use axum::{
    Json,
    extract::{RawQuery, State as Extract},
};
use model::{BotStatus, SubCode, Timestamp};
use serde::Serialize;
use utoipa::{IntoParams, ToSchema};

use crate::{
    State,
    caller::{Caller, Read},
    error::ApiError,
    fields::FieldErrors,
    page::{Page, single_page},
    query::Query,
};

const DAY: Duration = Duration::from_secs(24 * 3600);
/// The longest period of one call.
const MAX_PERIOD: Duration = Duration::from_secs(31 * 24 * 3600);

/// The period to count.
#[derive(IntoParams)]
#[into_params(parameter_in = Query)]
#[expect(dead_code, reason = "`Query` reads by these names")]
pub(crate) struct CountOutcomes {
    /// The beginning, a time or a date, at most 31 days ago. By default 24 hours ago.
    since: Option<String>,
}

/// The number of bots that reached this status in this hour.
#[derive(Serialize, ToSchema)]
pub(crate) struct BotOutcome {
    /// The beginning of the hour.
    hour: Timestamp,
    /// `in_call_not_recording`, `done` or `fatal`.
    #[schema(value_type = String)]
    code: BotStatus,
    #[schema(required, value_type = Option<String>)]
    sub_code: Option<SubCode>,
    bots: u64,
}

/// Count bot outcomes
///
/// A bot that joined its meeting several times counts in each of those hours.
#[utoipa::path(
    get,
    path = "/api/latchkey/v1/bot-outcomes/",
    tag = "bots",
    operation_id = "bot_outcomes_list",
    security(("tokenAuth" = ["read"])),
    params(CountOutcomes),
    responses((status = 200, description = "Numbers by hour, status and sub code.", body = Page<BotOutcome>)),
)]
pub(crate) async fn handler(
    caller: Caller<Read>,
    Extract(state): Extract<State>,
    RawQuery(query): RawQuery,
) -> Result<Json<Page<BotOutcome>>, ApiError> {
    let query = Query::of_type::<CountOutcomes>(query.as_deref(), None)?;
    let now = state.env.now();
    let since = query.time("since")?.unwrap_or(now - DAY);
    if now.since(since) > MAX_PERIOD {
        return Err(FieldErrors::one("since", "It must be at most 31 days ago.").into());
    }
    let rows = state.bots.reader.outcomes(caller.workspace, since).await?;
    let results = rows.into_iter().map(|row| {
        let store::BotOutcome { hour, code, sub_code, bots } = row;
        BotOutcome { hour, code, sub_code, bots }
    });
    Ok(Json(single_page(results.collect())))
}
