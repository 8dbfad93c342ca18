//! Logs of accounts and apps: `/api/v2/zoom-oauth-credential-logs/`, `/api/v2/zoom-oauth-app-logs/`, and the events among
//! them, `/api/latchkey/v1/events/`. Newest first, a hundred lines a page.

use axum::{
    Json,
    extract::{RawQuery, State as Extract},
};
use serde_json::{Value, json};
use store::{LogFilter, LogLine, Subject};

use crate::{
    State,
    caller::{Caller, Read},
    error::ApiError,
    page::{PAGE_SIZE, Query},
};

/// Of accounts, in the contract's shape.
pub(crate) async fn of_credentials(
    caller: Caller<Read>,
    Extract(state): Extract<State>,
    RawQuery(query): RawQuery,
) -> Result<Json<Value>, ApiError> {
    let query = Query::of(query.as_deref());
    let filter = LogFilter { credential: query.id("credential")?, ..filter(&query)? };
    let lines = state.store.credential_log(caller.workspace, &filter, PAGE_SIZE + 1).await?;
    let shown = |line: &LogLine| json!({ "credential": subject(line), "message": line.message, "created_at": line.at });
    Ok(page(&state, &query, "/api/v2/zoom-oauth-credential-logs/", lines, shown))
}

/// Of apps, in the contract's shape.
pub(crate) async fn of_apps(
    caller: Caller<Read>,
    Extract(state): Extract<State>,
    RawQuery(query): RawQuery,
) -> Result<Json<Value>, ApiError> {
    let query = Query::of(query.as_deref());
    let filter = LogFilter { app: query.id("oauth_app")?, ..filter(&query)? };
    let lines = state.store.app_log(caller.workspace, &filter, PAGE_SIZE + 1).await?;
    let shown = |line: &LogLine| json!({ "oauth_app": subject(line), "message": line.message, "created_at": line.at });
    Ok(page(&state, &query, "/api/v2/zoom-oauth-app-logs/", lines, shown))
}

/// What accounts came into: the same lines, with their words for machines.
pub(crate) async fn events(
    caller: Caller<Read>,
    Extract(state): Extract<State>,
    RawQuery(query): RawQuery,
) -> Result<Json<Value>, ApiError> {
    let query = Query::of(query.as_deref());
    let filter = LogFilter { credential: query.id("credential")?, events_only: true, ..filter(&query)? };
    let lines = state.store.credential_log(caller.workspace, &filter, PAGE_SIZE + 1).await?;
    let shown = |line: &LogLine| {
        json!({
            "id": line.id,
            "credential": subject(line),
            "status": line.became.map(model::CredentialStatus::as_str),
            "code": line.code.map(model::Code::as_str),
            "advice": line.code.map(model::Code::advice),
            "message": line.message,
            "created_at": line.at,
        })
    };
    Ok(page(&state, &query, "/api/latchkey/v1/events/", lines, shown))
}

fn filter(query: &Query) -> Result<LogFilter, ApiError> {
    Ok(LogFilter {
        after: query.time("created_at_after")?,
        before: query.time("created_at_before")?,
        older_than: query.cursor()?,
        ..LogFilter::default()
    })
}

fn subject(line: &LogLine) -> String {
    match line.subject {
        Subject::Credential(id) => id.to_string(),
        Subject::App(id) => id.to_string(),
    }
}

/// One line more than a page was asked for: whether there is a next page.
fn page(
    state: &State,
    query: &Query,
    path: &str,
    mut lines: Vec<LogLine>,
    shown: impl Fn(&LogLine) -> Value,
) -> Json<Value> {
    let whole = usize::try_from(PAGE_SIZE).expect("a small number");
    let more = lines.len() > whole;
    lines.truncate(whole);
    let next = lines.last().map(|line| line.id).filter(|_| more);
    let results: Vec<_> = lines.iter().map(shown).collect();
    Json(query.answer_by_cursor(&state.broker, path, next, &results))
}
