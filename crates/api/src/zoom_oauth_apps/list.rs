//! `GET /api/v2/zoom-oauth-apps/`

use axum::{
    Json,
    extract::{RawQuery, State as Extract},
};
use serde_json::Value;
use store::{AppFilter, Order, ZoomOauthApp};

use super::{KINDS, representation, unstored};
use crate::{
    State,
    caller::{Caller, Read},
    error::ApiError,
    page::Query,
};

/// What the list can be narrowed by, and how it is walked through.
const FILTERS: [&str; 8] = [
    "client_id",
    "kind",
    "created_at_after",
    "created_at_before",
    "webhook_last_validation_after",
    "webhook_last_validation_before",
    "ordering",
    "cursor",
];

pub(crate) async fn handler(
    caller: Caller<Read>,
    Extract(state): Extract<State>,
    RawQuery(query): RawQuery,
) -> Result<super::Answer, ApiError> {
    let query = Query::of(query.as_deref()).only(&FILTERS)?;
    let filter = AppFilter {
        client_id: query.get("client_id").map(str::to_owned),
        kind: query.word("kind", KINDS)?,
        created_after: query.time("created_at_after")?,
        created_before: query.time("created_at_before")?,
        validated_after: query.time("webhook_last_validation_after")?,
        validated_before: query.time("webhook_last_validation_before")?,
    };
    let wanted = query.wanted(&["created_at"], Order::Descending)?;
    let apps = state.store.list_zoom_oauth_apps(caller.workspace, &filter, &wanted.page()).await?;
    let shown = |app: &ZoomOauthApp| representation(&state, app);
    let place = (&query, &*state.broker, "/api/v2/zoom-oauth-apps/");
    let page: Value = wanted.answer(place, apps, ZoomOauthApp::place, shown)?;
    Ok(unstored(Json(page)))
}
