//! `/_sim/faults`: arms faults for the next requests.

use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;
use serde_json::{Value, json};

use super::error::{Body, ControlError};
use crate::faults::Fault;
use crate::held_requests::Waiting;
use crate::state::SharedSim;

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

/// The requests that a fault is holding.
pub(crate) async fn held(State(sim): State<SharedSim>) -> Json<Vec<Waiting>> {
    Json(sim.world().held.list())
}

/// Releases the held requests.
pub(crate) async fn let_go(State(sim): State<SharedSim>) -> Json<Value> {
    Json(json!({"released": sim.world().held.let_go()}))
}
