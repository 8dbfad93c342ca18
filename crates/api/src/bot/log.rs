//! `GET /api/latchkey/v1/bot/{id}/log/`: a bot's log of what it did and why, with a cursor.

use std::collections::BTreeMap;

use axum::{
    Json,
    extract::{RawQuery, State as Extract},
};
use bots::LogEntryKind;
use model::{BotId, Timestamp};
use serde::Serialize;
use serde_json::Value;
use store::NumberedEntry;
use utoipa::{IntoParams, ToSchema};

use super::find;
use crate::{
    State,
    caller::{Caller, Read},
    error::ApiError,
    fields::FieldErrors,
    path::Path,
    query::Query,
};

/// Entries on a page.
const PAGE_SIZE: u32 = 200;

/// The cursor, and the filters of the log.
#[derive(IntoParams)]
#[into_params(parameter_in = Query)]
#[expect(dead_code, reason = "`Query` reads by these names")]
pub(crate) struct ListBotLog {
    /// Only entries with a greater number: `last` of the previous page.
    #[param(minimum = 0)]
    after: Option<u64>,
    /// Only entries of this kind; several are separated by commas.
    kind: Option<String>,
}

/// One action of a bot, or one event that affected it.
#[derive(Serialize, ToSchema)]
pub(crate) struct BotLogEntry {
    /// Grows by one with each entry of the bot.
    number: u64,
    at: Timestamp,
    /// The kind of entry; docs/bot-log.md lists the kinds.
    kind: String,
    /// What happened, for people.
    text: String,
    /// The same for programs: the fields of this kind.
    #[schema(value_type = Object)]
    fields: BTreeMap<String, Value>,
}

impl From<NumberedEntry> for BotLogEntry {
    fn from(NumberedEntry { number, entry }: NumberedEntry) -> Self {
        let store::LogEntry { at, kind, text, fields, .. } = entry;
        Self { number, at, kind, text, fields }
    }
}

/// A part of a bot's log, in order.
#[derive(Serialize, ToSchema)]
pub(crate) struct BotLogPage {
    /// The entries; empty if there are no more yet.
    results: Vec<BotLogEntry>,
    /// The number of the last entry in this answer, or the given number if there is none.
    last: u64,
}

/// Read a bot's log
///
/// Each decision, token fetch, join, call to Zoom, event of Zoom's SDK and status change, with its time. It contains no
/// token and no participant's name. Call again with `after` for later entries, also while the bot is in its meeting.
#[utoipa::path(
    get,
    path = "/api/latchkey/v1/bot/{id}/log/",
    tag = "bots",
    operation_id = "bot_log_list",
    security(("tokenAuth" = ["read"])),
    params(("id" = BotId, Path), ListBotLog),
    responses((status = 200, description = "The next entries.", body = BotLogPage)),
)]
pub(crate) async fn handler(
    caller: Caller<Read>,
    Extract(state): Extract<State>,
    Path(id): Path<BotId>,
    RawQuery(query): RawQuery,
) -> Result<Json<BotLogPage>, ApiError> {
    let query = Query::of_type::<ListBotLog>(query.as_deref(), None)?;
    let after = query.after("entry")?;
    let kinds: Vec<_> = query.list("kind").map(str::to_owned).collect();
    let known: Vec<_> = LogEntryKind::ALL.iter().map(|kind| kind.as_str()).collect();
    if let Some(unknown) = kinds.iter().find(|kind| !known.contains(&kind.as_str())) {
        let words = match model::nearest(unknown, &known) {
            Some(meant) => format!("There is no kind {unknown:?}: did you mean {meant}?"),
            None => format!("There is no kind {unknown:?}. The kinds are: {}.", known.join(", ")),
        };
        return Err(FieldErrors::one("kind", words).into());
    }
    find(&state, caller.workspace, id).await?;
    let found = state.bots.logs.after(caller.workspace, id, after, &kinds, PAGE_SIZE).await?;
    let last = found.last().map_or(after, |entry| entry.number);
    Ok(Json(BotLogPage { results: found.into_iter().map(BotLogEntry::from).collect(), last }))
}
