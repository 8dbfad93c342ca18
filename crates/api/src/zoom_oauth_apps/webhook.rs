//! `POST /api/v2/zoom-oauth-apps/{id}/webhook`: Zoom's webhooks. Public: the signature authenticates.
//!
//! A refusal contains only a code, so that unauthenticated callers learn nothing about registered apps.

use axum::{
    Json,
    extract::{Path, Request, State as Extract, rejection::PathRejection},
    http::{HeaderMap, StatusCode},
    response::{IntoResponse, Response},
};
use broker::{WebhookAnswer, WebhookRequest};
use model::{Code, Failure, ZoomOauthAppId};
use serde::Serialize;
use utoipa::ToSchema;
use zoom::WebhookHeaders;

use crate::{
    State,
    bounds::{BodyError, Sender},
    error::{reported, status_of},
};

/// The answer to Zoom's validation of a webhook's URL.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
struct Validation {
    plain_token: String,
    encrypted_token: String,
}

/// A refusal contains only a code.
#[derive(Serialize, ToSchema)]
struct WebhookRefusal {
    code: Code,
}

/// Receive a webhook from Zoom
///
/// Zoom's signature of the body authenticates it. A repeated event is processed once.
#[utoipa::path(
    post,
    path = "/api/v2/zoom-oauth-apps/{id}/webhook",
    tag = "server",
    operation_id = "zoom_oauth_apps_webhook",
    params(
        ("id" = ZoomOauthAppId, Path),
        ("x-zm-signature" = Option<String>, Header, description = "`v0=` and an HMAC of time and body."),
        ("x-zm-request-timestamp" = Option<String>, Header, description = "Seconds since 1970."),
    ),
    request_body(content = Object, description = "An event, as Zoom describes it."),
    responses(
        (status = 200, description = "The answer to `endpoint.url_validation`.", body = Validation),
        (status = 204, description = "The event was received."),
        (status = 401, description = "The signature is missing, wrong or old.", body = WebhookRefusal),
        (status = 503, description = "The event can't be received at the moment.", body = WebhookRefusal),
        (status = 500, description = "Our fault.", body = WebhookRefusal),
    ),
)]
pub(crate) async fn handler(
    Extract(state): Extract<State>,
    id: Result<Path<ZoomOauthAppId>, PathRejection>,
    request: Request,
) -> Response {
    let (head, body) = request.into_parts();
    let odd = |why: &str| {
        let detail = format!("this is not a webhook from Zoom: {why}");
        refusal(&Failure::new(Code::SignatureInvalid, detail))
    };
    let Ok(Path(app)) = id else { return odd("there is no id in its path") };
    let headers = signature(&head.headers);
    // What can be refused without the body is refused before it is read, because any client may send one.
    let Some(given) = headers else {
        return refusal(&Failure::new(Code::SignatureMissing, "the request carries no x-zm-* headers"));
    };
    if let Err(failure) = state.broker.accounts.webhooks.expect(app, given).await {
        return refusal(&failure);
    }
    let body = match state.admission.bodies.read(body, Sender::Unauthenticated).await {
        Ok(body) => body,
        Err(BodyError::NoMemory) => return refusal(&BodyError::NoMemory.failure()),
        Err(error) => return odd(&error.failure().detail),
    };
    let request = WebhookRequest { app, headers, body: &body };
    match state.broker.accounts.webhooks.receive(request).await {
        Ok(WebhookAnswer::Validation { plain_token, encrypted_token }) => {
            Json(Validation { plain_token, encrypted_token }).into_response()
        }
        Ok(WebhookAnswer::Taken) => StatusCode::NO_CONTENT.into_response(),
        Err(failure) => refusal(&failure),
    }
}

fn signature(headers: &HeaderMap) -> Option<WebhookHeaders<'_>> {
    let value = |name: &str| headers.get(name)?.to_str().ok();
    Some(WebhookHeaders { signature: value("x-zm-signature")?, timestamp: value("x-zm-request-timestamp")? })
}

fn refusal(failure: &Failure) -> Response {
    let body = Json(WebhookRefusal { code: failure.code });
    reported(failure, (status_of(failure.code), body).into_response())
}
