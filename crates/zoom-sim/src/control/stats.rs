//! `/_sim/stats`, `/_sim/join-requests` and `/_sim/issued`: what happened so far.

use axum::Json;
use axum::extract::State;

use crate::state::SharedSim;
use crate::world::history::{Issued, JoinRequest, Stats};

pub(crate) async fn stats(State(sim): State<SharedSim>) -> Json<Stats> {
    Json(sim.world().history.stats.clone())
}

pub(crate) async fn join_requests(State(sim): State<SharedSim>) -> Json<Vec<JoinRequest>> {
    Json(sim.world().history.join_requests.clone())
}

/// Every secret that was issued, so that a test can search for leaked ones.
pub(crate) async fn issued(State(sim): State<SharedSim>) -> Json<Vec<Issued>> {
    Json(sim.world().history.issued.clone())
}
