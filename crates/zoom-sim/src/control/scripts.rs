//! `/_sim/scripts`: meetings played from a script.

use axum::Json;
use axum::extract::{Query, State};
use axum::http::StatusCode;
use serde::Deserialize;

use super::error::ControlError;
use crate::ids::MeetingNumber;
use crate::script::{self, Playing, Script};
use crate::state::SharedSim;

/// The meeting to play in.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Target {
    /// An existing meeting; if absent, the script creates its own.
    meeting_number: Option<MeetingNumber>,
}

/// Plays a script; the body is the script itself.
pub(crate) async fn play(
    State(sim): State<SharedSim>,
    target: Result<Query<Target>, axum::extract::rejection::QueryRejection>,
    text: String,
) -> Result<(StatusCode, Json<Playing>), ControlError> {
    let Query(target) = target.map_err(|error| ControlError::Bad(error.body_text()))?;
    let bad = |error: script::ScriptError| ControlError::Bad(error.to_string());
    let playing =
        script::play(&sim, Script::read(&text).map_err(bad)?, target.meeting_number).map_err(bad)?;
    sim.happened();
    Ok((StatusCode::CREATED, Json(playing)))
}

/// Progress of the scripts, and steps that failed.
pub(crate) async fn list(State(sim): State<SharedSim>) -> Json<Vec<Playing>> {
    Json(sim.world().scripts.list().to_vec())
}
