//! Everything the simulated Zoom serves, on one origin for all of its hosts.

use axum::Router;
use axum::http::StatusCode;

use crate::sim::SharedSim;
use crate::{gate, oauth, rest};

/// OAuth and REST as API clients see them; the meeting gate as browsers see it.
pub(crate) fn routes(sim: &SharedSim) -> Router {
    Router::new()
        .merge(oauth::routes())
        .merge(rest::routes())
        .merge(gate::routes())
        .fallback(|| async { StatusCode::NOT_FOUND })
        .with_state(sim.clone())
}
