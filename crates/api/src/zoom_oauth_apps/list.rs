//! `GET /api/v2/zoom-oauth-apps/`

use axum::{
    Json,
    extract::{RawQuery, State as Extract},
};
use serde_json::Value;

use super::representation;
use crate::{
    State,
    caller::{Caller, Read},
    error::ApiError,
    page::{Query, single_page},
};

pub(crate) async fn handler(
    caller: Caller<Read>,
    Extract(state): Extract<State>,
    RawQuery(query): RawQuery,
) -> Result<Json<Value>, ApiError> {
    let apps = state.store.zoom_oauth_apps(caller.workspace).await?;
    let query = Query::of(query.as_deref());
    Ok(Json(single_page(&query.agreeing(apps.iter().map(representation), &["client_id", "kind"]))))
}
