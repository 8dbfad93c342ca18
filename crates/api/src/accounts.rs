//! Accounts that a request draws tokens from.

use model::{AccountUser, CredentialId, CredentialKind, CredentialStatus, WorkspaceId};

use crate::{State, error::ApiError};

/// A field and what is wrong with it.
pub(crate) type Complaint = (&'static str, &'static str);

/// Whether `credential` can give tokens of `user`: only a server-to-server app speaks for several, and must be told for
/// which.
pub(crate) async fn complaint(
    state: &State,
    workspace: WorkspaceId,
    credential: CredentialId,
    user: Option<&AccountUser>,
) -> Result<Option<Complaint>, ApiError> {
    let Some(account) = state.store.credential(workspace, credential).await? else {
        return Ok(Some(("credential", "This workspace has no such account.")));
    };
    Ok(match (account.kind, user) {
        (CredentialKind::ServerToServer, None) => Some((
            "user",
            "A server-to-server app speaks for every user of its Zoom account: name one, by e-mail address or Zoom id.",
        )),
        (CredentialKind::UserOauth | CredentialKind::CustomerManaged, Some(_)) => {
            Some(("user", "This account is one user's; only a server-to-server app has several."))
        }
        _ => None,
    })
}

/// Why an account cannot sign a bot in before a person has done something, as far as that is known.
pub(crate) async fn dead(
    state: &State,
    workspace: WorkspaceId,
    credential: CredentialId,
) -> Result<Option<String>, ApiError> {
    let Some(account) = state.store.credential(workspace, credential).await? else { return Ok(None) };
    let what = match account.status {
        CredentialStatus::Healthy | CredentialStatus::Degraded => return Ok(None),
        CredentialStatus::NeedsReauth(_) => "has lost its grant",
        CredentialStatus::Disconnected(_) => "is disconnected",
    };
    let name = Some(account.display_name).filter(|name| !name.is_empty());
    let name = name.map(|name| format!(" of {name}")).unwrap_or_default();
    Ok(Some(format!(
        "The account {credential}{name} {what} ({}): connect it again, by POST /api/latchkey/v1/connect-links/.",
        account.status
    )))
}
