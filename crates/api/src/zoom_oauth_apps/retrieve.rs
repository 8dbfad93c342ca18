//! `GET /api/v2/zoom-oauth-apps/{id}/`

use axum::{Json, extract::State as Extract};
use model::ZoomOauthAppId;

use super::{representation, unstored};
use crate::{
    State,
    caller::{Caller, Read},
    error::ApiError,
    path::Path,
};

pub(crate) async fn handler(
    caller: Caller<Read>,
    Extract(state): Extract<State>,
    Path(id): Path<ZoomOauthAppId>,
) -> Result<super::Answer, ApiError> {
    let app = state.store.zoom_oauth_app(caller.workspace, id).await?.ok_or(ApiError::NotFound)?;
    Ok(unstored(Json(representation(&state, &app)?)))
}
