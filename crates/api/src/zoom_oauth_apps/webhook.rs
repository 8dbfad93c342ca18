//! `POST /api/v2/zoom-oauth-apps/{id}/webhook`: Zoom tells something. Public: the signature decides.
//!
//! Refusals say one code and nothing more; whoever is no app of ours learns nothing of those who are.

use axum::{
    Json,
    body::Bytes,
    extract::{
        DefaultBodyLimit, Path, State as Extract,
        rejection::{BytesRejection, PathRejection},
    },
    http::{HeaderMap, StatusCode},
    response::{IntoResponse, Response},
    routing::{MethodRouter, post},
};
use broker::{WebhookAnswer, WebhookRequest};
use model::{Code, Failure, ZoomOauthAppId};
use serde_json::json;
use zoom::WebhookHeaders;

use crate::{
    State,
    error::{report, status_of},
};

/// Zoom's events are a few kilobytes, and anybody may send us one.
const MOST_BODY_BYTES: usize = 1024 * 1024;

pub(crate) fn routes() -> MethodRouter<State> {
    post(handler).layer(DefaultBodyLimit::max(MOST_BODY_BYTES))
}

async fn handler(
    Extract(state): Extract<State>,
    id: Result<Path<ZoomOauthAppId>, PathRejection>,
    headers: HeaderMap,
    body: Result<Bytes, BytesRejection>,
) -> Response {
    let (Ok(Path(app)), Ok(body)) = (id, body) else {
        return refusal(&Failure::new(Code::SignatureInvalid, "no webhook of Zoom's looks like this"));
    };
    let request = WebhookRequest { app, headers: signature(&headers), body: &body };
    match state.broker.take_webhook(request).await {
        Ok(WebhookAnswer::Validation { plain_token, encrypted_token }) => {
            Json(json!({ "plainToken": plain_token, "encryptedToken": encrypted_token })).into_response()
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
    report(failure);
    (status_of(failure.code), Json(json!({ "code": failure.code.as_str() }))).into_response()
}
