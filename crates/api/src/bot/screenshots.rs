//! `GET /api/v1/bot/{id}/screenshots/`, and the pictures themselves.

use axum::{
    Json,
    extract::State as Extract,
    http::header::{CACHE_CONTROL, CONTENT_TYPE},
    response::{IntoResponse, Response},
};
use model::BotId;
use serde_json::{Value, json};

use super::find;
use crate::{
    State,
    caller::{Caller, Read},
    error::ApiError,
    page::single_page,
    path::Path,
};

pub(crate) async fn handler(
    caller: Caller<Read>,
    Extract(state): Extract<State>,
    Path(id): Path<BotId>,
) -> Result<Json<Value>, ApiError> {
    let bot = find(&state, caller.workspace, id).await?;
    let base = state.broker.public_base().as_str().trim_end_matches('/');
    let shots = state.bots.screenshots().list(caller.workspace, bot.id).await?;
    let results = shots.iter().map(|shot| {
        let url = format!("{base}/api/latchkey/v1/bot/{}/screenshots/{}.png", bot.id, shot.id);
        json!({ "id": shot.id, "recorded_at": shot.recorded_at, "url": url })
    });
    Ok(Json(single_page(&results.collect::<Vec<_>>())))
}

/// One picture, to whoever holds the workspace's key: it shows a meeting.
pub(crate) async fn picture(
    caller: Caller<Read>,
    Extract(state): Extract<State>,
    Path((id, file)): Path<(BotId, String)>,
) -> Result<Response, ApiError> {
    let bot = find(&state, caller.workspace, id).await?;
    let wanted = file.strip_suffix(".png").and_then(|id| id.parse().ok()).ok_or(ApiError::NotFound)?;
    let png = state.bots.screenshots().read(caller.workspace, bot.id, wanted).await?;
    let png = png.ok_or(ApiError::NotFound)?;
    Ok(([(CONTENT_TYPE, "image/png"), (CACHE_CONTROL, "private, no-store")], png).into_response())
}
