//! Connects an account by a refresh token from elsewhere, such as a file or another program.
//!
//! The token is spent at once, so the other copy is dead and can't break the chain. Its user is known only
//! after Zoom's answer. As in a refresh, that answer is written to this server's disk first, and an
//! interrupted import is resumed from there.

use std::{sync::Arc, time::Duration};

use model::{
    Class, Code, CredentialId, Environment, Failure, KillPoint, Secret, Timestamp, WorkspaceId,
    ZoomOauthAppId, chain,
};
use rate_limits::{Limits, RestTurn};
use store::{AccountStore, Subject, ZoomOauthApp};
use tenants::{Cell, Vault};
use tokio_util::task::TaskTracker;
use tracing::Instrument as _;
use url::Url;

use super::{
    apps::Apps,
    authorization_code::Codes,
    escrow::{Deposit, ImportTarget, Receipt},
    grants::{Grants, MIN_ACCESS_LIFETIME},
    store_grant::{NewAccount, NewAccounts, Origin, Source, StoredGrant},
};
use crate::log_lines::{failure_note, note};

/// Imports refresh tokens.
pub struct Imports {
    pub(crate) store: Arc<dyn AccountStore>,
    pub(crate) vault: Vault,
    pub(crate) env: Environment,
    pub(crate) tasks: TaskTracker,
    pub(crate) apps: Arc<Apps>,
    pub(crate) codes: Arc<Codes>,
    pub(crate) limits: Arc<Limits>,
    pub(crate) grants: Arc<Grants>,
    pub(crate) new_accounts: Arc<NewAccounts>,
    /// Held while an imported grant gets its account, so that a request and the resuming worker don't
    /// collide.
    pub(crate) one_at_a_time: tokio::sync::Mutex<()>,
}

impl Imports {
    /// Imports a user's grant by its refresh token. `None` when the workspace has no such app.
    pub async fn import_refresh_token(
        self: &Arc<Self>,
        workspace: WorkspaceId,
        app: ZoomOauthAppId,
        token: Secret,
    ) -> Result<Option<StoredGrant>, Failure> {
        let Some(app) = self.apps.find(workspace, app).await? else { return Ok(None) };
        // It runs as a task of the process: a caller that disconnects must not cancel it and lose the only copy
        // of the grant.
        let this = Arc::clone(self);
        let import = self.tasks.spawn(async move { this.import(&app, &token).await }.in_current_span());
        import.await.unwrap_or_else(|_| Err(Failure::new(Code::Internal, "the import was aborted"))).map(Some)
    }

    #[tracing::instrument(skip_all, fields(app = %app.id))]
    async fn import(&self, app: &ZoomOauthApp, token: &Secret) -> Result<StoredGrant, Failure> {
        // Before the token is spent, it needs a turn to ask for its user, and proof that the store can write.
        let turn = self.limits.new_account_turn(app.id).await?;
        let begun = note(&self.env, "a refresh token is being imported");
        self.store.add_log_line(app.workspace, Subject::App(app.id), &begun).await?;
        let _alone = self.one_at_a_time.lock().await;
        let grant = self.codes.spend(app, token).await?;
        let now = self.env.now();
        let deposit = self.brought(app, &grant, now);
        let receipt = self.grants.put_in_escrow(&deposit).await;
        let stored = self.settle_import(app, grant, now, turn).await;
        let kept =
            matches!(&stored, Err(failure) if failure.class() != Class::PersonMustAct) && receipt.is_some();
        if let Some(receipt) = receipt.filter(|_| !kept) {
            self.grants.withdraw(&receipt).await;
        }
        stored.map_err(|failure| {
            let fate = if kept {
                "the refresh token is spent, and its new grant is safe on this server: the import continues by itself"
            } else {
                "the refresh token is spent, and the import can't continue: the user has to consent again"
            };
            Failure { detail: format!("{}; {fate}", failure.detail), ..failure }
        })
    }

    /// The deposit of a grant that has no account yet.
    fn brought(&self, app: &ZoomOauthApp, grant: &zoom::Grant, granted_at: Timestamp) -> Deposit {
        let id = CredentialId::generate(&self.env);
        Deposit {
            credential: id,
            generation: 0,
            granted_at,
            refresh_at: None,
            grant: self.grants.seal(app.workspace, id, grant, grant.refresh_token.as_ref(), granted_at),
            brought: Some(ImportTarget { workspace: app.workspace, app: app.id }),
        }
    }

    /// Asks for the grant's user and stores the grant, unless a newer grant of that user is already stored.
    async fn settle_import(
        &self,
        app: &ZoomOauthApp,
        grant: zoom::Grant,
        granted_at: Timestamp,
        turn: RestTurn,
    ) -> Result<StoredGrant, Failure> {
        let user = self.codes.whose(&grant, turn).await?;
        if let Some(row) = self.store.credential_of(app.workspace, app.id, &user.id).await?
            && row.granted_at >= granted_at
        {
            return Ok(StoredGrant { id: row.id, known: true });
        }
        let (workspace, app) = (app.workspace, app.id);
        let source = Source::User(user);
        let new = NewAccount { workspace, app, source, grant, granted_at, callback_url: None };
        KillPoint::BeforeCommit.reach();
        let stored = self.new_accounts.store_grant(&new, Origin::Api).await?;
        KillPoint::BeforeWithdrawal.reach();
        stored.ok_or_else(|| Failure::new(Code::Internal, "an import was not stored"))
    }

    /// Resumes interrupted imports. Returns how many.
    pub async fn resume(&self) -> Result<usize, Failure> {
        let _alone = self.one_at_a_time.lock().await;
        let mut finished = 0;
        for (receipt, deposit) in self.grants.deposits().await? {
            let Some(ImportTarget { workspace, app }) = deposit.brought else { continue };
            match self.resume_import(workspace, app, &deposit, &receipt).await {
                Ok(()) => finished += 1,
                Err(error) => tracing::warn!(%app, error = %chain(&error), "an import will be retried"),
            }
        }
        Ok(finished)
    }

    async fn resume_import(
        &self,
        workspace: WorkspaceId,
        app: ZoomOauthAppId,
        deposit: &Deposit,
        receipt: &Receipt,
    ) -> Result<(), Failure> {
        let app = self.apps.of_account(workspace, app).await?;
        // It was stored before the crash. The account uses it, so its refresh token must not be spent here.
        if self.store.has_consent_of(app.id, deposit.granted_at).await? {
            self.grants.withdraw(receipt).await;
            return Ok(());
        }
        let (mut grant, mut granted_at) = (self.open_brought(workspace, deposit)?, deposit.granted_at);
        let turn = self.limits.new_account_turn(app.id).await?;
        let mut renewed = None;
        // The token has expired since, or Zoom's answer was partly unreadable.
        if grant.expires_in <= MIN_ACCESS_LIFETIME || grant.access_token.is_none() {
            let token = grant.refresh_token.clone();
            let token = token
                .ok_or_else(|| Failure::new(Code::Internal, "an imported grant has no refresh token"))?;
            grant = match self.codes.spend(&app, &token).await {
                Err(failure) if failure.class() == Class::PersonMustAct => {
                    return self.give_up_import(&app, receipt, failure).await;
                }
                spent => spent?,
            };
            granted_at = self.env.now();
            renewed = self.grants.put_in_escrow(&self.brought(&app, &grant, granted_at)).await;
            if renewed.is_some() {
                self.grants.withdraw(receipt).await;
            }
        }
        let receipt = renewed.as_ref().unwrap_or(receipt);
        match self.settle_import(&app, grant, granted_at, turn).await {
            Ok(StoredGrant { id, .. }) => {
                tracing::info!(credential = %id, "an interrupted import has finished");
                self.grants.withdraw(receipt).await;
                Ok(())
            }
            Err(failure) if failure.class() == Class::PersonMustAct => {
                self.give_up_import(&app, receipt, failure).await
            }
            Err(failure) => Err(failure),
        }
    }

    /// Gives up a failed import and writes the reason to the app's log.
    async fn give_up_import(
        &self,
        app: &ZoomOauthApp,
        receipt: &Receipt,
        failure: Failure,
    ) -> Result<(), Failure> {
        let words = format!("an import has failed, and its user has to consent again: {}", failure.detail);
        let note = failure_note(&self.env, &words, failure.code);
        self.store.add_log_line(app.workspace, Subject::App(app.id), &note).await?;
        self.grants.withdraw(receipt).await;
        Ok(())
    }

    /// Restores a grant of Zoom from its deposit.
    fn open_brought(&self, workspace: WorkspaceId, deposit: &Deposit) -> Result<zoom::Grant, Failure> {
        let (grant, id) = (&deposit.grant, deposit.credential);
        let open = |sealed, cell| self.vault.open(workspace, cell, sealed);
        let access = grant.access_token.as_ref();
        let refresh_token = grant.refresh_token.as_ref();
        let left: Duration = grant.access_expires_at.since(self.env.now());
        Ok(zoom::Grant {
            access_token: access.map(|sealed| open(sealed, Cell::AccessToken(id))).transpose()?,
            refresh_token: refresh_token.map(|sealed| open(sealed, Cell::RefreshToken(id))).transpose()?,
            expires_in: left,
            scopes: grant.scopes.clone(),
            api_url: grant.api_url.as_deref().and_then(|url| url.parse::<Url>().ok()),
        })
    }
}
