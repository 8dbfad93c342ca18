//! Builds a broker. This is the one place that knows all its parts.

use std::{num::NonZeroU32, sync::Arc};

use audit::Audit;
use metrics::Metrics;
use model::{Environment, Health};
use outbound::CallbackClient;
use rate_limits::Limits;
use sealing::Keys;
use store::Store;
use tenants::{ApiKeys, Idempotency, Vault, Workspaces};
use tokio_util::task::TaskTracker;
use url::Url;
use zoom::ZoomClient;

use crate::{
    AccountCache, Addresses, Broker, Escrow, HealthChecks, MeetingMap, Pools, SingleFlight, Statistics,
    Timing, Tokens,
    accounts::{
        Accounts, AppChecks, AppRemovals, Apps, Authorizations, Codes, CustomerManaged, Customers,
        Disconnection, Grants, Imports, NewAccounts, ParkedConsents, Refresher, Revocation, ServerToServer,
        Webhooks,
    },
    tokens::{AccessTokens, Minter, SigningApps, Users},
};

/// The dependencies of a broker.
pub struct Parts {
    /// The store.
    pub store: Arc<dyn Store>,
    /// The keys for sealing.
    pub keys: Arc<Keys>,
    /// Calls Zoom.
    pub zoom: ZoomClient,
    /// Time and randomness.
    pub env: Environment,
    /// Runs refreshes and mints, which belong to the process, so that a caller that disconnects doesn't cancel
    /// them. It is closed and awaited at shutdown.
    pub tasks: TaskTracker,
    /// Records who was given which token.
    pub audit: Audit,
    /// The metrics.
    pub metrics: Metrics,
    /// The public URL for browsers and bot platforms.
    pub public_base: Url,
    /// The base URL of Zoom's API, for accounts whose grant names no region.
    pub api_base: Url,
    /// Writes refreshed grants to this machine's disk first. Without it, a crash between Zoom's answer and
    /// the commit costs a consent.
    pub escrow: Option<Escrow>,
    /// Calls the servers of customers who manage their grants. Without it such accounts can't be connected.
    pub callbacks: Option<CallbackClient>,
    /// Refreshes in a second for each app, by all servers. Default: ten.
    pub refreshes_per_second: Option<NonZeroU32>,
    /// How often workers poll, and how much they do at once.
    pub timing: Timing,
    /// Calls in a second of each rate label, for accounts whose plan is not yet known. Default: the limits of
    /// a free account.
    pub unknown_plan: Option<NonZeroU32>,
}

impl Broker {
    /// Builds the parts.
    pub fn new(parts: Parts) -> Self {
        let Parts { store, keys, zoom, env, tasks, audit, metrics, public_base, api_base, escrow, .. } =
            parts;
        let vault = Vault::new(keys);
        let workspaces = Workspaces::new(store.clone(), vault.clone(), env.clone());
        let addresses = Addresses::new(public_base);
        let mut limits = Limits::new(store.clone(), &env, tasks.clone(), metrics.clone());
        if let Some(per_second) = parts.refreshes_per_second {
            limits = limits.with_refreshes_per_second(per_second);
        }
        if let Some(per_second) = parts.unknown_plan {
            limits = limits.with_unknown_plan(per_second);
        }
        let limits = Arc::new(limits);

        let cache = Arc::new(AccountCache::new(store.clone()));
        let apps = Arc::new(Apps { store: store.clone(), vault: vault.clone(), env: env.clone() });
        let grants = Arc::new(Grants {
            store: store.clone(),
            vault: vault.clone(),
            env: env.clone(),
            zoom: zoom.clone(),
            escrow: escrow.clone(),
        });
        let new_accounts = Arc::new(NewAccounts {
            store: store.clone(),
            vault: vault.clone(),
            env: env.clone(),
            grants: grants.clone(),
            cache: cache.clone(),
            metrics: metrics.clone(),
        });
        let codes = Arc::new(Codes {
            zoom: zoom.clone(),
            env: env.clone(),
            apps: apps.clone(),
            limits: limits.clone(),
            api_base: api_base.clone(),
        });
        let customers = Arc::new(Customers {
            vault: vault.clone(),
            zoom: zoom.clone(),
            apps: apps.clone(),
            workspaces: workspaces.clone(),
            callbacks: parts.callbacks,
        });
        let revocation = Arc::new(Revocation { env: env.clone(), zoom: zoom.clone(), apps: apps.clone() });
        let refresher = Arc::new(Refresher {
            store: store.clone(),
            vault: vault.clone(),
            env: env.clone(),
            tasks: tasks.clone(),
            zoom: zoom.clone(),
            apps: apps.clone(),
            customers: customers.clone(),
            limits: limits.clone(),
            grants: grants.clone(),
            cache: cache.clone(),
            metrics: metrics.clone(),
            under_way: SingleFlight::default(),
        });
        let disconnection = Arc::new(Disconnection {
            store: store.clone(),
            vault: vault.clone(),
            env: env.clone(),
            revocation: revocation.clone(),
            grants: grants.clone(),
            cache: cache.clone(),
            metrics: metrics.clone(),
            refresher: refresher.clone(),
        });
        let parked = Arc::new(ParkedConsents {
            store: store.clone(),
            vault: vault.clone(),
            env: env.clone(),
            tasks: tasks.clone(),
            codes: codes.clone(),
            limits: limits.clone(),
            grants: grants.clone(),
            new_accounts: new_accounts.clone(),
            revocation,
            addresses: addresses.clone(),
            under_way: SingleFlight::default(),
        });
        let accounts = Accounts {
            authorizations: Arc::new(Authorizations {
                store: store.clone(),
                workspaces: store.clone(),
                used_states: store.clone(),
                vault: vault.clone(),
                env: env.clone(),
                tasks: tasks.clone(),
                zoom: zoom.clone(),
                apps: apps.clone(),
                codes: codes.clone(),
                new_accounts: new_accounts.clone(),
                addresses: addresses.clone(),
                under_way: SingleFlight::default(),
            }),
            server_to_server: ServerToServer {
                env: env.clone(),
                zoom: zoom.clone(),
                apps: apps.clone(),
                limits: limits.clone(),
                new_accounts: new_accounts.clone(),
            },
            customer_managed: CustomerManaged {
                env: env.clone(),
                zoom: zoom.clone(),
                apps: apps.clone(),
                customers,
                limits: limits.clone(),
                new_accounts: new_accounts.clone(),
                api_base: api_base.clone(),
            },
            imports: Arc::new(Imports {
                store: store.clone(),
                vault: vault.clone(),
                env: env.clone(),
                tasks: tasks.clone(),
                apps: apps.clone(),
                codes,
                limits: limits.clone(),
                grants: grants.clone(),
                new_accounts,
                one_at_a_time: tokio::sync::Mutex::default(),
            }),
            app_removals: AppRemovals {
                store: store.clone(),
                env: env.clone(),
                apps: apps.clone(),
                parked: parked.clone(),
                disconnection: disconnection.clone(),
            },
            webhooks: Arc::new(Webhooks {
                received_events: store.clone(),
                store: store.clone(),
                env: env.clone(),
                tasks: tasks.clone(),
                zoom: zoom.clone(),
                apps: apps.clone(),
                grants: grants.clone(),
                cache: cache.clone(),
                metrics: metrics.clone(),
            }),
            app_checks: AppChecks {
                zoom: zoom.clone(),
                apps: apps.clone(),
                limits: limits.clone(),
                addresses: addresses.clone(),
            },
            apps: apps.clone(),
            parked,
            refresher: refresher.clone(),
            disconnection,
            grants: grants.clone(),
            cache: cache.clone(),
        };

        let access = Arc::new(AccessTokens {
            store: store.clone(),
            vault: vault.clone(),
            env: env.clone(),
            grants,
            refresher,
            limits: limits.clone(),
            api_base,
        });
        let users = Arc::new(Users {
            store: store.clone(),
            env: env.clone(),
            zoom: zoom.clone(),
            access: access.clone(),
            found: crate::ExpiringMap::default(),
        });
        let minter = Arc::new(Minter {
            env: env.clone(),
            zoom: zoom.clone(),
            metrics: metrics.clone(),
            access: access.clone(),
            users: users.clone(),
        });
        let tokens = Arc::new(Tokens {
            store: store.clone(),
            env: env.clone(),
            tasks: tasks.clone(),
            zoom: zoom.clone(),
            audit: audit.clone(),
            cache,
            access: access.clone(),
            minter,
            mints: SingleFlight::default(),
        });
        let health = Arc::new(HealthChecks {
            env: env.clone(),
            tasks: tasks.clone(),
            zoom: zoom.clone(),
            database: store.clone(),
            links: store.clone(),
            escrow: escrow.clone(),
            pictures: std::sync::OnceLock::new(),
            audit: audit.clone(),
            found: Health::default(),
            looked_at: std::sync::Mutex::default(),
            looks: SingleFlight::default(),
        });
        let statistics = Arc::new(Statistics {
            store: store.clone(),
            env: env.clone(),
            tasks: tasks.clone(),
            zoom: zoom.clone(),
            metrics: metrics.clone(),
            health: health.clone(),
            escrow,
            counts: SingleFlight::default(),
        });
        Self {
            accounts,
            tokens,
            users,
            signing: SigningApps { store: store.clone(), env: env.clone(), apps: apps.clone() },
            pools: Arc::new(Pools {
                store: store.clone(),
                links: store.clone(),
                env: env.clone(),
                metrics: metrics.clone(),
            }),
            meeting_map: Arc::new(MeetingMap {
                store: store.clone(),
                env: env.clone(),
                zoom: zoom.clone(),
                apps,
                access,
                metrics,
                list_every: parts.timing.list_every,
                list_every_with_webhooks: parts.timing.list_every_with_webhooks,
            }),
            health,
            statistics,
            audit,
            workspaces,
            api_keys: ApiKeys::new(store.clone(), env.clone(), tasks),
            idempotency: Idempotency::new(store, vault.clone(), env),
            vault,
            limits,
            addresses,
            zoom,
        }
    }
}
