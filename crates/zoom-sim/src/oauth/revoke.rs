//! `POST /oauth/revoke`: an app revokes a grant.

use axum::Json;
use axum::extract::{RawQuery, State};
use axum::http::HeaderMap;
use axum::response::{IntoResponse, Response};

use super::access_token::Claims;
use super::client::Params;
use super::error::OAuthError;
use crate::faults::{self, Place};
use crate::jwt;
use crate::state::{SharedSim, Sim};

/// Returns `{"status":"success"}` (D). Whether the token is an access or a refresh token, the whole grant ends (ours).
pub(crate) async fn handler(
    State(sim): State<SharedSim>,
    RawQuery(query): RawQuery,
    headers: HeaderMap,
    body: String,
) -> Response {
    let query = query.filter(|_| sim.world().switches.query_parameters);
    let params = Params::read(&headers, query.as_deref(), &body);
    faults::around(&sim, Place::Revoke, async { revoke(&sim, &params).into_response() }).await
}

fn revoke(sim: &Sim, params: &Params) -> Result<Json<serde_json::Value>, OAuthError> {
    let mut world = sim.world();
    let client_id = params.client(&world)?.client_id.clone();
    let token = params.get("token").unwrap_or_default();
    let by_access = jwt::read::<Claims>(token, &world.signing_key).map(|claims| claims.grant);
    let ended = match by_access {
        Some(grant) => world.grants.end(&grant, &client_id),
        None => world.grants.revoke_refresh(token, &client_id),
    };
    if !ended {
        return Err(OAuthError::InvalidToken);
    }
    world.history.stats.revocations += 1;
    Ok(Json(serde_json::json!({"status": "success"})))
}
