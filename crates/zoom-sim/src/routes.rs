//! All routes of the simulated Zoom, on one origin for all of its hosts.

use axum::Router;
use axum::middleware::from_fn_with_state;

use crate::state::SharedSim;
use crate::{date_header, gate, oauth, rest};

/// OAuth and REST for API clients, and the meeting gate for browsers. The gate also answers unknown paths, so that a page
/// can read even a 404.
pub(crate) fn routes(sim: &SharedSim) -> Router {
    Router::new()
        .merge(oauth::routes())
        .merge(rest::routes())
        .merge(gate::routes())
        .layer(from_fn_with_state(sim.clone(), date_header::add))
        .with_state(sim.clone())
}
