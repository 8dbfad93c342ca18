//! Users of a server-to-server account, resolved from their addresses.
//!
//! An address can be reassigned to another user; an id is permanent. So an address is resolved when a link, a
//! pool or a bot is created, and the id is stored and used for mints. Addresses that were stored by older
//! versions are resolved at the mint.

use std::{sync::Arc, time::Duration};

use model::{AccountUser, Code, CredentialId, Environment, Failure, Timestamp, WorkspaceId};
use rate_limits::CallPriority;
use store::AccountStore;
use zoom::{Label, ZoomClient, ZoomError};

use super::access_token::{AccessTokens, ZoomAccess};
use crate::expiring_map::ExpiringMap;

/// How long a mint trusts a resolved address.
const FOUND_TTL: Duration = Duration::from_secs(600);
/// How long a lookup waits for its turn at Zoom.
const TURN_TIMEOUT: Duration = Duration::from_secs(10);
/// The scope that a lookup needs at Zoom.
const SCOPE: &str = "user:read:user:admin";

/// Resolved addresses, and when they were resolved.
pub(crate) type FoundUsers = ExpiringMap<(CredentialId, AccountUser), (AccountUser, Timestamp)>;

/// Users of server-to-server accounts.
pub struct Users {
    pub(crate) store: Arc<dyn AccountStore>,
    pub(crate) env: Environment,
    pub(crate) zoom: ZoomClient,
    pub(crate) access: Arc<AccessTokens>,
    /// Resolved addresses, and when they were resolved.
    pub(crate) found: FoundUsers,
}

impl Users {
    /// The id of the user that `user` names. An address is resolved to the user who has it at Zoom now.
    ///
    /// # Errors
    /// [`Code::UserUnknown`] and [`Code::ScopeMissing`] when no user has the address, or the app may not look it up.
    pub async fn resolve(
        self: &Arc<Self>,
        workspace: WorkspaceId,
        credential: CredentialId,
        user: &AccountUser,
    ) -> Result<AccountUser, Failure> {
        if !user.is_address() {
            return Ok(user.clone());
        }
        let mut rejected = None;
        loop {
            let access = self.access.live(workspace, credential, Duration::ZERO, rejected).await?;
            match self.look_up(&access, credential, user).await? {
                Ok(id) => return Ok(id),
                Err(ZoomError::TokenRejected) if rejected.is_none() => rejected = Some(access.generation),
                Err(ZoomError::UserUnknown) => {
                    let words = format!("the app's Zoom account has no user with the address {user}");
                    return Err(Failure::new(Code::UserUnknown, words));
                }
                Err(ZoomError::ScopeMissing { .. }) => {
                    let words = format!(
                        "the app needs the scope {SCOPE} to find the user of an address; or name the user by Zoom's id"
                    );
                    return Err(Failure::new(Code::ScopeMissing, words));
                }
                Err(error) => return Err(error.into()),
            }
        }
    }

    /// The user of a mint. An address that the app may not look up is passed to Zoom as it is, which Zoom
    /// allows.
    pub(crate) async fn to_mint_for(
        &self,
        access: &ZoomAccess,
        credential: CredentialId,
        user: &AccountUser,
    ) -> Result<Result<AccountUser, ZoomError>, Failure> {
        if !user.is_address() {
            return Ok(Ok(user.clone()));
        }
        let now = self.env.now();
        let found = self.found.get(&(credential, user.clone()));
        if let Some((id, _)) = found.filter(|(_, at)| at.was_within(FOUND_TTL, now)) {
            return Ok(Ok(id));
        }
        let looked_up = self.look_up(access, credential, user).await?;
        if matches!(looked_up, Err(ZoomError::ScopeMissing { .. })) {
            tracing::warn!(%credential, "an address is passed to Zoom unresolved: the app lacks the scope {SCOPE}");
            return Ok(Ok(user.clone()));
        }
        Ok(looked_up)
    }

    async fn look_up(
        &self,
        access: &ZoomAccess,
        credential: CredentialId,
        address: &AccountUser,
    ) -> Result<Result<AccountUser, ZoomError>, Failure> {
        let api = self.access.api(access, Label::Light, CallPriority::now(&self.env, TURN_TIMEOUT)).await?;
        let user = match self.zoom.user(api, address.as_str()).await {
            Ok(user) => user,
            Err(error) => return Ok(Err(error)),
        };
        let id: AccountUser = user
            .id
            .parse()
            .map_err(|_| Failure::new(Code::ZoomUnexpected, "Zoom's answer has an invalid user id"))?;
        let now = self.env.now();
        let fresh = |(_, at): &(AccountUser, Timestamp)| at.was_within(FOUND_TTL, now);
        self.found.put((credential, address.clone()), (id.clone(), now), fresh);
        Ok(Ok(id))
    }

    /// For a user who was named by an address and is gone: whether the address now belongs to another user.
    pub async fn address_has_moved(
        self: &Arc<Self>,
        workspace: WorkspaceId,
        credential: CredentialId,
        (user, address): (&AccountUser, &AccountUser),
    ) -> Option<Failure> {
        let owner = self.resolve(workspace, credential, address).await.ok()?;
        (owner != *user).then(|| {
            let words = format!(
                "user {user} no longer exists at Zoom, and the address {address} now belongs to another user: name the address again if that user is meant"
            );
            Failure::new(Code::UserUnknown, words)
        })
    }
}
