//! Sets the `Date` header of every answer to Zoom's time, independent of the machine's clock (D: a server sends its own).

use axum::extract::{Request, State};
use axum::http::{HeaderMap, HeaderValue, header};
use axum::middleware::Next;
use axum::response::Response;
use jiff::Timestamp;

use crate::state::SharedSim;

/// Adds the header to an answer that has none yet.
pub(crate) async fn add(State(sim): State<SharedSim>, request: Request, next: Next) -> Response {
    let mut response = next.run(request).await;
    if !response.headers().contains_key(header::DATE) {
        write(response.headers_mut(), sim.now());
    }
    response
}

/// Writes the date in the format of RFC 9110, 5.6.7.
pub(crate) fn write(headers: &mut HeaderMap, at: Timestamp) {
    let text = at.strftime("%a, %d %b %Y %H:%M:%S GMT").to_string();
    headers.insert(header::DATE, HeaderValue::from_str(&text).expect("an HTTP date is a valid header value"));
}
