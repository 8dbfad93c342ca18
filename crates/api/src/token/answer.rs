//! The answer of a token link, as an HTTP response.

use axum::{
    body::Body,
    http::{
        HeaderValue, StatusCode,
        header::{CONTENT_TYPE, RETRY_AFTER, WWW_AUTHENTICATE},
    },
    response::{IntoResponse as _, Response},
};
use broker::Addresses;
use token_links::{Content, LinkRefusal, dialects::RefusalBody};

use crate::error::{ErrorBody, reported, retry_after, status_of};

/// The only place where a token of a link leaves the server.
pub(super) fn given(content: Content) -> Response {
    let mut response = Response::new(Body::from(content.text));
    response.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static(content.media_type));
    response
}

/// A refusal, with the status that the dialect has for it, or else the status of its code.
pub(super) fn refused(addresses: &Addresses, refused: LinkRefusal) -> Response {
    let LinkRefusal { failure, refusal } = refused;
    let mut response = match refusal.body {
        RefusalBody::Own(content) => given(content),
        RefusalBody::LikeTheApi(detail) => {
            ErrorBody::new(Some(failure.code.as_str()), detail.into()).linked(addresses).into_response()
        }
    };
    *response.status_mut() = refusal.status.unwrap_or(status_of(failure.code));
    let mut response = reported(&failure, response);
    if let Some(seconds) = retry_after(&failure).and_then(|seconds| seconds.parse().ok()) {
        response.headers_mut().insert(RETRY_AFTER, seconds);
    }
    if let Some(challenge) = refusal.challenge.filter(|_| response.status() == StatusCode::UNAUTHORIZED) {
        response.headers_mut().insert(WWW_AUTHENTICATE, HeaderValue::from_static(challenge));
    }
    response
}
