//! Accounts: connecting them in several ways, refreshing them, disconnecting them.
//!
//! | part | |
//! |---|---|
//! | [`Apps`] | the Zoom OAuth apps of accounts; apps that Zoom refuses (`breaker`); [`AppChecks`] checks one at Zoom |
//! | [`Authorizations`] | an invitation and a consent at Zoom connect an account; `authorization_code` redeems codes |
//! | [`ServerToServer`], [`CustomerManaged`], [`Imports`], [`ParkedConsents`] | the other ways to connect an account |
//! | [`NewAccounts`] | the last step of all of them: stores the grant |
//! | [`Grants`] | seals grants, puts them in [`Escrow`] and commits them; a caller gets only durable tokens |
//! | [`Refresher`] | one refresh per account, a lease on the row across processes, compare-and-swap at the end |
//! | [`Webhooks`] | Zoom's webhooks: a user has removed the app or was deleted; a meeting is new or was deleted |
//! | [`Disconnection`], [`AppRemovals`] | disconnect accounts and remove apps |
//!
//! Modules import only from earlier layers in this list: `escrow`, `schedule`, `scopes` · `grants`, `apps` ·
//! `app_check`, `store_grant`, `authorization_code`, `customer_managed` · `authorization`, `import`, `refresh` ·
//! `disconnect`, `parked`, `webhooks` · `remove_app`.

mod app_check;
mod apps;
mod authorization;
mod authorization_code;
mod breaker;
mod customer_managed;
mod disconnect;
mod escrow;
mod grants;
mod import;
mod meeting_webhook;
mod parked;
mod refresh;
mod refresh_worker;
mod remove_app;
pub(crate) mod schedule;
pub mod scopes;
mod server_to_server;
mod store_grant;
mod usable_account;
mod zoom_webhooks;

use std::sync::Arc;

pub use app_check::{AppChecks, AppFault, app_faults};
pub use apps::{Apps, NewApp, SecretsChange};
pub use authorization::{
    AuthorizationReturn, AuthorizationStart, Authorizations, Connected, INVITATION_TTL, Invitation,
    InvitationShown, NewInvitation,
};
pub use authorization_code::{Authorization, Codes};
pub use customer_managed::{CustomerManaged, Customers};
pub use disconnect::{Disconnection, Revocation};
pub use escrow::Escrow;
pub use grants::Grants;
pub(crate) use grants::MIN_ACCESS_LIFETIME;
pub use import::Imports;
pub use parked::{Installed, ParkedConsents};
pub(crate) use refresh::RefreshReason;
pub use refresh::Refresher;
pub use refresh_worker::DueRefreshes;
pub use remove_app::AppRemovals;
pub use server_to_server::ServerToServer;
pub use store_grant::{NewAccounts, StoredGrant};
pub(crate) use usable_account::{check_usable, usable_account};
pub use zoom_webhooks::{WebhookAnswer, WebhookRequest, Webhooks};

/// Everything about accounts.
pub struct Accounts {
    /// The apps of accounts.
    pub apps: Arc<Apps>,
    /// Checks apps at Zoom.
    pub app_checks: AppChecks,
    /// Connects users by invitations.
    pub authorizations: Arc<Authorizations>,
    /// Connects the accounts of server-to-server apps.
    pub server_to_server: ServerToServer,
    /// Connects accounts whose tokens come from the customer's own server.
    pub customer_managed: CustomerManaged,
    /// Imports refresh tokens.
    pub imports: Arc<Imports>,
    /// Consents that wait for the operator.
    pub parked: Arc<ParkedConsents>,
    /// Refreshes accounts.
    pub refresher: Arc<Refresher>,
    /// Disconnects accounts, and validates them.
    pub disconnection: Arc<Disconnection>,
    /// Removes apps.
    pub app_removals: AppRemovals,
    /// Handles Zoom's webhooks.
    pub webhooks: Arc<Webhooks>,
    /// Stores grants.
    pub grants: Arc<Grants>,
    /// The cache of accounts.
    pub cache: Arc<crate::AccountCache>,
}
