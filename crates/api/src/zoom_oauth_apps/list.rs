//! `GET /api/v2/zoom-oauth-apps/`

use axum::extract::{RawQuery, State as Extract};
use store::{AppFilter, Order};
use utoipa::IntoParams;

use super::{ZoomOauthApp, representation};
use crate::{
    State,
    caller::{Caller, Read},
    enum_fields::{APP_KINDS, AppKind},
    error::ApiError,
    page::Page,
    query::Query,
    secret_answer::WithSecret,
};

/// The filters of the list, and its cursor.
#[derive(IntoParams)]
#[into_params(parameter_in = Query)]
#[expect(dead_code, reason = "`Query` reads by these names")]
pub(crate) struct ListZoomOauthApps {
    client_id: Option<String>,
    kind: Option<AppKind>,
    /// A time, or a date.
    created_at_after: Option<String>,
    /// A time, or a date.
    created_at_before: Option<String>,
    /// A time, or a date.
    webhook_last_validation_after: Option<String>,
    /// A time, or a date.
    webhook_last_validation_before: Option<String>,
    /// `created_at` or `-created_at`.
    ordering: Option<String>,
    /// The cursor in `next` or `previous` of another page.
    cursor: Option<String>,
}

/// List Zoom apps
#[utoipa::path(
    get,
    path = "/api/v2/zoom-oauth-apps/",
    tag = "zoom apps",
    operation_id = "zoom_oauth_apps_list",
    security(("tokenAuth" = ["read"])),
    params(ListZoomOauthApps),
    responses((status = 200, description = "A page of apps.", body = Page<ZoomOauthApp>)),
)]
pub(crate) async fn handler(
    caller: Caller<Read>,
    Extract(state): Extract<State>,
    RawQuery(query): RawQuery,
) -> Result<WithSecret<Page<ZoomOauthApp>>, ApiError> {
    let query = Query::of_type::<ListZoomOauthApps>(query.as_deref(), None)?;
    let filter = AppFilter {
        client_id: query.get("client_id").map(str::to_owned),
        kind: query.word("kind", APP_KINDS)?,
        created_after: query.time("created_at_after")?,
        created_before: query.time("created_at_before")?,
        validated_after: query.time("webhook_last_validation_after")?,
        validated_before: query.time("webhook_last_validation_before")?,
    };
    let wanted = query.wanted(&["created_at"], Order::Descending)?;
    let apps = state.store.list_zoom_oauth_apps(caller.workspace, &filter, &wanted.page()).await?;
    let shown = |app: &store::ZoomOauthApp| representation(&state, app);
    let place = (&query, &*state.broker, "/api/v2/zoom-oauth-apps/");
    let page = wanted.answer(place, apps, store::ZoomOauthApp::place, shown)?;
    Ok(WithSecret(page))
}
