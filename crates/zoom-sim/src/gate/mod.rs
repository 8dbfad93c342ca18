//! The meeting gate: the meeting server that Zoom's Web Meeting SDK 6.2.0 (Component view) connects to.
//!
//! A join has three steps: [`info`] (a form over HTTPS), [`ping`], and [`socket`] (JSON frames over a WebSocket). The first
//! and the last step apply the admission [`rules`]. Zoom documents none of this: unless stated otherwise, behaviour here is
//! O, observed in the SDK's reactions.

pub(crate) mod activity;
pub(crate) mod admission;
mod avatar;
pub(crate) mod breakout;
pub(crate) mod captions;
pub(crate) mod chat;
mod commands;
pub(crate) mod event;
pub(crate) mod frames;
mod info;
pub(crate) mod join_ticket;
pub(crate) mod meeting;
pub(crate) mod meeting_changes;
pub(crate) mod network_cut;
mod options;
pub(crate) mod participant;
mod ping;
mod refusal;
pub(crate) mod registrants;
mod roster;
pub(crate) mod rules;
pub(crate) mod settings;
mod settings_frame;
mod signature;
mod socket;
mod start_poll;
mod stubs;
pub(crate) mod without_socket;

use axum::Router;
use axum::http::{HeaderName, HeaderValue, Method};
use axum::routing::{any, get, post};
use tower_http::cors::{AllowHeaders, AllowOrigin, CorsLayer};
use tower_http::set_header::SetResponseHeaderLayer;

use crate::state::SharedSim;

/// Routes of the gate, with the headers that a cross-origin isolated page needs to read an answer.
pub(crate) fn routes() -> Router<SharedSim> {
    let cors = CorsLayer::new()
        .allow_origin(AllowOrigin::mirror_request())
        .allow_credentials(true)
        .allow_methods([Method::GET, Method::POST, Method::PUT, Method::OPTIONS])
        .allow_headers(AllowHeaders::mirror_request());
    let resource_policy = SetResponseHeaderLayer::overriding(
        HeaderName::from_static("cross-origin-resource-policy"),
        HeaderValue::from_static("cross-origin"),
    );
    Router::new()
        .route("/api/v1/wc/info", post(info::handler))
        .route("/wc/ping/{number}", get(ping::handler))
        .route("/wc/api/{number}", get(socket::handler))
        .route("/wc/media/{number}", get(socket::media))
        .route("/wc/rs", post(start_poll::handler))
        .route("/p/{file}", get(avatar::handler))
        .route("/wc/profile/get", any(stubs::nothing_here))
        .fallback(stubs::telemetry)
        .layer(resource_policy)
        .layer(cors)
}
