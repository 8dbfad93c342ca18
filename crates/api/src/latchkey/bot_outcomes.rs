//! `GET /api/latchkey/v1/bot-outcomes/`: how many bots came in, were done or failed, by hour and sub code.

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
    page::{Page, Query, single_page},
};

const DAY: Duration = Duration::from_secs(24 * 3600);
/// The longest time that is counted at once.
const LONGEST_PERIOD: Duration = Duration::from_secs(31 * 24 * 3600);

/// What is counted.
#[derive(IntoParams)]
#[into_params(parameter_in = Query)]
#[expect(dead_code, reason = "`Query` reads by these names")]
pub(crate) struct CountOutcomes {
    /// From this time or date on, at most 31 days back. The last 24 hours by default.
    since: Option<String>,
}

/// Bots that took this step in this hour.
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

/// Count what bots came to
///
/// A bot that came into its meeting several times counts in each hour in which it did.
#[utoipa::path(
    get,
    path = "/api/latchkey/v1/bot-outcomes/",
    tag = "bots",
    operation_id = "bot_outcomes_list",
    security(("tokenAuth" = ["read"])),
    params(CountOutcomes),
    responses((status = 200, description = "By hour, step and sub code.", body = Page<BotOutcome>)),
)]
pub(crate) async fn handler(
    caller: Caller<Read>,
    Extract(state): Extract<State>,
    RawQuery(query): RawQuery,
) -> Result<Json<Page<BotOutcome>>, ApiError> {
    let query = Query::of_type::<CountOutcomes>(query.as_deref(), None)?;
    let now = state.env.now();
    let since = query.time("since")?.unwrap_or(now - DAY);
    if now.since(since) > LONGEST_PERIOD {
        return Err(FieldErrors::one("since", "It must be at most 31 days ago.").into());
    }
    let rows = state.bots.reader.outcomes(caller.workspace, since).await?;
    let results = rows.into_iter().map(|row| {
        let store::BotOutcome { hour, code, sub_code, bots } = row;
        BotOutcome { hour, code, sub_code, bots }
    });
    Ok(Json(single_page(results.collect())))
}
