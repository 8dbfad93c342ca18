//! `/api/v2/zoom-oauth-credentials/`: connected accounts.

pub(crate) mod access_token;
pub(crate) mod create;
pub(crate) mod disconnect;
pub(crate) mod list;
pub(crate) mod retrieve;
pub(crate) mod sync_meetings;
pub(crate) mod validate;

use broker::scopes;
use model::{
    Code, CredentialId, CredentialKind, CredentialStatus, DisconnectCause, MeetingSyncStatus, Timestamp,
    ZoomOauthAppId,
};
use serde::Serialize;
use utoipa::ToSchema;

use crate::{State, caller::Caller, error::ApiError};

/// Replaces a callback's URL in answers: it gives access like a key, so it is never returned.
const MASK: &str = "********";

/// A connected account. The contract knows two states; `latchkey_*` fields add Latchkey's own state and its cause.
#[derive(Serialize, ToSchema)]
pub(crate) struct ZoomOauthCredential {
    id: CredentialId,
    oauth_app: ZoomOauthAppId,
    status: Health,
    latchkey_status: CredentialStatus,
    latchkey_status_since: Timestamp,
    /// The code of the last refresh, if it failed.
    #[schema(required)]
    latchkey_trouble: Option<Code>,
    /// Required scopes that the app does not have at Zoom.
    latchkey_missing_scopes: Vec<&'static str>,
    /// Scopes for listing meetings that the app does not have at Zoom.
    latchkey_missing_meeting_scopes: Vec<&'static str>,
    kind: CredentialKind,
    /// Zoom's id of the user; null where the app acts for a whole Zoom account.
    #[schema(required)]
    user_id: Option<String>,
    /// Zoom's id of the Zoom account.
    account_id: String,
    display_name: String,
    /// The user's e-mail address at Zoom, if Zoom gave it.
    #[schema(required)]
    latchkey_email: Option<String>,
    /// When it is refreshed next; null: when a token is requested.
    #[schema(required)]
    latchkey_refresh_at: Option<Timestamp>,
    /// When a token was last requested, to the hour.
    #[schema(required)]
    latchkey_used_at: Option<Timestamp>,
    /// Masked: it gives access like a key.
    #[schema(required)]
    access_token_callback_url: Option<&'static str>,
    meeting_sync_status: MeetingSyncStatus,
    created_at: Timestamp,
    /// What to do after a refresh token was imported.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    latchkey_notice: Option<&'static str>,
}

/// The account's state in the contract's words.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, ToSchema)]
#[serde(rename_all = "snake_case")]
enum Health {
    Healthy,
    Unhealthy,
}

impl Health {
    const fn of(status: CredentialStatus) -> Self {
        match status {
            // A degraded account still gives its tokens, and its recovery is in progress.
            CredentialStatus::Healthy | CredentialStatus::Degraded => Self::Healthy,
            CredentialStatus::NeedsReauth(_) | CredentialStatus::Disconnected(_) => Self::Unhealthy,
        }
    }
}

/// Whether a caller deleted it through this API. Then only its events and `?status=disconnected` still show it. An account
/// whose grant Zoom ended stays listed, unhealthy, until a caller deletes it.
fn is_deleted(status: CredentialStatus) -> bool {
    status == CredentialStatus::Disconnected(DisconnectCause::Asked)
}

/// An account of the workspace that was not deleted.
async fn visible<N>(
    state: &State,
    caller: Caller<N>,
    id: CredentialId,
) -> Result<store::Credential, ApiError> {
    let credential = state.store.credential(caller.workspace, id).await?;
    credential.filter(|credential| !is_deleted(credential.status)).ok_or(ApiError::NotFound)
}

/// An account as answers show it.
pub(crate) async fn shown<N>(
    state: &State,
    caller: Caller<N>,
    id: CredentialId,
) -> Result<ZoomOauthCredential, ApiError> {
    visible(state, caller, id).await.map(|credential| representation(&credential))
}

fn representation(credential: &store::Credential) -> ZoomOauthCredential {
    let (kind, granted) = (credential.kind, credential.grant.scopes.as_deref());
    let (missing_scopes, missing_for_meetings) = match credential.status {
        // Its scopes were erased with its tokens.
        CredentialStatus::Disconnected(_) => (Vec::new(), Vec::new()),
        _ => (scopes::missing(kind, granted), scopes::missing_for_meetings(kind, granted)),
    };
    let user_id = match kind {
        CredentialKind::ServerToServer => None,
        CredentialKind::UserOauth | CredentialKind::CustomerManaged => Some(credential.zoom_user_id.clone()),
    };
    ZoomOauthCredential {
        id: credential.id,
        oauth_app: credential.app,
        status: Health::of(credential.status),
        latchkey_status: credential.status,
        latchkey_status_since: credential.status_since,
        latchkey_trouble: credential.trouble,
        latchkey_missing_scopes: missing_scopes,
        latchkey_missing_meeting_scopes: missing_for_meetings,
        kind,
        user_id,
        account_id: credential.zoom_account_id.clone(),
        display_name: credential.display_name.clone(),
        latchkey_email: credential.email.clone(),
        latchkey_refresh_at: credential.refresh_at,
        latchkey_used_at: credential.used_at,
        access_token_callback_url: credential.callback_url.as_ref().map(|_| MASK),
        meeting_sync_status: credential.meeting_sync,
        created_at: credential.created_at,
        latchkey_notice: None,
    }
}
