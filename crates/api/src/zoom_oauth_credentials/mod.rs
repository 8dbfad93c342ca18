//! `/api/v2/zoom-oauth-credentials/`: connected accounts.

pub(crate) mod access_token;
pub(crate) mod list;
pub(crate) mod retrieve;

use model::CredentialStatus;
use serde_json::{Value, json};
use store::Credential;

/// The contract knows two states; ours, with its cause, stands beside them.
fn representation(credential: &Credential) -> Value {
    let status = match credential.status {
        // Its tokens are served for as long as they last, and it is being seen to.
        CredentialStatus::Healthy | CredentialStatus::Degraded => "healthy",
        CredentialStatus::NeedsReauth(_) | CredentialStatus::Disconnected(_) => "unhealthy",
    };
    json!({
        "id": credential.id,
        "oauth_app": credential.app,
        "status": status,
        "latchkey_status": credential.status.as_str(),
        "latchkey_status_since": credential.status_since,
        "latchkey_trouble": credential.trouble.map(model::Code::as_str),
        "kind": credential.kind.as_str(),
        "user_id": credential.zoom_user_id,
        "account_id": credential.zoom_account_id,
        "display_name": credential.display_name,
        "access_token_callback_url": null,
        "meeting_sync_status": "not_started",
        "created_at": credential.created_at,
    })
}
