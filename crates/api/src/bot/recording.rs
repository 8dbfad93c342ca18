//! `POST /api/v1/bot/{id}/start_recording/` and its kin: the contract has them, and recording is not built.

use axum::extract::State as Extract;
use model::BotId;

use super::find;
use crate::{
    State,
    caller::{Bots, Caller},
    error::ApiError,
    path::Path,
};

pub(crate) async fn handler(
    caller: Caller<Bots>,
    Extract(state): Extract<State>,
    Path(id): Path<BotId>,
) -> ApiError {
    match find(&state, caller.workspace, id).await {
        Ok(_) => ApiError::command("not_supported", "Bots do not record here."),
        Err(error) => error,
    }
}
