//! Zoom OAuth apps.

use std::str::FromStr;

use async_trait::async_trait;
use model::{Sealed, Timestamp, WorkspaceId, ZoomOauthAppId};

use crate::{FormerSecret, Note, Page, Place, StoreError};

/// Whose meetings an app may see.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum AppKind {
    /// Each user consents for herself.
    UserLevel,
    /// An administrator consents for the account.
    AccountLevel,
    /// Nobody consents: the app's own id and secret speak for its Zoom account.
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

/// A Zoom app registered here. Its id and secret also sign the SDK's joins.
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
    /// The secrets before that one, newest first, with spaces between; and until when they verify as well.
    pub former_webhook_secret: Option<FormerSecret>,
    /// Zoom's id of the account that a server-to-server app belongs to.
    pub zoom_account_id: Option<String>,
    /// When Zoom last validated the webhook's URL.
    pub webhook_last_validation: Option<Timestamp>,
    /// Zoom refuses the app's own credentials, as far as we know.
    pub refusal: Option<Refusal>,
    /// What Zoom said of joins that it signed.
    pub signatures: Signatures,
    /// When it was registered.
    pub created_at: Timestamp,
}

/// Zoom refuses an app's id or secret: no account of it can be refreshed, and none is to blame.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Refusal {
    /// Since when.
    pub since: Timestamp,
    /// When one refresh may find out whether it still is so.
    pub probe_at: Timestamp,
}

/// What Zoom said of joins that an app has signed.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Signatures {
    /// When the last one was let in, to the hour.
    pub accepted_at: Option<Timestamp>,
    /// When Zoom last refused the app or its signature; `None` once one was let in again.
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

/// A webhook secret that takes the place of another.
#[derive(Debug, Clone, Copy)]
pub struct NewWebhookSecret<'a> {
    /// The one that counts now.
    pub before: &'a Sealed,
    /// The one that is to count.
    pub sealed: &'a Sealed,
    /// Those that verify beside it for a while.
    pub former: Option<&'a FormerSecret>,
}

/// What a list of apps is narrowed to.
#[derive(Debug, Clone, Default)]
pub struct AppFilter {
    /// Zoom's id of the app.
    pub client_id: Option<String>,
    /// Whose meetings it may see.
    pub kind: Option<AppKind>,
    /// Registered later than this.
    pub created_after: Option<Timestamp>,
    /// Registered earlier than this.
    pub created_before: Option<Timestamp>,
    /// Its webhook was validated later than this.
    pub validated_after: Option<Timestamp>,
    /// Its webhook was validated earlier than this.
    pub validated_before: Option<Timestamp>,
}

/// What came of removing an app.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum AppRemoval {
    /// Its secrets are erased, with what was parked for it. It is as if it had never been.
    Removed,
    /// Accounts of it have still to be disconnected, and nothing changed.
    InUse {
        /// That may be used, or need a person.
        connected: u64,
        /// That Zoom has ended.
        ended: u64,
    },
    /// The workspace has no such app.
    Unknown,
}

impl ZoomOauthApp {
    /// Where it stands in a list of apps.
    pub fn place(&self) -> Place {
        Place { key: self.created_at.as_microsecond(), id: self.id.to_string() }
    }
}

/// Registered apps. One that was removed is a tombstone, which accounts and events point at; none of these methods finds
/// it, but for the two that say so.
#[async_trait]
pub trait ZoomOauthApps {
    /// Registers an app, or brings the removed one with its id back as this; [`StoreError::Exists`] when the workspace has
    /// one with this client id.
    async fn add_zoom_oauth_app(&self, app: &ZoomOauthApp) -> Result<(), StoreError>;

    /// The id that an app of the workspace with this client id had before it was removed.
    async fn removed_zoom_oauth_app(
        &self,
        workspace: WorkspaceId,
        client_id: &str,
    ) -> Result<Option<ZoomOauthAppId>, StoreError>;

    /// Removes an app all of whose accounts were disconnected by somebody here.
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

    /// Replaces secrets, both or neither. A new client secret ends refusals, of the app and of its signatures. `false` when the
    /// workspace has no such app, or another webhook secret counts by now than the one that was to be replaced.
    async fn change_app_secrets(
        &self,
        workspace: WorkspaceId,
        id: ZoomOauthAppId,
        secrets: NewAppSecrets<'_>,
    ) -> Result<bool, StoreError>;

    /// Records that Zoom refused the app, when it was asked with `client_secret`; a secret that was replaced meanwhile
    /// says nothing. A refusal that is known keeps its beginning. `true` when it is new, and `note` was written.
    async fn refuse_app(
        &self,
        id: ZoomOauthAppId,
        client_secret: &Sealed,
        probe_at: Timestamp,
        note: &Note,
    ) -> Result<bool, StoreError>;

    /// Of several who would find out at once, one gets `true`, and the next chance is at `next`.
    async fn claim_probe(
        &self,
        id: ZoomOauthAppId,
        now: Timestamp,
        next: Timestamp,
    ) -> Result<bool, StoreError>;

    /// Records that Zoom let somebody in by a signature made with `client_secret`.
    async fn accept_signature(
        &self,
        id: ZoomOauthAppId,
        client_secret: &Sealed,
        now: Timestamp,
    ) -> Result<(), StoreError>;

    /// Records that Zoom refused a signature made with `client_secret`, or its app. `true` when none had been refused
    /// since one was accepted, and `note` was written.
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
