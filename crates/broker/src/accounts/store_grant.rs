//! Stores an account that has just been connected.

use std::sync::Arc;

use metrics::Metrics;
use model::{
    Code, ConnectLinkId, CredentialId, CredentialKind, CredentialStatus, DisconnectCause, Environment,
    Failure, MeetingSyncStatus, ParkedConsentId, Secret, Timestamp, WorkspaceId, ZoomOauthAppId,
};
use store::{AccountStore, Credential, Digest, StoreError};
use tenants::{Cell, Vault};
use zoom::ZoomUser;

use super::{grants::Grants, schedule, scopes};
use crate::{account_cache::AccountCache, log_lines::note};

/// An account to store.
pub(crate) struct NewAccount {
    pub(crate) workspace: WorkspaceId,
    pub(crate) app: ZoomOauthAppId,
    pub(crate) source: Source,
    pub(crate) grant: zoom::Grant,
    /// When Zoom issued the grant.
    pub(crate) granted_at: Timestamp,
    /// The customer's URL for access tokens, if the customer manages the grant.
    pub(crate) callback_url: Option<Secret>,
}

/// The owner of the grant.
pub(crate) enum Source {
    /// A user with a grant that is managed here.
    User(ZoomUser),
    /// A Zoom account, through a server-to-server app.
    Account(String),
}

/// How it was connected. The invitation or parked consent is marked as used in the same transaction.
#[derive(Clone, Copy)]
pub(crate) enum Origin {
    /// Through the API.
    Api,
    /// Through an invitation.
    Invitation {
        /// Its id.
        id: ConnectLinkId,
        /// Hash of the OAuth state.
        state: Digest,
    },
    /// By adopting a parked consent.
    Parked(ParkedConsentId),
}

/// An account that was stored.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct StoredGrant {
    /// Its id.
    pub id: CredentialId,
    /// Whether the workspace already had it.
    pub known: bool,
}

impl NewAccount {
    fn kind(&self) -> CredentialKind {
        match (&self.source, &self.callback_url) {
            (Source::Account(_), _) => CredentialKind::ServerToServer,
            (Source::User(_), None) => CredentialKind::UserOauth,
            (Source::User(_), Some(_)) => CredentialKind::CustomerManaged,
        }
    }

    /// Zoom's ids of the user and the account, and a name and an address for people.
    fn names(&self) -> (&str, &str, &str, Option<&str>) {
        match &self.source {
            Source::User(user) => (&user.id, &user.account_id, &user.display_name, user.email.as_deref()),
            Source::Account(account) => ("", account, account, None),
        }
    }
}

/// Stores accounts that have just been connected.
pub struct NewAccounts {
    pub(crate) store: Arc<dyn AccountStore>,
    pub(crate) vault: Vault,
    pub(crate) env: Environment,
    pub(crate) grants: Arc<Grants>,
    pub(crate) cache: Arc<AccountCache>,
    pub(crate) metrics: Metrics,
}

impl NewAccounts {
    /// Stores an account at the next generation of the user's row on this app, or in a new row. `None` when
    /// another caller used the invitation or parked consent first; then nothing is stored.
    #[tracing::instrument(skip_all, fields(app = %new.app))]
    pub(crate) async fn store_grant(
        &self,
        new: &NewAccount,
        origin: Origin,
    ) -> Result<Option<StoredGrant>, Failure> {
        let kind = new.kind();
        if kind == CredentialKind::UserOauth && new.grant.refresh_token.is_none() {
            let words = "Zoom sent no refresh token: is the app a user-managed OAuth app?";
            return Err(Failure::new(Code::ZoomUnexpected, words));
        }
        let missing = scopes::missing(kind, new.grant.scopes.as_deref());
        let words = match missing.as_slice() {
            [] => "connected".to_owned(),
            missing => format!("connected; the app lacks the scopes {}", missing.join(", ")),
        };
        // Two requests may connect the same new user at once: the loser of the insert finds the winner's row.
        for _ in 0..2 {
            let (credential, known) = self.credential_for(new).await?;
            let note = note(&self.env, &words);
            let stored = match origin {
                Origin::Api => self.store.connect_credential(&credential, &note).await.map(|()| true),
                Origin::Parked(id) => self.store.adopt_parked(id, &credential, &note).await,
                Origin::Invitation { id, ref state } => {
                    self.store.complete_connect_link(id, state, &credential, &note).await
                }
            };
            match stored {
                Ok(true) => {
                    // Token links see the change here at once, on other servers within a second.
                    self.cache.forget(credential.id);
                    self.metrics.credential_became(CredentialStatus::Healthy);
                    tracing::info!(credential = %credential.id, app = %credential.app, kind = kind.as_str(),
                        "account connected");
                    return Ok(Some(StoredGrant { id: credential.id, known }));
                }
                Ok(false) => return Ok(None),
                Err(StoreError::Exists(_)) => {}
                Err(error) => return Err(error.into()),
            }
        }
        Err(Failure::new(Code::Unavailable, "the same account is being connected by another request"))
    }

    /// The row to store, and whether the account already existed.
    async fn credential_for(&self, new: &NewAccount) -> Result<(Credential, bool), Failure> {
        let NewAccount { workspace, app, ref grant, granted_at, .. } = *new;
        let (kind, now) = (new.kind(), self.env.now());
        let (zoom_user_id, zoom_account_id, display_name, email) = new.names();
        let before = self.store.credential_of(workspace, app, zoom_user_id).await?;
        let gone = CredentialStatus::Disconnected(DisconnectCause::Asked);
        let known = before.as_ref().is_some_and(|row| row.status != gone);
        let id = before.as_ref().map_or_else(|| CredentialId::generate(&self.env), |row| row.id);
        let seal_url = |url| self.vault.seal(workspace, Cell::CallbackUrl(id), url);
        let credential = Credential {
            id,
            workspace,
            app,
            kind,
            zoom_user_id: zoom_user_id.to_owned(),
            zoom_account_id: zoom_account_id.to_owned(),
            display_name: display_name.to_owned(),
            email: email.map(str::to_owned),
            callback_url: new.callback_url.as_ref().map(seal_url),
            status: CredentialStatus::Healthy,
            status_since: now,
            trouble: None,
            failures: 0,
            retry_at: None,
            refresh_at: schedule::after_refresh(&self.env, kind, Some(now), granted_at, grant.expires_in),
            used_at: Some(now),
            epoch: 1,
            generation: 1,
            grant: self.grants.seal(workspace, id, grant, grant.refresh_token.as_ref(), granted_at),
            spent_at: None,
            meeting_sync: MeetingSyncStatus::NotStarted,
            created_at: before.map_or(now, |row| row.created_at),
            granted_at,
        };
        Ok((credential, known))
    }
}
