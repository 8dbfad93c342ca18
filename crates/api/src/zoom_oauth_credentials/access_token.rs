//! `GET /api/v2/zoom-oauth-credentials/{id}/access-token/`: an access token for the customer's own calls.

use std::time::Duration;

use audit::Asker;
use axum::{
    Json,
    extract::State as Extract,
    http::{HeaderName, HeaderValue, header},
};
use model::{Code, CredentialId, Failure, Purpose, Who};
use serde_json::{Value, json};

use super::visible;
use crate::{
    State,
    caller::{Caller, Tokens},
    error::ApiError,
    path::Path,
    peer::Peer,
};

/// What is left of a token, but for times when Zoom is away.
const LIFE: Duration = Duration::from_secs(300);

pub(crate) async fn handler(
    caller: Caller<Tokens>,
    Peer(from): Peer,
    Extract(state): Extract<State>,
    Path(id): Path<CredentialId>,
) -> Result<([(HeaderName, HeaderValue); 1], Json<Value>), ApiError> {
    visible(&state, caller, id).await?;
    let asker = Asker { who: Who::ApiKey(caller.key), from, why: Purpose::AccessTokenEndpoint };
    let access = state.broker.access_token(caller.workspace, id, LIFE, asker).await;
    let access = access.map_err(in_the_contracts_words)?;
    let body = json!({
        "token": access.token.expose(),
        "access_token": access.token.expose(),
        "expires_at": access.expires_at,
    });
    Ok(([(header::CACHE_CONTROL, HeaderValue::from_static("no-store"))], Json(body)))
}

/// The contract has its own codes here, and answers 400 for what a person must mend.
fn in_the_contracts_words(failure: Failure) -> ApiError {
    let code = match failure.code {
        Code::CredentialNeedsConsent | Code::CredentialDisconnected | Code::CredentialBlocked => {
            "zoom_oauth_credential_unhealthy"
        }
        Code::AppUnhealthy => "zoom_oauth_app_unhealthy",
        Code::AccessTokenCallbackFailed => Code::AccessTokenCallbackFailed.as_str(),
        // To whoever waits for a token it is all the same; the account's log tells them apart.
        Code::ZoomRateLimited | Code::RefreshUncertain => {
            return Failure { code: Code::ZoomUnavailable, ..failure }.into();
        }
        _ => return failure.into(),
    };
    ApiError::command(code, failure.code.advice())
}
