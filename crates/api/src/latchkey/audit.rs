//! `GET /api/latchkey/v1/audit/`: who was given which token of this workspace, newest first.

use axum::{
    Json,
    extract::{RawQuery, State as Extract},
};
use model::{Code, Failure};
use serde_json::Value;
use store::{AuditPage, AuditRecord, Direction};

use crate::{
    State,
    caller::{Caller, Read},
    error::ApiError,
    page::Query,
};

/// Records on a page.
const PAGE_SIZE: u32 = 100;

/// What the list can be narrowed by, and how it is walked through.
const FILTERS: [&str; 3] = ["since", "until", "cursor"];

pub(crate) async fn handler(
    caller: Caller<Read>,
    Extract(state): Extract<State>,
    RawQuery(query): RawQuery,
) -> Result<Json<crate::page::Page<Value>>, ApiError> {
    let query = Query::of(query.as_deref()).only(&FILTERS)?;
    let page = AuditPage {
        since: query.time("since")?,
        until: query.time("until")?,
        after: query.cursor()?,
        direction: Direction::NewestFirst,
        // One more than is shown: it tells whether there is a next page.
        most: PAGE_SIZE + 1,
    };
    let mut found = state.broker.audit.page(caller.workspace, &page).await?;
    let more = found.len() > PAGE_SIZE as usize;
    found.truncate(PAGE_SIZE as usize);
    let next = found.last().filter(|_| more).map(AuditRecord::place);
    let results: Result<Vec<Value>, _> = found.iter().map(serde_json::to_value).collect();
    let results = results.map_err(|error| Failure::new(Code::Internal, error.to_string()))?;
    Ok(Json(query.answer_by_cursor(&state.broker, "/api/latchkey/v1/audit/", next, results)))
}
