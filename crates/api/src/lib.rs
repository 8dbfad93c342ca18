//! HTTP in.
//!
//! | path | whose contract |
//! |---|---|
//! | `/api/v1/bot/…`, `/api/v2/zoom-…/` | Recall's, and nothing else |
//! | `/api/latchkey/v1/…` | our own, in the same style |
//! | `/t/<link>.<secret>` | token links, called by bot platforms |
//! | `/oauth/zoom/…` | a browser that connects an account |
//!
//! Every path works with and without its last slash. One operation lives in one file: request, answer, handler. A handler
//! without a `Caller` in its signature is public on purpose.

// A handler waits for the broker, which waits for the database and for Zoom: the type of that is deeper than usual.
#![recursion_limit = "256"]

mod accounts;
mod body;
mod bot;
mod bounds;
mod caller;
mod consent;
mod error;
mod fields;
mod health;
mod html;
mod idempotency;
mod latchkey;
mod limits;
mod log;
mod metrics;
mod observe;
mod page;
mod path;
mod peer;
mod server;
mod serving;
mod token;
mod zoom_meetings_to_credentials;
mod zoom_oauth_apps;
mod zoom_oauth_credentials;

use std::sync::Arc;

use axum::{
    Router,
    http::{StatusCode, header::CACHE_CONTROL},
    middleware,
    response::IntoResponse,
    routing::{MethodRouter, delete, get, post},
};
use bots::Supervisor;
use broker::Broker;
use model::Environment;
use outbound::CallbackClient;
use store::Store;
use token_links::TokenLinks;
use tokio_util::task::TaskTracker;
use tower::ServiceBuilder;
use tower_http::catch_panic::CatchPanicLayer;

use error::ApiError;

pub use bounds::{Admission, Bounds};
pub use limits::{Limits, Rates};
pub use metrics::MetricsAccess;
pub use server::{Connection, Server};
pub use serving::serve;

/// What handlers share.
#[derive(Clone)]
pub struct State {
    /// Where rows live.
    pub store: Arc<dyn Store>,
    /// Accounts and their tokens.
    pub broker: Arc<Broker>,
    /// Token links.
    pub links: Arc<TokenLinks>,
    /// Says which URLs of callers may be called.
    pub callbacks: CallbackClient,
    /// Bots that run here.
    pub bots: Arc<Supervisor>,
    /// Time and randomness.
    pub env: Environment,
    /// Where a request goes on whose caller has hung up.
    pub tasks: TaskTracker,
    /// How often callers may come.
    pub limits: Arc<Limits>,
    /// What whoever is not known yet may take.
    pub admission: Arc<Admission>,
    /// Who is answered at `/metrics`.
    pub metrics: MetricsAccess,
    /// Whether Zoom's place may be taken by the simulator: then every page says so.
    pub simulated: bool,
    /// Whether apps are shown with their secrets, as Recall's API shows them.
    pub show_app_secrets: bool,
}

/// A path and its methods.
type Route = (&'static str, MethodRouter<State>);

/// Every route of the server. One with an id in it has a row in the sweep across tenants (`tests/http/tenants.rs`).
fn routes() -> Vec<Route> {
    vec![
        ("/api/v1/bot", post(bot::create::handler).get(bot::list::handler)),
        ("/api/v1/bot/{id}", get(bot::retrieve::handler)),
        ("/api/v1/bot/{id}/leave_call", post(bot::leave_call::handler)),
        ("/api/v1/bot/{id}/screenshots", get(bot::screenshots::handler)),
        ("/api/v1/bot/{id}/delete_media", post(bot::delete_media::handler)),
        ("/api/v1/bot/{id}/request_recording_permission", post(bot::recording::handler)),
        ("/api/v1/bot/{id}/start_recording", post(bot::recording::handler)),
        ("/api/v1/bot/{id}/stop_recording", post(bot::recording::handler)),
        ("/api/v1/bot/{id}/pause_recording", post(bot::recording::handler)),
        ("/api/v1/bot/{id}/resume_recording", post(bot::recording::handler)),
        (
            "/api/v2/zoom-oauth-apps",
            post(zoom_oauth_apps::create::handler).get(zoom_oauth_apps::list::handler),
        ),
        (
            "/api/v2/zoom-oauth-apps/{id}",
            get(zoom_oauth_apps::retrieve::handler)
                .patch(zoom_oauth_apps::change::handler)
                .delete(zoom_oauth_apps::remove::handler),
        ),
        ("/api/v2/zoom-oauth-apps/{id}/webhook", zoom_oauth_apps::webhook::routes()),
        (
            "/api/v2/zoom-oauth-credentials",
            post(zoom_oauth_credentials::create::handler).get(zoom_oauth_credentials::list::handler),
        ),
        (
            "/api/v2/zoom-oauth-credentials/{id}",
            get(zoom_oauth_credentials::retrieve::handler)
                .delete(zoom_oauth_credentials::disconnect::handler),
        ),
        ("/api/v2/zoom-oauth-credentials/{id}/validate", post(zoom_oauth_credentials::validate::handler)),
        (
            "/api/v2/zoom-oauth-credentials/{id}/sync-meetings",
            post(zoom_oauth_credentials::sync_meetings::handler),
        ),
        ("/api/v2/zoom-meetings-to-credentials", get(zoom_meetings_to_credentials::handler)),
        ("/api/v2/zoom-oauth-credential-logs", get(log::of_credentials)),
        ("/api/v2/zoom-oauth-app-logs", get(log::of_apps)),
        ("/api/latchkey/v1/events", get(log::events)),
        ("/api/latchkey/v1/parked-consents", get(latchkey::parked_consents::list)),
        ("/api/latchkey/v1/parked-consents/{id}", delete(latchkey::parked_consents::discard)),
        ("/api/latchkey/v1/parked-consents/{id}/adopt", post(latchkey::parked_consents::adopt)),
        (
            "/api/v2/zoom-oauth-credentials/{id}/access-token",
            get(zoom_oauth_credentials::access_token::handler).head(nothing_done),
        ),
        ("/api/latchkey/v1/connect-links", post(latchkey::connect_links::handler)),
        (
            "/api/latchkey/v1/token-links",
            post(latchkey::token_links::create).get(latchkey::token_links::list),
        ),
        (
            "/api/latchkey/v1/token-links/{id}",
            get(latchkey::token_links::retrieve)
                .patch(latchkey::token_links::narrow)
                .delete(latchkey::token_links::revoke),
        ),
        ("/api/latchkey/v1/pools", post(latchkey::pools::create).get(latchkey::pools::list)),
        (
            "/api/latchkey/v1/pools/{id}",
            get(latchkey::pools::retrieve).patch(latchkey::pools::change).delete(latchkey::pools::remove),
        ),
        ("/api/latchkey/v1/pools/{id}/members", post(latchkey::pools::put_member)),
        ("/api/latchkey/v1/pools/{id}/members/{credential}", delete(latchkey::pools::remove_member)),
        ("/api/latchkey/v1/settings", get(latchkey::settings::retrieve).patch(latchkey::settings::change)),
        ("/api/latchkey/v1/audit", get(latchkey::audit::handler)),
        ("/api/latchkey/v1/callback-secret", get(latchkey::callback_secret::retrieve)),
        ("/api/latchkey/v1/callback-secret/rotate", post(latchkey::callback_secret::rotate)),
        ("/api/latchkey/v1/api-keys", post(latchkey::api_keys::create).get(latchkey::api_keys::list)),
        (
            "/api/latchkey/v1/api-keys/{id}",
            get(latchkey::api_keys::retrieve).delete(latchkey::api_keys::revoke),
        ),
        ("/api/latchkey/v1/workspaces", post(latchkey::workspaces::create).get(latchkey::workspaces::list)),
        (
            "/api/latchkey/v1/workspaces/{id}",
            get(latchkey::workspaces::retrieve).patch(latchkey::workspaces::change),
        ),
        ("/api/latchkey/v1/bot/{id}/screenshots/{file}", get(bot::screenshots::picture)),
        (token::ROUTE, token::routes()),
        ("/t/{address}/status", token::status_routes()),
        ("/oauth/zoom/authorize", get(consent::authorize)),
        ("/oauth/zoom/callback", get(consent::callback).head(nothing_done)),
        ("/oauth/zoom/callback/{app}", get(consent::installed).head(nothing_done)),
        ("/livez", get(health::live)),
        ("/healthz", get(health::live)),
        ("/readyz", get(health::ready)),
        ("/metrics", get(metrics::handler)),
    ]
}

/// HEAD on a route whose GET does something (a code is spent, a token is given): it does nothing. Link scanners send it.
async fn nothing_done() -> impl IntoResponse {
    (StatusCode::OK, [(CACHE_CONTROL, "no-store")])
}

/// The path of every route, as the router reads it, without a last slash.
pub fn paths() -> Vec<&'static str> {
    routes().into_iter().map(|(path, _)| path).collect()
}

/// Every route.
pub fn router(state: State) -> Router {
    with_layers(routes(), state)
}

/// What is served at an address of its own: `/metrics` alone.
fn metrics_router(state: State) -> Router {
    with_layers(vec![("/metrics", get(metrics::handler))], state)
}

/// Routes, and what holds for all of them.
fn with_layers(routes: Vec<Route>, state: State) -> Router {
    // Outermost first. One layer for all of them: the router boxes each that it is given, for every request.
    let around = ServiceBuilder::new()
        .layer(middleware::from_fn_with_state(state.clone(), observe::requests))
        .layer(middleware::map_response(html::protected))
        .layer(middleware::from_fn(bounds::head::keep))
        .layer(middleware::from_fn_with_state(state.clone(), idempotency::once))
        .layer(CatchPanicLayer::custom(error::panicked));
    routes
        .into_iter()
        .fold(Router::new(), with_and_without_slash)
        .fallback(async || ApiError::NotFound)
        .method_not_allowed_fallback(async || ApiError::MethodNotAllowed)
        .layer(around)
        .with_state(state)
}

fn with_and_without_slash(router: Router<State>, (path, methods): Route) -> Router<State> {
    router.route(path, methods.clone()).route(&format!("{path}/"), methods)
}
