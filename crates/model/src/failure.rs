//! The error catalogue: every failure has a class, a stable code and advice.

use std::{error::Error, fmt, sync::Arc};

/// Who can resolve a failure. It decides the status code, the alert and the retry.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Class {
    /// The same call may work later.
    Retry,
    /// A person has to act first; the advice says who and how.
    PersonMustAct,
    /// A bug or a broken installation of Latchkey.
    OurFault,
}

/// Defines an enum of stable codes. Each has a meaning, a class, and advice.
#[macro_export]
macro_rules! error_codes {
    (
        $(#[$about:meta])* $visible:vis enum $catalogue:ident;
        $($(#[doc = $doc:literal])* $name:ident = $code:literal, $class:ident, $advice:literal;)*
    ) => {
        $(#[$about])*
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
        $visible enum $catalogue { $($(#[doc = $doc])* $name,)* }

        impl $catalogue {
            /// Every code, in the order of the documentation.
            pub const ALL: &'static [Self] = &[$(Self::$name,)*];

            /// The code as it is sent and logged.
            pub const fn as_str(self) -> &'static str {
                match self { $(Self::$name => $code,)* }
            }

            /// What it means.
            pub fn about(self) -> &'static str {
                match self { $(Self::$name => concat!($($doc),*).trim(),)* }
            }

            /// Who can resolve it.
            pub const fn class(self) -> $crate::Class {
                match self { $(Self::$name => $crate::Class::$class,)* }
            }

            /// What to do, in one sentence.
            pub const fn advice(self) -> &'static str {
                match self { $(Self::$name => $advice,)* }
            }
        }
    };
}

error_codes! {
    /// A stable code. Codes are never renamed; callers may match on them.
    pub enum Code;

    /// There is no such token link or invitation, or the secret in its URL is wrong.
    LinkUnknown = "link_unknown", PersonMustAct, "no such token link: use the address exactly as it was given";
    /// The link, the invitation or the OAuth state has expired, is used up, or is not yet valid.
    LinkExpired = "link_expired", PersonMustAct, "use one that is valid now, or make a new one";
    /// The request carries no signature headers.
    SignatureMissing = "signature_missing", PersonMustAct, "send what proves that the request is yours, as the link was made to demand";
    /// No entry of the signature header matches.
    SignatureInvalid = "signature_invalid", PersonMustAct, "give both sides the same secret";
    /// The signature's time is more than five minutes away from ours.
    SignatureStale = "signature_stale", Retry, "sign with the current time, and check both clocks";
    /// The signature's id was used before.
    ReplayRefused = "replay_refused", PersonMustAct, "make a new request for each fetch";
    /// The link is not served to this network.
    AddressNotAllowed = "address_not_allowed", PersonMustAct, "ask from a network that the link allows";
    /// The request cannot be read.
    RequestMalformed = "request_malformed", PersonMustAct, "correct the request";
    /// The link is for another meeting, or for none that a request may name.
    MeetingNotAllowed = "meeting_not_allowed", PersonMustAct, "ask for the meeting that the link is made for";
    /// The link does not give this kind of token.
    TokenNotAvailable = "token_not_available", PersonMustAct, "ask for a token that can be given";
    /// The invitation is for another Zoom user than the one who consented.
    OtherUser = "other_user", PersonMustAct, "sign in to Zoom as the user whom the invitation is for, and open it again";
    /// The grant is dead.
    CredentialNeedsConsent = "credential_needs_consent", PersonMustAct, "connect the Zoom account again";
    /// The account was disconnected.
    CredentialDisconnected = "credential_disconnected", PersonMustAct, "connect the Zoom account again";
    /// Zoom refuses the account itself: deactivated, or blocked by an administrator.
    CredentialBlocked = "credential_blocked", PersonMustAct, "ask the Zoom administrator to enable the user";
    /// The Zoom account of a server-to-server app has no such user.
    UserUnknown = "user_unknown", PersonMustAct, "name an active user of the Zoom account that the app belongs to";
    /// The customer's server gave no usable access token.
    AccessTokenCallbackFailed = "access_token_callback_failed", PersonMustAct, "make the access token callback answer with a token of this app that lasts 120 s more";
    /// The customer's server took longer than 5 s.
    AccessTokenCallbackTimeout = "access_token_callback_timeout", Retry, "try again; make the access token callback answer within 5 s";
    /// The app's configuration at Zoom lacks a scope.
    ScopeMissing = "scope_missing", PersonMustAct, "add the scope to the Zoom app and connect the account again";
    /// The app's client secret is wrong, or Zoom disabled the app.
    AppUnhealthy = "app_unhealthy", PersonMustAct, "check that the app is active at Zoom, and PATCH its client_secret here";
    /// No account of the pool can be used.
    PoolUnhealthy = "pool_unhealthy", PersonMustAct, "connect an account of the pool again, or add one to it";
    /// Every seat of the pool is taken.
    PoolFull = "pool_full", Retry, "try again after the time in Retry-After, or add accounts to the pool";
    /// The host is hosting as many meetings as Zoom allows at once.
    HostBusy = "host_busy", Retry, "try again after the time in Retry-After";
    /// Latchkey limits the rate of this link, key or workspace.
    RateLimited = "rate_limited", Retry, "try again after the time in Retry-After";
    /// Zoom limits our rate.
    ZoomRateLimited = "zoom_rate_limited", Retry, "try again after the time in Retry-After";
    /// Zoom does not answer, or answers with a server error.
    ZoomUnavailable = "zoom_unavailable", Retry, "try again";
    /// A refresh is in doubt and is being resolved.
    RefreshUncertain = "refresh_uncertain", Retry, "try again";
    /// The answer would come after the caller's deadline.
    Deadline = "deadline", Retry, "try again; the work goes on";
    /// The store cannot be read or written.
    Unavailable = "unavailable", Retry, "try again; see the server's log";
    /// Zoom's answer does not follow its contract.
    ZoomUnexpected = "zoom_unexpected", OurFault, "report it, with the line in the server's log";
    /// A bug.
    Internal = "internal", OurFault, "report it, with the line in the server's log";
}

impl Code {
    /// Parses a code; `None` when this version doesn't know it.
    pub fn from_text(text: &str) -> Option<Self> {
        Self::ALL.iter().copied().find(|code| code.as_str() == text)
    }
}

impl fmt::Display for Code {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// A failure: the stable code, and what happened, for the log. Never contains a secret.
#[derive(Debug, Clone)]
pub struct Failure {
    /// The stable code; it decides class and advice.
    pub code: Code,
    /// What happened, for people.
    pub detail: String,
    /// How long to wait before a retry, if the failing side says so.
    pub retry_after: Option<std::time::Duration>,
    /// The error that caused it: its [`source`](Error::source). Shared, because callers that wait for one call share its
    /// failure.
    pub cause: Option<Arc<dyn Error + Send + Sync>>,
}

impl Failure {
    /// A failure with a text.
    pub fn new(code: Code, detail: impl Into<String>) -> Self {
        Self { code, detail: detail.into(), retry_after: None, cause: None }
    }

    /// The same failure with the error that caused it.
    #[must_use]
    pub fn caused_by(self, cause: impl Error + Send + Sync + 'static) -> Self {
        Self { cause: Some(Arc::new(cause)), ..self }
    }

    /// A failure with the text and the cause of an error.
    pub fn of(code: Code, error: impl Error + Send + Sync + 'static) -> Self {
        Self::new(code, error.to_string()).caused_by(error)
    }

    /// Who can resolve it.
    pub const fn class(&self) -> Class {
        self.code.class()
    }
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.code, self.detail)
    }
}

impl Error for Failure {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        self.cause.as_deref().map(|cause| cause as &(dyn Error + 'static))
    }
}
