//! `POST /oauth/token`: exchanges a code, a refresh token or an app's own credentials for an access token.

use std::time::Duration;

use aws_lc_rs::digest::{SHA256, digest};
use axum::Json;
use axum::extract::{RawQuery, State};
use axum::http::{HeaderMap, HeaderValue, header};
use axum::response::{IntoResponse, Response};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use jiff::Timestamp;
use serde::Serialize;

use super::access_token;
use super::client::Params;
use super::error::OAuthError;
use crate::clock::Clock;
use crate::faults::{self, Place};
use crate::ids::GrantId;
use crate::state::{SharedSim, Sim};
use crate::too_many_requests::{self, Headroom, RetryAfter};
use crate::world::World;
use crate::world::app::{App, AppKind};
use crate::world::grant::{Challenge, Grant, Owner};

/// A successful answer (D).
#[derive(Serialize)]
struct Answer {
    access_token: String,
    token_type: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    refresh_token: Option<String>,
    /// Lifetime in seconds.
    expires_in: i64,
    /// Scopes, separated by spaces.
    scope: String,
    /// Base URL for REST calls; at Zoom it differs for regional accounts.
    api_url: String,
}

impl IntoResponse for Answer {
    fn into_response(self) -> Response {
        let mut response = Json(self).into_response();
        response.headers_mut().insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
        response
    }
}

pub(crate) async fn handler(
    State(sim): State<SharedSim>,
    RawQuery(query): RawQuery,
    headers: HeaderMap,
    body: String,
) -> Response {
    let query = query.filter(|_| sim.world().switches.query_parameters);
    let params = Params::read(&headers, query.as_deref(), &body);
    let refreshing = params.get("grant_type") == Some("refresh_token");
    let place = if refreshing { Place::Refresh } else { Place::Token };
    let delay = sim.world().switches.token_delay_ms;
    if delay > 0 {
        Clock::wait(Duration::from_millis(delay)).await;
    }
    if let Some(refusal) = over_limit(&sim, &params) {
        return refusal;
    }
    faults::around(&sim, place, async { exchange(&sim, &params).into_response() }).await
}

/// The 429 answer if a limit is set and reached. The limit is checked before everything else.
fn over_limit(sim: &Sim, params: &Params) -> Option<Response> {
    let mut world = sim.world();
    let limit = world.switches.token_limit_per_second?;
    let app = world.app(&params.client_id())?.client_id.clone();
    if world.token_used.admit(app, limit, Clock::real_unix_ms()).is_some() {
        return None;
    }
    world.history.stats.token_429 += 1;
    // Zoom documents no category for the token endpoint; this one is ours.
    let headroom = Headroom::per_second("Light", Some(limit), 0, sim.now());
    Some(too_many_requests::too_many(&headroom, Some(RetryAfter::Seconds)))
}

/// One step under one lock: the rotation takes effect whether or not the answer arrives.
fn exchange(sim: &Sim, params: &Params) -> Result<Answer, OAuthError> {
    let now = sim.now();
    let mut world = sim.world();
    let app = match params.client(&world) {
        Ok(app) => app.clone(),
        Err(refusal) => {
            world.history.stats.clients_refused += 1;
            return Err(refusal);
        }
    };
    let id = match (params.get("grant_type"), app.kind) {
        (Some("authorization_code"), AppKind::UserLevel | AppKind::AccountLevel) => {
            by_code(&mut world, &app, params, now)?
        }
        (Some("refresh_token"), _) => by_refresh(&mut world, &app, params, now)?,
        (Some("account_credentials"), AppKind::ServerToServer) => by_account(&mut world, &app, params)?,
        _ => return Err(OAuthError::UnsupportedGrant),
    };
    let refreshable = app.kind != AppKind::ServerToServer;
    let World { grants, entropy, .. } = &mut *world;
    let refresh_token = refreshable.then(|| grants.issue_refresh(entropy, &id, now));
    let access_token = access_token::issue(&mut world, &id, now).ok_or(OAuthError::InvalidToken)?;
    world.history.issue("access_token", &access_token);
    if let Some(token) = &refresh_token {
        world.history.issue("refresh_token", token);
    }
    let scope = world.grants.get(&id).map(|grant| grant.scopes.join(" ")).unwrap_or_default();
    Ok(Answer {
        access_token,
        token_type: "bearer",
        refresh_token,
        expires_in: world.switches.access_token_seconds,
        scope,
        api_url: sim.api_base.clone(),
    })
}

fn by_code(world: &mut World, app: &App, params: &Params, now: Timestamp) -> Result<GrantId, OAuthError> {
    let code = params.get("code").ok_or(OAuthError::InvalidCode)?;
    let pending = world.grants.take_code(code, now).ok_or(OAuthError::InvalidCode)?;
    if pending.request.client_id != app.client_id {
        return Err(OAuthError::InvalidCode);
    }
    if params.get("redirect_uri") != Some(&pending.request.redirect_uri) {
        return Err(OAuthError::RedirectMismatch);
    }
    if !verifies(pending.request.challenge.as_ref(), params.get("code_verifier")) {
        return Err(OAuthError::InvalidCode);
    }
    let owner = Owner::User(pending.user_id);
    let grant =
        Grant { client_id: app.client_id.clone(), owner, scopes: app.scopes.clone(), newest_access: None };
    world.history.stats.token_exchanges += 1;
    Ok(world.grants.start(&mut world.entropy, grant))
}

/// A challenge needs its verifier; a verifier without a challenge is refused too (RFC 7636, I).
fn verifies(challenge: Option<&Challenge>, verifier: Option<&str>) -> bool {
    match (challenge, verifier) {
        (None, None) => true,
        (Some(Challenge::Plain(expected)), Some(given)) => expected == given,
        (Some(Challenge::S256(expected)), Some(given)) => {
            *expected == URL_SAFE_NO_PAD.encode(digest(&SHA256, given.as_bytes()))
        }
        _ => false,
    }
}

fn by_refresh(world: &mut World, app: &App, params: &Params, now: Timestamp) -> Result<GrantId, OAuthError> {
    let token = params.get("refresh_token").unwrap_or_default();
    let grace = world.switches.refresh_grace_seconds;
    let Some(id) = world.grants.by_refresh(token, &app.client_id, now, grace) else {
        world.history.stats.refreshes_refused += 1;
        return Err(OAuthError::InvalidToken);
    };
    world.grants.rotate_out(token, now);
    world.history.stats.refreshes += 1;
    Ok(id)
}

fn by_account(world: &mut World, app: &App, params: &Params) -> Result<GrantId, OAuthError> {
    if params.get("account_id") != Some(&app.account_id.0) {
        return Err(OAuthError::BadRequest("Bad Request"));
    }
    let grant = Grant {
        client_id: app.client_id.clone(),
        owner: Owner::Account(app.account_id.clone()),
        scopes: app.scopes.clone(),
        newest_access: None,
    };
    world.history.stats.account_tokens += 1;
    Ok(world.grants.start(&mut world.entropy, grant))
}
