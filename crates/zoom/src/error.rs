//! Every failure of a call to Zoom, by what it means. The one place that gives each its stable code.

use std::{fmt, path::PathBuf, time::Duration};

use model::{Class, Code, Failure};

/// Whether a request that got no usable answer may have reached Zoom.
///
/// It matters most for a refresh: Zoom kills the old refresh token the moment it acts, whether or not its answer arrives.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Sent {
    /// Not a byte left: the connection was never made.
    No,
    /// Zoom may have acted on it.
    Maybe,
}

impl fmt::Display for Sent {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::No => "the request was not sent",
            Self::Maybe => "it may have acted on the request",
        })
    }
}

/// A call to Zoom failed. Holds no body, address or header of the call, so it is safe to log and to show.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ZoomError {
    /// The refresh token is used, rotated, revoked or expired, or its grant is gone. Before believing it,
    /// check that no other process has refreshed meanwhile.
    #[error("Zoom no longer honours this grant")]
    GrantDead,
    /// The authorisation code is wrong, used, older than five minutes, or does not fit its redirect or verifier.
    #[error("Zoom refused the authorisation code")]
    CodeRejected,
    /// The app's id, secret, account or redirect is wrong, or Zoom disabled the app. Says nothing about its grants.
    #[error("Zoom refused the app's own credentials")]
    AppRejected,
    /// The access token is wrong or expired. The remedy is one refresh and one more call.
    #[error("Zoom refused the access token")]
    TokenRejected,
    /// The access token does not carry what the call needs.
    #[error("the grant lacks a scope that the call needs: {}", or_none(.scopes))]
    ScopeMissing {
        /// The missing scopes, as far as Zoom names them.
        scopes: Vec<String>,
    },
    /// No such user in the token's account.
    #[error("Zoom does not know the user")]
    UserUnknown,
    /// No such meeting, as far as the token's user may know.
    #[error("Zoom does not know the meeting")]
    MeetingUnknown,
    /// The user may not do this in the meeting: not its host, or a setting or plan is against it.
    #[error("Zoom gives this account no such token for the meeting")]
    NotForThisMeeting,
    /// An administrator disabled the app for the user.
    #[error("a Zoom administrator blocks this user's authorisation")]
    UserBlocked,
    /// Zoom limits the rate of an account's calls, over all apps of the account.
    #[error("Zoom limits the rate of calls{}", if *.daily { ", until the day is over" } else { "" })]
    RateLimited {
        /// How long to wait, counted from now, when Zoom said so.
        retry_after: Option<Duration>,
        /// Whether the limit is the one per day, so that trying again within minutes is pointless.
        daily: bool,
    },
    /// No answer, or an error on Zoom's side.
    #[error("Zoom is unavailable; {sent}")]
    Unavailable {
        /// Whether Zoom may have acted.
        sent: Sent,
    },
    /// Zoom, or something between it and us, answered with what cannot be read.
    #[error("Zoom answered {status} with {what}")]
    Malformed {
        /// The HTTP status.
        status: u16,
        /// What is wrong with it, in fixed words.
        what: &'static str,
    },
    /// A refusal that the tables of this crate do not know.
    #[error("Zoom answered {status}, code {}, which is unknown here", or_none(.code.as_slice()))]
    Unexpected {
        /// The HTTP status.
        status: u16,
        /// Zoom's own number, when it gave one.
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
            // A refused access token is dropped, so the next try brings a new one.
            Self::Unavailable { .. } | Self::TokenRejected => Code::ZoomUnavailable,
            Self::Malformed { .. } | Self::Unexpected { .. } => Code::ZoomUnexpected,
        }
    }

    /// Who can do something about it.
    pub const fn class(&self) -> Class {
        self.code().class()
    }

    /// Whether Zoom may have acted although nothing usable came back: after a refresh that failed so, the old
    /// refresh token may be spent and the new one lost.
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

/// The client could not be built: the installation is wrong, and no call was made.
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
    /// The file holds no certificate, or something else.
    #[error("{path} holds no PEM certificate")]
    CaContent {
        /// The file.
        path: PathBuf,
    },
    /// TLS cannot be set up.
    #[error("cannot set up TLS")]
    Tls(#[source] reqwest::Error),
}
