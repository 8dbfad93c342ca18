//! `GET /api/latchkey/v1/bot/{id}/realtime-endpoints/`: the endpoints that get a bot's meeting events, and the position of each.

use axum::{
    Json,
    extract::{RawQuery, State as Extract},
};
use bots::EndpointProgress;
use model::{BotId, RealtimeEndpointId, RealtimeState, Timestamp};
use serde::Serialize;
use serde_json::{Map, Value};
use utoipa::ToSchema;

use super::find;
use crate::{
    State,
    caller::{Caller, Read},
    error::ApiError,
    mask_url::masked,
    page::{Page, Query, single_page},
    path::Path,
};

/// A real-time endpoint of a bot.
#[derive(Serialize, ToSchema)]
pub(crate) struct RealtimeEndpoint {
    id: RealtimeEndpointId,
    /// Its address, without what may be a secret.
    url: String,
    /// What it is told of.
    events: Vec<String>,
    /// `waiting` until it is reached for the first time.
    state: RealtimeState,
    /// It was told of every event of the meeting up to this number.
    told: u64,
    /// Attempts that failed since one succeeded.
    failures: u32,
    /// Since when. After a day it is given up.
    #[schema(required)]
    failing_since: Option<Timestamp>,
}

impl From<EndpointProgress<'_>> for RealtimeEndpoint {
    fn from(EndpointProgress { id, config, progress }: EndpointProgress<'_>) -> Self {
        Self {
            id,
            url: masked(&config.url),
            events: config.events.clone(),
            state: progress.state,
            told: progress.told,
            failures: progress.failures,
            failing_since: progress.failing_since,
        }
    }
}

/// List the real-time endpoints of a bot
///
/// Those of its `recording_config.realtime_endpoints` that are told of something, from the bot's first event on: how far each
/// is, and since when it fails.
#[utoipa::path(
    get,
    path = "/api/latchkey/v1/bot/{id}/realtime-endpoints/",
    tag = "bots",
    operation_id = "bot_realtime_endpoints_list",
    security(("tokenAuth" = ["read"])),
    params(("id" = BotId, Path)),
    responses((status = 200, description = "The endpoints.", body = Page<RealtimeEndpoint>)),
)]
pub(crate) async fn handler(
    caller: Caller<Read>,
    Extract(state): Extract<State>,
    Path(id): Path<BotId>,
    RawQuery(query): RawQuery,
) -> Result<Json<Page<RealtimeEndpoint>>, ApiError> {
    Query::of(query.as_deref()).only(&[])?;
    let bot = find(&state, caller.workspace, id).await?;
    let endpoints = state.bots.meetings.endpoints(&bot).await?;
    Ok(Json(single_page(endpoints.into_iter().map(RealtimeEndpoint::from).collect())))
}

/// What an answer repeats of `recording_config`, for keys that may not change bots: addresses may hold secrets.
pub(super) fn mask(echoed: &mut Map<String, Value>) {
    let endpoints = echoed
        .get_mut("recording_config")
        .and_then(|config| config.get_mut("realtime_endpoints"))
        .and_then(Value::as_array_mut);
    for endpoint in endpoints.into_iter().flatten() {
        if let Some(Value::String(url)) = endpoint.get_mut("url") {
            *url = masked(url);
        }
    }
}
