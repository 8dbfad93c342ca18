//! Everything the simulated Zoom serves, on one origin for all of its hosts.

use axum::Router;

use crate::sim::SharedSim;
use crate::{gate, oauth, rest};

/// OAuth and REST as API clients see them; the meeting gate as browsers see it. The gate also
/// answers whatever else is asked for, so that a page may read even a 404.
pub(crate) fn routes(sim: &SharedSim) -> Router {
    Router::new().merge(oauth::routes()).merge(rest::routes()).merge(gate::routes()).with_state(sim.clone())
}
