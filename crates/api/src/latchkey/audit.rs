//! `GET /api/latchkey/v1/audit/`: who was given which token of this workspace, newest first.

use axum::{
    Json,
    extract::{RawQuery, State as Extract},
};
use model::Timestamp;
use serde_json::{Value, json};
use store::{AuditPage, AuditPlace, Direction};

use crate::{State, caller::Caller, error::ApiError, fields::FieldErrors, page::Query};

/// Records on a page.
const PAGE_SIZE: u32 = 100;

pub(crate) async fn handler(
    caller: Caller,
    Extract(state): Extract<State>,
    RawQuery(query): RawQuery,
) -> Result<Json<Value>, ApiError> {
    let query = Query::of(query.as_deref());
    let page = AuditPage {
        since: time(&query, "since")?,
        until: time(&query, "until")?,
        after: after(&query)?,
        direction: Direction::NewestFirst,
        // One more than is shown: it tells whether there is a next page.
        most: PAGE_SIZE + 1,
    };
    let mut found = state.store.audit(caller.workspace, &page).await?;
    let more = found.len() > PAGE_SIZE as usize;
    found.truncate(PAGE_SIZE as usize);
    let last = found.last().filter(|_| more);
    let next = last.map(|last| {
        query.with(&state.broker, "/api/latchkey/v1/audit/", "cursor", &last.place().to_string()).to_string()
    });
    Ok(Json(json!({ "next": next, "previous": null, "results": found })))
}

fn time(query: &Query, name: &str) -> Result<Option<Timestamp>, FieldErrors> {
    let wrong = || FieldErrors::one(name, "It must be a time in ISO 8601, such as 2026-01-31T12:00:00Z.");
    query.get(name).map(|text| text.parse().map_err(|_| wrong())).transpose()
}

fn after(query: &Query) -> Result<Option<AuditPlace>, FieldErrors> {
    let wrong = || FieldErrors::one("cursor", "It must be taken from the `next` of another page.");
    query.get("cursor").map(|text| text.parse().map_err(|_| wrong())).transpose()
}
