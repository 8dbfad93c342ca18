//! The console: pages for the people who run bots.
//!
//! | part | |
//! |---|---|
//! | `session` | who is signed in: a cookie, a session in the store, the API key behind it |
//! | `client` | the API, called inside this process with that key |
//! | `form` | submitted forms, their token, and what is shown again after a refusal |
//! | `layout` | the frame of every page: menu, workspace, message about the last action |
//! | `format` | times, states and ids, as pages show them |
//! | `id_names` | text in which ids are replaced by names |
//! | `simulator` | the simulator in Zoom's place, for *Try it* |
//! | `error` | error pages |
//! | `pages` | one file for each page and its actions |
//!
//! The console is a client of the API ([decision 64](../../../docs/decisions/0064-the-console-is-a-client.md)): every page
//! and every button is a call of the API with the key that signed in. So scopes, checks, quotas and the audit apply as they
//! do in the API, and the console can do nothing that a program could not do.
//!
//! Each page works without JavaScript. With JavaScript, parts marked `data-live` are fetched again after an event.

mod assets;
mod client;
mod error;
mod form;
mod format;
mod id_names;
mod layout;
mod pages;
mod session;
mod simulator;

use std::sync::Arc;

use api::InProcess;
use axum::{Router, middleware};
use model::{ApiKeyId, Environment, Secret};
use rate_limits::Limiter;
use tenants::ConsoleSessions;
use url::Url;

pub use simulator::SimulatorAddress;

/// The dependencies of the console.
pub struct Parts {
    /// The API of this server.
    pub api: InProcess,
    /// The sessions of signed-in browsers.
    pub sessions: ConsoleSessions,
    /// Clock and randomness.
    pub env: Environment,
    /// The URL under which browsers reach this server.
    pub public_base: Url,
    /// Whether the simulator may replace Zoom: then every page says so.
    pub simulated: bool,
    /// The address of the simulator's control API, if one is configured: then *Try it* is offered.
    pub simulator: Option<SimulatorAddress>,
}

/// What all pages share.
#[derive(Clone)]
pub(crate) struct Console(Arc<Shared>);

pub(crate) struct Shared {
    pub(crate) api: InProcess,
    pub(crate) sessions: ConsoleSessions,
    pub(crate) env: Environment,
    /// The URL under which browsers reach this server.
    pub(crate) public_base: Url,
    /// The path of that URL without a trailing slash: every link of a page begins with it.
    pub(crate) base: String,
    pub(crate) simulated: bool,
    pub(crate) simulator: Option<SimulatorAddress>,
    /// Counts requests of pages by key.
    pub(crate) requests: Limiter<ApiKeyId>,
}

impl std::ops::Deref for Console {
    type Target = Shared;

    fn deref(&self) -> &Shared {
        &self.0
    }
}

/// The address that signs in the browser that opens it first. It is never logged: routes are logged, not paths.
pub fn link_address(public_base: &Url, link: &Secret) -> String {
    format!("{}/sign-in/{}", public_base.as_str().trim_end_matches('/'), link.expose())
}

/// The path of every page and every form, as the router reads it.
pub fn paths() -> Vec<&'static str> {
    pages::routes().into_iter().map(|(path, _)| path).collect()
}

/// Every page.
pub fn router(parts: Parts) -> Router {
    let Parts { api, sessions, env, public_base, simulated, simulator } = parts;
    let base = public_base.path().trim_end_matches('/').to_owned();
    let shared =
        Shared { api, sessions, env, public_base, base, simulated, simulator, requests: Limiter::default() };
    let console = Console(Arc::new(shared));
    pages::routes()
        .into_iter()
        .fold(Router::new(), |router, (path, methods)| router.route(path, methods))
        .layer(middleware::map_response_with_state(console.clone(), error::finish))
        .with_state(console)
}
