//! `GET /api/v2/zoom-oauth-credentials/`

use axum::{
    Json,
    extract::{RawQuery, State as Extract},
};
use model::CredentialStatus;
use serde_json::Value;
use store::Credential;

use super::{is_deleted, representation};
use crate::{
    State,
    caller::{Caller, Read},
    error::ApiError,
    page::{Query, single_page},
};

/// Fields that the list can be narrowed by, beside the status.
const NAMED: [&str; 3] = ["account_id", "oauth_app", "user_id"];

pub(crate) async fn handler(
    caller: Caller<Read>,
    Extract(state): Extract<State>,
    RawQuery(query): RawQuery,
) -> Result<Json<Value>, ApiError> {
    let credentials = state.store.credentials(caller.workspace).await?;
    let query = Query::of(query.as_deref());
    // Tombstones are shown to whoever asks for them.
    let tombstones = query.get("status") == Some("disconnected");
    let is_wanted = |credential: &&Credential| match credential.status {
        CredentialStatus::Disconnected(_) => tombstones || !is_deleted(credential),
        _ => !tombstones,
    };
    let rows = credentials.iter().filter(is_wanted).map(representation);
    let fields: &[_] = if tombstones { &NAMED } else { &[NAMED.as_slice(), &["status"]].concat() };
    Ok(Json(single_page(&query.agreeing(rows, fields))))
}
