//! `GET /api/latchkey/v1/audit/`: who requested which token of this workspace, newest first.

use std::net::IpAddr;

use axum::{
    Json,
    extract::{RawQuery, State as Extract},
};
use model::{
    AccountUser, ApiKeyId, AuditId, CredentialId, MeetingNumber, Source, Timestamp, TokenKind, TokenLinkId,
    WorkspaceId,
};
use serde::Serialize;
use store::{AuditFilter, AuditPage, AuditRecord, Direction};
use utoipa::{IntoParams, ToSchema};

use crate::{
    State,
    caller::{Caller, Read},
    error::ApiError,
    page::Page,
    query::Query,
};

/// Records on a page.
const PAGE_SIZE: u32 = 100;

/// The filters of the list, and its cursor.
#[derive(IntoParams)]
#[into_params(parameter_in = Query)]
#[expect(dead_code, reason = "`Query` reads by these names")]
pub(crate) struct ListAudit {
    /// A time, or a date.
    since: Option<String>,
    /// A time, or a date.
    until: Option<String>,
    /// Only tokens of this account.
    credential: Option<CredentialId>,
    /// Only requests to this token link.
    token_link: Option<TokenLinkId>,
    /// Only requests with this API key.
    api_key: Option<ApiKeyId>,
    /// Only tokens for this bot: its id here, or its id at the platform that requested the token.
    bot: Option<String>,
    /// The cursor in `next` of another page.
    cursor: Option<String>,
}

/// One request for a token, and its outcome.
#[derive(Serialize, ToSchema)]
pub(crate) struct AuditEntry {
    id: AuditId,
    at: Timestamp,
    workspace: WorkspaceId,
    credential: CredentialId,
    kind: TokenKind,
    /// The kind of the caller: `token_link`, `api_key` or `bot`.
    who: &'static str,
    /// The id of the caller.
    who_id: String,
    /// The caller's network address; null: this server itself.
    #[schema(required, value_type = Option<String>)]
    from: Option<IpAddr>,
    /// `token_link`, `bot_join` or `access_token_endpoint`.
    why: &'static str,
    /// `given`, or the code of the refusal.
    outcome: &'static str,
    /// `kept` (a stored token) or `minted` (a new one), for a token that was given.
    #[schema(required)]
    source: Option<&'static str>,
    #[schema(required)]
    user: Option<AccountUser>,
    #[schema(required)]
    meeting: Option<MeetingNumber>,
    /// The bot's id at its platform.
    #[schema(required)]
    bot: Option<String>,
}

impl From<&AuditRecord> for AuditEntry {
    fn from(record: &AuditRecord) -> Self {
        Self {
            id: record.id,
            at: record.at,
            workspace: record.workspace,
            credential: record.credential,
            kind: record.kind,
            who: record.who.kind(),
            who_id: record.who.uuid().to_string(),
            from: record.from,
            why: record.why.as_str(),
            outcome: record.outcome.as_str(),
            source: record.outcome.source().map(Source::as_str),
            user: record.about.user.clone(),
            meeting: record.about.meeting,
            bot: record.about.bot.clone().map(String::from),
        }
    }
}

/// List requests for tokens
///
/// Newest first.
#[utoipa::path(
    get,
    path = "/api/latchkey/v1/audit/",
    tag = "workspace",
    operation_id = "audit_list",
    security(("tokenAuth" = ["read"])),
    params(ListAudit),
    responses((status = 200, description = "A page of records.", body = Page<AuditEntry>)),
)]
pub(crate) async fn handler(
    caller: Caller<Read>,
    Extract(state): Extract<State>,
    RawQuery(query): RawQuery,
) -> Result<Json<Page<AuditEntry>>, ApiError> {
    let query = Query::of_type::<ListAudit>(query.as_deref(), None)?;
    let page = AuditPage {
        since: query.time("since")?,
        until: query.time("until")?,
        after: query.cursor()?,
        direction: Direction::NewestFirst,
        filter: AuditFilter {
            credential: query.id("credential")?,
            token_link: query.id("token_link")?,
            api_key: query.id("api_key")?,
            bot: query.id("bot")?,
        },
        // One more than is shown: it indicates whether there is a next page.
        most: PAGE_SIZE + 1,
    };
    let mut found = state.broker.audit.page(caller.workspace, &page).await?;
    let more = found.len() > PAGE_SIZE as usize;
    found.truncate(PAGE_SIZE as usize);
    let next = found.last().filter(|_| more).map(AuditRecord::place);
    let results = found.iter().map(AuditEntry::from).collect();
    Ok(Json(query.answer_by_cursor(&state.broker, "/api/latchkey/v1/audit/", next, results)))
}
