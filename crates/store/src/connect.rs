//! Zoom OAuth apps, and invitations to connect an account to one.

use std::str::FromStr;

use async_trait::async_trait;
use model::{ConsentId, CredentialId, Sealed, Timestamp, WorkspaceId, ZoomOauthAppId};

use crate::{Credential, Digest, Note, StoreError};

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
    /// Zoom's id of the account that a server-to-server app belongs to.
    pub zoom_account_id: Option<String>,
    /// When Zoom last validated the webhook's URL.
    pub webhook_last_validation: Option<Timestamp>,
    /// Zoom refuses the app's own credentials, as far as we know.
    pub refusal: Option<Refusal>,
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

/// Secrets to replace.
#[derive(Debug, Clone, Copy, Default)]
pub struct NewAppSecrets<'a> {
    /// Zoom's secret of the app.
    pub client_secret: Option<&'a Sealed>,
    /// Verifies Zoom's webhooks.
    pub webhook_secret: Option<&'a Sealed>,
}

/// Registered apps.
#[async_trait]
pub trait ZoomOauthApps {
    /// Registers an app; [`StoreError::Exists`] when the workspace has one with this client id.
    async fn add_zoom_oauth_app(&self, app: &ZoomOauthApp) -> Result<(), StoreError>;

    /// An app of the workspace.
    async fn zoom_oauth_app(
        &self,
        workspace: WorkspaceId,
        id: ZoomOauthAppId,
    ) -> Result<Option<ZoomOauthApp>, StoreError>;

    /// The workspace's apps, newest first.
    async fn zoom_oauth_apps(&self, workspace: WorkspaceId) -> Result<Vec<ZoomOauthApp>, StoreError>;

    /// Replaces secrets. A new client secret ends a refusal. `false` when the workspace has no such app.
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

    /// Ends a refusal; `true` when there was one, and `note` was written.
    async fn accept_app(&self, id: ZoomOauthAppId, note: &Note) -> Result<bool, StoreError>;
}

/// An invitation to connect an account: made through the API, opened in a browser, ended by Zoom's redirect.
#[derive(Debug, Clone)]
pub struct Consent {
    /// Its id, part of the invitation's address.
    pub id: ConsentId,
    /// The tenant.
    pub workspace: WorkspaceId,
    /// The app to connect to.
    pub app: ZoomOauthAppId,
    /// Hash of the secret half of the invitation's address.
    pub secret_digest: Digest,
    /// What the browser took along to Zoom; set anew each time the invitation is opened.
    pub journey: Option<Journey>,
    /// The account that came of it.
    pub credential: Option<CredentialId>,
    /// When it was made.
    pub created_at: Timestamp,
    /// When it ends.
    pub expires_at: Timestamp,
}

/// One trip of one browser to Zoom and back.
#[derive(Debug, Clone)]
pub struct Journey {
    /// Hash of the `state` that Zoom must bring back.
    pub state_digest: Digest,
    /// Hash of the cookie that binds the trip to the browser that began it.
    pub browser_digest: Digest,
    /// The PKCE verifier.
    pub code_verifier: Sealed,
}

/// Invitations.
#[async_trait]
pub trait Consents {
    /// Stores an invitation.
    async fn add_consent(&self, consent: &Consent) -> Result<(), StoreError>;

    /// An invitation by its id. Asked before the tenant is known: the secret decides.
    async fn consent(&self, id: ConsentId) -> Result<Option<Consent>, StoreError>;

    /// The invitation whose journey carries this state. Asked before the tenant is known.
    async fn consent_by_state(&self, state_digest: &Digest) -> Result<Option<Consent>, StoreError>;

    /// Sends a browser on its way; an earlier journey of the same invitation ends. `false` when it was used already.
    async fn begin_journey(&self, id: ConsentId, journey: &Journey) -> Result<bool, StoreError>;

    /// Takes the journey with this state off the invitation: of several callbacks with one state, one gets `true`.
    async fn end_journey(&self, id: ConsentId, state_digest: &Digest) -> Result<bool, StoreError>;

    /// Stores the account that came of it (as [`Credentials::connect_credential`](crate::Credentials::connect_credential)
    /// does) and uses the invitation up, both or neither. `false` when it was used already.
    async fn complete_consent(
        &self,
        id: ConsentId,
        credential: &Credential,
        note: &Note,
    ) -> Result<bool, StoreError>;
}
