//! Which account a meeting is hosted with.
//!
//! - `sync`: each account's meetings are listed when it is connected, when somebody asks, and now and then: a list repairs
//!   whatever was missed.
//! - `news`: what webhooks tell in between.

mod news;
mod sync;

use model::{AccountUser, Code, CredentialId, CredentialKind, Failure, MeetingNumber, WorkspaceId};

use crate::Broker;

pub(crate) use news::news_of;

/// Whom to ask for tokens that only a meeting's host can give.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MeetingHost {
    /// The account.
    pub credential: CredentialId,
    /// The host, where the account is a server-to-server app's; `None` for every other, which is the host's own.
    pub user: Option<AccountUser>,
}

impl Broker {
    /// The usable account of a meeting's host. `None` when no account of the workspace is known to be it.
    pub async fn host_of(
        &self,
        workspace: WorkspaceId,
        meeting: MeetingNumber,
    ) -> Result<Option<MeetingHost>, Failure> {
        let Some(owner) = self.store.meeting_owner(workspace, meeting).await? else { return Ok(None) };
        let user = match owner.kind {
            CredentialKind::UserOauth | CredentialKind::CustomerManaged => None,
            CredentialKind::ServerToServer => {
                let user = owner.host.parse();
                Some(user.map_err(|_| Failure::new(Code::Internal, "a meeting's host is no user of Zoom's"))?)
            }
        };
        Ok(Some(MeetingHost { credential: owner.credential, user }))
    }
}
