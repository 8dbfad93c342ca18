//! Zoom accounts: connect them, keep them connected, and hand out their short-lived tokens.
//!
//! - [`connect`](Broker::invite): an invitation, a trip to Zoom and back, an account. Other ways to one:
//!   [`server_to_server`](Broker::connect_server_to_server), [`customer_managed`](Broker::connect_customer_managed),
//!   [`parked`](Broker::take_install). All of them end in `admit`.
//! - `refresh`: one flight per account in this process, a lease on the row across processes, compare-and-swap at the
//!   end. Nobody sees a token that is not durable.
//! - `refresher`: what is due, ahead of time and with jitter; `breaker`: an app that Zoom refuses; `budget`: Zoom's limits.
//! - [`zak`](Broker::zak): from memory while enough life is left, else one mint for many callers.
//! - [`obf`](Broker::obf), join tokens: minted for each call. [`access_token`](Broker::access_token): for a customer's own
//!   calls.
//! - [`pools`](Broker::take_seat): several accounts behind one name, each with so many seats.
//! - `clock`: what time it is at Zoom, and whether ours differs.
//! - `audit`: no record, no token. Every token leaves as [`Audited`].
//! - [`token`](Broker::token): one token of one account, whatever its kind, as the crate `token-links` asks for it.
//! - [`webhooks`](Broker::take_webhook): what Zoom tells: a user has removed the app, or is gone; a meeting is new, or gone.
//! - [`meeting_map`](Broker::host_of): which account hosts a meeting, by lists and by webhooks.

mod access_token;
mod admit;
mod apps;
mod breaker;
mod budget;
mod clock;
mod connect;
mod customer_managed;
mod disconnect;
mod escrow;
mod flights;
mod health;
mod import;
mod meeting_map;
mod meeting_tokens;
mod memory;
mod mint;
mod named_account;
mod parked;
mod pools;
mod refresh;
mod refresher;
mod schedule;
pub mod scopes;
mod server_to_server;
mod signing_app;
mod statistics;
mod token;
mod users;
mod webhooks;
mod zak;

use std::{
    convert::Infallible,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};

use audit::Audit;
use metrics::Metrics;
use model::{Code, CredentialId, CredentialStatus, Environment, Failure, WorkspaceId};
use outbound::CallbackClient;
use sealing::Keys;
use store::{Digest, Store};
use tenants::{ApiKeys, Idempotency, Vault, Workspaces};
use tokio_util::{sync::CancellationToken, task::TaskTracker};
use url::Url;
use zoom::ZoomClient;

pub use access_token::AccessToken;
pub use admit::Admitted;
pub use apps::{NewApp, SecretsChange};
pub use connect::{Arrival, Authorization, Connected, Departure, Invitation};
pub use escrow::Escrow;
pub use flights::Flights;
pub use health::STORE_MAY_BE_AWAY;
pub use meeting_map::MeetingHost;
pub use meeting_tokens::WantedObf;
pub use memory::Memory;
pub use named_account::{NamedAccount, WrongField};
pub use outbound::signature;
pub use parked::Installed;
pub use pools::{Hosting, NewMember, SeatWish, Seated};
pub use signing_app::{NoSigningApp, SigningApp, SigningWish};
pub use token::{IssuedToken, WantedToken};
pub use webhooks::{WebhookAnswer, WebhookRequest};
pub use zak::WantedZak;

/// Between two looks for what has ended.
const EXPIRY_INTERVAL: Duration = Duration::from_secs(60);

/// Everything about accounts and their tokens. One per process, shared behind an `Arc`.
pub struct Broker {
    store: Arc<dyn Store>,
    vault: Vault,
    workspaces: Workspaces,
    zoom: ZoomClient,
    env: Environment,
    /// Refreshes and mints belong to the process: a caller who goes away never takes one down.
    tasks: TaskTracker,
    public_base: Url,
    api_base: Url,
    escrow: Option<Escrow>,
    callbacks: Option<CallbackClient>,
    budget: budget::Budget,
    stopping: CancellationToken,
    audit: Audit,
    metrics: Metrics,
    checks: health::Checks,
    counts: flights::Flights<(), ()>,
    /// By the generation that is to be replaced as well: for whom an older one was to be replaced, what is there is new.
    refreshes: flights::Flights<(CredentialId, Option<i64>), Result<(), Failure>>,
    zaks: zak::ZakCache,
    account_changes: AtomicU64,
    api_keys: ApiKeys,
    idempotency: Idempotency,
    /// Browsers that come back from Zoom, by the state or the code they bring.
    arrivals: flights::Flights<Digest, Result<Connected, Failure>>,
    installs: flights::Flights<Digest, Result<Installed, Failure>>,
    found_users: users::FoundUsers,
    /// Held while a grant that somebody brought finds its account: the request and the look into escrow don't meet.
    imports: tokio::sync::Mutex<()>,
}

/// What a broker is made of.
pub struct Parts {
    /// Where rows live.
    pub store: Arc<dyn Store>,
    /// Seals and opens.
    pub keys: Arc<Keys>,
    /// Calls Zoom.
    pub zoom: ZoomClient,
    /// Time and randomness.
    pub env: Environment,
    /// Where refreshes and mints run; closed and awaited at shutdown.
    pub tasks: TaskTracker,
    /// Writes down who was given a token.
    pub audit: Audit,
    /// Counts.
    pub metrics: Metrics,
    /// Where browsers and bot platforms reach this server.
    pub public_base: Url,
    /// Zoom's API, for accounts whose grant names no region.
    pub api_base: Url,
}

impl Broker {
    /// Puts the parts together.
    pub fn new(parts: Parts) -> Self {
        let Parts { store, keys, zoom, env, tasks, audit, metrics, public_base, api_base } = parts;
        let vault = Vault::new(keys);
        let budget = budget::Budget::new(store.clone(), &env, tasks.clone(), metrics.clone());
        Self {
            api_keys: ApiKeys::new(store.clone(), env.clone(), tasks.clone()),
            idempotency: Idempotency::new(store.clone(), vault.clone(), env.clone()),
            workspaces: Workspaces::new(store.clone(), vault.clone(), env.clone()),
            vault,
            store,
            budget,
            zoom,
            env,
            tasks,
            public_base,
            api_base,
            escrow: None,
            callbacks: None,
            stopping: CancellationToken::new(),
            audit,
            metrics,
            checks: health::Checks::default(),
            counts: flights::Flights::default(),
            refreshes: flights::Flights::default(),
            zaks: zak::ZakCache::default(),
            account_changes: AtomicU64::new(0),
            arrivals: flights::Flights::default(),
            installs: flights::Flights::default(),
            found_users: memory::Memory::default(),
            imports: tokio::sync::Mutex::default(),
        }
    }

    /// Puts refreshed grants on this machine's disk before anything else. Without it, a crash between Zoom's answer and
    /// the commit costs a consent.
    #[must_use]
    pub fn with_escrow(self, escrow: Escrow) -> Self {
        Self { escrow: Some(escrow), ..self }
    }

    /// Where browsers and bot platforms reach this server.
    pub fn public_base(&self) -> &Url {
        &self.public_base
    }

    /// Who was given which token.
    pub fn audit(&self) -> &Audit {
        &self.audit
    }

    /// Workspaces, their keys and their callback secrets.
    pub fn workspaces(&self) -> &Workspaces {
        &self.workspaces
    }

    /// Checks the keys of the API.
    pub fn api_keys(&self) -> &ApiKeys {
        &self.api_keys
    }

    /// Remembers what was answered to requests with an idempotency key.
    pub fn idempotency(&self) -> &Idempotency {
        &self.idempotency
    }

    /// Forgets answers that are past their hour, and secrets that have ended, for as long as it is polled.
    pub async fn run_expiry(&self) -> Infallible {
        loop {
            if let Err(error) = self.idempotency.forget_old().await {
                tracing::warn!(%error, "answers that are past their hour could not be forgotten");
            }
            if let Err(error) = self.workspaces.erase_former_callback_secrets().await {
                tracing::warn!(%error, "former callback secrets could not be erased");
            }
            match self.store.erase_former_webhook_secrets(self.env.now()).await {
                Ok(0) => {}
                Ok(erased) => tracing::info!(erased, "former webhook secrets have ended"),
                Err(error) => tracing::warn!(%error, "former webhook secrets could not be erased"),
            }
            self.env.clock.sleep(EXPIRY_INTERVAL).await;
        }
    }

    /// Seals and opens what other crates keep in the same store.
    pub fn vault(&self) -> &Vault {
        &self.vault
    }

    /// How often this server has ended an account or voided its tokens. A caller that keeps something of an account reads it
    /// again when this has changed.
    pub fn account_changes(&self) -> u64 {
        self.account_changes.load(Ordering::Acquire)
    }

    /// To be called after the store has the change.
    fn note_account_change(&self) {
        self.account_changes.fetch_add(1, Ordering::Release);
    }

    /// An account of the workspace; a failure that says what to do when it cannot give tokens.
    async fn usable(&self, workspace: WorkspaceId, id: CredentialId) -> Result<store::Credential, Failure> {
        let credential = self
            .store
            .credential(workspace, id)
            .await?
            .ok_or_else(|| Failure::new(Code::TokenNotAvailable, "this workspace has no such account"))?;
        may_give_tokens(credential.status)?;
        Ok(credential)
    }
}

impl std::fmt::Debug for Broker {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Broker").field("public_base", &self.public_base.as_str()).finish_non_exhaustive()
    }
}

/// Whether an account in this state may give tokens, or who has to do what first.
fn may_give_tokens(status: CredentialStatus) -> Result<(), Failure> {
    let code = match status {
        CredentialStatus::Healthy | CredentialStatus::Degraded => return Ok(()),
        CredentialStatus::NeedsReauth(_) => Code::CredentialNeedsConsent,
        CredentialStatus::Disconnected(_) => Code::CredentialDisconnected,
    };
    Err(Failure::new(code, format!("the account is {status}: somebody has to connect it again")))
}
