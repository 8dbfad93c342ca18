//! Actions on an endpoint: rotate the secret, send a test, replay events.

use axum::{Json, extract::State as Extract};
use model::{EventId, Timestamp, WebhookEndpointId};
use serde::Serialize;
use tenants::SECRET_OVERLAP;
use utoipa::ToSchema;
use webhooks::{MAX_REPLAY, Rotation};

use super::{SigningSecret, WebhookEndpoint, with_secret};
use crate::{
    State,
    body::Body,
    caller::{Admin, AdminAndRead, Caller},
    error::ApiError,
    fields::{FieldErrors, Fields},
    openapi::errors,
    path::Path,
    request::{Overlap, Request as _, request},
    request_code::RequestCode,
    secret_answer::WithSecret,
};

request! {
    /// How to replace the secret.
    closed struct RotateWebhookSecret {
        /// How long previous secrets stay valid. A day by default; 0 for a leaked secret.
        overlap_seconds: Option<Overlap>,
        /// The new secret. By default one is generated.
        secret: Option<SigningSecret>,
    }
}

request! {
    /// Which events to send again.
    closed struct ReplayEvents {
        /// The beginning of the span.
        since: Timestamp,
        /// The end of the span, which is not included. Now by default.
        until: Option<Timestamp>,
    }
}

/// The test event.
#[derive(Serialize, ToSchema)]
pub(crate) struct TestSent {
    /// The id of the event. Its delivery shows the endpoint's answer.
    event: EventId,
}

/// The result of a replay.
#[derive(Serialize, ToSchema)]
pub(crate) struct Replayed {
    /// The number of events that are sent again.
    events: u64,
}

fn rotating(until: Timestamp) -> ApiError {
    let detail = format!(
        "This endpoint has reached its limit of five valid secrets: rotate after {until}, or with overlap_seconds = 0 to end them all now."
    );
    ApiError::refused(RequestCode::WebhookSecretRotating, detail)
}

fn too_many(events: u64) -> ApiError {
    let detail = format!("The span has {events} events; the limit is {MAX_REPLAY}. Choose a shorter span.");
    ApiError::refused(RequestCode::ReplayTooLarge, detail)
}

errors! { RotateWebhookSecretErrors: rotating(Timestamp::from_second(1_900_000_000)) }
errors! { ReplayEventsErrors: too_many(12_345) }

/// Rotate an endpoint's secret
///
/// Messages are also signed with the previous secrets until these expire.
#[utoipa::path(
    post,
    path = "/api/latchkey/v1/webhook-endpoints/{id}/rotate-secret/",
    tag = "events",
    operation_id = "webhook_endpoints_rotate_secret",
    security(("tokenAuth" = ["admin"])),
    params(("id" = WebhookEndpointId, Path)),
    request_body(content = RotateWebhookSecret, example = json!({ "overlap_seconds": 3600 })),
    responses((status = 200, description = "The endpoint.", body = WebhookEndpoint), RotateWebhookSecretErrors),
)]
pub(crate) async fn rotate_secret(
    caller: Caller<Admin>,
    Extract(state): Extract<State>,
    Path(id): Path<WebhookEndpointId>,
    Body(body): Body,
) -> Result<WithSecret<WebhookEndpoint>, ApiError> {
    let mut fields = Fields::of(&body);
    let asked = RotateWebhookSecret::read(&mut fields);
    let asked = fields.finish(asked)?;
    let overlap = asked.overlap_seconds.map_or(SECRET_OVERLAP, |overlap| overlap.0);
    let secret = asked.secret.map(|secret| secret.0);
    match state.webhooks.rotate(caller.workspace, id, secret, overlap).await? {
        Rotation::Done(endpoint) => Ok(with_secret(&endpoint)),
        Rotation::Running { until } => Err(rotating(until)),
        Rotation::NoEndpoint => Err(ApiError::NotFound),
    }
}

/// Send a test event
///
/// An event of the type `webhook_endpoint.test`, sent only to this endpoint, whatever types it subscribes to.
#[utoipa::path(
    post,
    path = "/api/latchkey/v1/webhook-endpoints/{id}/test/",
    tag = "events",
    operation_id = "webhook_endpoints_test",
    security(("tokenAuth" = ["admin"])),
    params(("id" = WebhookEndpointId, Path)),
    responses((status = 200, description = "The event is being sent.", body = TestSent)),
)]
pub(crate) async fn test(
    caller: Caller<Admin>,
    Extract(state): Extract<State>,
    Path(id): Path<WebhookEndpointId>,
) -> Result<Json<TestSent>, ApiError> {
    let event = state.webhooks.test(caller.workspace, id).await?.ok_or(ApiError::NotFound)?;
    Ok(Json(TestSent { event }))
}

/// Replay events
///
/// Sends the events of a time span again, with the same ids, including those that the endpoint was never sent.
#[utoipa::path(
    post,
    path = "/api/latchkey/v1/webhook-endpoints/{id}/replay/",
    tag = "events",
    operation_id = "webhook_endpoints_replay",
    security(("tokenAuth" = ["admin", "read"])),
    params(("id" = WebhookEndpointId, Path)),
    request_body(content = ReplayEvents, example = json!({ "since": "2026-01-31T12:00:00Z" })),
    responses((status = 200, description = "The events are being sent.", body = Replayed), ReplayEventsErrors),
)]
pub(crate) async fn replay(
    caller: Caller<AdminAndRead>,
    Extract(state): Extract<State>,
    Path(id): Path<WebhookEndpointId>,
    Body(body): Body,
) -> Result<Json<Replayed>, ApiError> {
    let mut fields = Fields::of(&body);
    let asked = ReplayEvents::read(&mut fields);
    let asked = fields.finish(asked)?;
    let until = asked.until.unwrap_or(state.env.now());
    if until <= asked.since {
        return Err(FieldErrors::one("until", "It must be later than since.").into());
    }
    let replayed = state.webhooks.replay(caller.workspace, id, (asked.since, until)).await?;
    match replayed.ok_or(ApiError::NotFound)? {
        events if events > u64::from(MAX_REPLAY) => Err(too_many(events)),
        events => Ok(Json(Replayed { events })),
    }
}
