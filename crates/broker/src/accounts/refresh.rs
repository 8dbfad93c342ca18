//! Refreshing without losing an account.
//!
//! Zoom invalidates a refresh token when it is used and answers with the next one. If that answer is lost, the user has to
//! consent again. So a refresh has these steps:
//!
//! 1. one run per account in this process, owned by the process;
//! 2. a lease on the row, committed before the token is sent: it excludes other processes, proves that the store can
//!    write, and leaves a mark (`spent_at`) that survives a crash;
//! 3. one call, with a deadline well before the end of the lease;
//! 4. the answer is written to escrow, then to the store, by compare-and-swap on the generation, retried while the store is
//!    unavailable. Only then does a caller get the token;
//! 5. `invalid_grant` is judged last: if the row has changed since the start, another process has refreshed.
//!
//! Accounts without a refresh token (server-to-server, customer-managed) use the same path: they have nothing to lose, but
//! one fetch serves all callers.

use std::{sync::Arc, time::Duration};

use metrics::Metrics;
use model::{
    Code, CredentialId, CredentialKind, CredentialStatus, Environment, Failure, KillPoint, LeaseToken,
    ReauthCause, Secret, WorkspaceId, chain,
};
use rate_limits::{Limits, TokenTurn};
use store::{AccountStore, Credential, Grant, Lease, RefreshFailure, RefreshLease, ZoomOauthApp};
use tenants::{Cell, Vault};
use tokio_util::task::TaskTracker;
use zoom::{AppKeys, ZoomClient, ZoomError};

use super::{
    apps::Apps,
    customer_managed::Customers,
    escrow::Deposit,
    grants::{Grants, MIN_ACCESS_LIFETIME},
    schedule,
    usable_account::usable_account,
};
use crate::{account_cache::AccountCache, log_lines::failure_note, single_flight::SingleFlight};

/// The length of a lease. Zoom's client gives up a call after 15 s, so two calls and the commit fit in.
const LEASE_TTL: Duration = Duration::from_secs(60);
/// The interval of checks whether another process has finished.
const POLL_INTERVAL: Duration = Duration::from_millis(250);
/// How long to keep checking: a little longer than the lease of a dead holder.
const WAIT_TIMEOUT: Duration = Duration::from_secs(75);
/// Pauses between attempts to commit; the last one repeats.
const COMMIT_PAUSES: [Duration; 4] =
    [Duration::from_millis(50), Duration::from_millis(200), Duration::from_secs(1), Duration::from_secs(5)];
/// How long to try to commit a new grant.
const COMMIT_TIMEOUT: Duration = Duration::from_secs(300);

/// Why an account is refreshed.
pub(crate) enum RefreshReason {
    /// A caller waits for a token.
    Caller,
    /// A caller validates the account: the refresh starts now, even after a recent failure.
    Asked,
    /// The account is due, and this is its turn.
    Due(TokenTurn),
}

/// Refreshes accounts.
pub struct Refresher {
    pub(crate) store: Arc<dyn AccountStore>,
    pub(crate) vault: Vault,
    pub(crate) env: Environment,
    pub(crate) tasks: TaskTracker,
    pub(crate) zoom: ZoomClient,
    pub(crate) apps: Arc<Apps>,
    pub(crate) customers: Arc<Customers>,
    pub(crate) limits: Arc<Limits>,
    pub(crate) grants: Arc<Grants>,
    pub(crate) cache: Arc<AccountCache>,
    pub(crate) metrics: Metrics,
    /// The key includes the generation to replace, because an older generation is already replaced.
    pub(crate) under_way: SingleFlight<(CredentialId, Option<i64>), Result<(), Failure>>,
}

impl Refresher {
    /// Refreshes this account, once in this process for all callers, until the row has a valid grant other
    /// than that of the generation `replace`.
    pub(crate) async fn refresh(
        self: &Arc<Self>,
        workspace: WorkspaceId,
        id: CredentialId,
        replace: Option<i64>,
        reason: RefreshReason,
    ) -> Result<(), Failure> {
        let this = Arc::clone(self);
        self.under_way
            .run((id, replace), &self.tasks, move || async move {
                this.refresh_once(workspace, id, replace, reason).await
            })
            .await
            .unwrap_or_else(|| Err(Failure::new(Code::Internal, "the refresh was aborted")))
    }

    /// One refresh.
    #[tracing::instrument(skip_all, fields(credential = %id))]
    async fn refresh_once(
        &self,
        workspace: WorkspaceId,
        id: CredentialId,
        replace: Option<i64>,
        reason: RefreshReason,
    ) -> Result<(), Failure> {
        let give_up = self.env.now() + WAIT_TIMEOUT;
        let (keeps_to_pauses, mut booked) = match reason {
            RefreshReason::Caller => (true, None),
            RefreshReason::Asked => (false, None),
            RefreshReason::Due(turn) => (false, Some(turn)),
        };
        loop {
            let credential = usable_account(&*self.store, workspace, id).await?;
            if self.grants.lasts(&credential, MIN_ACCESS_LIFETIME, replace) {
                return Ok(());
            }
            if keeps_to_pauses {
                self.not_too_soon(&credential)?;
            }
            // A customer's server depends neither on our app nor on Zoom's limit.
            let presented = if credential.kind == CredentialKind::CustomerManaged {
                None
            } else {
                let (app, keys) = self.apps.usable_app(workspace, credential.app).await?;
                let turn = match booked.take() {
                    Some(turn) => turn,
                    None => self.limits.token_turn(app.id).await?,
                };
                Some((app, keys, turn))
            };
            let now = self.env.now();
            let lease = Lease { token: LeaseToken::generate(&self.env), expires_at: now + LEASE_TTL };
            match self.store.lease_refresh(workspace, id, credential.generation, &lease, now).await? {
                RefreshLease::Taken(before) => {
                    let done = match presented {
                        Some((app, keys, turn)) => self.spend(&before, &lease, (&app, &keys), turn).await,
                        None => self.renew_from_customer(&before, &lease).await,
                    };
                    self.metrics.refresh(&done);
                    return done;
                }
                // Read the row again: it has a valid grant now, or needs a new consent.
                RefreshLease::Moved | RefreshLease::Unusable => {}
                RefreshLease::Held { until } if now < give_up => {
                    drop(presented);
                    self.env
                        .clock
                        .sleep(POLL_INTERVAL.min(until.since(now)).max(Duration::from_millis(1)))
                        .await;
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

    /// Fetches an access token from a customer's server. The caller has the account's lease.
    async fn renew_from_customer(&self, before: &Credential, lease: &Lease) -> Result<(), Failure> {
        match self.customers.next_grant(before).await {
            Ok(grant) => self.commit(before, &grant, None).await,
            Err(failure) => {
                self.degrade(before, lease, true, &failure).await;
                Err(failure)
            }
        }
    }

    /// Refuses a refresh before the retry time on the row. Zoom may have demanded this pause.
    fn not_too_soon(&self, credential: &Credential) -> Result<(), Failure> {
        let now = self.env.now();
        let Some((code, retry_at)) =
            credential.trouble.zip(credential.retry_at.filter(|at| at.holds(schedule::MAX_RETRY_AFTER, now)))
        else {
            return Ok(());
        };
        let detail = format!("the last refresh failed ({code}); the next one is tried at {retry_at}");
        Err(Failure { retry_after: Some(retry_at.since(now)), ..Failure::new(code, detail) })
    }

    /// Spends the refresh token at Zoom and stores the new grant.
    #[tracing::instrument(skip_all, fields(credential = %before.id, app = %app.id))]
    async fn spend(
        &self,
        before: &Credential,
        lease: &Lease,
        (app, keys): (&ZoomOauthApp, &AppKeys),
        turn: TokenTurn,
    ) -> Result<(), Failure> {
        let refresh_token = match self.refresh_token_of(before) {
            Ok(token) => token,
            Err(failure) => {
                self.give_back(before, lease, before.spent_at.is_none()).await;
                return Err(failure);
            }
        };
        let ask = async || match &refresh_token {
            Some(token) => self.zoom.refresh(keys, token).await,
            None => self.zoom.account_credentials(keys, &before.zoom_account_id).await,
        };
        KillPoint::BeforeSend.reach();
        let mut answer = turn.with_answer(ask().await);
        let mut in_doubt = before.spent_at.is_some();
        if matches!(&answer, Err(error) if error.in_doubt()) {
            // Zoom may have rotated the token and its answer was lost, or the request never arrived. Only the
            // same token shows which.
            tracing::warn!(credential = %before.id, "no usable answer to a refresh, retrying once");
            in_doubt = true;
            // The retry doesn't wait behind due refreshes, because the lease is running. Without a turn in time
            // it calls anyway: exceeding a limit once costs less than not knowing the token's state.
            let turn = self.limits.token_turn(app.id).await.ok();
            answer = ask().await;
            if let Some(turn) = turn {
                answer = turn.with_answer(answer);
            }
        }
        self.apps.record_answer(app, &answer).await;
        match answer {
            Ok(grant) => self.commit(before, &grant, refresh_token.as_ref()).await,
            Err(ZoomError::GrantDead) if refresh_token.is_some() => {
                self.mark_dead(before, lease, in_doubt).await
            }
            Err(error) => {
                // A refusal for another reason, or no connection at all, leaves the token as it was before
                // this call.
                let unspent = !in_doubt && !error.in_doubt();
                let uncertain = error.in_doubt() && refresh_token.is_some();
                // The breaker and the app's limit handle it; the account is not the cause.
                let of_the_app = matches!(error, ZoomError::AppRejected | ZoomError::RateLimited { .. });
                let failure = Failure::from(error);
                let failure =
                    if uncertain { Failure { code: Code::RefreshUncertain, ..failure } } else { failure };
                if of_the_app {
                    self.give_back(before, lease, unspent).await;
                } else {
                    self.degrade(before, lease, unspent, &failure).await;
                }
                Err(failure)
            }
        }
    }

    /// The refresh token to spend; `None` for a server-to-server app.
    fn refresh_token_of(&self, before: &Credential) -> Result<Option<Secret>, Failure> {
        match before.kind {
            CredentialKind::UserOauth => {
                let sealed = before.grant.refresh_token.as_ref();
                let sealed = sealed.ok_or_else(|| {
                    Failure::new(Code::Internal, "a usable account without a refresh token")
                })?;
                self.vault.open(before.workspace, Cell::RefreshToken(before.id), sealed).map(Some)
            }
            CredentialKind::ServerToServer | CredentialKind::CustomerManaged => Ok(None),
        }
    }

    /// Stores the new grant: first on this machine's disk, then in the store, with retries while it is
    /// unavailable.
    #[tracing::instrument(skip_all, fields(credential = %before.id, generation = before.generation))]
    async fn commit(
        &self,
        before: &Credential,
        grant: &zoom::Grant,
        spent: Option<&Secret>,
    ) -> Result<(), Failure> {
        let now = self.env.now();
        // Without a new refresh token, Zoom did not rotate it: the old one stays valid.
        let refresh_token = grant.refresh_token.as_ref().or(spent);
        let deposit = Deposit {
            credential: before.id,
            generation: before.generation,
            granted_at: now,
            refresh_at: schedule::after_refresh(
                &self.env,
                before.kind,
                before.used_at,
                now,
                grant.expires_in,
            ),
            grant: Grant {
                // If the answer omits the scopes, they are unchanged (RFC 6749, section 6).
                scopes: grant.scopes.clone().or_else(|| before.grant.scopes.clone()),
                ..self.grants.seal(before.workspace, before.id, grant, refresh_token, now)
            },
            brought: None,
        };
        // A grant without a refresh token can be fetched again and needs no escrow.
        let receipt = match spent {
            Some(_) => self.grants.put_in_escrow(&deposit).await,
            None => None,
        };
        let mut pauses = COMMIT_PAUSES.into_iter();
        let mut pause = COMMIT_PAUSES[0];
        loop {
            match self.grants.settle(&deposit, receipt.as_ref()).await {
                Ok(won) => {
                    if won && before.status != CredentialStatus::Healthy {
                        self.metrics.credential_became(CredentialStatus::Healthy);
                    }
                    return Ok(());
                }
                Err(error) if self.env.now().since(now) < COMMIT_TIMEOUT => {
                    tracing::error!(credential = %before.id, error = %chain(&error), "a refreshed grant is not stored yet");
                    pause = pauses.next().unwrap_or(pause);
                    self.env.clock.sleep(pause).await;
                }
                // The grant stays in escrow and is replayed.
                Err(error) => return Err(error.into()),
            }
        }
    }

    /// Marks a grant as dead because Zoom says so. This has an effect only while the row is unchanged since the
    /// start of the refresh.
    async fn mark_dead(&self, before: &Credential, lease: &Lease, in_doubt: bool) -> Result<(), Failure> {
        let (cause, message) = if in_doubt {
            (ReauthCause::ResponseLost, "Zoom rotated the refresh token and its answer never arrived")
        } else {
            (ReauthCause::Revoked, "Zoom no longer honours the grant")
        };
        let note = failure_note(&self.env, message, Code::CredentialNeedsConsent);
        if !self.store.mark_grant_dead(before.id, before.generation, lease, cause, &note).await? {
            return Ok(());
        }
        self.cache.forget_zaks(before.id);
        self.metrics.credential_became(CredentialStatus::NeedsReauth(cause));
        tracing::error!(credential = %before.id, ?cause, "the account has to be connected again");
        Err(Failure::new(
            Code::CredentialNeedsConsent,
            format!("{} has to consent again ({cause:?})", before.display_name),
        ))
    }

    /// Records a refresh that failed for now: releases the lease and sets the time of the next attempt.
    async fn degrade(&self, before: &Credential, lease: &Lease, unspent: bool, failure: &Failure) {
        let retry_at = schedule::after_failure(&self.env, before, failure.retry_after);
        let trouble = RefreshFailure { code: failure.code, retry_at, unspent };
        let note = failure_note(&self.env, &failure.detail, failure.code);
        tracing::warn!(credential = %before.id, failure = %chain(&failure), %retry_at, "a refresh failed");
        match self.store.record_refresh_failure(before.id, lease, &trouble, &note).await {
            Ok(true) if before.status == CredentialStatus::Healthy => {
                self.metrics.credential_became(CredentialStatus::Degraded);
            }
            Ok(_) => {}
            Err(error) => {
                tracing::warn!(credential = %before.id, error = %chain(&error), "a failed refresh was not recorded");
            }
        }
    }

    /// Releases the lease. If the store is unavailable, others wait until the lease expires.
    async fn give_back(&self, before: &Credential, lease: &Lease, unspent: bool) {
        if let Err(error) = self.store.release_refresh(before.id, lease, unspent).await {
            tracing::warn!(credential = %before.id, error = %chain(&error), "a lease was not released");
        }
    }
}
