//! `zoom.us/oauth`: consent, tokens, revocation.

pub(crate) mod access_token;
mod authorize;
mod client;
mod error;
mod revoke;
mod token;

use axum::Router;
use axum::routing::{get, post};

use crate::state::SharedSim;

pub(crate) fn routes() -> Router<SharedSim> {
    Router::new()
        .route("/oauth/authorize", get(authorize::show).post(authorize::decide))
        .route("/oauth/consent.css", get(authorize::style))
        .route("/oauth/token", post(token::handler))
        .route("/oauth/revoke", post(revoke::handler))
}
