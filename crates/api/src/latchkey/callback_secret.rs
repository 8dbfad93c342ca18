//! `/api/latchkey/v1/callback-secret/`: the secret (`whsec_…`) that signs requests of bots and verifies requests to token
//! links.

use axum::extract::State as Extract;
use model::{ApiScope, ApiScopes, Timestamp};
use serde::Serialize;
use tenants::{CallbackSecrets, Rotation, SECRET_OVERLAP};
use utoipa::ToSchema;

use crate::{
    State,
    body::Body,
    caller::{Admin, Caller, Tokens},
    error::ApiError,
    fields::Fields,
    openapi::errors,
    request::{Overlap, Request as _, request},
    request_code::RequestCode,
    secret_answer::WithSecret,
    zoom_oauth_apps::MASK,
};

/// The secret that signs the requests of the workspace's bots.
#[derive(Serialize, ToSchema)]
pub(crate) struct CallbackSecret {
    /// `whsec_…`; masked for a key without the scope `tokens`.
    secret: String,
    /// When the previous secret expires. Until then it is valid too.
    #[schema(required)]
    former_ends_at: Option<Timestamp>,
}

request! {
    /// How to replace the secret.
    closed struct RotateCallbackSecret {
        /// How long the previous secret stays valid. A day by default; 0 for a leaked secret.
        overlap_seconds: Option<Overlap>,
    }
}

fn rotating(until: Timestamp) -> ApiError {
    let detail = format!(
        "The previous secret is valid until {until}. Rotate after that, or with overlap_seconds = 0 to end both now."
    );
    ApiError::refused(RequestCode::CallbackSecretRotating, detail)
}

errors! { RotateErrors: rotating(Timestamp::from_second(1_900_000_000)) }

/// Retrieve the callback secret
#[utoipa::path(
    get,
    path = "/api/latchkey/v1/callback-secret/",
    tag = "workspace",
    operation_id = "callback_secret_retrieve",
    security(("tokenAuth" = ["tokens"])),
    responses((status = 200, description = "The newest secret.", body = CallbackSecret)),
)]
pub(crate) async fn retrieve(
    caller: Caller<Tokens>,
    Extract(state): Extract<State>,
) -> Result<WithSecret<CallbackSecret>, ApiError> {
    Ok(shown(&state.broker.workspaces.callback_secrets(caller.workspace).await?, caller.scopes))
}

/// Rotate the callback secret
#[utoipa::path(
    post,
    path = "/api/latchkey/v1/callback-secret/rotate/",
    tag = "workspace",
    operation_id = "callback_secret_rotate",
    security(("tokenAuth" = ["admin"])),
    request_body(content = RotateCallbackSecret, example = json!({ "overlap_seconds": 3600 })),
    responses((status = 200, description = "The new secret.", body = CallbackSecret), RotateErrors),
)]
pub(crate) async fn rotate(
    caller: Caller<Admin>,
    Extract(state): Extract<State>,
    Body(body): Body,
) -> Result<WithSecret<CallbackSecret>, ApiError> {
    let mut fields = Fields::of(&body);
    let asked = RotateCallbackSecret::read(&mut fields);
    let overlap = fields.finish(asked)?.overlap_seconds.map_or(SECRET_OVERLAP, |overlap| overlap.0);
    match state.broker.workspaces.rotate_callback_secret(caller.workspace, overlap).await? {
        Rotation::Done(secrets) => Ok(shown(&secrets, caller.scopes)),
        Rotation::Running { until } => Err(rotating(until)),
    }
}

/// Shows the secret itself only to keys that may read it: the right to rotate it is not enough.
fn shown(secrets: &CallbackSecrets, held: ApiScopes) -> WithSecret<CallbackSecret> {
    let secret = if held.has(ApiScope::Tokens) { secrets.current.expose() } else { MASK };
    let former_ends_at = secrets.former.as_ref().map(|(_, ends_at)| *ends_at);
    WithSecret(CallbackSecret { secret: secret.to_owned(), former_ends_at })
}
