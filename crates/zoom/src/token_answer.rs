//! Reads answers of the token endpoint.
//!
//! The old refresh token is dead by the time the answer is read. So a new refresh token that can be read is never lost,
//! whatever else is wrong with the answer: an odd field, a missing access token, bytes around the JSON, the status, or a
//! connection that ended too early.

use std::time::Duration;

use model::Secret;
use serde_json::Value;
use url::Url;

use crate::{
    Grant,
    fields::{self, Fields, Numeric},
    unverified_claims,
};

/// The assumed lifetime of an access token if Zoom's value can't be read (ours). The next refresh may give a better one.
const SHORT_LIFE: Duration = Duration::from_secs(300);
/// The longest lifetime that is assumed (ours; an hour is documented).
const MAX_LIFE: Duration = Duration::from_secs(24 * 3600);

/// The readable fields of an answer.
pub(crate) struct TokenAnswer {
    access_token: Option<Secret>,
    refresh_token: Option<Secret>,
    expires_in: Option<Numeric>,
    scope: Option<Value>,
    api_url: Option<String>,
    /// Whether it was a complete JSON object, so that an absent field was really not sent.
    whole: bool,
}

impl TokenAnswer {
    pub(crate) fn read(body: &[u8]) -> Self {
        let object = Fields::of(body);
        let fields = object.as_ref();
        Self {
            access_token: token(fields, body, "access_token"),
            refresh_token: token(fields, body, "refresh_token"),
            expires_in: field(fields, body, "expires_in"),
            scope: field(fields, body, "scope"),
            api_url: field(fields, body, "api_url"),
            whole: object.is_some(),
        }
    }

    /// The grant in a complete answer. `spent` is the refresh token that was presented.
    pub(crate) fn grant(
        self,
        spent: Option<&Secret>,
        trusted: impl Fn(&str) -> Option<Url>,
    ) -> Option<Grant> {
        let rotated = self.has_rotated(spent);
        // A partial answer may have lost the part with the refresh token.
        (rotated || (self.whole && self.access_token.is_some())).then(|| self.into_grant(spent, trusted))
    }

    /// The grant in a faulty answer, only if it has a new refresh token.
    pub(crate) fn saved(
        self,
        spent: Option<&Secret>,
        trusted: impl Fn(&str) -> Option<Url>,
    ) -> Option<Grant> {
        self.has_rotated(spent).then(|| self.into_grant(spent, trusted))
    }

    fn has_rotated(&self, spent: Option<&Secret>) -> bool {
        self.refresh_token.as_ref().is_some_and(|token| is_new(token, spent))
    }

    fn into_grant(self, spent: Option<&Secret>, trusted: impl Fn(&str) -> Option<Url>) -> Grant {
        Grant {
            expires_in: self.life(),
            access_token: self.access_token,
            refresh_token: self.refresh_token.filter(|token| is_new(token, spent)),
            scopes: self.scope.and_then(scopes),
            api_url: self.api_url.and_then(|text| trusted(&text)),
        }
    }

    /// The lifetime of the access token: Zoom's value, or the token's own claim if that is shorter.
    fn life(&self) -> Duration {
        let Some(token) = &self.access_token else { return Duration::ZERO };
        let said = self.expires_in.as_ref().and_then(fields::whole).and_then(|said| u64::try_from(said).ok());
        let said = if let Some(seconds) = said.filter(|said| *said > 0) {
            Duration::from_secs(seconds)
        } else {
            tracing::warn!(
                "Zoom's expires_in is unreadable: the access token is used only for {SHORT_LIFE:?}"
            );
            SHORT_LIFE
        };
        if said > MAX_LIFE {
            tracing::warn!("Zoom's expires_in is longer than a day: it is capped");
        }
        let own = unverified_claims(token).life.filter(|life| !life.is_zero());
        said.min(own.unwrap_or(MAX_LIFE)).min(MAX_LIFE)
    }
}

/// Whether the token is new. A server that doesn't rotate returns the old one.
fn is_new(token: &Secret, spent: Option<&Secret>) -> bool {
    spent.is_none_or(|spent| spent.expose() != token.expose())
}

fn field<T: serde::de::DeserializeOwned>(object: Option<&Fields>, body: &[u8], name: &str) -> Option<T> {
    object.and_then(|fields| fields.get(name)).or_else(|| fields::search(body, name))
}

/// A token is one word of visible ASCII, because nothing else can be sent back.
fn token(object: Option<&Fields>, body: &[u8], name: &str) -> Option<Secret> {
    let token: Secret = field(object, body, name)?;
    let is_a_word = !token.is_empty() && token.expose().bytes().all(|byte| byte.is_ascii_graphic());
    is_a_word.then_some(token)
}

/// `None` means unknown, not empty: an answer may omit the scopes if they are the requested ones (RFC 6749, 5.1).
fn scopes(said: Value) -> Option<Vec<String>> {
    match said {
        Value::String(text) => Some(text.split_whitespace().map(ToOwned::to_owned).collect()),
        Value::Array(words) if !words.is_empty() => {
            words.into_iter().map(|word| word.as_str().map(ToOwned::to_owned)).collect()
        }
        _ => None,
    }
}
