//! HTTP in.
//!
//! | path | whose contract |
//! |---|---|
//! | `/api/v1/bot/…`, `/api/v2/zoom-…/` | Recall's, and nothing else |
//! | `/api/latchkey/v1/…` | our own, in the same style |
//! | `/t/<link>.<secret>` | token links, called by bot platforms |
//! | `/oauth/zoom/…` | a browser that connects an account |
//! | `/docs/…` | a person who reads what a code means |
//!
//! Every path works with and without its last slash. One operation lives in one file: request, answer, handler. A handler
//! without a `Caller` in its signature is public on purpose.

// A handler waits for the broker, which waits for the database and for Zoom: the type of that is deeper than usual.
#![recursion_limit = "256"]

mod account_log;
mod body;
mod bot;
mod bounds;
mod caller;
mod connection_loop;
mod consent;
mod dispatch;
mod docs;
mod enum_fields;
mod error;
mod fields;
mod health;
mod html;
mod idempotency;
mod internal_client;
mod latchkey;
mod limits;
mod mask_url;
mod metrics;
mod named_account;
mod openapi;
mod page;
mod path;
mod peer;
mod request;
mod request_code;
mod request_log;
mod return_urls;
mod token;
mod zoom_meetings_to_credentials;
mod zoom_oauth_apps;
mod zoom_oauth_credentials;

use std::sync::Arc;

use axum::{
    Router,
    http::{HeaderMap, StatusCode, header::CACHE_CONTROL},
    middleware,
    response::IntoResponse,
};
use bots::Bots;
use broker::Broker;
use model::Environment;
use outbound::CallbackClient;
use store::Store;
use token_links::TokenLinks;
use tokio_util::task::TaskTracker;
use tower::ServiceBuilder;
use tower_http::catch_panic::CatchPanicLayer;
use utoipa_axum::{
    router::{UtoipaMethodRouter, UtoipaMethodRouterExt as _},
    routes,
};
use webhooks::Webhooks;

use error::ApiError;

pub use bounds::{Admission, BodyError, Bounds, Sender, WorkspaceQuotas};
pub use connection_loop::serve;
pub use dispatch::{Connection, Server};
pub use docs::error_codes_page;
pub use internal_client::{InProcess, KeyRefused};
pub use latchkey::installation::Kept;
pub use limits::{Limits, Rates};
pub use metrics::MetricsAccess;
pub use return_urls::ReturnUrls;

/// What handlers share.
#[derive(Clone)]
pub struct State {
    /// Where rows live.
    pub store: Arc<dyn Store>,
    /// Accounts and their tokens.
    pub broker: Arc<Broker>,
    /// Token links.
    pub links: Arc<TokenLinks>,
    /// Decides which URLs given by callers may be called.
    pub callbacks: CallbackClient,
    /// Bots.
    pub bots: Arc<Bots>,
    /// Endpoints that are told of events.
    pub webhooks: Arc<Webhooks>,
    /// Time and randomness.
    pub env: Environment,
    /// Runs requests to their end after the caller has hung up.
    pub tasks: TaskTracker,
    /// How often callers may come.
    pub limits: Arc<Limits>,
    /// Limits for callers who are not known yet.
    pub admission: Arc<Admission>,
    /// Which requests to `/metrics` are answered.
    pub metrics: MetricsAccess,
    /// Whether Zoom's place may be taken by the simulator: then every page says so.
    pub simulated: bool,
    /// Where browsers may be sent on after an account was connected.
    pub return_urls: ReturnUrls,
    /// Whether apps are shown with their secrets, as Recall's API shows them.
    pub show_app_secrets: bool,
    /// How long things are kept, to be shown.
    pub kept: Kept,
}

/// Methods of a path, and their part of the document.
type Route = UtoipaMethodRouter<State>;

/// Every route of the server. One with an id in it has a row in the sweep across tenants (`tests/http/tenants.rs`).
fn routes() -> Vec<Route> {
    vec![
        routes!(bot::create::handler, bot::list::handler),
        routes!(bot::retrieve::handler, bot::change::handler, bot::cancel::handler),
        routes!(bot::leave_call::handler),
        routes!(bot::output_video::handler, bot::output_video::delete),
        routes!(bot::send_chat_message::handler),
        routes!(bot::screenshots::handler),
        routes!(bot::screenshots::picture),
        routes!(bot::delete_media::handler),
        routes!(bot::meeting_events::handler),
        routes!(bot::log::handler),
        routes!(bot::evidence::handler),
        routes!(bot::realtime_endpoints::handler),
        routes!(bot::download::handler),
        routes!(bot::recording::request_recording_permission),
        routes!(bot::recording::start_recording),
        routes!(bot::recording::stop_recording),
        routes!(bot::recording::pause_recording),
        routes!(bot::recording::resume_recording),
        routes!(zoom_oauth_apps::create::handler, zoom_oauth_apps::list::handler),
        routes!(
            zoom_oauth_apps::retrieve::handler,
            zoom_oauth_apps::change::handler,
            zoom_oauth_apps::remove::handler
        ),
        routes!(zoom_oauth_apps::check::handler),
        routes!(zoom_oauth_apps::webhook::handler),
        routes!(zoom_oauth_credentials::create::handler, zoom_oauth_credentials::list::handler),
        routes!(zoom_oauth_credentials::retrieve::handler, zoom_oauth_credentials::disconnect::handler),
        routes!(zoom_oauth_credentials::validate::handler),
        routes!(zoom_oauth_credentials::sync_meetings::handler),
        routes!(zoom_oauth_credentials::access_token::handler).map(|methods| methods.head(nothing_done)),
        routes!(zoom_meetings_to_credentials::handler),
        routes!(account_log::of_credentials),
        routes!(account_log::of_apps),
        routes!(account_log::events),
        routes!(latchkey::parked_consents::list),
        routes!(latchkey::parked_consents::discard),
        routes!(latchkey::parked_consents::adopt),
        routes!(latchkey::connect_links::create, latchkey::connect_links::list),
        routes!(latchkey::connect_links::revoke),
        routes!(latchkey::token_links::create::handler, latchkey::token_links::list),
        routes!(
            latchkey::token_links::retrieve,
            latchkey::token_links::narrow::handler,
            latchkey::token_links::revoke
        ),
        routes!(latchkey::pools::create, latchkey::pools::list),
        routes!(latchkey::pools::retrieve, latchkey::pools::change, latchkey::pools::remove),
        routes!(latchkey::pool_seats::list),
        routes!(latchkey::pool_seats::release),
        routes!(latchkey::pools::put_member),
        routes!(latchkey::pools::remove_member),
        routes!(latchkey::settings::retrieve, latchkey::settings::change),
        routes!(latchkey::bot_outcomes::handler),
        routes!(latchkey::overview::handler),
        routes!(latchkey::installation::handler),
        routes!(latchkey::audit::handler),
        routes!(latchkey::events::handler),
        routes!(latchkey::webhook_endpoints::create, latchkey::webhook_endpoints::list),
        routes!(
            latchkey::webhook_endpoints::retrieve,
            latchkey::webhook_endpoints::change,
            latchkey::webhook_endpoints::remove
        ),
        routes!(latchkey::webhook_endpoints::actions::rotate_secret),
        routes!(latchkey::webhook_endpoints::actions::test),
        routes!(latchkey::webhook_endpoints::actions::replay),
        routes!(latchkey::webhook_endpoints::deliveries::list),
        routes!(latchkey::webhook_endpoints::deliveries::retrieve),
        routes!(latchkey::webhook_endpoints::deliveries::retry),
        routes!(latchkey::callback_secret::retrieve),
        routes!(latchkey::callback_secret::rotate),
        routes!(latchkey::api_keys::create, latchkey::api_keys::list),
        routes!(latchkey::api_keys::retrieve, latchkey::api_keys::revoke),
        routes!(latchkey::workspaces::create, latchkey::workspaces::list),
        routes!(latchkey::workspaces::retrieve, latchkey::workspaces::change),
        token::routes(),
        token::status_routes(),
        routes!(consent::authorize),
        routes!(consent::reconnect::handler).map(|methods| methods.head(nothing_done)),
        routes!(consent::callback).map(|methods| methods.head(nothing_done)),
        routes!(consent::installed).map(|methods| methods.head(nothing_done)),
        routes!(health::live),
        routes!(health::live_by_its_older_name),
        routes!(health::ready),
        routes!(metrics::handler),
        routes!(openapi::handler),
        routes!(docs::error_codes),
        routes!(docs::sub_codes),
    ]
}

/// HEAD does nothing on a route whose GET has effects (a code is redeemed, a token is given, an invitation is made). Link
/// scanners send it.
async fn nothing_done() -> impl IntoResponse {
    (StatusCode::OK, [(CACHE_CONTROL, "no-store")])
}

/// The OpenAPI document of every route, without the address of a server.
pub fn document() -> serde_json::Value {
    serde_json::Value::Object(openapi::document_as_json())
}

/// The path of every route, as the router reads it, without a last slash.
pub fn paths() -> Vec<String> {
    routes()
        .iter()
        .flat_map(|(_, paths, _)| paths.paths.keys().map(|path| path.trim_end_matches('/').to_owned()))
        .collect()
}

/// The path of every field of a new bot that is known here, such as `zoom.zak_url`.
pub fn fields_of_a_bot() -> Vec<String> {
    bot::fields_of_a_bot()
}

/// Every route, and `pages` beside them.
pub fn router(state: State, pages: Router) -> Router {
    with_layers(routes(), pages, state)
}

/// What is served at an address of its own: `/metrics` alone.
fn metrics_router(state: State) -> Router {
    with_layers(vec![routes!(metrics::handler)], Router::new(), state)
}

/// Every route, for calls inside this process: without what bounds, logs and counts requests from outside.
fn inner_router(state: State) -> Router {
    let routes = routes().into_iter().fold(Router::new(), with_and_without_slash);
    routes.fallback(async || ApiError::NotFound).with_state(state)
}

/// Routes, and what holds for all of them.
fn with_layers(routes: Vec<Route>, pages: Router, state: State) -> Router {
    // Outermost first. One layer for all of them: the router boxes each that it is given, for every request.
    let around = ServiceBuilder::new()
        .layer(middleware::from_fn_with_state(state.clone(), request_log::requests))
        .layer(middleware::map_response(html::protected))
        .layer(middleware::from_fn_with_state(state.clone(), error::linked))
        .layer(middleware::from_fn(bounds::header_size::keep))
        .layer(middleware::from_fn_with_state(state.clone(), idempotency::once))
        // Here as well: an answer that is kept to be given again has its link.
        .layer(middleware::from_fn_with_state(state.clone(), error::linked))
        .layer(CatchPanicLayer::custom(error::panicked));
    let nowhere = {
        let state = state.clone();
        async move |headers: HeaderMap| html::nowhere(&state, &headers)
    };
    routes
        .into_iter()
        .fold(Router::new(), with_and_without_slash)
        .with_state(state)
        .merge(pages)
        .fallback(nowhere)
        .method_not_allowed_fallback(async || ApiError::MethodNotAllowed)
        .layer(around)
}

fn with_and_without_slash(router: Router<State>, (_, paths, methods): Route) -> Router<State> {
    paths.paths.keys().fold(router, |router, path| {
        let path = path.trim_end_matches('/');
        router.route(path, methods.clone()).route(&format!("{path}/"), methods.clone())
    })
}
