//! `/api/latchkey/v1/parked-consents/`: people who installed an app at Zoom without an invitation and wait to be adopted.

use axum::{
    Json,
    extract::{RawQuery, State as Extract},
    http::StatusCode,
};
use broker::scopes;
use model::{CredentialId, CredentialKind, ParkedConsentId, Timestamp, ZoomOauthAppId};
use serde::Serialize;
use utoipa::ToSchema;

use crate::{
    State,
    caller::{Admin, Caller, Read},
    error::ApiError,
    page::{Page, single_page},
    path::Path,
    query::Query,
    zoom_oauth_credentials::{self, ZoomOauthCredential},
};

/// A user who installed an app at Zoom and waits for the operator.
#[derive(Serialize, ToSchema)]
pub(crate) struct ParkedConsent {
    id: ParkedConsentId,
    oauth_app: ZoomOauthAppId,
    /// Zoom's id of the user.
    user_id: String,
    /// Zoom's id of the Zoom account.
    account_id: String,
    display_name: String,
    /// Scopes that the app lacks at Zoom.
    missing_scopes: Vec<&'static str>,
    /// The existing account of this user and app: Zoom accepts only the newest grant.
    #[schema(required)]
    replaces: Option<CredentialId>,
    created_at: Timestamp,
    expires_at: Timestamp,
}

/// List parked consents
///
/// People who installed an app at Zoom without an invitation, newest first.
#[utoipa::path(
    get,
    path = "/api/latchkey/v1/parked-consents/",
    tag = "accounts",
    operation_id = "parked_consents_list",
    security(("tokenAuth" = ["read"])),
    responses((status = 200, description = "All parked consents.", body = Page<ParkedConsent>)),
)]
pub(crate) async fn list(
    caller: Caller<Read>,
    Extract(state): Extract<State>,
    RawQuery(query): RawQuery,
) -> Result<Json<Page<ParkedConsent>>, ApiError> {
    Query::of_names(query.as_deref(), &[])?;
    let mut results = Vec::new();
    for parked in state.broker.accounts.parked.list(caller.workspace).await? {
        let missing_scopes = scopes::missing(CredentialKind::UserOauth, parked.grant.scopes.as_deref());
        let replaces = state.broker.accounts.parked.replaced_by(&parked).await?;
        results.push(ParkedConsent {
            id: parked.id,
            oauth_app: parked.app,
            user_id: parked.zoom_user_id,
            account_id: parked.zoom_account_id,
            display_name: parked.display_name,
            missing_scopes,
            replaces,
            created_at: parked.parked_at,
            expires_at: parked.expires_at,
        });
    }
    Ok(Json(single_page(results)))
}

/// Adopt a parked consent
///
/// Connects the account and returns it.
#[utoipa::path(
    post,
    path = "/api/latchkey/v1/parked-consents/{id}/adopt/",
    tag = "accounts",
    operation_id = "parked_consents_adopt",
    security(("tokenAuth" = ["admin"])),
    params(("id" = ParkedConsentId, Path)),
    responses((status = 201, description = "The account.", body = ZoomOauthCredential)),
)]
pub(crate) async fn adopt(
    caller: Caller<Admin>,
    Extract(state): Extract<State>,
    Path(id): Path<ParkedConsentId>,
) -> Result<(StatusCode, Json<ZoomOauthCredential>), ApiError> {
    let account =
        state.broker.accounts.parked.adopt(caller.workspace, id).await?.ok_or(ApiError::NotFound)?;
    let shown = zoom_oauth_credentials::shown(&state, caller, account).await?;
    Ok((StatusCode::CREATED, Json(shown)))
}

/// Discard a parked consent
///
/// It is revoked at Zoom and erased.
#[utoipa::path(
    delete,
    path = "/api/latchkey/v1/parked-consents/{id}/",
    tag = "accounts",
    operation_id = "parked_consents_destroy",
    security(("tokenAuth" = ["admin"])),
    params(("id" = ParkedConsentId, Path)),
    responses((status = 204, description = "The consent is discarded.")),
)]
pub(crate) async fn discard(
    caller: Caller<Admin>,
    Extract(state): Extract<State>,
    Path(id): Path<ParkedConsentId>,
) -> Result<StatusCode, ApiError> {
    let known = state.broker.accounts.parked.discard(caller.workspace, id).await?;
    if known { Ok(StatusCode::NO_CONTENT) } else { Err(ApiError::NotFound) }
}
