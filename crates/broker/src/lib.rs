//! Zoom accounts: connects them, refreshes them, and gives out their short-lived tokens.
//!
//! A [`Broker`] consists of its parts. Each part names its dependencies; [`Broker::new`] is the one place that knows all.
//!
//! - [`accounts`]: connecting, refreshing and disconnecting accounts.
//! - [`tokens`]: ZAKs, OBF and join tokens, access tokens. Every token leaves as [`audit::Audited`]: no record, no token.
//! - [`Pools`]: named groups of accounts, each with a number of seats.
//! - [`MeetingMap`]: which account hosts a meeting, from lists and webhooks.
//! - [`HealthChecks`] and [`Statistics`]: the state of this server, for `/readyz` and `/metrics`; `clock`: Zoom's time.
//! - [`Running`]: recovers data of the last run, starts the workers, and stops them in order.
//!
//! Imports go one way: `running` → `meeting_map`, `tokens`, `pools`, `statistics` → `accounts` → `account_cache` →
//! `expiring_map`, `single_flight`, `log_lines`.

mod account_cache;
pub mod accounts;
mod addresses;
mod assemble;
pub mod clock;
mod expiring_map;
mod health;
mod log_lines;
mod meeting_map;
mod pools;
mod running;
mod single_flight;
mod statistics;
pub mod tokens;
mod worker_settings;

use std::sync::Arc;

use audit::Audit;
use rate_limits::Limits;
use tenants::{ApiKeys, Idempotency, Vault, Workspaces};
use zoom::ZoomClient;

pub use account_cache::AccountCache;
pub use accounts::{
    Accounts, AppFault, Authorization, AuthorizationReturn, AuthorizationStart, Connected, DueRefreshes,
    Escrow, INVITATION_TTL, Installed, Invitation, InvitationShown, NewApp, NewInvitation, SecretsChange,
    StoredGrant, WebhookAnswer, WebhookRequest, app_faults, scopes,
};
pub use addresses::Addresses;
pub use assemble::Parts;
pub use expiring_map::ExpiringMap;
pub use health::{AUDIT, HealthChecks, STORE_MAY_BE_AWAY};
pub use meeting_map::{DueLists, MeetingHost, MeetingMap, PersonalLink};
pub use pools::{Hosting, NewMember, PoolSeatRequest, Pools, RemovedPool, Seated};
pub use running::Running;
pub use single_flight::SingleFlight;
pub use statistics::Statistics;
pub use tokens::{
    AccessToken, IssueRequest, IssuedToken, NamedAccount, NoSigningApp, ObfRequest, SigningApp,
    SigningAppRequest, Tokens, WrongField, ZakRequest,
};
pub use worker_settings::Timing;

/// The parts of a broker. One per process, shared behind an `Arc`.
pub struct Broker {
    /// Zoom accounts.
    pub accounts: Accounts,
    /// The accounts' tokens.
    pub tokens: Arc<Tokens>,
    /// Users of accounts that have several.
    pub users: Arc<tokens::Users>,
    /// Which app signs a bot's join.
    pub signing: tokens::SigningApps,
    /// Pools and their seats.
    pub pools: Arc<Pools>,
    /// The host's account of each meeting.
    pub meeting_map: Arc<MeetingMap>,
    /// Checks of this server's dependencies.
    pub health: Arc<HealthChecks>,
    /// The numbers of `/metrics`.
    pub statistics: Arc<Statistics>,
    /// The audit of tokens.
    pub audit: Audit,
    /// Workspaces, their keys and their callback secrets.
    pub workspaces: Workspaces,
    /// Checks API keys.
    pub api_keys: ApiKeys,
    /// Stored answers of requests with an idempotency key.
    pub idempotency: Idempotency,
    /// Seals and opens cells for other crates with the same store.
    pub vault: Vault,
    /// Zoom's limits.
    pub limits: Arc<Limits>,
    /// The URLs of this server.
    pub addresses: Addresses,
    /// Calls Zoom.
    pub zoom: ZoomClient,
}

impl std::fmt::Debug for Broker {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let public_base = self.addresses.public_base().as_str();
        f.debug_struct("Broker").field("public_base", &public_base).finish_non_exhaustive()
    }
}
