//! `/api/v2/zoom-oauth-credentials/`: connected accounts.

pub(crate) mod access_token;
pub(crate) mod create;
pub(crate) mod disconnect;
pub(crate) mod list;
pub(crate) mod retrieve;
pub(crate) mod sync_meetings;
pub(crate) mod validate;

use broker::scopes;
use model::{CredentialId, CredentialKind, CredentialStatus, DisconnectCause};
use serde_json::{Value, json};
use store::Credential;

use crate::{State, caller::Caller, error::ApiError};

/// Stands where a callback's URL is: it is as good as a key, so it is written and never read back.
const MASK: &str = "********";

/// Somebody deleted it through this API: it is as if it had never been, but for its events and `?status=disconnected`.
/// What Zoom has ended stays, unhealthy, until somebody deletes it.
fn is_deleted(status: CredentialStatus) -> bool {
    status == CredentialStatus::Disconnected(DisconnectCause::Asked)
}

/// The contract's word for a state.
const fn status_of(status: CredentialStatus) -> &'static str {
    match status {
        // Its tokens are served for as long as they last, and it is being seen to.
        CredentialStatus::Healthy | CredentialStatus::Degraded => "healthy",
        CredentialStatus::NeedsReauth(_) | CredentialStatus::Disconnected(_) => "unhealthy",
    }
}

/// An account of the caller's that was not deleted.
async fn visible<N>(state: &State, caller: Caller<N>, id: CredentialId) -> Result<Credential, ApiError> {
    let credential = state.store.credential(caller.workspace, id).await?;
    credential.filter(|credential| !is_deleted(credential.status)).ok_or(ApiError::NotFound)
}

/// An account as answers show it.
pub(crate) async fn shown<N>(state: &State, caller: Caller<N>, id: CredentialId) -> Result<Value, ApiError> {
    visible(state, caller, id).await.map(|credential| representation(&credential))
}

/// The contract knows two states; ours, with its cause, stands beside them.
fn representation(credential: &Credential) -> Value {
    let (kind, granted) = (credential.kind, credential.grant.scopes.as_deref());
    let (missing_scopes, missing_for_meetings) = match credential.status {
        // Its scopes went with its tokens.
        CredentialStatus::Disconnected(_) => (Vec::new(), Vec::new()),
        _ => (scopes::missing(kind, granted), scopes::missing_for_meetings(kind, granted)),
    };
    let user_id = match credential.kind {
        CredentialKind::ServerToServer => None,
        CredentialKind::UserOauth | CredentialKind::CustomerManaged => Some(&credential.zoom_user_id),
    };
    json!({
        "id": credential.id,
        "oauth_app": credential.app,
        "status": status_of(credential.status),
        "latchkey_status": credential.status.as_str(),
        "latchkey_status_since": credential.status_since,
        "latchkey_trouble": credential.trouble.map(model::Code::as_str),
        "latchkey_missing_scopes": missing_scopes,
        "latchkey_missing_meeting_scopes": missing_for_meetings,
        "kind": credential.kind.as_str(),
        "user_id": user_id,
        "account_id": credential.zoom_account_id,
        "display_name": credential.display_name,
        "access_token_callback_url": credential.callback_url.as_ref().map(|_| MASK),
        "meeting_sync_status": credential.meeting_sync.as_str(),
        "created_at": credential.created_at,
    })
}
