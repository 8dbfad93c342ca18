//! `GET /api/latchkey/v1/bot/{id}/evidence/`: the evidence about a bot in one file.

use axum::{
    extract::State as Extract,
    http::header::{CACHE_CONTROL, CONTENT_DISPOSITION, CONTENT_TYPE},
    response::{IntoResponse, Response},
};
use model::BotId;

use super::find;
use crate::{
    State,
    caller::{Caller, Read},
    error::ApiError,
    path::Path,
};

/// Download a bot's evidence
///
/// A zip for finding out why a bot failed: its status changes, its request, its log with its calls to Zoom and its page's
/// console, its last screenshots, and the versions of Chromium and Zoom's SDK. Secrets are removed. The zip is made on
/// request, from what is still stored: log and screenshots have their retention, and `delete_media` erases the screenshots.
#[utoipa::path(
    get,
    path = "/api/latchkey/v1/bot/{id}/evidence/",
    tag = "bots",
    operation_id = "bot_evidence_retrieve",
    security(("tokenAuth" = ["read"])),
    params(("id" = BotId, Path)),
    responses((status = 200, description = "The zip.", body = Vec<u8>, content_type = "application/zip")),
)]
pub(crate) async fn handler(
    caller: Caller<Read>,
    Extract(state): Extract<State>,
    Path(id): Path<BotId>,
) -> Result<Response, ApiError> {
    let bot = find(&state, caller.workspace, id).await?;
    let zip = state.bots.evidence.zip(&bot).await?;
    let name = format!("attachment; filename=\"bot-{id}.zip\"");
    let headers = [
        (CONTENT_TYPE, "application/zip".to_owned()),
        (CONTENT_DISPOSITION, name),
        (CACHE_CONTROL, "private, no-store".to_owned()),
    ];
    Ok((headers, zip).into_response())
}
