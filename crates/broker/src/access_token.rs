//! Access tokens: live by our own record, for our own calls of Zoom's API and for a customer's.

use std::{sync::Arc, time::Duration};

use audit::{Asker, Audited, TokenAccess};
use model::{
    About, Code, CredentialId, CredentialKind, Failure, Secret, Source, Timestamp, TokenKind, WorkspaceId,
};
use store::Credential;
use tenants::Cell;
use url::Url;

use crate::{Broker, refresh::Errand, schedule};

/// An access token with less than this is not used: the call it is meant for has to arrive, and clocks differ.
pub(crate) const MARGIN: Duration = Duration::from_secs(60);
/// How exactly the last use of an account is remembered.
const USE_IS_REMEMBERED: Duration = Duration::from_secs(3600);
/// No access token lives longer: what says so was written by a wrong clock, or by Zoom's mistake.
const LONGEST_LIFE: Duration = Duration::from_secs(24 * 3600);

/// An access token, and how long our own record calls it valid.
#[derive(Debug)]
pub struct AccessToken {
    /// Opens Zoom's API.
    pub token: Secret,
    /// Its end.
    pub expires_at: Timestamp,
}

/// A token for Zoom's API, and which grant it came from.
pub(crate) struct LiveAccess {
    /// Whose account it is.
    pub(crate) workspace: WorkspaceId,
    pub(crate) kind: CredentialKind,
    /// Zoom's id of the account, whose limits a call falls under.
    pub(crate) zoom_account_id: String,
    pub(crate) token: Secret,
    pub(crate) expires_at: Timestamp,
    pub(crate) base: Url,
    pub(crate) generation: i64,
    pub(crate) epoch: i64,
    /// Whether it was fetched for this caller.
    pub(crate) source: Source,
}

/// The access token of a grant that has just come. There is none only where Zoom's answer to a refresh was odd.
pub(crate) fn access_token(grant: &zoom::Grant) -> Result<&Secret, Failure> {
    let unreadable =
        || Failure::new(Code::ZoomUnexpected, "Zoom's answer held no access token that can be read");
    grant.access_token.as_ref().ok_or_else(unreadable)
}

impl Broker {
    /// An access token of the account with at least `life` left, refreshed first if need be. While Zoom is away, one with
    /// more than a minute left will do.
    pub async fn access_token(
        self: &Arc<Self>,
        workspace: WorkspaceId,
        id: CredentialId,
        life: Duration,
        asker: Asker,
    ) -> Result<Audited<AccessToken>, Failure> {
        let about = About::default();
        let wish = TokenAccess { workspace, credential: id, kind: TokenKind::AccessToken, asker, about };
        let fetch = async {
            let access = self.live_access(workspace, id, life, None).await?;
            Ok((AccessToken { token: access.token, expires_at: access.expires_at }, access.source))
        };
        self.audit.audited(wish, fetch).await
    }

    /// An access token that our own record calls valid for `life` more. `rejected` names the generation that Zoom has
    /// just refused.
    pub(crate) async fn live_access(
        self: &Arc<Self>,
        workspace: WorkspaceId,
        id: CredentialId,
        life: Duration,
        rejected: Option<i64>,
    ) -> Result<LiveAccess, Failure> {
        let credential = self.usable(workspace, id).await?;
        self.remember_use(&credential).await;
        self.access_of(credential, life, rejected).await
    }

    /// Likewise, for our own business: the account is no more in use than before.
    pub(crate) async fn quiet_access(
        self: &Arc<Self>,
        workspace: WorkspaceId,
        id: CredentialId,
        rejected: Option<i64>,
    ) -> Result<LiveAccess, Failure> {
        let credential = self.usable(workspace, id).await?;
        self.access_of(credential, MARGIN, rejected).await
    }

    async fn access_of(
        self: &Arc<Self>,
        credential: Credential,
        life: Duration,
        rejected: Option<i64>,
    ) -> Result<LiveAccess, Failure> {
        let (workspace, id) = (credential.workspace, credential.id);
        if self.lasts(&credential, life.max(MARGIN), rejected) {
            return self.open_access(&credential, Source::Kept);
        }
        match self.fly(workspace, id, Some(credential.generation), Errand::Caller).await {
            Ok(()) => {
                let mut fresh = self.usable(workspace, id).await?;
                if fresh.grant.access_token.is_none() && fresh.generation != credential.generation {
                    // Only the new refresh token could be read in Zoom's answer: it buys what is missing.
                    self.fly(workspace, id, Some(fresh.generation), Errand::Caller).await?;
                    fresh = self.usable(workspace, id).await?;
                }
                if fresh.generation == credential.generation {
                    // Our flight was fenced off, and whoever holds the lease now has not finished.
                    return Err(Failure::new(
                        Code::RefreshUncertain,
                        "another process is refreshing this account",
                    ));
                }
                self.open_access(&fresh, Source::Minted)
            }
            // Less than was asked for, and still better than nothing.
            Err(failure) => match self.usable(workspace, id).await {
                Ok(credential) if self.lasts(&credential, MARGIN, rejected) => {
                    self.open_access(&credential, Source::Kept)
                }
                _ => Err(failure),
            },
        }
    }

    /// Whether the account's access token lasts for `life` more, and is not of the generation that was rejected. A grant from
    /// the future is not believed: how old it is nobody knows.
    pub(crate) fn lasts(&self, credential: &Credential, life: Duration, rejected: Option<i64>) -> bool {
        let (ends_at, now) = (credential.grant.access_expires_at, self.zoom.clock().now());
        rejected != Some(credential.generation)
            && credential.grant.access_token.is_some()
            && !credential.granted_at.is_from_the_future(self.env.now())
            && ends_at > now + life
            && ends_at.holds(LONGEST_LIFE, now)
    }

    /// What Zoom's clock shows when ours shows `time`.
    pub(crate) fn at_zoom(&self, time: Timestamp) -> Timestamp {
        let (ours, zooms) = (self.env.now(), self.zoom.clock().now());
        time + zooms.since(ours) - ours.since(zooms)
    }

    fn open_access(&self, credential: &Credential, source: Source) -> Result<LiveAccess, Failure> {
        let cell = Cell::AccessToken(credential.id);
        let sealed = credential.grant.access_token.as_ref();
        let sealed = sealed.ok_or_else(|| {
            Failure::new(Code::ZoomUnexpected, "Zoom's answers held no access token that can be read")
        })?;
        Ok(LiveAccess {
            workspace: credential.workspace,
            kind: credential.kind,
            zoom_account_id: credential.zoom_account_id.clone(),
            token: self.vault.open(credential.workspace, cell, sealed)?,
            expires_at: credential.grant.access_expires_at,
            base: self.base_of(credential),
            generation: credential.generation,
            epoch: credential.epoch,
            source,
        })
    }

    fn base_of(&self, credential: &Credential) -> Url {
        let named = credential.grant.api_url.as_deref().and_then(|url| url.parse().ok());
        named.unwrap_or_else(|| self.api_base.clone())
    }

    /// Keeps the refresher interested in accounts that are used. An approximate record will do, so it is rarely written,
    /// and nobody is refused a token because it was not.
    async fn remember_use(&self, credential: &Credential) {
        let now = self.env.now();
        if credential.used_at.is_some_and(|used_at| used_at.was_within(USE_IS_REMEMBERED, now)) {
            return;
        }
        let life = credential.grant.access_expires_at.since(self.at_zoom(credential.granted_at));
        let look_at = schedule::ahead(&self.env, credential.granted_at, life);
        if let Err(error) = self.store.touch_credential(credential.id, now, Some(look_at)).await {
            tracing::warn!(credential = %credential.id, %error, "the use of an account was not recorded");
        }
    }
}
