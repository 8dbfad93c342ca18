//! Finds the account that hosts a meeting.
//!
//! - `worker`: claims accounts whose list is due. `sync`: lists an account's meetings when it is connected, when a caller
//!   requests it, and periodically. A list repairs changes that were missed.
//! - `personal`: resolves a personal link to its meeting.
//! - Changes between two lists come from webhooks, through `accounts::webhooks`.

mod personal;
mod sync;
mod worker;

use std::{sync::Arc, time::Duration};

use metrics::Metrics;
use model::{
    AccountUser, Code, CredentialId, CredentialKind, Environment, Failure, MeetingNumber, WorkspaceId,
};
use store::MeetingStore;
use zoom::ZoomClient;

pub use personal::PersonalLink;
pub use worker::DueLists;

use crate::{accounts::Apps, tokens::AccessTokens};

/// The account for tokens that only a meeting's host can give.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MeetingHost {
    /// The account.
    pub credential: CredentialId,
    /// The host, if the account is a server-to-server app's; otherwise `None`, as the account is the host's
    /// own.
    pub user: Option<AccountUser>,
}

/// The host's account of each meeting.
pub struct MeetingMap {
    pub(crate) store: Arc<dyn MeetingStore>,
    pub(crate) env: Environment,
    pub(crate) zoom: ZoomClient,
    pub(crate) apps: Arc<Apps>,
    pub(crate) access: Arc<AccessTokens>,
    pub(crate) metrics: Metrics,
    /// The interval between two lists of an account's meetings.
    pub(crate) list_every: Duration,
    /// The interval for an app whose webhooks report changes in between.
    pub(crate) list_every_with_webhooks: Duration,
}

impl MeetingMap {
    /// The usable account of a meeting's host. `None` when no account of the workspace is known to be the
    /// host's.
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
                Some(user.map_err(|_| {
                    Failure::new(Code::Internal, "the stored host of a meeting is not a valid Zoom user")
                })?)
            }
        };
        Ok(Some(MeetingHost { credential: owner.credential, user }))
    }
}
