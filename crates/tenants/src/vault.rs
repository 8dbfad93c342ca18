//! The cells that contain secrets. These are the only names under which this program seals.

use std::sync::Arc;

use model::{
    BotId, ChatMessageId, ConnectLinkId, CredentialId, Failure, IdempotentRequestId, MeetingEventsId,
    ParkedConsentId, Sealed, Secret, TokenLinkId, WebhookEndpointId, WorkspaceId, ZoomOauthAppId,
};
use sealing::{CellAddress, KeyRing, Keys, OpenError};

/// Seals and opens the secrets of cells.
#[derive(Debug, Clone)]
pub struct Vault {
    keys: Arc<Keys>,
}

/// A cell that contains a secret.
#[derive(Debug, Clone, Copy)]
pub enum Cell {
    /// Signs and verifies callbacks.
    CallbackSecret(WorkspaceId),
    /// The callback secret before that one.
    FormerCallbackSecret(WorkspaceId),
    /// Zoom's secret of an app.
    ClientSecret(ZoomOauthAppId),
    /// Verifies Zoom's webhooks.
    WebhookSecret(ZoomOauthAppId),
    /// The content of a browser's cookie during the authorization at Zoom. Not stored in a column.
    Authorization(ConnectLinkId),
    /// The app's former webhook secrets.
    FormerWebhookSecret(ZoomOauthAppId),
    /// An account's access token.
    AccessToken(CredentialId),
    /// An account's refresh token.
    RefreshToken(CredentialId),
    /// The URL where a customer who manages the grant provides access tokens.
    CallbackUrl(CredentialId),
    /// A parked consent's access token.
    ParkedAccessToken(ParkedConsentId),
    /// A parked consent's refresh token.
    ParkedRefreshToken(ParkedConsentId),
    /// A link's own signing secret.
    SigningSecret(TokenLinkId),
    /// The answer to a request with an idempotency key.
    IdempotentAnswer(IdempotentRequestId),
    /// The request of a bot.
    BotRequest(BotId),
    /// The picture that a bot shows.
    BotPicture(BotId),
    /// A bot's chat message and its recipient.
    ChatMessage(ChatMessageId),
    /// Some events of a bot's meeting.
    MeetingEvents(MeetingEventsId),
    /// The content of a download address of a bot. In the address, not in a column.
    Download(BotId),
    /// The target of a link that connects an account again. In the link, not in a column.
    Reconnect(CredentialId),
    /// The URL of a webhook endpoint.
    WebhookUrl(WebhookEndpointId),
    /// The signing secrets of a webhook endpoint.
    WebhookSecrets(WebhookEndpointId),
}

impl Cell {
    fn place(self) -> (&'static str, String, &'static str) {
        match self {
            Self::CallbackSecret(id) => ("workspaces", id.to_string(), "callback_secret"),
            Self::FormerCallbackSecret(id) => ("workspaces", id.to_string(), "former_callback_secret"),
            Self::ClientSecret(id) => ("zoom_oauth_apps", id.to_string(), "client_secret"),
            Self::WebhookSecret(id) => ("zoom_oauth_apps", id.to_string(), "webhook_secret"),
            Self::Authorization(id) => ("consents", id.to_string(), "authorization"),
            Self::FormerWebhookSecret(id) => ("zoom_oauth_apps", id.to_string(), "former_webhook_secret"),
            Self::AccessToken(id) => ("credentials", id.to_string(), "access_token"),
            Self::RefreshToken(id) => ("credentials", id.to_string(), "refresh_token"),
            Self::CallbackUrl(id) => ("credentials", id.to_string(), "callback_url"),
            Self::ParkedAccessToken(id) => ("parked_consents", id.to_string(), "access_token"),
            Self::ParkedRefreshToken(id) => ("parked_consents", id.to_string(), "refresh_token"),
            Self::SigningSecret(id) => ("token_links", id.to_string(), "signing_secret"),
            Self::IdempotentAnswer(id) => ("idempotent_requests", id.to_string(), "answer"),
            Self::BotRequest(id) => ("bots", id.to_string(), "request"),
            Self::BotPicture(id) => ("bot_pictures", id.to_string(), "picture"),
            Self::ChatMessage(id) => ("bot_chat_messages", id.to_string(), "message"),
            Self::Download(id) => ("bots", id.to_string(), "download"),
            Self::MeetingEvents(id) => ("meeting_events", id.to_string(), "events"),
            Self::Reconnect(id) => ("credentials", id.to_string(), "reconnect"),
            Self::WebhookUrl(id) => ("webhook_endpoints", id.to_string(), "url"),
            Self::WebhookSecrets(id) => ("webhook_endpoints", id.to_string(), "secrets"),
        }
    }
}

impl Vault {
    /// Uses this key ring.
    pub fn new(keys: Arc<Keys>) -> Self {
        Self { keys }
    }

    /// The current key ring.
    pub fn ring(&self) -> Arc<KeyRing> {
        self.keys.ring()
    }

    /// Encrypts `secret` for `cell`.
    pub fn seal(&self, workspace: WorkspaceId, cell: Cell, secret: &Secret) -> Sealed {
        let (table, row, column) = cell.place();
        self.keys.seal(&CellAddress { workspace, table, row: &row, column }, secret)
    }

    /// Decrypts a secret that was sealed for `cell`.
    pub fn open(&self, workspace: WorkspaceId, cell: Cell, sealed: &Sealed) -> Result<Secret, Failure> {
        self.try_open(workspace, cell, sealed).map_err(|error| Failure::of(model::Code::Internal, error))
    }

    /// Does the same; the error says what is wrong with the key ring.
    pub fn try_open(&self, workspace: WorkspaceId, cell: Cell, sealed: &Sealed) -> Result<Secret, OpenError> {
        let (table, row, column) = cell.place();
        self.keys.open(&CellAddress { workspace, table, row: &row, column }, sealed)
    }
}
