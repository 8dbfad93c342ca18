//! `/_sim/switches`: behaviour that Zoom does not document or has changed.

use axum::Json;
use axum::extract::State;
use serde_json::Value;

use super::error::{Body, ControlError, patched};
use crate::state::SharedSim;
use crate::world::switches::Switches;

pub(crate) async fn show(State(sim): State<SharedSim>) -> Json<Switches> {
    Json(sim.world().switches.clone())
}

pub(crate) async fn change(
    State(sim): State<SharedSim>,
    Body(body): Body<Value>,
) -> Result<Json<Switches>, ControlError> {
    let mut world = sim.world();
    world.switches = patched(&world.switches, body)?;
    Ok(Json(world.switches.clone()))
}
