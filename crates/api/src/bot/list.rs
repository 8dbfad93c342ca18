//! `GET /api/v1/bot/`: the workspace's bots, newest first.

use axum::{
    Json,
    extract::{RawQuery, State as Extract},
};
use bots::meeting_digest;
use model::{BotStatus, CredentialId};
use store::BotFilter;
use utoipa::IntoParams;

use super::{Bot, representation};
use crate::{
    State,
    caller::{Caller, Read},
    error::ApiError,
    fields::FieldErrors,
    page::{CountedPage, PAGE_SIZE},
    query::Query,
};

/// Statuses of the contract that only recording would reach, which is not implemented.
const NEVER: [&str; 7] = [
    "recording_permission_allowed",
    "recording_permission_denied",
    "in_call_recording",
    "recording_done",
    "media_expired",
    "analysis_done",
    "analysis_failed",
];

/// The filters and the page of the list.
#[derive(IntoParams)]
#[into_params(parameter_in = Query)]
#[expect(dead_code, reason = "`Query` reads by these names")]
pub(crate) struct ListBots {
    /// Bots that join after this time or date.
    join_at_after: Option<String>,
    /// Bots that join before this time or date.
    join_at_before: Option<String>,
    /// Bots with exactly this meeting link.
    meeting_url: Option<String>,
    /// The page, from 1.
    #[param(minimum = 1)]
    page: Option<u64>,
    /// Platforms. All bots here are on `zoom`.
    platform: Option<Vec<String>>,
    /// Any of these statuses.
    status: Option<Vec<String>>,
    /// Bots with this as their last sub code.
    latchkey_sub_code: Option<String>,
    /// Bots that sign in with this account.
    latchkey_credential: Option<CredentialId>,
}

/// `metadata__KEY=VALUE`: OpenAPI cannot describe a parameter with a variable name.
const LABELS: &str = "metadata__";

/// List bots
///
/// Newest first. `metadata__KEY=VALUE` filters by a label; several such filters must all match.
#[utoipa::path(
    get,
    path = "/api/v1/bot/",
    tag = "bots",
    operation_id = "bot_list",
    security(("tokenAuth" = ["read"])),
    params(ListBots),
    responses((status = 200, description = "A page of bots.", body = CountedPage<Bot>)),
)]
pub(crate) async fn handler(
    caller: Caller<Read>,
    Extract(state): Extract<State>,
    RawQuery(query): RawQuery,
) -> Result<Json<CountedPage<Bot>>, ApiError> {
    let query = Query::of_type::<ListBots>(query.as_deref(), Some(LABELS))?;
    let (filter, page) = (filter(&query)?, query.page()?);
    // No bot here is on another platform or has one of those statuses.
    let only =
        |name, wanted: fn(&str) -> bool| query.list(name).next().is_some() && query.list(name).all(wanted);
    let elsewhere = only("platform", |word| word != "zoom") || only("status", |word| NEVER.contains(&word));
    let (results, count) = if elsewhere {
        (Vec::new(), 0)
    } else {
        let found = state.bots.reader.list(caller.workspace, &filter, page, PAGE_SIZE).await?;
        (representation::all(&state, found.bots, caller.scopes).await?, found.count)
    };
    query.answer(&state.broker, "/api/v1/bot/", (page, count), results).map(Json)
}

fn filter(query: &Query) -> Result<BotFilter, FieldErrors> {
    let status = |word: &str| {
        word.parse::<BotStatus>()
            .map_err(|_| FieldErrors::one("status", format!("{word:?} is not a status.")))
    };
    Ok(BotFilter {
        status: query
            .list("status")
            .filter(|word| !NEVER.contains(word))
            .map(status)
            .collect::<Result<_, _>>()?,
        join_at_after: query.time("join_at_after")?,
        join_at_before: query.time("join_at_before")?,
        meeting_digest: query.get("meeting_url").map(meeting_digest),
        sub_code: query
            .word("latchkey_sub_code", "There is no such sub code: docs/sub-codes.md lists them.")?,
        account: query.id("latchkey_credential")?,
        metadata: query.prefixed(LABELS).map(|(key, value)| (key.to_owned(), value.to_owned())).collect(),
    })
}
