//! States of a connected account.

use std::{fmt, str::FromStr};

/// Why a person has to consent again.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ReauthCause {
    /// Zoom rotated the refresh token and its answer never arrived.
    ResponseLost,
    /// The user or an administrator withdrew the grant, or Zoom no longer honours it.
    Revoked,
}

/// Whether an account can be used.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum CredentialStatus {
    /// Tokens are served.
    Healthy,
    /// The grant is dead: somebody must consent again.
    NeedsReauth(ReauthCause),
}

impl CredentialStatus {
    /// The word stored in the database and shown in Latchkey's own API.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Healthy => "healthy",
            Self::NeedsReauth(ReauthCause::ResponseLost) => "needs_reauth:response_lost",
            Self::NeedsReauth(ReauthCause::Revoked) => "needs_reauth:revoked",
        }
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
        [Self::Healthy, Self::NeedsReauth(ReauthCause::ResponseLost), Self::NeedsReauth(ReauthCause::Revoked)]
            .into_iter()
            .find(|status| status.as_str() == text)
            .ok_or_else(|| format!("{text:?} is not a credential status"))
    }
}

/// The kinds of short-lived token that a Zoom account can give.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum TokenKind {
    /// Zoom access key: joins as the user, or starts that user's meeting.
    Zak,
}

impl TokenKind {
    /// The word in requests, answers and the database.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Zak => "zak",
        }
    }
}

impl FromStr for TokenKind {
    type Err = String;
    fn from_str(text: &str) -> Result<Self, Self::Err> {
        match text {
            "zak" => Ok(Self::Zak),
            other => Err(format!("{other:?} is not a token kind")),
        }
    }
}
