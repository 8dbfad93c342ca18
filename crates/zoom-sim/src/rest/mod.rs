//! `api.zoom.us/v2`: the few calls a broker needs.

mod bearer;
mod error;
mod tokens;
mod users;

use axum::Router;
use axum::routing::get;

use crate::sim::SharedSim;

pub(crate) fn routes() -> Router<SharedSim> {
    Router::new()
        .route("/v2/users/{who}", get(users::handler))
        .route("/v2/users/{who}/token", get(tokens::by_type))
        .route("/v2/users/me/zak", get(tokens::five_minute_zak))
}
