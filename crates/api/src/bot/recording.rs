//! `POST /api/v1/bot/{id}/start_recording/` and related routes: part of the contract, but recording is not
//! implemented.

use axum::extract::State as Extract;
use model::BotId;

use super::find;
use crate::{
    State,
    caller::{Bots, Caller},
    error::ApiError,
    openapi::errors,
    path::Path,
    request_code::RequestCode,
};

fn not_supported() -> ApiError {
    ApiError::refused(RequestCode::NotSupported, "Bots do not record here.")
}

errors! { NotSupported: not_supported() }

/// Defines the commands, which all answer the same.
macro_rules! commands {
    ($(#[doc = $about:literal] $name:ident, $path:tt, $operation:tt;)*) => {$(
        #[doc = $about]
        ///
        /// Bots do not record here yet: the answer is always 400 `not_supported`.
        #[utoipa::path(
            post,
            path = $path,
            tag = "bots",
            operation_id = $operation,
            security(("tokenAuth" = ["bots"])),
            params(("id" = BotId, Path)),
            responses(NotSupported),
        )]
        pub(crate) async fn $name(
            caller: Caller<Bots>,
            Extract(state): Extract<State>,
            Path(id): Path<BotId>,
        ) -> ApiError {
            refused(caller, &state, id).await
        }
    )*};
}

commands! {
    /// Ask the host for permission to record
    request_recording_permission, "/api/v1/bot/{id}/request_recording_permission/", "bot_request_recording_permission_create";
    /// Start recording
    start_recording, "/api/v1/bot/{id}/start_recording/", "bot_start_recording_create";
    /// Stop recording
    stop_recording, "/api/v1/bot/{id}/stop_recording/", "bot_stop_recording_create";
    /// Pause recording
    pause_recording, "/api/v1/bot/{id}/pause_recording/", "bot_pause_recording_create";
    /// Resume recording
    resume_recording, "/api/v1/bot/{id}/resume_recording/", "bot_resume_recording_create";
}

async fn refused(caller: Caller<Bots>, state: &State, id: BotId) -> ApiError {
    match find(state, caller.workspace, id).await {
        Ok(_) => not_supported(),
        Err(error) => error,
    }
}
