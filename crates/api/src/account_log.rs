//! Logs of accounts and apps: `/api/v2/zoom-oauth-credential-logs/`, `/api/v2/zoom-oauth-app-logs/`, and the
//! machine-readable events, `/api/latchkey/v1/credential-events/`. Newest first, a hundred lines a page.

use axum::{
    Json,
    extract::{RawQuery, State as Extract},
};
use model::{Code, CredentialId, CredentialStatus, Failure, LogLineId, Timestamp, ZoomOauthAppId};
use serde::Serialize;
use store::{LogFilter, LogLine, Order, Subject};
use utoipa::{IntoParams, ToSchema};

use crate::{
    State,
    caller::{Caller, Read},
    error::ApiError,
    page::{PAGE_SIZE, Page, Wanted},
    query::Query,
};

/// The filters and the cursor of the accounts' log.
#[derive(IntoParams)]
#[into_params(parameter_in = Query)]
#[expect(dead_code, reason = "`Query` reads by these names")]
pub(crate) struct ListCredentialLog {
    credential: Option<CredentialId>,
    /// A time, or a date.
    created_at_after: Option<String>,
    /// A time, or a date.
    created_at_before: Option<String>,
    /// `created_at` or `-created_at`.
    ordering: Option<String>,
    /// The cursor in `next` or `previous` of another page.
    cursor: Option<String>,
}

/// The filters and the cursor of the apps' log.
#[derive(IntoParams)]
#[into_params(parameter_in = Query)]
#[expect(dead_code, reason = "`Query` reads by these names")]
pub(crate) struct ListAppLog {
    oauth_app: Option<ZoomOauthAppId>,
    /// A time, or a date.
    created_at_after: Option<String>,
    /// A time, or a date.
    created_at_before: Option<String>,
    /// `created_at` or `-created_at`.
    ordering: Option<String>,
    /// The cursor in `next` or `previous` of another page.
    cursor: Option<String>,
}

/// A line of an account's log.
#[derive(Serialize, ToSchema)]
pub(crate) struct CredentialLogLine {
    credential: CredentialId,
    message: String,
    created_at: Timestamp,
}

/// A line of an app's log.
#[derive(Serialize, ToSchema)]
pub(crate) struct AppLogLine {
    oauth_app: ZoomOauthAppId,
    message: String,
    created_at: Timestamp,
}

/// A change of an account's state.
#[derive(Serialize, ToSchema)]
pub(crate) struct CredentialEvent {
    id: LogLineId,
    credential: CredentialId,
    /// The account's new state.
    #[schema(required)]
    status: Option<CredentialStatus>,
    /// The error code, if something failed.
    #[schema(required)]
    code: Option<Code>,
    /// What to do about the code.
    #[schema(required)]
    advice: Option<&'static str>,
    message: String,
    created_at: Timestamp,
}

/// A query for log lines.
struct Asked {
    query: Query,
    wanted: Wanted<LogLineId>,
    filter: LogFilter,
}

impl Asked {
    fn read<T: IntoParams>(query: Option<&str>) -> Result<Self, ApiError> {
        let query = Query::of_type::<T>(query, None)?;
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

    /// The query selects only lines that `shown` can show; any other line is an internal error.
    fn answer<T>(
        &self,
        state: &State,
        path: &str,
        lines: Vec<LogLine>,
        shown: impl Fn(&LogLine) -> Option<T>,
    ) -> Result<Json<Page<T>>, ApiError> {
        let other =
            || ApiError::from(Failure::new(Code::Internal, "a log line is not about what was asked for"));
        let shown = |line: &LogLine| shown(line).ok_or_else(other);
        self.wanted.answer((&self.query, &state.broker, path), lines, |line| line.id, shown).map(Json)
    }
}

/// List the log of accounts
#[utoipa::path(
    get,
    path = "/api/v2/zoom-oauth-credential-logs/",
    tag = "accounts",
    operation_id = "zoom_oauth_credential_logs_list",
    security(("tokenAuth" = ["read"])),
    params(ListCredentialLog),
    responses((status = 200, description = "A page of lines, newest first.", body = Page<CredentialLogLine>)),
)]
pub(crate) async fn of_credentials(
    caller: Caller<Read>,
    Extract(state): Extract<State>,
    RawQuery(query): RawQuery,
) -> Result<Json<Page<CredentialLogLine>>, ApiError> {
    let asked = Asked::read::<ListCredentialLog>(query.as_deref())?;
    let filter = LogFilter { credential: asked.query.id("credential")?, ..asked.filter };
    let lines = state.store.credential_log(caller.workspace, &filter, PAGE_SIZE + 1).await?;
    let shown = |line: &LogLine| {
        let credential = account(line)?;
        Some(CredentialLogLine { credential, message: line.message.clone(), created_at: line.at })
    };
    asked.answer(&state, "/api/v2/zoom-oauth-credential-logs/", lines, shown)
}

/// List the log of Zoom apps
#[utoipa::path(
    get,
    path = "/api/v2/zoom-oauth-app-logs/",
    tag = "zoom apps",
    operation_id = "zoom_oauth_app_logs_list",
    security(("tokenAuth" = ["read"])),
    params(ListAppLog),
    responses((status = 200, description = "A page of lines, newest first.", body = Page<AppLogLine>)),
)]
pub(crate) async fn of_apps(
    caller: Caller<Read>,
    Extract(state): Extract<State>,
    RawQuery(query): RawQuery,
) -> Result<Json<Page<AppLogLine>>, ApiError> {
    let asked = Asked::read::<ListAppLog>(query.as_deref())?;
    let filter = LogFilter { app: asked.query.id("oauth_app")?, ..asked.filter };
    let lines = state.store.app_log(caller.workspace, &filter, PAGE_SIZE + 1).await?;
    let shown = |line: &LogLine| match line.subject {
        Subject::App(oauth_app) => {
            Some(AppLogLine { oauth_app, message: line.message.clone(), created_at: line.at })
        }
        Subject::Credential(_) => None,
    };
    asked.answer(&state, "/api/v2/zoom-oauth-app-logs/", lines, shown)
}

/// List changes of accounts' states
///
/// The lines of their logs with a machine-readable event.
#[utoipa::path(
    get,
    path = "/api/latchkey/v1/credential-events/",
    tag = "accounts",
    operation_id = "credential_events_list",
    security(("tokenAuth" = ["read"])),
    params(ListCredentialLog),
    responses((status = 200, description = "A page of events, newest first.", body = Page<CredentialEvent>)),
)]
pub(crate) async fn events(
    caller: Caller<Read>,
    Extract(state): Extract<State>,
    RawQuery(query): RawQuery,
) -> Result<Json<Page<CredentialEvent>>, ApiError> {
    let asked = Asked::read::<ListCredentialLog>(query.as_deref())?;
    let filter = LogFilter { credential: asked.query.id("credential")?, events_only: true, ..asked.filter };
    let lines = state.store.credential_log(caller.workspace, &filter, PAGE_SIZE + 1).await?;
    let shown = |line: &LogLine| {
        Some(CredentialEvent {
            id: line.id,
            credential: account(line)?,
            status: line.became,
            code: line.code,
            advice: line.code.map(Code::advice),
            message: line.message.clone(),
            created_at: line.at,
        })
    };
    asked.answer(&state, "/api/latchkey/v1/credential-events/", lines, shown)
}

fn account(line: &LogLine) -> Option<CredentialId> {
    match line.subject {
        Subject::Credential(id) => Some(id),
        Subject::App(_) => None,
    }
}
