//! The size of a request's head.
//!
//! A connection accepts larger heads than this (see `connection_loop`), so that a request that is a little too
//! large gets an answer in the caller's dialect.

use axum::{
    extract::{MatchedPath, Request},
    http::{HeaderMap, Uri},
    middleware::Next,
    response::{IntoResponse as _, Response},
};

use crate::error::ApiError;

/// A platform sends about twenty, a browser behind two proxies about forty. Well below the 100 that a connection accepts.
const MAX_FIELDS: usize = 64;
/// Names and values together.
const MAX_HEADER_BYTES: usize = 16 * 1024;
/// Path and query.
const MAX_ADDRESS_BYTES: usize = 16 * 1024;

/// Whether the headers are within the limits.
pub(crate) fn headers_fit(headers: &HeaderMap) -> bool {
    let bytes = || headers.iter().map(|(name, value)| name.as_str().len() + value.len()).sum::<usize>();
    headers.len() <= MAX_FIELDS && bytes() <= MAX_HEADER_BYTES
}

fn address_fits(uri: &Uri) -> bool {
    uri.path_and_query().is_none_or(|address| address.as_str().len() <= MAX_ADDRESS_BYTES)
}

/// Refuses heads that are too large. Token links refuse them in their own dialect.
pub(crate) async fn keep(request: Request, next: Next) -> Response {
    let route = request.extensions().get::<MatchedPath>();
    if route.is_some_and(|route| route.as_str().starts_with("/t/")) {
        return next.run(request).await;
    }
    if !address_fits(request.uri()) {
        return ApiError::AddressTooLong.into_response();
    }
    if !headers_fit(request.headers()) {
        return ApiError::HeadersTooLarge.into_response();
    }
    next.run(request).await
}
