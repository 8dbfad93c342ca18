//! `/_sim/clock`: Zoom's time.

use axum::Json;
use axum::extract::State;
use serde::{Deserialize, Serialize};

use super::error::{Body, ControlError};
use crate::state::{SharedSim, Sim};

#[derive(Serialize)]
pub(crate) struct View {
    /// RFC 3339.
    now: String,
    offset_seconds: i64,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Advance {
    advance_seconds: i64,
}

/// Largest step in seconds (100 years); more is taken for a typing error.
const FARTHEST: i64 = 100 * 365 * 86_400;

fn view(sim: &Sim) -> Json<View> {
    Json(View { now: sim.now().to_string(), offset_seconds: sim.clock.offset_seconds() })
}

pub(crate) async fn show(State(sim): State<SharedSim>) -> Json<View> {
    view(&sim)
}

pub(crate) async fn advance(
    State(sim): State<SharedSim>,
    Body(body): Body<Advance>,
) -> Result<Json<View>, ControlError> {
    let reached = sim.clock.offset_seconds().saturating_add(body.advance_seconds);
    if reached.unsigned_abs() > FARTHEST.unsigned_abs() {
        return Err(ControlError::Bad("advance_seconds must not exceed 100 years".to_owned()));
    }
    sim.clock.advance(body.advance_seconds);
    sim.happened();
    Ok(view(&sim))
}
