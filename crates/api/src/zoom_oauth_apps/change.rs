//! `PATCH /api/v2/zoom-oauth-apps/{id}/`: new secrets.

use axum::{Json, extract::State as Extract};
use model::{Secret, ZoomOauthAppId};

use super::{representation, secret, unstored};
use crate::{
    State,
    body::Body,
    caller::{Admin, Caller},
    error::ApiError,
    fields::{FieldErrors, Fields},
    path::Path,
};

/// What the contract lets be changed.
struct Change {
    client_secret: Option<Secret>,
    webhook_secret: Option<Secret>,
}

pub(crate) async fn handler(
    caller: Caller<Admin>,
    Extract(state): Extract<State>,
    Path(id): Path<ZoomOauthAppId>,
    Body(body): Body,
) -> Result<super::Answer, ApiError> {
    let Change { client_secret, webhook_secret } = read(Fields::of(&body))?;
    let (client_secret, webhook_secret) = (client_secret.as_ref(), webhook_secret.as_ref());
    let changed =
        state.broker.change_app_secrets(caller.workspace, id, client_secret, webhook_secret).await?;
    Ok(unstored(Json(representation(&state, &changed.ok_or(ApiError::NotFound)?)?)))
}

fn read(mut fields: Fields<'_>) -> Result<Change, FieldErrors> {
    for fixed in fields.others(&["client_secret", "webhook_secret"]).keys() {
        fields.complain(fixed, "It cannot be changed; register another app.");
    }
    let mut text = |name| secret(&mut fields, name).map(Secret::new);
    let (client_secret, webhook_secret) = (text("client_secret"), text("webhook_secret"));
    fields.finish(Some(Change { client_secret, webhook_secret }))
}
