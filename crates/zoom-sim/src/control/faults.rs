//! `/_sim/faults`: what goes wrong next.

use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;

use super::error::{Body, ControlError};
use crate::faults::Fault;
use crate::sim::SharedSim;

pub(crate) async fn list(State(sim): State<SharedSim>) -> Json<Vec<Fault>> {
    Json(sim.world().faults.armed().to_vec())
}

pub(crate) async fn arm(
    State(sim): State<SharedSim>,
    Body(fault): Body<Fault>,
) -> Result<(StatusCode, Json<Fault>), ControlError> {
    if fault.times == 0 {
        return Err(ControlError::Bad("times must be at least 1".to_owned()));
    }
    sim.world().faults.arm(fault.clone());
    Ok((StatusCode::CREATED, Json(fault)))
}

pub(crate) async fn clear(State(sim): State<SharedSim>) -> StatusCode {
    sim.world().faults.clear();
    StatusCode::NO_CONTENT
}
