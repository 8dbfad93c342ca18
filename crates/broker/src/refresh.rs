//! Refreshing without losing an account.
//!
//! Zoom kills a refresh token the moment it is used and answers with the next one; an answer that is lost costs a
//! person a new consent. So, in this order:
//!
//! 1. one flight per account in this process, owned by the process;
//! 2. a lease on the row, committed before the token leaves: it keeps other processes away, proves that the store can
//!    write, and leaves a mark (`spent_at`) that outlives a crash;
//! 3. one call, with a deadline well inside the lease;
//! 4. the answer goes into escrow, then into the store, by compare-and-swap on the generation, retried while the store is
//!    away. Only then does anybody see the token;
//! 5. `invalid_grant` is judged last: unless the row still is the one we started from, somebody else has won.

use std::{sync::Arc, time::Duration};

use model::{Code, CredentialId, Failure, KillPoint, LeaseToken, ReauthCause, Secret, WorkspaceId};
use store::{Credential, Lease, RefreshLease};
use url::Url;
use zoom::ZoomError;

use crate::{Broker, Cell, escrow::Deposit};

/// The Zoom client gives a call up after 15 s; two calls and the commit fit in.
const LEASE_LIFE: Duration = Duration::from_secs(60);
/// How often a process looks whether another one has finished.
const POLL: Duration = Duration::from_millis(250);
/// How long it keeps looking: a little longer than the lease of a holder that died.
const PATIENCE: Duration = Duration::from_secs(75);
/// An access token with less than this is not used: the call it is meant for has to arrive, and clocks differ.
const MARGIN: Duration = Duration::from_secs(60);
/// Pauses between tries to commit; the last one repeats.
const COMMIT_PAUSES: [Duration; 4] =
    [Duration::from_millis(50), Duration::from_millis(200), Duration::from_secs(1), Duration::from_secs(5)];
/// How long a fetched grant is kept trying to reach the store.
const COMMIT_PATIENCE: Duration = Duration::from_secs(300);

/// A token for Zoom's API, and which grant it came from.
pub(crate) struct LiveAccess {
    pub(crate) token: Secret,
    pub(crate) base: Url,
    pub(crate) generation: i64,
}

impl Broker {
    /// An access token that our own record calls valid. `rejected` names the generation that Zoom has just refused.
    pub(crate) async fn live_access(
        self: &Arc<Self>,
        workspace: WorkspaceId,
        id: CredentialId,
        rejected: Option<i64>,
    ) -> Result<LiveAccess, Failure> {
        let credential = self.usable(workspace, id).await?;
        if self.is_live(&credential, rejected) {
            return self.open_access(&credential);
        }
        let broker = Arc::clone(self);
        self.refreshes
            .join(id, &self.tasks, move || async move { broker.refresh(workspace, id, rejected).await })
            .await
            .unwrap_or_else(|| Err(Failure::new(Code::Internal, "the refresh broke off")))?;
        self.open_access(&self.usable(workspace, id).await?)
    }

    fn is_live(&self, credential: &Credential, rejected: Option<i64>) -> bool {
        rejected != Some(credential.generation)
            && credential.grant.access_expires_at > self.env.now() + MARGIN
    }

    fn open_access(&self, credential: &Credential) -> Result<LiveAccess, Failure> {
        let cell = Cell::AccessToken(credential.id);
        Ok(LiveAccess {
            token: self.vault.open(credential.workspace, cell, &credential.grant.access_token)?,
            base: self.base_of(credential),
            generation: credential.generation,
        })
    }

    fn base_of(&self, credential: &Credential) -> Url {
        let named = credential.grant.api_url.as_deref().and_then(|url| url.parse().ok());
        named.unwrap_or_else(|| self.api_base.clone())
    }

    /// One flight: until the row holds a live grant, whoever fetched it.
    async fn refresh(
        &self,
        workspace: WorkspaceId,
        id: CredentialId,
        rejected: Option<i64>,
    ) -> Result<(), Failure> {
        let give_up = self.env.now() + PATIENCE;
        loop {
            let credential = self.usable(workspace, id).await?;
            if self.is_live(&credential, rejected) {
                return Ok(());
            }
            let now = self.env.now();
            let lease = Lease { token: LeaseToken::generate(&self.env), expires_at: now + LEASE_LIFE };
            match self.store.lease_refresh(workspace, id, credential.generation, &lease, now).await? {
                RefreshLease::Taken(before) => return self.spend(&before, &lease).await,
                // Read again: it is live by now, or needs a person.
                RefreshLease::Moved | RefreshLease::Unusable => {}
                RefreshLease::Held { until } if now < give_up => {
                    self.env.clock.sleep(POLL.min(until.since(now)).max(Duration::from_millis(1))).await;
                }
                RefreshLease::Held { .. } => {
                    return Err(Failure::new(
                        Code::RefreshUncertain,
                        "another process is refreshing this account",
                    ));
                }
            }
        }
    }

    /// Spends the refresh token and stores what comes back.
    async fn spend(&self, before: &Credential, lease: &Lease) -> Result<(), Failure> {
        let prepared = async {
            let cell = Cell::RefreshToken(before.id);
            let token = self.vault.open(before.workspace, cell, &before.grant.refresh_token)?;
            Ok::<_, Failure>((self.app_keys(before.workspace, before.app).await?, token))
        };
        let (app, token) = match prepared.await {
            Ok(prepared) => prepared,
            Err(failure) => {
                self.give_back(before, lease, before.spent_at.is_none()).await;
                return Err(failure);
            }
        };
        KillPoint::BeforeSend.reach();
        let mut answer = self.zoom.refresh(&app, &token).await;
        let mut in_doubt = before.spent_at.is_some();
        if matches!(&answer, Err(error) if error.in_doubt()) {
            // Zoom may have rotated and its answer is lost, or never have seen the request: only the same token tells.
            tracing::warn!(credential = %before.id, "no usable answer to a refresh, asking once more");
            in_doubt = true;
            answer = self.zoom.refresh(&app, &token).await;
        }
        match answer {
            Ok(grant) => self.commit(before, &grant, &token).await,
            Err(ZoomError::GrantDead) => self.bury(before, lease, in_doubt).await,
            Err(error) => {
                // A refusal for another reason, or no contact at all, leaves the token as it was before this call.
                self.give_back(before, lease, !in_doubt && !error.in_doubt()).await;
                let uncertain = error.in_doubt();
                let failure = Failure::from(error);
                Err(if uncertain { Failure { code: Code::RefreshUncertain, ..failure } } else { failure })
            }
        }
    }

    /// Stores the new grant: on this machine's disk, then in the store, however long that is away.
    async fn commit(&self, before: &Credential, grant: &zoom::Grant, spent: &Secret) -> Result<(), Failure> {
        let now = self.env.now();
        // A grant without a new refresh token did not rotate: the old one lives on.
        let refresh_token = grant.refresh_token.as_ref().unwrap_or(spent);
        let deposit = Deposit {
            credential: before.id,
            generation: before.generation,
            granted_at: now,
            grant: self.seal_grant(before.workspace, before.id, grant, refresh_token, now),
        };
        let receipt = self.put_in_escrow(&deposit).await;
        let mut pauses = COMMIT_PAUSES.into_iter();
        let mut pause = COMMIT_PAUSES[0];
        loop {
            match self.settle(&deposit, receipt.as_ref()).await {
                Ok(()) => return Ok(()),
                Err(error) if self.env.now().since(now) < COMMIT_PATIENCE => {
                    tracing::error!(credential = %before.id, %error, "a refreshed grant waits for the store");
                    pause = pauses.next().unwrap_or(pause);
                    self.env.clock.sleep(pause).await;
                }
                // It stays in escrow, and is replayed.
                Err(error) => return Err(error.into()),
            }
        }
    }

    /// Zoom says the grant is dead. Believed only while the row is still the one we started from.
    async fn bury(&self, before: &Credential, lease: &Lease, in_doubt: bool) -> Result<(), Failure> {
        let cause = if in_doubt { ReauthCause::ResponseLost } else { ReauthCause::Revoked };
        if !self.store.lose_grant(before.id, before.generation, lease, cause).await? {
            return Ok(());
        }
        self.zaks.forget(before.id);
        tracing::error!(credential = %before.id, ?cause, "the account has to be connected again");
        Err(Failure::new(
            Code::CredentialNeedsConsent,
            format!("{} has to consent again ({cause:?})", before.display_name),
        ))
    }

    /// Gives the lease back. A store that is away costs only the wait until the lease ends.
    async fn give_back(&self, before: &Credential, lease: &Lease, unspent: bool) {
        if let Err(error) = self.store.release_refresh(before.id, lease, unspent).await {
            tracing::warn!(credential = %before.id, %error, "a lease could not be given back");
        }
    }
}
