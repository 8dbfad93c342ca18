//! States of a connected account.

use std::{fmt, str::FromStr};

use serde::{Deserialize, Serialize};

/// Why the user has to consent again.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ReauthCause {
    /// Zoom rotated the refresh token and its answer was lost.
    ResponseLost,
    /// The user or an administrator withdrew the grant, or Zoom no longer honours it.
    Revoked,
}

/// Why an account is no longer connected.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum DisconnectCause {
    /// It was disconnected here.
    Asked,
    /// The user removed the app at Zoom.
    Deauthorized,
    /// An administrator deactivated the user at Zoom.
    UserDeactivated,
    /// The user was deleted at Zoom.
    UserDeleted,
}

/// Whether an account can be used.
///
/// ```text
/// healthy ⇄ degraded → needs_reauth      any → disconnected      a consent → healthy
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum CredentialStatus {
    /// It gives tokens.
    Healthy,
    /// The last refresh failed and is retried; the account gives tokens while it has a valid one.
    Degraded,
    /// The grant is dead: the user must consent again.
    NeedsReauth(ReauthCause),
    /// Its tokens are erased; a tombstone keeps the ids and the time. A new consent reconnects it.
    Disconnected(DisconnectCause),
}

impl CredentialStatus {
    /// Every state.
    pub const ALL: [Self; 8] = [
        Self::Healthy,
        Self::Degraded,
        Self::NeedsReauth(ReauthCause::ResponseLost),
        Self::NeedsReauth(ReauthCause::Revoked),
        Self::Disconnected(DisconnectCause::Asked),
        Self::Disconnected(DisconnectCause::Deauthorized),
        Self::Disconnected(DisconnectCause::UserDeactivated),
        Self::Disconnected(DisconnectCause::UserDeleted),
    ];

    /// The word stored in the database and shown in Latchkey's own API.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Healthy => "healthy",
            Self::Degraded => "degraded",
            Self::NeedsReauth(ReauthCause::ResponseLost) => "needs_reauth:response_lost",
            Self::NeedsReauth(ReauthCause::Revoked) => "needs_reauth:revoked",
            Self::Disconnected(DisconnectCause::Asked) => "disconnected:asked",
            Self::Disconnected(DisconnectCause::Deauthorized) => "disconnected:app_deauthorized",
            Self::Disconnected(DisconnectCause::UserDeactivated) => "disconnected:user_deactivated",
            Self::Disconnected(DisconnectCause::UserDeleted) => "disconnected:user_deleted",
        }
    }

    /// Whether its grant may be used and refreshed.
    pub const fn is_usable(self) -> bool {
        matches!(self, Self::Healthy | Self::Degraded)
    }
}

impl fmt::Display for CredentialStatus {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl FromStr for CredentialStatus {
    type Err = String;
    fn from_str(text: &str) -> Result<Self, Self::Err> {
        Self::ALL
            .into_iter()
            .find(|status| status.as_str() == text)
            .ok_or_else(|| format!("{text:?} is not a credential status"))
    }
}

/// The source of an account's access tokens.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum CredentialKind {
    /// A user consented. Each refresh token is valid for one refresh.
    UserOauth,
    /// A server-to-server app: its id and secret give access tokens for the whole Zoom account. There is no
    /// refresh token to lose.
    ServerToServer,
    /// The customer manages the grant; a URL of the customer returns access tokens.
    CustomerManaged,
}

impl CredentialKind {
    /// Every kind.
    pub const ALL: [Self; 3] = [Self::UserOauth, Self::ServerToServer, Self::CustomerManaged];

    /// The word in requests, answers and the database.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::UserOauth => "user_oauth",
            Self::ServerToServer => "server_to_server",
            Self::CustomerManaged => "customer_managed",
        }
    }
}

impl FromStr for CredentialKind {
    type Err = String;
    fn from_str(text: &str) -> Result<Self, Self::Err> {
        Self::ALL
            .into_iter()
            .find(|kind| kind.as_str() == text)
            .ok_or_else(|| format!("{text:?} is not a kind of credential"))
    }
}

/// The kinds of short-lived token of a Zoom account.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum TokenKind {
    /// Zoom access key: a bot joins as the user, or starts the user's meeting.
    Zak,
    /// On-behalf-of token: a bot joins while the user who vouches for it is in the meeting. Valid once.
    Obf,
    /// Allows a bot to record a meeting without asking; only the host's account gives it. Valid once.
    JoinToken,
    /// Access to Zoom's API as the account.
    AccessToken,
}

impl TokenKind {
    /// Every kind.
    pub const ALL: [Self; 4] = [Self::Zak, Self::Obf, Self::JoinToken, Self::AccessToken];

    /// The word in requests, answers and the database.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Zak => "zak",
            Self::Obf => "obf",
            Self::JoinToken => "join_token",
            Self::AccessToken => "access_token",
        }
    }
}

impl FromStr for TokenKind {
    type Err = String;
    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let known = Self::ALL.into_iter().find(|kind| kind.as_str() == text);
        known.ok_or_else(|| format!("{text:?} is not a token kind"))
    }
}
