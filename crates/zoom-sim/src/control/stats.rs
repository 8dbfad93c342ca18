//! `/_sim/stats` and `/_sim/join-requests`: what happened so far.

use axum::Json;
use axum::extract::State;

use crate::sim::SharedSim;
use crate::world::ledger::{JoinRequest, Stats};

pub(crate) async fn stats(State(sim): State<SharedSim>) -> Json<Stats> {
    Json(sim.world().ledger.stats.clone())
}

pub(crate) async fn join_requests(State(sim): State<SharedSim>) -> Json<Vec<JoinRequest>> {
    Json(sim.world().ledger.join_requests.clone())
}
