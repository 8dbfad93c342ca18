//! Checks an account that a request names for later tokens: its user, and whether it can give tokens.

use std::sync::Arc;

use model::{AccountUser, Code, CredentialId, CredentialKind, CredentialStatus, Failure, WorkspaceId};

use super::users::Users;

/// The user of an account that has several.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NamedAccount {
    /// The user's id.
    pub user: Option<AccountUser>,
    /// The address that named the user, if it was one.
    pub address: Option<AccountUser>,
}

/// The wrong field of a request, `credential` or `user`, and the reason.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct WrongField {
    /// Its name.
    pub field: &'static str,
    /// The reason, for the sender of the request.
    pub words: String,
}

fn refused(field: &'static str, words: impl Into<String>) -> Result<NamedAccount, WrongField> {
    Err(WrongField { field, words: words.into() })
}

impl Users {
    /// The user of `credential` as an id, because an address can be reassigned to another user. Only an
    /// account of a server-to-server app has several users, and the request must name one.
    pub async fn name_account(
        self: &Arc<Self>,
        workspace: WorkspaceId,
        credential: CredentialId,
        user: Option<&AccountUser>,
    ) -> Result<Result<NamedAccount, WrongField>, Failure> {
        let Some(account) = self.store.credential(workspace, credential).await? else {
            return Ok(refused("credential", "This workspace has no such account."));
        };
        let user = match (account.kind, user) {
            (CredentialKind::ServerToServer, Some(user)) => user,
            (CredentialKind::ServerToServer, None) => {
                let words = "A server-to-server app acts for every user of its Zoom account: name one, by e-mail address or Zoom id.";
                return Ok(refused("user", words));
            }
            (CredentialKind::UserOauth | CredentialKind::CustomerManaged, Some(_)) => {
                let words = "This account belongs to one user; only a server-to-server app has several.";
                return Ok(refused("user", words));
            }
            (CredentialKind::UserOauth | CredentialKind::CustomerManaged, None) => {
                return Ok(Ok(NamedAccount { user: None, address: None }));
            }
        };
        let address = Some(user.clone()).filter(AccountUser::is_address);
        match self.resolve(workspace, credential, user).await {
            Ok(id) => Ok(Ok(NamedAccount { user: Some(id), address })),
            Err(failure) if matches!(failure.code, Code::UserUnknown | Code::ScopeMissing) => {
                Ok(refused("user", format!("Zoom says: {}.", failure.detail)))
            }
            Err(failure) => Err(failure),
        }
    }

    /// Why the account can't sign a bot in until a person acts, if that is known.
    pub async fn why_dead(
        &self,
        workspace: WorkspaceId,
        credential: CredentialId,
    ) -> Result<Option<String>, Failure> {
        let Some(account) = self.store.credential(workspace, credential).await? else { return Ok(None) };
        let what = match account.status {
            CredentialStatus::Healthy | CredentialStatus::Degraded => return Ok(None),
            CredentialStatus::NeedsReauth(_) => "has lost its grant",
            CredentialStatus::Disconnected(_) => "is disconnected",
        };
        let name = Some(account.display_name).filter(|name| !name.is_empty());
        let name = name.map(|name| format!(" of {name}")).unwrap_or_default();
        Ok(Some(format!(
            "The account {credential}{name} {what} ({}): connect it again by POST /api/latchkey/v1/connect-links/.",
            account.status
        )))
    }
}
