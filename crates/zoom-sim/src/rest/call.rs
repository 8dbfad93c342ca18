//! What every REST call has in common, whatever it does.

use axum::response::{IntoResponse, Response};

use super::error::RestError;
use crate::faults::{self, Place};
use crate::sim::Sim;

/// Does `work` and answers with it, unless a fault comes between.
pub(super) async fn answer<T: IntoResponse>(
    sim: &Sim,
    place: Place,
    work: impl FnOnce() -> Result<T, RestError>,
) -> Response {
    faults::around(sim, place, async { work().into_response() }).await
}
