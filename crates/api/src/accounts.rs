//! Accounts that a request draws tokens from.

use model::{AccountUser, Code, CredentialId, CredentialKind, CredentialStatus, WorkspaceId};

use crate::{State, error::ApiError};

/// A user, and the address that named it, if it was one.
pub(crate) type Named = (Option<AccountUser>, Option<AccountUser>);

/// A field and what is wrong with it.
pub(crate) type Complaint = (&'static str, String);

/// Whose tokens `credential` shall give: the user's id, because an address may come to belong to somebody else. Only a
/// server-to-server app speaks for several users, and must be told for which.
pub(crate) async fn named(
    state: &State,
    workspace: WorkspaceId,
    credential: CredentialId,
    user: Option<&AccountUser>,
) -> Result<Result<Named, Complaint>, ApiError> {
    let Some(account) = state.store.credential(workspace, credential).await? else {
        return Ok(Err(("credential", "This workspace has no such account.".to_owned())));
    };
    let user = match (account.kind, user) {
        (CredentialKind::ServerToServer, Some(user)) => user,
        (CredentialKind::ServerToServer, None) => {
            let words = "A server-to-server app speaks for every user of its Zoom account: name one, by e-mail address or Zoom id.";
            return Ok(Err(("user", words.to_owned())));
        }
        (CredentialKind::UserOauth | CredentialKind::CustomerManaged, Some(_)) => {
            let words = "This account is one user's; only a server-to-server app has several.";
            return Ok(Err(("user", words.to_owned())));
        }
        (CredentialKind::UserOauth | CredentialKind::CustomerManaged, None) => return Ok(Ok((None, None))),
    };
    let address = Some(user.clone()).filter(AccountUser::is_address);
    match state.broker.resolve_user(workspace, credential, user).await {
        Ok(id) => Ok(Ok((Some(id), address))),
        Err(failure) if matches!(failure.code, Code::UserUnknown | Code::ScopeMissing) => {
            Ok(Err(("user", format!("Zoom says: {}.", failure.detail))))
        }
        Err(failure) => Err(failure.into()),
    }
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
