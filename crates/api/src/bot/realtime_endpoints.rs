//! `GET /api/latchkey/v1/bot/{id}/realtime-endpoints/`: the endpoints that receive a bot's meeting events, and their
//! positions.

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
    page::{Page, single_page},
    path::Path,
    query::Query,
};

/// A real-time endpoint of a bot.
#[derive(Serialize, ToSchema)]
pub(crate) struct RealtimeEndpoint {
    id: RealtimeEndpointId,
    /// Its URL, with the parts masked that may be secret.
    url: String,
    /// The events that it receives.
    events: Vec<String>,
    /// `waiting` until it is reached for the first time.
    state: RealtimeState,
    /// Every event of the meeting up to this number was sent to it.
    told: u64,
    /// Failed attempts since the last success.
    failures: u32,
    /// Since when it has been failing. After a day no more attempts are made.
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
/// Those of its `recording_config.realtime_endpoints` that receive events, from the bot's first event on: the position of
/// each, and since when it has been failing.
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
    Query::of_names(query.as_deref(), &[])?;
    let bot = find(&state, caller.workspace, id).await?;
    let endpoints = state.bots.meetings.endpoints(&bot).await?;
    Ok(Json(single_page(endpoints.into_iter().map(RealtimeEndpoint::from).collect())))
}

/// Masks parts of the echoed `recording_config` for keys that may not change bots: URLs may contain secrets.
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
