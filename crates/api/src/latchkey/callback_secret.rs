//! `/api/latchkey/v1/callback-secret/`: verifies what this workspace's bots fetch, and signs for its token links (`whsec_…`).

use axum::{
    Json,
    extract::State as Extract,
    http::header::CACHE_CONTROL,
    response::{IntoResponse, Response},
};
use model::{ApiScope, ApiScopes};
use serde_json::json;
use tenants::{CallbackSecrets, Rotation, SECRET_OVERLAP};

use crate::{
    State,
    body::Body,
    caller::{Admin, Caller, Tokens},
    error::ApiError,
    fields::Fields,
    zoom_oauth_apps::MASK,
};

/// `GET`: the newest, and until when the one before counts.
pub(crate) async fn retrieve(
    caller: Caller<Tokens>,
    Extract(state): Extract<State>,
) -> Result<Response, ApiError> {
    Ok(shown(&state.broker.workspaces().callback_secrets(caller.workspace).await?, caller.scopes))
}

/// `POST rotate/`: a new one. The one before counts for another day, or for `overlap_seconds`; 0 is for one that has leaked.
pub(crate) async fn rotate(
    caller: Caller<Admin>,
    Extract(state): Extract<State>,
    Body(body): Body,
) -> Result<Response, ApiError> {
    let mut fields = Fields::of(&body);
    fields.only(&["overlap_seconds"]);
    let overlap = fields.overlap("overlap_seconds", SECRET_OVERLAP).unwrap_or(SECRET_OVERLAP);
    let overlap = fields.finish(Some(overlap))?;
    match state.broker.workspaces().rotate_callback_secret(caller.workspace, overlap).await? {
        Rotation::Done(secrets) => Ok(shown(&secrets, caller.scopes)),
        Rotation::Running { until } => {
            let detail = format!(
                "The secret before this one counts until {until}. Rotate after that, or with overlap_seconds = 0 to end both now."
            );
            Err(ApiError::command("callback_secret_rotating", detail))
        }
    }
}

/// The secret itself only for whoever may read it: replacing it gives no right to that.
fn shown(secrets: &CallbackSecrets, held: ApiScopes) -> Response {
    let secret = if held.has(ApiScope::Tokens) { secrets.current.expose() } else { MASK };
    let former_ends_at = secrets.former.as_ref().map(|(_, ends_at)| ends_at);
    let body = json!({ "secret": secret, "former_ends_at": former_ends_at });
    ([(CACHE_CONTROL, "no-store")], Json(body)).into_response()
}
