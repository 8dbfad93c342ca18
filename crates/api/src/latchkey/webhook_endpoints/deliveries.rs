//! What was sent to an endpoint, and what it answered.

use std::collections::BTreeMap;

use axum::{
    Json,
    extract::{RawQuery, State as Extract},
};
use model::{DeliveryState, EndpointKind, EventId, Timestamp, WebhookEndpointId, WorkspaceId};
use serde::Serialize;
use serde_json::{Value, value::RawValue};
use store::{DeliveryFilter, EventFilter};
use utoipa::{IntoParams, ToSchema};
use webhooks::{DeliveryPreview, Endpoint};

use crate::{
    State,
    caller::{AdminAndRead, Caller, Read},
    error::ApiError,
    latchkey::events::{kinds, raw},
    openapi::EventBody,
    page::Page,
    path::Path,
    query::Query,
};

/// Deliveries on a page.
const PAGE_SIZE: u32 = 100;

/// The filters of the list, and its cursor.
#[derive(IntoParams)]
#[into_params(parameter_in = Query)]
#[expect(dead_code, reason = "`Query` reads by these names")]
pub(crate) struct ListDeliveries {
    /// `pending`, `delivered` or `failed`.
    state: Option<DeliveryState>,
    /// A type of events; several are separated by commas.
    event_type: Option<String>,
    /// The id of the events' subject.
    subject: Option<String>,
    /// The cursor in `next` of another page.
    cursor: Option<String>,
}

/// The delivery of an event to an endpoint.
#[derive(Serialize, ToSchema)]
pub(crate) struct Delivery {
    event: EventId,
    event_type: String,
    /// The number of the event.
    sequence: i64,
    /// The id of the event's subject.
    subject: String,
    happened_at: Timestamp,
    state: DeliveryState,
    attempts: u32,
    /// Null after the last attempt, and while an earlier event about the same subject is pending.
    #[schema(required)]
    next_attempt_at: Option<Timestamp>,
    #[schema(required)]
    last_attempt_at: Option<Timestamp>,
    request: DeliveryRequest,
    /// The result of the last attempt.
    #[schema(required)]
    answer: Option<DeliveryAnswer>,
}

/// The request; its body is text for endpoints of the kinds `slack` and `email`. Time, signature and the link that connects
/// an account are masked; `at_stake` is the current value, not that of the last attempt.
#[derive(Serialize, ToSchema)]
struct DeliveryRequest {
    /// The headers that depend on the event or the endpoint; for a mail, the mail's headers.
    headers: BTreeMap<&'static str, String>,
    #[schema(value_type = DeliveryBody)]
    body: Box<RawValue>,
}

/// The body, by kind of endpoint.
#[derive(Serialize, ToSchema)]
#[serde(untagged)]
#[expect(dead_code, reason = "a schema alone")]
enum DeliveryBody {
    /// `webhook`
    #[schema(value_type = EventBody)]
    Webhook(Value),
    /// `slack`
    Slack(SlackText),
    /// `email`: the text of the mail.
    Email(String),
}

/// The format of Slack's incoming webhooks.
#[derive(Serialize, ToSchema)]
struct SlackText {
    /// Slack's markup.
    text: String,
}

/// The result of an attempt.
#[derive(Serialize, ToSchema)]
struct DeliveryAnswer {
    /// The HTTP status, or the reply code of the SMTP server; null when there was no answer.
    #[schema(required)]
    status: Option<u16>,
    /// Name and value of each header; the first 32.
    #[schema(value_type = Vec<Vec<String>>)]
    headers: Vec<(String, String)>,
    /// The first 4 KiB of the body.
    body: String,
    /// Why it counts as a failure.
    #[schema(required)]
    error: Option<String>,
    /// The duration in milliseconds.
    took_ms: u64,
}

/// List deliveries
///
/// Newest event first.
#[utoipa::path(
    get,
    path = "/api/latchkey/v1/webhook-endpoints/{id}/deliveries/",
    tag = "events",
    operation_id = "webhook_endpoints_deliveries_list",
    security(("tokenAuth" = ["read"])),
    params(("id" = WebhookEndpointId, Path), ListDeliveries),
    responses((status = 200, description = "A page of deliveries.", body = Page<Delivery>)),
)]
pub(crate) async fn list(
    caller: Caller<Read>,
    Extract(state): Extract<State>,
    Path(id): Path<WebhookEndpointId>,
    RawQuery(query): RawQuery,
) -> Result<Json<Page<Delivery>>, ApiError> {
    let query = Query::of_type::<ListDeliveries>(query.as_deref(), None)?;
    let filter = DeliveryFilter {
        state: query.word("state", "It must be pending, delivered or failed.")?,
        event: None,
        events: EventFilter { kinds: kinds(&query)?, subject: query.get("subject").map(str::to_owned) },
        before: query.cursor()?,
    };
    let endpoint = state.webhooks.endpoint(caller.workspace, id).await?.ok_or(ApiError::NotFound)?;
    let mut found = state.store.deliveries(caller.workspace, id, &filter, PAGE_SIZE + 1).await?;
    let more = found.len() > PAGE_SIZE as usize;
    found.truncate(PAGE_SIZE as usize);
    let next = found.last().filter(|_| more).map(|delivery| delivery.event.sequence);
    let mut results = Vec::with_capacity(found.len());
    for delivery in &found {
        results.push(representation(&state, &endpoint, delivery).await);
    }
    let path = format!("/api/latchkey/v1/webhook-endpoints/{id}/deliveries/");
    Ok(Json(query.answer_by_cursor(&state.broker, &path, next, results)))
}

/// Retrieve a delivery
#[utoipa::path(
    get,
    path = "/api/latchkey/v1/webhook-endpoints/{id}/deliveries/{event}/",
    tag = "events",
    operation_id = "webhook_endpoints_deliveries_retrieve",
    security(("tokenAuth" = ["read"])),
    params(("id" = WebhookEndpointId, Path), ("event" = EventId, Path)),
    responses((status = 200, description = "The delivery.", body = Delivery)),
)]
pub(crate) async fn retrieve(
    caller: Caller<Read>,
    Extract(state): Extract<State>,
    Path((id, event)): Path<(WebhookEndpointId, EventId)>,
) -> Result<Json<Delivery>, ApiError> {
    shown(&state, caller.workspace, id, event).await
}

/// Retry a delivery
///
/// With a full set of attempts, whether the event was delivered before or not.
#[utoipa::path(
    post,
    path = "/api/latchkey/v1/webhook-endpoints/{id}/deliveries/{event}/retry/",
    tag = "events",
    operation_id = "webhook_endpoints_deliveries_retry",
    security(("tokenAuth" = ["admin", "read"])),
    params(("id" = WebhookEndpointId, Path), ("event" = EventId, Path)),
    responses((status = 200, description = "The event is being sent.", body = Delivery)),
)]
pub(crate) async fn retry(
    caller: Caller<AdminAndRead>,
    Extract(state): Extract<State>,
    Path((id, event)): Path<(WebhookEndpointId, EventId)>,
) -> Result<Json<Delivery>, ApiError> {
    if !state.webhooks.retry(caller.workspace, id, event).await? {
        return Err(ApiError::NotFound);
    }
    shown(&state, caller.workspace, id, event).await
}

async fn shown(
    state: &State,
    workspace: WorkspaceId,
    id: WebhookEndpointId,
    event: EventId,
) -> Result<Json<Delivery>, ApiError> {
    let endpoint = state.webhooks.endpoint(workspace, id).await?.ok_or(ApiError::NotFound)?;
    let filter = DeliveryFilter { event: Some(event), ..DeliveryFilter::default() };
    let found = state.store.deliveries(workspace, id, &filter, 1).await?;
    let delivery = found.first().ok_or(ApiError::NotFound)?;
    Ok(Json(representation(state, &endpoint, delivery).await))
}

async fn representation(state: &State, to: &Endpoint, delivery: &store::Delivery) -> Delivery {
    let store::Event { sequence, event } = &delivery.event;
    let DeliveryPreview { headers, body } = state.webhooks.preview(to, &delivery.event).await;
    let body = match to.row.kind {
        EndpointKind::Webhook | EndpointKind::Slack => raw(&body),
        EndpointKind::Email => raw(&Value::String(body).to_string()),
    };
    let answer = delivery.answer.clone().map(|answer| DeliveryAnswer {
        status: answer.status,
        headers: answer.headers,
        body: answer.body,
        error: answer.error,
        took_ms: answer.took_ms,
    });
    Delivery {
        event: event.id,
        event_type: event.kind.clone(),
        sequence: *sequence,
        subject: event.subject.clone(),
        happened_at: event.at,
        state: delivery.state,
        attempts: delivery.attempts,
        next_attempt_at: delivery.due_at,
        last_attempt_at: delivery.attempted_at,
        request: DeliveryRequest { headers: headers.into_iter().collect(), body },
        answer,
    }
}
