//! `/api/v2/zoom-oauth-apps/`: Zoom apps registered here.

pub(crate) mod create;
pub(crate) mod list;
pub(crate) mod retrieve;

use serde_json::{Value, json};
use store::ZoomOauthApp;

/// Stands where a secret is: they are written, never read back.
const MASK: &str = "********";

fn representation(app: &ZoomOauthApp) -> Value {
    json!({
        "id": app.id,
        "kind": app.kind.as_str(),
        "client_id": app.client_id,
        "client_secret": MASK,
        "webhook_secret": MASK,
        "webhook_last_validation": app.webhook_last_validation,
        "created_at": app.created_at,
    })
}
