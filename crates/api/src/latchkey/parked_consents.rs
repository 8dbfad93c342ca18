//! `/api/latchkey/v1/parked-consents/`: people who installed an app at Zoom without an invitation, and wait to be let in.

use axum::{
    Json,
    extract::{RawQuery, State as Extract},
    http::StatusCode,
};
use broker::scopes;
use model::{CredentialKind, ParkedConsentId};
use serde_json::{Value, json};

use crate::{
    State,
    caller::{Admin, Caller, Read},
    error::ApiError,
    page::{Query, single_page},
    path::Path,
    zoom_oauth_credentials,
};

/// `GET`: who waits, newest first.
pub(crate) async fn list(
    caller: Caller<Read>,
    Extract(state): Extract<State>,
    RawQuery(query): RawQuery,
) -> Result<Json<Value>, ApiError> {
    Query::of(query.as_deref()).only(&[])?;
    let mut results = Vec::new();
    for parked in state.broker.parked_consents(caller.workspace).await? {
        results.push(json!({
            "id": parked.id,
            "oauth_app": parked.app,
            "user_id": parked.zoom_user_id,
            "account_id": parked.zoom_account_id,
            "display_name": parked.display_name,
            "missing_scopes": scopes::missing(CredentialKind::UserOauth, parked.grant.scopes.as_deref()),
            "replaces": state.broker.replaced_by(&parked).await?,
            "created_at": parked.parked_at,
            "expires_at": parked.expires_at,
        }));
    }
    Ok(Json(single_page(&results)))
}

/// `POST {id}/adopt/`: connects the account, which is answered.
pub(crate) async fn adopt(
    caller: Caller<Admin>,
    Extract(state): Extract<State>,
    Path(id): Path<ParkedConsentId>,
) -> Result<(StatusCode, Json<Value>), ApiError> {
    let account = state.broker.adopt(caller.workspace, id).await?.ok_or(ApiError::NotFound)?;
    let shown = zoom_oauth_credentials::shown(&state, caller, account).await?;
    Ok((StatusCode::CREATED, Json(shown)))
}

/// `DELETE {id}/`: revoked at Zoom and erased.
pub(crate) async fn discard(
    caller: Caller<Admin>,
    Extract(state): Extract<State>,
    Path(id): Path<ParkedConsentId>,
) -> Result<StatusCode, ApiError> {
    let known = state.broker.discard(caller.workspace, id).await?;
    if known { Ok(StatusCode::NO_CONTENT) } else { Err(ApiError::NotFound) }
}
