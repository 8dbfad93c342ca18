//! Accounts: connected in several ways, kept connected, disconnected.
//!
//! | part | |
//! |---|---|
//! | [`Apps`] | the Zoom OAuth apps that accounts are connected with; an app that Zoom refuses (`breaker`); [`AppChecks`] asks Zoom about one |
//! | [`Authorizations`] | an invitation, a consent at Zoom, an account; `authorization_code`: redeems a code from Zoom |
//! | [`ServerToServer`], [`CustomerManaged`], [`Imports`], [`ParkedConsents`] | the other ways to an account |
//! | [`NewAccounts`] | where all of them end: the grant is stored |
//! | [`Grants`] | grants are sealed, put in [`Escrow`] and committed; a caller gets only durable tokens |
//! | [`Refresher`] | one refresh per account, a lease on the row across processes, compare-and-swap at the end |
//! | [`Webhooks`] | Zoom's webhooks: a user has removed the app or was deleted; a meeting is new or deleted |
//! | [`Disconnection`], [`AppRemovals`] | the ways out |
//!
//! Imports between these modules point upwards in this list of layers: `escrow`, `schedule`, `scopes` · `grants`, `apps` ·
//! `app_check`, `store_grant`, `code`, `customer_managed` · `authorization`, `import`, `refresh` · `disconnect`, `parked`, `webhooks` ·
//! `remove_app`.

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
mod webhooks;

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
pub(crate) use grants::MARGIN;
pub use import::Imports;
pub use parked::{Installed, ParkedConsents};
pub(crate) use refresh::RefreshReason;
pub use refresh::Refresher;
pub use refresh_worker::DueRefreshes;
pub use remove_app::AppRemovals;
pub use server_to_server::ServerToServer;
pub use store_grant::{NewAccounts, StoredGrant};
pub(crate) use usable_account::{may_give_tokens, usable_account};
pub use webhooks::{WebhookAnswer, WebhookRequest, Webhooks};

/// Everything about accounts.
pub struct Accounts {
    /// The apps that they are connected with.
    pub apps: Arc<Apps>,
    /// Checks them at Zoom.
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
