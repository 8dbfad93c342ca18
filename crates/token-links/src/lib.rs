//! Token links: the addresses that bot platforms fetch tokens from (`/t/<link>.<secret>`).
//!
//! | module | |
//! |---|---|
//! | [`dialects`] | how each platform asks and wants to be answered, a file each |
//! | `request` | a request as it came, and what it asks for |
//! | `serve` | the order of checks |
//! | `cached_link` | a link as it is served: row, verifier and the state of its accounts, kept in memory |
//! | `revision` | whether the cache is still current: one number, read once a second |
//! | `in_flight` | how many fetches of a workspace are answered at once |
//! | `verify` | whether a request is the platform's: source, signature, replay |
//! | `used_ids` | ids of signed requests that were used, here and on other servers |
//! | `select_account` | whose token it is, and the token |
//! | `report` | a platform tells that a bot has ended |
//! | `refusals` | who is told that a fetch was refused |
//! | `recent_uses` | the last uses of each link |
//! | `manage` | links are made, narrowed and revoked |
//!
//! The order of checks is the contract's: link secret, link live, source, signature, replay, meeting rule, rate, uses, mint,
//! audit, answer. Nothing is minted before all of them have passed.

mod cached_link;
pub mod dialects;
mod in_flight;
mod manage;
mod recent_uses;
mod refusals;
mod report;
mod request;
mod revision;
mod select_account;
mod serve;
mod used_ids;
mod verify;

use std::sync::Arc;

use broker::{Broker, Memory};
use model::{Code, CredentialId, Environment, Timestamp, TokenLinkId};
use rate_limits::Limiter;
use store::{LinkStore, StoreError};
use tenants::{Vault, Workspaces};
use tokio_util::task::TaskTracker;
use url::Url;
use workers::Workers;

pub use dialects::attendee_signature;
pub use in_flight::MOST_OF_A_WORKSPACE;
pub use manage::{LinkAddress, Narrowed, Narrowing, NewLink};
pub use request::{LinkRequest, QUERY_PARAMETERS, Requested};
pub use select_account::TokenRequest;
pub use serve::{Content, LinkRefusal};
pub use used_ids::REMEMBERED_IDS;

/// The token links of every workspace. One per process, shared behind an `Arc`.
pub struct TokenLinks {
    store: Arc<dyn LinkStore>,
    /// Gives the tokens, with their records.
    broker: Arc<Broker>,
    /// Knows the secrets that verify requests of links without one of their own.
    workspaces: Workspaces,
    /// Seals the secrets of links that have one.
    vault: Vault,
    env: Environment,
    public_base: Url,
    cache: cached_link::LinkCache,
    used_ids: used_ids::UsedIdCache,
    rates: Limiter<TokenLinkId>,
    in_flight: in_flight::InFlight,
    recent_uses: recent_uses::RecentUses,
    refusals: refusals::Refusals,
    /// When an account's owner last heard of which trouble.
    alerts: Memory<(CredentialId, Code), Timestamp>,
}

/// What token links are made of.
pub struct Parts {
    /// Where links and used ids live.
    pub store: Arc<dyn LinkStore>,
    /// Accounts and their tokens.
    pub broker: Arc<Broker>,
    /// Time and randomness.
    pub env: Environment,
    /// Runs reads of the store to their end after the caller has hung up.
    pub tasks: TaskTracker,
    /// Where bot platforms reach this server.
    pub public_base: Url,
    /// How many ids of signed requests are remembered in ten minutes; requests beyond are refused. [`REMEMBERED_IDS`] is usual.
    pub remembered_ids: usize,
    /// Fetches of a workspace that are answered at once. [`MOST_OF_A_WORKSPACE`] is usual.
    pub most_of_a_workspace: usize,
}

impl TokenLinks {
    /// Puts the parts together.
    pub fn new(parts: Parts) -> Self {
        let Parts { store, broker, env, tasks, public_base, remembered_ids, most_of_a_workspace } = parts;
        Self {
            workspaces: broker.workspaces.clone(),
            vault: broker.vault.clone(),
            cache: cached_link::LinkCache::new(store.clone(), env.clone(), tasks),
            used_ids: used_ids::UsedIdCache::new(env.now(), remembered_ids),
            rates: Limiter::default(),
            in_flight: in_flight::InFlight::new(most_of_a_workspace),
            recent_uses: recent_uses::RecentUses::default(),
            refusals: refusals::Refusals::default(),
            alerts: Memory::default(),
            store,
            broker,
            env,
            public_base,
        }
    }

    /// Reads which ids were used before this start, and starts the workers. Call it before the first request.
    pub async fn start(self: &Arc<Self>, workers: &Workers) -> Result<(), StoreError> {
        self.read_used_ids().await?;
        let links = Arc::clone(self);
        workers.run("link_uses", move || {
            let links = Arc::clone(&links);
            async move { links.run_recent_uses().await }
        });
        let links = Arc::clone(self);
        workers.run("link_refusals", move || {
            let links = Arc::clone(&links);
            async move { links.run_refusals().await }
        });
        let links = Arc::clone(self);
        workers.run("used_ids", move || {
            let links = Arc::clone(&links);
            async move { links.run_used_ids().await }
        });
        Ok(())
    }

    /// Writes what is only in memory. Call it when the workers have stopped and no request is served any more.
    pub async fn stop(&self) {
        self.write_recent_uses().await;
        self.tell_refusals().await;
        if let Err(error) = self.write_used_ids().await {
            tracing::warn!(%error, "ids that were used in the last moment are forgotten");
        }
    }
}

impl std::fmt::Debug for TokenLinks {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("TokenLinks").field("public_base", &self.public_base.as_str()).finish_non_exhaustive()
    }
}
