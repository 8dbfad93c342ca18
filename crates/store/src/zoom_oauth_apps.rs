//! Zoom OAuth apps.

use std::str::FromStr;

use async_trait::async_trait;
use model::{Sealed, Timestamp, WorkspaceId, ZoomOauthAppId};

use crate::{FormerSecret, Note, Page, Place, StoreError};

/// How an app is authorized, and so whose meetings it can access.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum AppKind {
    /// Each user consents for their own account.
    UserLevel,
    /// An administrator consents for the account.
    AccountLevel,
    /// There is no consent: the app's own id and secret give access to its Zoom account.
    ServerToServer,
}

impl AppKind {
    /// The word in requests, answers and the database.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::UserLevel => "user_level",
            Self::AccountLevel => "account_level",
            Self::ServerToServer => "server_to_server",
        }
    }
}

impl FromStr for AppKind {
    type Err = String;
    fn from_str(text: &str) -> Result<Self, Self::Err> {
        match text {
            "user_level" => Ok(Self::UserLevel),
            "account_level" => Ok(Self::AccountLevel),
            "server_to_server" => Ok(Self::ServerToServer),
            other => Err(format!("{other:?} is not a kind of app")),
        }
    }
}

/// A Zoom app that is registered here. Its id and secret also sign the joins of the Meeting SDK.
#[derive(Debug, Clone)]
pub struct ZoomOauthApp {
    /// Our id.
    pub id: ZoomOauthAppId,
    /// The tenant.
    pub workspace: WorkspaceId,
    /// User or account level.
    pub kind: AppKind,
    /// Zoom's public id of the app.
    pub client_id: String,
    /// Zoom's secret of the app.
    pub client_secret: Sealed,
    /// Verifies Zoom's webhooks.
    pub webhook_secret: Sealed,
    /// Its earlier secrets, newest first, separated by spaces, and until when they are accepted.
    pub former_webhook_secret: Option<FormerSecret>,
    /// Zoom's id of the account that a server-to-server app belongs to.
    pub zoom_account_id: Option<String>,
    /// When Zoom last validated the webhook's URL.
    pub webhook_last_validation: Option<Timestamp>,
    /// Set while Zoom refuses the app's own credentials, as far as we know.
    pub refusal: Option<Refusal>,
    /// How Zoom answered joins that this app signed.
    pub signatures: Signatures,
    /// When it was registered.
    pub created_at: Timestamp,
}

/// Zoom refuses an app's id or secret. None of its accounts can be refreshed until that is fixed,
/// and the accounts are not the cause.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Refusal {
    /// Since when.
    pub since: Timestamp,
    /// When one refresh may be tried to find out whether Zoom still refuses.
    pub probe_at: Timestamp,
}

/// How Zoom answered the joins that an app signed.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Signatures {
    /// When Zoom last accepted one, to the hour.
    pub accepted_at: Option<Timestamp>,
    /// When Zoom last refused the app or its signature; `None` once one has been accepted again.
    pub refused_at: Option<Timestamp>,
}

/// Secrets to replace.
#[derive(Debug, Clone, Copy, Default)]
pub struct NewAppSecrets<'a> {
    /// Zoom's secret of the app.
    pub client_secret: Option<&'a Sealed>,
    /// Verifies Zoom's webhooks.
    pub webhook_secret: Option<NewWebhookSecret<'a>>,
}

/// A webhook secret that replaces another.
#[derive(Debug, Clone, Copy)]
pub struct NewWebhookSecret<'a> {
    /// The current secret.
    pub before: &'a Sealed,
    /// The new secret.
    pub sealed: &'a Sealed,
    /// Former secrets that are accepted for a while.
    pub former: Option<&'a FormerSecret>,
}

/// The filter of a list of apps.
#[derive(Debug, Clone, Default)]
pub struct AppFilter {
    /// Zoom's id of the app.
    pub client_id: Option<String>,
    /// How it is authorized.
    pub kind: Option<AppKind>,
    /// Registered after this.
    pub created_after: Option<Timestamp>,
    /// Registered before this.
    pub created_before: Option<Timestamp>,
    /// Its webhook was validated after this.
    pub validated_after: Option<Timestamp>,
    /// Its webhook was validated before this.
    pub validated_before: Option<Timestamp>,
}

/// The result of removing an app.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum AppRemoval {
    /// Its secrets are erased, with the consents that were parked for it.
    Removed,
    /// It still has accounts that are to be disconnected first; nothing changed.
    InUse {
        /// Accounts that can be used, or that need a new consent.
        connected: u64,
        /// Accounts that Zoom has ended.
        ended: u64,
    },
    /// The workspace has no such app.
    Unknown,
}

impl ZoomOauthApp {
    /// Its position in a list of apps.
    pub fn place(&self) -> Place {
        Place { key: self.created_at.as_microsecond(), id: self.id.to_string() }
    }
}

/// Registered apps. A removed app leaves a tombstone, which accounts and events refer to. Only methods
/// whose documentation says so find it.
#[async_trait]
pub trait ZoomOauthApps {
    /// Registers an app. If a removed app has its id, that one becomes this app.
    /// [`StoreError::Exists`] when the workspace has an app with this client id.
    async fn add_zoom_oauth_app(&self, app: &ZoomOauthApp) -> Result<(), StoreError>;

    /// The id of the workspace's removed app with this client id.
    async fn removed_zoom_oauth_app(
        &self,
        workspace: WorkspaceId,
        client_id: &str,
    ) -> Result<Option<ZoomOauthAppId>, StoreError>;

    /// Removes an app. All its accounts must have been disconnected here, not by Zoom alone.
    async fn remove_zoom_oauth_app(
        &self,
        workspace: WorkspaceId,
        id: ZoomOauthAppId,
        note: &Note,
    ) -> Result<AppRemoval, StoreError>;

    /// An app of the workspace.
    async fn zoom_oauth_app(
        &self,
        workspace: WorkspaceId,
        id: ZoomOauthAppId,
    ) -> Result<Option<ZoomOauthApp>, StoreError>;

    /// The workspace's apps, newest first.
    async fn zoom_oauth_apps(&self, workspace: WorkspaceId) -> Result<Vec<ZoomOauthApp>, StoreError>;

    /// A page of the workspace's apps, by the time they were registered.
    async fn list_zoom_oauth_apps(
        &self,
        workspace: WorkspaceId,
        filter: &AppFilter,
        page: &Page,
    ) -> Result<Vec<ZoomOauthApp>, StoreError>;

    /// Replaces one secret or both, in one transaction. A new client secret ends the refusals of
    /// the app and of its signatures. `false` when the workspace has no such app, or when the
    /// webhook secret is not the expected one any more.
    async fn change_app_secrets(
        &self,
        workspace: WorkspaceId,
        id: ZoomOauthAppId,
        secrets: NewAppSecrets<'_>,
    ) -> Result<bool, StoreError>;

    /// Records that Zoom refused the app when it was called with `client_secret`; ignored if that
    /// secret has been replaced since. A known refusal keeps its start time. `true` when the
    /// refusal is new and `note` was written.
    async fn refuse_app(
        &self,
        id: ZoomOauthAppId,
        client_secret: &Sealed,
        probe_at: Timestamp,
        note: &Note,
    ) -> Result<bool, StoreError>;

    /// Claims the right to probe a refused app; one of several concurrent callers gets `true`. The
    /// next probe is possible at `next`.
    async fn claim_probe(
        &self,
        id: ZoomOauthAppId,
        now: Timestamp,
        next: Timestamp,
    ) -> Result<bool, StoreError>;

    /// Records that Zoom accepted a signature made with `client_secret`.
    async fn accept_signature(
        &self,
        id: ZoomOauthAppId,
        client_secret: &Sealed,
        now: Timestamp,
    ) -> Result<(), StoreError>;

    /// Records that Zoom refused a signature made with `client_secret`, or its app. `true` when it
    /// is the first refusal since the last accepted signature, and `note` was written.
    async fn refuse_signature(
        &self,
        id: ZoomOauthAppId,
        client_secret: &Sealed,
        note: &Note,
    ) -> Result<bool, StoreError>;

    /// Erases former webhook secrets that have ended, of every app.
    async fn erase_former_webhook_secrets(&self, now: Timestamp) -> Result<u64, StoreError>;

    /// Ends a refusal; `true` when there was one, and `note` was written.
    async fn accept_app(&self, id: ZoomOauthAppId, note: &Note) -> Result<bool, StoreError>;
}
