//! Zoom accounts: connect them, keep them connected, and hand out their short-lived tokens.
//!
//! - [`connect`](Broker::invite): an invitation, a trip to Zoom and back, an account.
//! - `refresh`: one flight per account in this process, a lease on the row across processes, compare-and-swap at the
//!   end. Nobody sees a token that is not durable.
//! - [`zak`](Broker::zak): from memory while enough life is left, else one mint for many callers.
//! - [`links`](Broker::serve_link): the addresses that bot platforms call, and the order in which they are checked.

mod apps;
mod connect;
mod escrow;
mod flights;
mod links;
mod memory;
mod refresh;
mod replay;
pub mod signature;
mod vault;
mod workspace;
mod zak;

use std::sync::Arc;

use model::{CredentialId, Environment, Failure, WorkspaceId};
use sealing::Keys;
use store::Store;
use tokio_util::task::TaskTracker;
use url::Url;
use zoom::ZoomClient;

pub use apps::NewApp;
pub use connect::{Arrival, Connected, Departure, Invitation};
pub use escrow::Escrow;
pub use links::{LinkAddress, LinkRequest, NewLink, ServedToken};
pub use vault::{Cell, Vault};
pub use workspace::{Founded, StartError, digest};
pub use zak::WantedZak;

/// Everything about accounts and their tokens. One per process, shared behind an `Arc`.
pub struct Broker {
    store: Arc<dyn Store>,
    vault: Vault,
    zoom: ZoomClient,
    env: Environment,
    /// Refreshes and mints belong to the process: a caller who goes away never takes one down.
    tasks: TaskTracker,
    public_base: Url,
    api_base: Url,
    escrow: Option<Escrow>,
    refreshes: flights::Flights<CredentialId, Result<(), Failure>>,
    zaks: zak::ZakCache,
    links: links::LinkCache,
    replays: replay::Replays,
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
    /// Where browsers and bot platforms reach this server.
    pub public_base: Url,
    /// Zoom's API, for accounts whose grant names no region.
    pub api_base: Url,
}

impl Broker {
    /// Puts the parts together.
    pub fn new(parts: Parts) -> Self {
        let Parts { store, keys, zoom, env, tasks, public_base, api_base } = parts;
        Self {
            store,
            vault: Vault::new(keys),
            zoom,
            replays: replay::Replays::new(env.now()),
            env,
            tasks,
            public_base,
            api_base,
            escrow: None,
            refreshes: flights::Flights::default(),
            zaks: zak::ZakCache::default(),
            links: links::LinkCache::default(),
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

    /// Seals and opens what other rooms keep in the same store.
    pub fn vault(&self) -> &Vault {
        &self.vault
    }

    /// An account of the workspace; a failure that says what to do when it cannot give tokens.
    async fn usable(&self, workspace: WorkspaceId, id: CredentialId) -> Result<store::Credential, Failure> {
        let credential = self.store.credential(workspace, id).await?.ok_or_else(|| {
            Failure::new(model::Code::TokenNotAvailable, "this workspace has no such account")
        })?;
        match credential.status {
            model::CredentialStatus::Healthy => Ok(credential),
            model::CredentialStatus::NeedsReauth(_) => Err(Failure::new(
                model::Code::CredentialNeedsConsent,
                format!("{} has to consent again ({})", credential.display_name, credential.status),
            )),
        }
    }
}

impl std::fmt::Debug for Broker {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Broker").field("public_base", &self.public_base.as_str()).finish_non_exhaustive()
    }
}
