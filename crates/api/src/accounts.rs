//! Accounts that a request draws tokens from.

use model::{AccountUser, CredentialId, CredentialKind, WorkspaceId};

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
