//! Accounts that a request takes tokens from.

use broker::{NamedAccount, WrongField};
use model::{AccountUser, CredentialId, WorkspaceId};

use crate::{State, error::ApiError};

/// A user, and the e-mail address that the caller gave for it, if any.
pub(crate) type Named = (Option<AccountUser>, Option<AccountUser>);

/// A field and its error.
pub(crate) type Complaint = (&'static str, String);

/// Finds the user whose tokens `credential` will give.
pub(crate) async fn named(
    state: &State,
    workspace: WorkspaceId,
    credential: CredentialId,
    user: Option<&AccountUser>,
) -> Result<Result<Named, Complaint>, ApiError> {
    let named = state.broker.users.name_account(workspace, credential, user).await?;
    let pair = |NamedAccount { user, address }| (user, address);
    Ok(named.map(pair).map_err(|WrongField { field, words }| (field, words)))
}
