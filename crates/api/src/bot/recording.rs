//! `POST /api/v1/bot/{id}/start_recording/` and related routes: part of the contract, but recording is not
//! built.

use axum::extract::State as Extract;
use model::BotId;

use super::find;
use crate::{
    State,
    caller::{Bots, Caller},
    error::ApiError,
    openapi::errors,
    path::Path,
};

fn not_supported() -> ApiError {
    ApiError::command("not_supported", "Bots do not record here.")
}

errors! { NotSupported: not_supported() }

/// Ask the host for permission to record
///
/// Bots do not record here: the answer is always 400 `not_supported`.
#[utoipa::path(
    post,
    path = "/api/v1/bot/{id}/request_recording_permission/",
    tag = "bots",
    operation_id = "bot_request_recording_permission_create",
    security(("tokenAuth" = ["bots"])),
    params(("id" = BotId, Path)),
    responses(NotSupported),
)]
pub(crate) async fn request_recording_permission(
    caller: Caller<Bots>,
    Extract(state): Extract<State>,
    Path(id): Path<BotId>,
) -> ApiError {
    refused(caller, &state, id).await
}

/// Start recording
///
/// Bots do not record here: the answer is always 400 `not_supported`.
#[utoipa::path(
    post,
    path = "/api/v1/bot/{id}/start_recording/",
    tag = "bots",
    operation_id = "bot_start_recording_create",
    security(("tokenAuth" = ["bots"])),
    params(("id" = BotId, Path)),
    responses(NotSupported),
)]
pub(crate) async fn start_recording(
    caller: Caller<Bots>,
    Extract(state): Extract<State>,
    Path(id): Path<BotId>,
) -> ApiError {
    refused(caller, &state, id).await
}

/// Stop recording
///
/// Bots do not record here: the answer is always 400 `not_supported`.
#[utoipa::path(
    post,
    path = "/api/v1/bot/{id}/stop_recording/",
    tag = "bots",
    operation_id = "bot_stop_recording_create",
    security(("tokenAuth" = ["bots"])),
    params(("id" = BotId, Path)),
    responses(NotSupported),
)]
pub(crate) async fn stop_recording(
    caller: Caller<Bots>,
    Extract(state): Extract<State>,
    Path(id): Path<BotId>,
) -> ApiError {
    refused(caller, &state, id).await
}

/// Pause recording
///
/// Bots do not record here: the answer is always 400 `not_supported`.
#[utoipa::path(
    post,
    path = "/api/v1/bot/{id}/pause_recording/",
    tag = "bots",
    operation_id = "bot_pause_recording_create",
    security(("tokenAuth" = ["bots"])),
    params(("id" = BotId, Path)),
    responses(NotSupported),
)]
pub(crate) async fn pause_recording(
    caller: Caller<Bots>,
    Extract(state): Extract<State>,
    Path(id): Path<BotId>,
) -> ApiError {
    refused(caller, &state, id).await
}

/// Resume recording
///
/// Bots do not record here: the answer is always 400 `not_supported`.
#[utoipa::path(
    post,
    path = "/api/v1/bot/{id}/resume_recording/",
    tag = "bots",
    operation_id = "bot_resume_recording_create",
    security(("tokenAuth" = ["bots"])),
    params(("id" = BotId, Path)),
    responses(NotSupported),
)]
pub(crate) async fn resume_recording(
    caller: Caller<Bots>,
    Extract(state): Extract<State>,
    Path(id): Path<BotId>,
) -> ApiError {
    refused(caller, &state, id).await
}

async fn refused(caller: Caller<Bots>, state: &State, id: BotId) -> ApiError {
    match find(state, caller.workspace, id).await {
        Ok(_) => not_supported(),
        Err(error) => error,
    }
}
