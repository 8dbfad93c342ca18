//! The HTTP API: routes, requests, answers and their limits.
//!
//! | path | contract |
//! |---|---|
//! | `/api/v1/bot/…`, `/api/v2/zoom-…/` | Recall's only |
//! | `/api/latchkey/v1/…` | our own, in the same style |
//! | `/t/<link>.<secret>` | token links, called by bot platforms |
//! | `/oauth/zoom/…` | a browser, to connect an account |
//! | `/docs/…` | a person, to read what a code means |
//!
//! Every path works with and without a trailing slash. Each operation has one file: request, answer, handler. A handler
//! without a `Caller` in its signature is public on purpose.

// A handler awaits the broker, which awaits the database and Zoom: the future's type is nested deeper than usual.
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
mod query;
mod request;
mod request_code;
mod request_log;
mod return_urls;
mod secret_answer;
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

/// What all handlers share.
#[derive(Clone)]
pub struct State {
    /// The database.
    pub store: Arc<dyn Store>,
    /// Accounts and their tokens.
    pub broker: Arc<Broker>,
    /// Token links.
    pub links: Arc<TokenLinks>,
    /// Checks and calls the URLs that callers give.
    pub callbacks: CallbackClient,
    /// The bots.
    pub bots: Arc<Bots>,
    /// Webhook endpoints.
    pub webhooks: Arc<Webhooks>,
    /// Clock and randomness.
    pub env: Environment,
    /// Runs requests to completion after the caller has disconnected.
    pub tasks: TaskTracker,
    /// Rate limits of callers.
    pub limits: Arc<Limits>,
    /// Limits for callers that are not authenticated yet.
    pub admission: Arc<Admission>,
    /// Who may read `/metrics`.
    pub metrics: MetricsAccess,
    /// Whether the simulator may replace Zoom: then every page says so.
    pub simulated: bool,
    /// Where browsers may be redirected after an account is connected.
    pub return_urls: ReturnUrls,
    /// Whether apps are shown with their secrets, as Recall's API shows them.
    pub show_app_secrets: bool,
    /// How long things are stored, shown to users.
    pub kept: Kept,
}

/// The methods of a path, and their part of the OpenAPI document.
type Route = UtoipaMethodRouter<State>;

/// Every route of the server. A route with an id in it has a row in the test across tenants (`tests/http/tenants.rs`).
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

/// HEAD does nothing on a route whose GET has effects (it redeems a code, gives a token, creates an invitation). Link
/// scanners send HEAD requests.
async fn nothing_done() -> impl IntoResponse {
    (StatusCode::OK, [(CACHE_CONTROL, "no-store")])
}

/// The OpenAPI document of every route, without a server's address.
pub fn document() -> serde_json::Value {
    serde_json::Value::Object(openapi::document_as_json())
}

/// The path of every route, as the router reads it, without a trailing slash.
pub fn paths() -> Vec<String> {
    routes()
        .iter()
        .flat_map(|(_, paths, _)| paths.paths.keys().map(|path| path.trim_end_matches('/').to_owned()))
        .collect()
}

/// The path of every field of a new bot that is supported, such as `zoom.zak_url`.
pub fn fields_of_a_bot() -> Vec<String> {
    bot::fields_of_a_bot()
}

/// Every route, and `pages` in addition.
pub fn router(state: State, pages: Router) -> Router {
    with_layers(routes(), pages, state)
}

/// The router of the separate metrics listener: `/metrics` alone.
fn metrics_router(state: State) -> Router {
    with_layers(vec![routes!(metrics::handler)], Router::new(), state)
}

/// Every route, for calls inside this process: without the layers that limit, log and count requests from outside.
fn inner_router(state: State) -> Router {
    let routes = routes().into_iter().fold(Router::new(), with_and_without_slash);
    routes.fallback(async || ApiError::NotFound).with_state(state)
}

/// Routes, and the layers that apply to all of them.
fn with_layers(routes: Vec<Route>, pages: Router, state: State) -> Router {
    // Outermost first. All layers are one: the router boxes each layer again for every request.
    let around = ServiceBuilder::new()
        .layer(middleware::from_fn_with_state(state.clone(), request_log::requests))
        .layer(middleware::map_response(html::protected))
        .layer(middleware::from_fn_with_state(state.clone(), error::linked))
        .layer(middleware::from_fn(bounds::header_size::keep))
        .layer(middleware::from_fn_with_state(state.clone(), idempotency::once))
        // Inside the idempotency layer too: a stored answer includes its link.
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
