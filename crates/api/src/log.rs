//! Logs of accounts and apps: `/api/v2/zoom-oauth-credential-logs/`, `/api/v2/zoom-oauth-app-logs/`, and the events among
//! them, `/api/latchkey/v1/events/`. Newest first, a hundred lines a page.

use axum::{
    Json,
    extract::{RawQuery, State as Extract},
};
use model::LogLineId;
use serde_json::{Value, json};
use store::{LogFilter, LogLine, Order, Subject};

use crate::{
    State,
    caller::{Caller, Read},
    error::ApiError,
    page::{PAGE_SIZE, Query, Wanted},
};

/// A question for lines.
struct Asked {
    query: Query,
    wanted: Wanted<LogLineId>,
    filter: LogFilter,
}

impl Asked {
    /// `about` names what the lines of the list are about.
    fn read(query: Option<&str>, about: &str) -> Result<Self, ApiError> {
        let names = [about, "created_at_after", "created_at_before", "ordering", "cursor"];
        let query = Query::of(query).only(&names)?;
        let wanted: Wanted<LogLineId> = query.wanted(&["created_at"], Order::Descending)?;
        let filter = LogFilter {
            after: query.time("created_at_after")?,
            before: query.time("created_at_before")?,
            order: wanted.order(),
            beyond: wanted.beyond().copied(),
            ..LogFilter::default()
        };
        Ok(Self { query, wanted, filter })
    }

    fn answer(
        &self,
        state: &State,
        path: &str,
        lines: Vec<LogLine>,
        shown: impl Fn(&LogLine) -> Value,
    ) -> Result<Json<Value>, ApiError> {
        let shown = |line: &LogLine| Ok(shown(line));
        self.wanted.answer((&self.query, &state.broker, path), lines, |line| line.id, shown).map(Json)
    }
}

/// Of accounts, in the contract's shape.
pub(crate) async fn of_credentials(
    caller: Caller<Read>,
    Extract(state): Extract<State>,
    RawQuery(query): RawQuery,
) -> Result<Json<Value>, ApiError> {
    let asked = Asked::read(query.as_deref(), "credential")?;
    let filter = LogFilter { credential: asked.query.id("credential")?, ..asked.filter };
    let lines = state.store.credential_log(caller.workspace, &filter, PAGE_SIZE + 1).await?;
    let shown = |line: &LogLine| json!({ "credential": subject(line), "message": line.message, "created_at": line.at });
    asked.answer(&state, "/api/v2/zoom-oauth-credential-logs/", lines, shown)
}

/// Of apps, in the contract's shape.
pub(crate) async fn of_apps(
    caller: Caller<Read>,
    Extract(state): Extract<State>,
    RawQuery(query): RawQuery,
) -> Result<Json<Value>, ApiError> {
    let asked = Asked::read(query.as_deref(), "oauth_app")?;
    let filter = LogFilter { app: asked.query.id("oauth_app")?, ..asked.filter };
    let lines = state.store.app_log(caller.workspace, &filter, PAGE_SIZE + 1).await?;
    let shown = |line: &LogLine| json!({ "oauth_app": subject(line), "message": line.message, "created_at": line.at });
    asked.answer(&state, "/api/v2/zoom-oauth-app-logs/", lines, shown)
}

/// What accounts came into: the same lines, with their words for machines.
pub(crate) async fn events(
    caller: Caller<Read>,
    Extract(state): Extract<State>,
    RawQuery(query): RawQuery,
) -> Result<Json<Value>, ApiError> {
    let asked = Asked::read(query.as_deref(), "credential")?;
    let filter = LogFilter { credential: asked.query.id("credential")?, events_only: true, ..asked.filter };
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
    asked.answer(&state, "/api/latchkey/v1/events/", lines, shown)
}

fn subject(line: &LogLine) -> String {
    match line.subject {
        Subject::Credential(id) => id.to_string(),
        Subject::App(id) => id.to_string(),
    }
}
