//! `GET /api/v2/zoom-oauth-credentials/{id}/access-token/`: an access token for the customer's own calls.

use std::time::Duration;

use audit::TokenRequester;
use axum::extract::State as Extract;
use model::{AuditActor, Code, CredentialId, Failure, Purpose, Timestamp};
use serde::Serialize;
use utoipa::ToSchema;

use super::visible;
use crate::{
    State,
    caller::{Caller, Tokens},
    error::ApiError,
    openapi::errors,
    path::Path,
    peer::Peer,
    request_code::RequestCode,
    secret_answer::WithSecret,
};

/// The minimum remaining lifetime of a token, except while Zoom is unavailable.
const LIFE: Duration = Duration::from_secs(300);

/// An access token. The contract's pages disagree about its name, so both names have it.
#[derive(Serialize, ToSchema)]
#[expect(clippy::struct_field_names, reason = "the contract's names")]
pub(crate) struct AccessToken {
    token: String,
    access_token: String,
    expires_at: Timestamp,
}

errors! {
    AccessTokenErrors:
        in_the_contracts_words(Failure::new(Code::CredentialNeedsConsent, "")),
        in_the_contracts_words(Failure::new(Code::AppUnhealthy, "")),
        in_the_contracts_words(Failure::new(Code::AccessTokenCallbackFailed, "")),
        in_the_contracts_words(Failure::new(Code::ScopeMissing, "the app lacks a scope")),
        in_the_contracts_words(Failure::new(Code::ZoomUnavailable, "Zoom does not answer")),
        in_the_contracts_words(Failure::new(Code::AccessTokenCallbackTimeout, "the callback took longer than 5 s")),
        in_the_contracts_words(Failure::new(Code::Deadline, "the answer would be too late")),
        in_the_contracts_words(Failure::new(Code::ZoomUnexpected, "")),
}

/// Fetch an access token
///
/// It is valid for at least five more minutes, except while Zoom is unavailable.
#[utoipa::path(
    get,
    path = "/api/v2/zoom-oauth-credentials/{id}/access-token/",
    tag = "accounts",
    operation_id = "zoom_oauth_credentials_access_token_retrieve",
    security(("tokenAuth" = ["tokens"])),
    params(("id" = CredentialId, Path)),
    responses((status = 200, description = "A token.", body = AccessToken), AccessTokenErrors),
)]
pub(crate) async fn handler(
    caller: Caller<Tokens>,
    Peer(from): Peer,
    Extract(state): Extract<State>,
    Path(id): Path<CredentialId>,
) -> Result<WithSecret<AccessToken>, ApiError> {
    visible(&state, caller, id).await?;
    let requester =
        TokenRequester { who: AuditActor::ApiKey(caller.key), from, why: Purpose::AccessTokenEndpoint };
    let access = state.broker.tokens.access_token(caller.workspace, id, LIFE, requester).await;
    let access = access.map_err(in_the_contracts_words)?;
    let token = access.token.expose().to_owned();
    let body = AccessToken { access_token: token.clone(), token, expires_at: access.expires_at };
    Ok(WithSecret(body))
}

/// The contract has its own codes here, and answers 400 for what a person must fix.
fn in_the_contracts_words(failure: Failure) -> ApiError {
    let code = match failure.code {
        Code::CredentialNeedsConsent | Code::CredentialDisconnected | Code::CredentialBlocked => {
            RequestCode::ZoomOauthCredentialUnhealthy
        }
        Code::AppUnhealthy => RequestCode::ZoomOauthAppUnhealthy,
        Code::AccessTokenCallbackFailed => {
            return ApiError::BadRequest(failure.code, failure.code.advice().into());
        }
        // The caller handles both alike; the account's log distinguishes them.
        Code::ZoomRateLimited | Code::RefreshUncertain => {
            return Failure { code: Code::ZoomUnavailable, ..failure }.into();
        }
        _ => return failure.into(),
    };
    ApiError::refused(code, failure.code.advice())
}
