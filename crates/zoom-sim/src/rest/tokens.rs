//! A user's tokens for meetings: `/v2/users/{who}/token` and `/v2/users/me/zak`.

use axum::Json;
use axum::extract::{Path, Query, State};
use axum::http::HeaderMap;
use axum::response::Response;
use jiff::SignedDuration;
use serde::{Deserialize, Serialize};

use super::bearer::Bearer;
use super::call::{self, Call};
use super::error::RestError;
use super::scopes;
use crate::state::{SharedSim, Sim};
use crate::{obf, zak};

/// Default lifetime of an on-behalf-of token (D).
const USUAL_OBF: SignedDuration = SignedDuration::from_hours(2);
/// Longest lifetime that can be requested, in seconds (D).
const MAX_TTL: i64 = 31_536_000;

#[derive(Debug, Deserialize)]
pub(crate) struct QueryParams {
    #[serde(rename = "type")]
    token_type: Option<String>,
    ttl: Option<String>,
    meeting_id: Option<String>,
}

#[derive(Serialize)]
struct Answer {
    token: String,
}

/// `GET /v2/users/{who}/token?type=…`: the default type is the deprecated `token`, which is not a ZAK (D).
pub(crate) async fn by_type(
    State(sim): State<SharedSim>,
    Path(who): Path<String>,
    Query(asked): Query<QueryParams>,
    headers: HeaderMap,
) -> Response {
    call::answer(&sim, Call::MintUserToken, &headers, || mint(&sim, &who, &asked, &headers)).await
}

/// `GET /v2/users/me/zak`: a ZAK for five minutes (D REF).
pub(crate) async fn five_minute_zak(State(sim): State<SharedSim>, headers: HeaderMap) -> Response {
    let asked =
        QueryParams { token_type: Some("zak".to_owned()), ttl: Some("300".to_owned()), meeting_id: None };
    call::answer(&sim, Call::MintUserToken, &headers, || mint(&sim, "me", &asked, &headers)).await
}

fn mint(sim: &Sim, who: &str, asked: &QueryParams, headers: &HeaderMap) -> Result<Json<Answer>, RestError> {
    let now = sim.now();
    let mut world = sim.world();
    let wants_zak = asked.token_type.as_deref() == Some("zak");
    let mut bearer = Bearer::read(&world, headers, now)?;
    if !(wants_zak && world.switches.zak_on_expired_access_token) {
        bearer = bearer.unexpired()?;
    }
    let bearer = bearer.with_scope(if wants_zak { scopes::ZAK } else { scopes::USER_TOKEN })?;
    let user = bearer.user(&world, who)?;
    if !user.active {
        return Err(RestError::NoSuchUser);
    }
    let token = match asked.token_type.as_deref().unwrap_or("token") {
        "zak" => {
            let life = ttl(asked)?.unwrap_or_else(|| zak::usual_life(&user));
            zak::mint(&mut world, &user, life, now)
        }
        "onbehalf" => {
            let life = ttl(asked)?.unwrap_or(USUAL_OBF);
            obf::mint(&mut world, &user, asked.meeting_id.as_deref(), life, now)
        }
        "token" => world.entropy.secret(),
        _ => return Err(RestError::Validation("The type must be token, zak or onbehalf.")),
    };
    Ok(Json(Answer { token }))
}

/// The requested lifetime: whole seconds, 1 to a year (D; that 0 is refused is I).
fn ttl(asked: &QueryParams) -> Result<Option<SignedDuration>, RestError> {
    let Some(text) = asked.ttl.as_deref() else { return Ok(None) };
    let seconds = text.parse().ok().filter(|seconds| (1..=MAX_TTL).contains(seconds));
    let seconds = seconds.ok_or(RestError::Validation("The ttl must be between 1 and 31536000 seconds."))?;
    Ok(Some(SignedDuration::from_secs(seconds)))
}
