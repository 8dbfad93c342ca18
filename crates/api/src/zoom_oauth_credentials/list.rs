//! `GET /api/v2/zoom-oauth-credentials/`

use axum::{
    Json,
    extract::{RawQuery, State as Extract},
};
use model::CredentialStatus;
use serde_json::Value;
use store::{Credential, CredentialFilter, Order};

use super::{is_deleted, representation, status_of};
use crate::{
    State,
    caller::{Caller, Read},
    error::ApiError,
    fields::FieldErrors,
    page::Query,
};

/// What the list can be narrowed by, and how it is walked through.
const FILTERS: [&str; 9] = [
    "oauth_app",
    "user_id",
    "account_id",
    "status",
    "meeting_sync_status",
    "created_at_after",
    "created_at_before",
    "ordering",
    "cursor",
];

pub(crate) async fn handler(
    caller: Caller<Read>,
    Extract(state): Extract<State>,
    RawQuery(query): RawQuery,
) -> Result<Json<Value>, ApiError> {
    let query = Query::of(query.as_deref()).only(&FILTERS)?;
    let sync = "It must be not_started, in_progress, completed or failed.";
    let filter = CredentialFilter {
        app: query.id("oauth_app")?,
        zoom_user_id: query.get("user_id").map(str::to_owned),
        zoom_account_id: query.get("account_id").map(str::to_owned),
        statuses: statuses(&query)?,
        meeting_sync: query.word("meeting_sync_status", sync)?,
        created_after: query.time("created_at_after")?,
        created_before: query.time("created_at_before")?,
    };
    let wanted = query.wanted(&["created_at"], Order::Descending)?;
    let accounts = state.store.list_credentials(caller.workspace, &filter, &wanted.page()).await?;
    let place = (&query, &*state.broker, "/api/v2/zoom-oauth-credentials/");
    wanted.answer(place, accounts, Credential::place, |account| Ok(representation(account))).map(Json)
}

/// The states that a list is narrowed to. Tombstones are shown to whoever asks for them.
fn statuses(query: &Query) -> Result<Vec<CredentialStatus>, FieldErrors> {
    let all = CredentialStatus::ALL.into_iter();
    Ok(match query.get("status") {
        None => all.filter(|status| !is_deleted(*status)).collect(),
        Some("disconnected") => all.filter(|s| matches!(s, CredentialStatus::Disconnected(_))).collect(),
        Some(word @ ("healthy" | "unhealthy")) => {
            all.filter(|status| !is_deleted(*status) && status_of(*status) == word).collect()
        }
        Some(_) => return Err(FieldErrors::one("status", "It must be healthy, unhealthy or disconnected.")),
    })
}
