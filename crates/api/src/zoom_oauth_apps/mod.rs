//! `/api/v2/zoom-oauth-apps/`: Zoom apps registered here.

pub(crate) mod change;
pub(crate) mod create;
pub(crate) mod list;
pub(crate) mod remove;
pub(crate) mod retrieve;
pub(crate) mod webhook;

use axum::{
    Json,
    http::{HeaderName, HeaderValue, header::CACHE_CONTROL},
};
use serde_json::{Value, json};
use store::ZoomOauthApp;

use crate::{State, error::ApiError, fields::Fields};

/// Stands where a secret is: they are written, never read back.
pub(crate) const MASK: &str = "********";

/// An id or a secret of a request. What an answer shows in its place is not taken for one.
fn secret<'a>(fields: &mut Fields<'a>, name: &'static str) -> Option<&'a str> {
    let value = fields.pasted(name, 200);
    if value == Some(MASK) {
        fields.complain(name, "This is the mask of an answer, not a secret.");
    } else if value.is_some_and(is_placeholder) {
        fields.complain(name, "This is the placeholder of an example: give what Zoom shows for your app.");
    }
    value
}

/// What stands in guides where one's own value belongs: `…`, `...`, `<id>`.
fn is_placeholder(value: &str) -> bool {
    let value = value.trim();
    value.contains('…')
        || value.bytes().all(|byte| byte == b'.')
        || (value.starts_with('<') && value.ends_with('>'))
}

/// The kinds of apps, for whoever names another.
const KINDS: &str = "It must be user_level, account_level or server_to_server.";

/// An answer that can hold secrets.
type Answer = ([(HeaderName, HeaderValue); 1], Json<Value>);

fn unstored(body: Json<Value>) -> Answer {
    ([(CACHE_CONTROL, HeaderValue::from_static("no-store"))], body)
}

/// An app as answers show it: without its secrets, unless the operator has them shown.
fn representation(state: &State, app: &ZoomOauthApp) -> Result<Value, ApiError> {
    let now = state.env.now();
    let former_ends_at =
        app.former_webhook_secret.as_ref().map(|former| former.ends_at).filter(|end| now < *end);
    let mut shown = json!({
        "id": app.id,
        "kind": app.kind.as_str(),
        "client_id": app.client_id,
        "account_id": app.zoom_account_id,
        "client_secret": MASK,
        "webhook_secret": MASK,
        "webhook_last_validation": app.webhook_last_validation,
        "latchkey_former_webhook_secret_ends_at": former_ends_at,
        "latchkey_refused_since": app.refusal.map(|refusal| refusal.since),
        "created_at": app.created_at,
    });
    if state.show_app_secrets {
        let (client_secret, webhook_secret) = state.broker.app_secrets(app)?;
        shown["client_secret"] = client_secret.expose().into();
        shown["webhook_secret"] = webhook_secret.expose().into();
    }
    Ok(shown)
}
