//! Resolves personal links (`/my/NAME`) to their meetings, if an account is known to have the link.

use std::time::Duration;

use model::{CredentialKind, Failure, Secret, WorkspaceId};
use rate_limits::CallPriority;
use zoom::{Label, ZoomError};

use super::MeetingMap;

/// How long a caller waits for a turn at Zoom.
const TURN_TIMEOUT: Duration = Duration::from_secs(10);

/// The result of resolving a personal link.
#[derive(Debug)]
pub enum PersonalLink {
    /// This link with a meeting number, and the passcode if there is one.
    Meeting(Secret),
    /// No account of the workspace is known to have the link.
    Unknown,
    /// Accounts with different addresses at Zoom have this name.
    Several,
}

impl MeetingMap {
    /// The current target of `/my/NAME`. Zoom is asked for it, because a passcode can change at any time.
    #[tracing::instrument(name = "resolve_personal_link", skip_all, fields(%workspace))]
    pub async fn personal_link(&self, workspace: WorkspaceId, name: &str) -> Result<PersonalLink, Failure> {
        let rooms = self.store.personal_rooms(workspace, name).await?;
        let [room] = &rooms[..] else {
            return Ok(if rooms.is_empty() { PersonalLink::Unknown } else { PersonalLink::Several });
        };
        let user = match room.owner.kind {
            CredentialKind::ServerToServer => room.owner.host.as_str(),
            CredentialKind::UserOauth | CredentialKind::CustomerManaged => "me",
        };
        let mut rejected = None;
        loop {
            let access = self.access.live(workspace, room.owner.credential, Duration::ZERO, rejected).await?;
            let api =
                self.access.api(&access, Label::Light, CallPriority::now(&self.env, TURN_TIMEOUT)).await?;
            match self.zoom.personal_link(api, user).await {
                Ok(Some(link)) => return Ok(PersonalLink::Meeting(link)),
                // Zoom returned no link, so only the number is known.
                Ok(None) => {
                    return Ok(PersonalLink::Meeting(zoom::join_link(room.number)));
                }
                Err(ZoomError::TokenRejected) if rejected.is_none() => rejected = Some(access.generation),
                Err(error) => return Err(error.into()),
            }
        }
    }
}
