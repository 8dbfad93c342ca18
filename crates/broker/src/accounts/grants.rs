//! Seals grants, puts them into escrow and commits them.

use std::{sync::Arc, time::Duration};

use model::{CredentialId, Environment, Failure, KillPoint, Secret, Timestamp, WorkspaceId, chain};
use store::{AccountStore, Credential, Grant, Note, StoreError};
use tenants::{Cell, Vault};
use url::Url;
use zoom::ZoomClient;

use super::escrow::{Deposit, Escrow, Receipt, unreadable};
use crate::log_lines::note;

/// The shortest remaining lifetime of an access token in use, because calls take time and clocks differ.
pub(crate) const MIN_ACCESS_LIFETIME: Duration = Duration::from_secs(60);
/// The longest lifetime of an access token; longer ones are capped to this.
const MAX_LIFE: Duration = Duration::from_secs(24 * 3600);

/// The access token of a new grant. Zoom's answer to a refresh may lack it.
pub(crate) fn access_token(grant: &zoom::Grant) -> Result<&Secret, Failure> {
    let unreadable =
        || Failure::new(model::Code::ZoomUnexpected, "Zoom's answer has no readable access token");
    grant.access_token.as_ref().ok_or_else(unreadable)
}

/// Seals grants, protects them against loss, and stores them.
pub struct Grants {
    pub(crate) store: Arc<dyn AccountStore>,
    pub(crate) vault: Vault,
    pub(crate) env: Environment,
    pub(crate) zoom: ZoomClient,
    /// Writes refreshed grants to this machine's disk first. Without it, a crash between Zoom's answer and
    /// the commit costs a consent.
    pub(crate) escrow: Option<Escrow>,
}

impl Grants {
    /// A grant in its stored form.
    pub(crate) fn seal(
        &self,
        workspace: WorkspaceId,
        id: CredentialId,
        grant: &zoom::Grant,
        refresh_token: Option<&Secret>,
        now: Timestamp,
    ) -> Grant {
        let seal = |token| self.vault.seal(workspace, Cell::RefreshToken(id), token);
        let seal_access = |token| self.vault.seal(workspace, Cell::AccessToken(id), token);
        Grant {
            access_token: grant.access_token.as_ref().map(seal_access),
            access_expires_at: self.at_zoom(now) + grant.expires_in,
            refresh_token: refresh_token.map(seal),
            scopes: grant.scopes.clone(),
            api_url: grant.api_url.as_ref().map(Url::to_string),
        }
    }

    /// Writes a grant to this server's disk before it is written to the store, so that a crash in between loses no account.
    /// `None` without an escrow, or when the write fails; the grant is then still written to the store.
    pub(crate) async fn put_in_escrow(&self, deposit: &Deposit) -> Option<Receipt> {
        KillPoint::BeforeEscrow.reach();
        match self.escrow.as_ref()?.deposit(deposit).await {
            Ok(receipt) => Some(receipt),
            Err(error) => {
                tracing::error!(credential = %deposit.credential, error = %chain(&error), "a refreshed grant was not written to escrow");
                None
            }
        }
    }

    /// Stores a grant unless it is outdated, and deletes it from escrow. Returns whether it was stored.
    pub(crate) async fn settle(
        &self,
        deposit: &Deposit,
        receipt: Option<&Receipt>,
    ) -> Result<bool, StoreError> {
        let Deposit { credential, generation, granted_at, refresh_at, grant, .. } = deposit;
        let note = Note { at: *granted_at, ..note(&self.env, "refreshed") };
        KillPoint::BeforeCommit.reach();
        let won = self.store.commit_refresh(*credential, *generation, grant, *refresh_at, &note).await?;
        if won {
            tracing::info!(%credential, generation = generation + 1, "grant refreshed");
        } else {
            // A newer consent, or a later holder of the lease, has stored its own grant.
            tracing::warn!(%credential, "a refreshed grant was dropped, because a newer one is stored");
        }
        KillPoint::BeforeWithdrawal.reach();
        if let (Some(escrow), Some(receipt)) = (&self.escrow, receipt)
            && let Err(error) = escrow.withdraw(receipt).await
        {
            // Replaying it changes nothing, because its generation is outdated.
            tracing::warn!(%credential, error = %chain(&error), "a stored grant was not deleted from escrow");
        }
        Ok(won)
    }

    /// Stores the grants that remained in escrow after a crash or while the store was unavailable. Call it at
    /// start, before any token is requested. Returns how many grants were settled.
    pub async fn replay(&self) -> Result<usize, Failure> {
        if let Some(escrow) = &self.escrow {
            escrow.adopt().await.map_err(unreadable)?;
        }
        self.replay_deposits().await
    }

    /// Settles the deposits, outdated or not. An imported grant waits for `Imports::resume`, which asks Zoom.
    pub(crate) async fn replay_deposits(&self) -> Result<usize, Failure> {
        let Some(escrow) = &self.escrow else { return Ok(0) };
        let mut deposits = escrow.deposits().await.map_err(unreadable)?;
        deposits.retain(|(_, deposit)| deposit.brought.is_none());
        for (receipt, deposit) in &deposits {
            self.settle(deposit, Some(receipt)).await?;
        }
        Ok(deposits.len())
    }

    /// Deletes an imported grant from escrow.
    pub(super) async fn withdraw(&self, receipt: &Receipt) {
        if let Some(escrow) = &self.escrow
            && let Err(error) = escrow.withdraw(receipt).await
        {
            // The next replay finds that it is outdated.
            tracing::warn!(error = %chain(&error), "a finished import was not deleted from escrow");
        }
    }

    /// The deposits in escrow.
    pub(super) async fn deposits(&self) -> Result<Vec<(Receipt, Deposit)>, Failure> {
        let Some(escrow) = &self.escrow else { return Ok(Vec::new()) };
        escrow.deposits().await.map_err(unreadable)
    }

    /// Whether the account's access token is valid for at least `life`, and is not of the rejected
    /// generation. A grant with a date in the future is not used, because its age is unknown.
    pub(crate) fn lasts(&self, credential: &Credential, life: Duration, rejected: Option<i64>) -> bool {
        let (ends_at, now) = (credential.grant.access_expires_at, self.zoom.clock().now());
        rejected != Some(credential.generation)
            && credential.grant.access_token.is_some()
            && !credential.granted_at.is_from_the_future(self.env.now())
            && ends_at > now + life
            && ends_at.holds(MAX_LIFE, now)
    }

    /// Zoom's time at our `time`.
    pub(crate) fn at_zoom(&self, time: Timestamp) -> Timestamp {
        let (ours, zooms) = (self.env.now(), self.zoom.clock().now());
        time + zooms.since(ours) - ours.since(zooms)
    }
}
