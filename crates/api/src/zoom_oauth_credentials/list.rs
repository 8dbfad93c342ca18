//! `GET /api/v2/zoom-oauth-credentials/`

use axum::{
    Json,
    extract::{RawQuery, State as Extract},
};
use serde_json::Value;

use super::representation;
use crate::{
    State,
    caller::Caller,
    error::ApiError,
    page::{Query, single_page},
};

pub(crate) async fn handler(
    caller: Caller,
    Extract(state): Extract<State>,
    RawQuery(query): RawQuery,
) -> Result<Json<Value>, ApiError> {
    let credentials = state.store.credentials(caller.workspace).await?;
    let query = Query::of(query.as_deref());
    Ok(Json(single_page(&query.agreeing(
        credentials.iter().map(representation),
        &["account_id", "oauth_app", "status", "user_id"],
    ))))
}
