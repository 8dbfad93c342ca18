//! Security headers of HTML pages, and the page for unknown addresses.

use askama::Template;
use axum::{
    http::{
        HeaderMap, HeaderValue, StatusCode,
        header::{
            ACCEPT, CACHE_CONTROL, CONTENT_SECURITY_POLICY, CONTENT_TYPE, REFERRER_POLICY,
            X_CONTENT_TYPE_OPTIONS,
        },
    },
    response::{Html, IntoResponse as _, Response},
};

use crate::{State, error::ApiError};

/// A page shows text only: it loads nothing, sends nothing, and cannot be framed.
const POLICY: &str = "default-src 'none'; style-src 'unsafe-inline'; frame-ancestors 'none'; form-action 'none'; base-uri 'none'";

/// Adds the security headers: no content sniffing, and a page loads nothing that is not in it.
pub(crate) async fn protected(mut response: Response) -> Response {
    let headers = response.headers_mut();
    headers.insert(X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff"));
    if headers.get(CONTENT_TYPE).is_some_and(|kind| kind.as_bytes().starts_with(b"text/html")) {
        // A page that needs more sets its own policy.
        headers.entry(CONTENT_SECURITY_POLICY).or_insert(HeaderValue::from_static(POLICY));
        headers.insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
        headers.entry(REFERRER_POLICY).or_insert(HeaderValue::from_static("no-referrer"));
    }
    response
}

#[derive(Template)]
#[template(path = "nowhere.html")]
struct NowherePage {
    simulated: bool,
    home: String,
}

/// The answer to an unknown address: a page for a browser, JSON for a program.
pub(crate) fn nowhere(state: &State, headers: &HeaderMap) -> Response {
    let wants_page = headers.get(ACCEPT).is_some_and(|kinds| kinds.as_bytes().starts_with(b"text/html"));
    if !wants_page {
        return ApiError::NotFound.into_response();
    }
    let base = state.broker.addresses.public_base().path().trim_end_matches('/');
    match (NowherePage { simulated: state.simulated, home: format!("{base}/") }).render() {
        Ok(page) => (StatusCode::NOT_FOUND, Html(page)).into_response(),
        Err(_) => ApiError::NotFound.into_response(),
    }
}
