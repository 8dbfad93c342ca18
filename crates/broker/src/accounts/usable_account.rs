//! Checks whether an account may give tokens.

use model::{Code, CredentialId, CredentialStatus, Failure, WorkspaceId};
use store::{Credential, Credentials};

/// A usable account of the workspace. If it can't give tokens, the failure says what to do.
pub(crate) async fn usable_account(
    store: &(dyn Credentials + Sync),
    workspace: WorkspaceId,
    id: CredentialId,
) -> Result<Credential, Failure> {
    let credential = store
        .credential(workspace, id)
        .await?
        .ok_or_else(|| Failure::new(Code::TokenNotAvailable, "this workspace has no such account"))?;
    check_usable(credential.status)?;
    Ok(credential)
}

/// Whether an account with this status may give tokens; the error says who has to act.
pub(crate) fn check_usable(status: CredentialStatus) -> Result<(), Failure> {
    let code = match status {
        CredentialStatus::Healthy | CredentialStatus::Degraded => return Ok(()),
        CredentialStatus::NeedsReauth(_) => Code::CredentialNeedsConsent,
        CredentialStatus::Disconnected(_) => Code::CredentialDisconnected,
    };
    Err(Failure::new(code, format!("the account is {status}")))
}
