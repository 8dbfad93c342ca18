//! `GET /api/v1/bot/{id}/screenshots/`, and the pictures themselves.

use axum::{
    Json,
    extract::State as Extract,
    http::header::{CACHE_CONTROL, CONTENT_TYPE},
    response::{IntoResponse, Response},
};
use model::{BotId, ScreenshotId, Timestamp};
use serde::Serialize;
use utoipa::ToSchema;

use super::find;
use crate::{
    State,
    caller::{Caller, Read},
    error::ApiError,
    page::{Page, single_page},
    path::Path,
};

/// A picture of a bot's page.
#[derive(Serialize, ToSchema)]
pub(crate) struct Screenshot {
    id: ScreenshotId,
    recorded_at: Timestamp,
    /// The PNG's URL. It needs an API key too.
    url: String,
}

/// List a bot's screenshots
#[utoipa::path(
    get,
    path = "/api/v1/bot/{id}/screenshots/",
    tag = "bots",
    operation_id = "bot_screenshots_list",
    security(("tokenAuth" = ["read"])),
    params(("id" = BotId, Path)),
    responses((status = 200, description = "All of them, oldest first.", body = Page<Screenshot>)),
)]
pub(crate) async fn handler(
    caller: Caller<Read>,
    Extract(state): Extract<State>,
    Path(id): Path<BotId>,
) -> Result<Json<Page<Screenshot>>, ApiError> {
    find(&state, caller.workspace, id).await?;
    let base = state.broker.addresses.public_base().as_str().trim_end_matches('/');
    let shots = state.bots.screenshots().list(caller.workspace, id).await?;
    let shown = shots.iter().map(|shot| Screenshot {
        id: shot.id,
        recorded_at: shot.recorded_at,
        url: format!("{base}/api/latchkey/v1/bot/{id}/screenshots/{}.png", shot.id),
    });
    Ok(Json(single_page(shown.collect())))
}

/// Retrieve a screenshot
///
/// It shows a meeting, so it needs an API key.
#[utoipa::path(
    get,
    path = "/api/latchkey/v1/bot/{id}/screenshots/{file}",
    tag = "bots",
    operation_id = "bot_screenshot_retrieve",
    security(("tokenAuth" = ["read"])),
    params(("id" = BotId, Path), ("file" = String, Path, description = "`<screenshot>.png`")),
    responses((status = 200, description = "The picture.", body = Vec<u8>, content_type = "image/png")),
)]
pub(crate) async fn picture(
    caller: Caller<Read>,
    Extract(state): Extract<State>,
    Path((id, file)): Path<(BotId, String)>,
) -> Result<Response, ApiError> {
    find(&state, caller.workspace, id).await?;
    let wanted = file.strip_suffix(".png").and_then(|id| id.parse().ok()).ok_or(ApiError::NotFound)?;
    let png = state.bots.screenshots().read(caller.workspace, id, wanted).await?;
    let png = png.ok_or(ApiError::NotFound)?;
    Ok(([(CONTENT_TYPE, "image/png"), (CACHE_CONTROL, "private, no-store")], png).into_response())
}
