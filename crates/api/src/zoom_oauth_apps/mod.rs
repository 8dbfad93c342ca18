//! `/api/v2/zoom-oauth-apps/`: Zoom apps registered here.

pub(crate) mod change;
pub(crate) mod create;
pub(crate) mod list;
pub(crate) mod retrieve;
pub(crate) mod webhook;

use serde_json::{Value, json};
use store::ZoomOauthApp;

use crate::fields::Fields;

/// Stands where a secret is: they are written, never read back.
const MASK: &str = "********";

/// A secret of a request. What an answer shows in its place is not taken for one.
fn secret<'a>(fields: &mut Fields<'a>, name: &'static str) -> Option<&'a str> {
    let value = fields.text(name, 200);
    if value == Some(MASK) {
        fields.complain(name, "This is the mask of an answer, not a secret.");
    }
    value
}

fn representation(app: &ZoomOauthApp) -> Value {
    json!({
        "id": app.id,
        "kind": app.kind.as_str(),
        "client_id": app.client_id,
        "account_id": app.zoom_account_id,
        "client_secret": MASK,
        "webhook_secret": MASK,
        "webhook_last_validation": app.webhook_last_validation,
        "latchkey_refused_since": app.refusal.map(|refusal| refusal.since),
        "created_at": app.created_at,
    })
}
