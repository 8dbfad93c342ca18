//! `PATCH /api/v2/zoom-oauth-apps/{id}/`: new secrets.
//!
//! The webhook secret before goes on beside the new one for a day, or for `webhook_secret_overlap_seconds`; 0 is for one that
//! has leaked.

use axum::{Json, extract::State as Extract};
use broker::SecretsChange;
use model::{Secret, ZoomOauthAppId};
use tenants::SECRET_OVERLAP;

use super::{representation, secret, unstored};
use crate::{
    State,
    body::Body,
    caller::{Admin, Caller},
    error::ApiError,
    fields::{FieldErrors, Fields},
    path::Path,
};

const OVERLAP: &str = "webhook_secret_overlap_seconds";

pub(crate) async fn handler(
    caller: Caller<Admin>,
    Extract(state): Extract<State>,
    Path(id): Path<ZoomOauthAppId>,
    Body(body): Body,
) -> Result<super::Answer, ApiError> {
    let change = read(Fields::of(&body))?;
    let changed = state.broker.change_app_secrets(caller.workspace, id, &change).await?;
    Ok(unstored(Json(representation(&state, &changed.ok_or(ApiError::NotFound)?)?)))
}

fn read(mut fields: Fields<'_>) -> Result<SecretsChange, FieldErrors> {
    for fixed in fields.others(&["client_secret", "webhook_secret", OVERLAP]).keys() {
        fields.complain(fixed, "It cannot be changed; register another app.");
    }
    let mut text = |name| secret(&mut fields, name).map(Secret::new);
    let (client_secret, webhook_secret) = (text("client_secret"), text("webhook_secret"));
    let overlap = fields.overlap(OVERLAP, SECRET_OVERLAP);
    if overlap.is_some() && fields.anything("webhook_secret").is_none() {
        fields.complain(OVERLAP, "It goes with webhook_secret.");
    }
    let webhook_secret_overlap = overlap.unwrap_or(SECRET_OVERLAP);
    fields.finish(Some(SecretsChange { client_secret, webhook_secret, webhook_secret_overlap }))
}
