//! The failures of calls to Zoom, by their meaning. This is the one place that gives each its stable code.

use std::{fmt, path::PathBuf, time::Duration};

use model::{Class, Code, Failure};

/// Whether a request without a usable answer may have reached Zoom.
///
/// It matters most for a refresh: Zoom invalidates the old refresh token when it processes the request, whether or not its
/// answer arrives.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Sent {
    /// No byte was sent, because the connection was never made.
    No,
    /// Zoom may have processed it.
    Maybe,
}

impl fmt::Display for Sent {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::No => "the request was not sent",
            Self::Maybe => "it may have processed the request",
        })
    }
}

/// A call to Zoom failed. It contains no body, address or header of the call, so it is safe to log and to show.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ZoomError {
    /// The refresh token is used, rotated, revoked or expired, or its grant has ended. Before acting on it,
    /// check that no other process has refreshed since.
    #[error("Zoom no longer honours this grant")]
    GrantDead,
    /// The authorisation code is wrong, used, older than five minutes, or does not fit its redirect or verifier.
    #[error("Zoom refused the authorisation code")]
    CodeRejected,
    /// The app's id, secret, account or redirect is wrong, or Zoom disabled the app. It says nothing about the app's grants.
    #[error("Zoom refused the app's own credentials")]
    AppRejected,
    /// The access token is wrong or expired. The remedy is one refresh and one retry.
    #[error("Zoom refused the access token")]
    TokenRejected,
    /// The access token lacks a scope that the call needs.
    #[error("the grant lacks a scope that the call needs: {}", or_none(.scopes))]
    ScopeMissing {
        /// The missing scopes, if Zoom names them.
        scopes: Vec<String>,
    },
    /// The token's account has no such user.
    #[error("Zoom does not know the user")]
    UserUnknown,
    /// There is no such meeting, or the token's user may not see it.
    #[error("Zoom does not know the meeting")]
    MeetingUnknown,
    /// The user may not do this in the meeting: the user is not its host, or a setting or plan forbids it.
    #[error("Zoom gives this account no such token for the meeting")]
    NotForThisMeeting,
    /// An administrator disabled the app for the user.
    #[error("a Zoom administrator blocks this user's authorisation")]
    UserBlocked,
    /// Zoom limits the rate of an account's calls, counted over all apps of the account.
    #[error("Zoom limits the rate of calls{}", if *.daily { ", until the day is over" } else { "" })]
    RateLimited {
        /// How long to wait, counted from now, if Zoom says so.
        retry_after: Option<Duration>,
        /// Whether it is the daily limit, so that a retry within minutes is pointless.
        daily: bool,
    },
    /// No answer, or an error on Zoom's side.
    #[error("Zoom is unavailable; {sent}")]
    Unavailable {
        /// Whether Zoom may have acted.
        sent: Sent,
    },
    /// Zoom, or a system between Zoom and us, gave an unreadable answer.
    #[error("Zoom answered {status} with {what}")]
    Malformed {
        /// The HTTP status.
        status: u16,
        /// What is wrong with the answer, as a fixed text.
        what: &'static str,
    },
    /// A refusal that the tables of this crate do not know.
    #[error("Zoom answered {status}, code {}, which is unknown here", or_none(.code.as_slice()))]
    Unexpected {
        /// The HTTP status.
        status: u16,
        /// Zoom's error number, if it gave one.
        code: Option<i64>,
    },
}

impl ZoomError {
    /// The stable code for callers.
    pub const fn code(&self) -> Code {
        match self {
            Self::GrantDead | Self::CodeRejected => Code::CredentialNeedsConsent,
            Self::AppRejected => Code::AppUnhealthy,
            Self::ScopeMissing { .. } => Code::ScopeMissing,
            Self::UserUnknown | Self::UserBlocked => Code::CredentialBlocked,
            Self::MeetingUnknown | Self::NotForThisMeeting => Code::TokenNotAvailable,
            Self::RateLimited { .. } => Code::ZoomRateLimited,
            // A refused access token is dropped, so the next attempt uses a new one.
            Self::Unavailable { .. } | Self::TokenRejected => Code::ZoomUnavailable,
            Self::Malformed { .. } | Self::Unexpected { .. } => Code::ZoomUnexpected,
        }
    }

    /// Who can do something about it.
    pub const fn class(&self) -> Class {
        self.code().class()
    }

    /// Whether Zoom may have processed the request although there was no usable answer. After such a refresh, the
    /// old refresh token may be spent and the new one lost.
    pub const fn in_doubt(&self) -> bool {
        match self {
            Self::Unavailable { sent } => matches!(sent, Sent::Maybe),
            Self::Malformed { .. } => true,
            _ => false,
        }
    }
}

impl From<ZoomError> for Failure {
    fn from(error: ZoomError) -> Self {
        let retry_after = match error {
            ZoomError::RateLimited { retry_after, .. } => retry_after,
            _ => None,
        };
        Self { retry_after, ..Self::of(error.code(), error) }
    }
}

fn or_none(items: &[impl ToString]) -> String {
    if items.is_empty() {
        "none".into()
    } else {
        items.iter().map(ToString::to_string).collect::<Vec<_>>().join(", ")
    }
}

/// The client could not be built because of a wrong installation. No call was made.
#[derive(Debug, thiserror::Error)]
pub enum ClientSetupError {
    /// The file of extra root certificates cannot be read.
    #[error("cannot read the root certificates in {path}")]
    CaFile {
        /// The file.
        path: PathBuf,
        /// Why.
        source: std::io::Error,
    },
    /// The file contains no certificate, or something else.
    #[error("{path} contains no PEM certificate")]
    CaContent {
        /// The file.
        path: PathBuf,
    },
    /// TLS cannot be set up.
    #[error("cannot set up TLS")]
    Tls(#[source] reqwest::Error),
}
