//! What an answer of the token endpoint holds.
//!
//! The old refresh token is dead by the time it is read, so whatever else is wrong with an answer, a new refresh token that
//! can be read in it is not lost: not for an odd field, a missing access token, bytes around the JSON, a status or an end
//! of the connection that came too early.

use std::time::Duration;

use model::Secret;
use serde_json::Value;
use url::Url;

use crate::{
    Grant,
    fields::{self, Fields, Numeric},
    unverified_claims,
};

/// How long an access token is believed to live when Zoom's word on it cannot be read (ours): the next refresh says more.
const SHORT_LIFE: Duration = Duration::from_secs(300);
/// The longest life that is believed (ours; an hour is documented).
const LONGEST_LIFE: Duration = Duration::from_secs(24 * 3600);

/// The fields of an answer, as far as they can be read.
pub(crate) struct TokenAnswer {
    access_token: Option<Secret>,
    refresh_token: Option<Secret>,
    expires_in: Option<Numeric>,
    scope: Option<Value>,
    api_url: Option<String>,
    /// Whether it was a JSON object, so that what isn't there was not said.
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

    /// The grant in an answer that ended as it should. `spent` is the refresh token that was presented.
    pub(crate) fn grant(
        self,
        spent: Option<&Secret>,
        trusted: impl Fn(&str) -> Option<Url>,
    ) -> Option<Grant> {
        let rotated = self.has_rotated(spent);
        // Half an answer may have lost the half with the refresh token.
        (rotated || (self.whole && self.access_token.is_some())).then(|| self.into_grant(spent, trusted))
    }

    /// The grant in an answer that something was wrong with: only for the sake of a new refresh token.
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

    /// How long the access token lives: by Zoom's word, or by the token's own if that is less.
    fn life(&self) -> Duration {
        let Some(token) = &self.access_token else { return Duration::ZERO };
        let said = self.expires_in.as_ref().and_then(fields::whole).and_then(|said| u64::try_from(said).ok());
        let said = if let Some(seconds) = said.filter(|said| *said > 0) {
            Duration::from_secs(seconds)
        } else {
            tracing::warn!(
                "Zoom's expires_in cannot be read: the access token is used for {SHORT_LIFE:?} only"
            );
            SHORT_LIFE
        };
        if said > LONGEST_LIFE {
            tracing::warn!("Zoom's expires_in is longer than a day: it is not believed");
        }
        let own = unverified_claims(token).life.filter(|life| !life.is_zero());
        said.min(own.unwrap_or(LONGEST_LIFE)).min(LONGEST_LIFE)
    }
}

/// A server that doesn't rotate says the old one again.
fn is_new(token: &Secret, spent: Option<&Secret>) -> bool {
    spent.is_none_or(|spent| spent.expose() != token.expose())
}

fn field<T: serde::de::DeserializeOwned>(object: Option<&Fields>, body: &[u8], name: &str) -> Option<T> {
    object.and_then(|fields| fields.get(name)).or_else(|| fields::search(body, name))
}

/// One word of visible ASCII: nothing else can be sent back.
fn token(object: Option<&Fields>, body: &[u8], name: &str) -> Option<Secret> {
    let token: Secret = field(object, body, name)?;
    let is_a_word = !token.is_empty() && token.expose().bytes().all(|byte| byte.is_ascii_graphic());
    is_a_word.then_some(token)
}

/// `None` is unknown, not none: a grant whose scopes are those that were asked for need not say them (RFC 6749, 5.1).
fn scopes(said: Value) -> Option<Vec<String>> {
    match said {
        Value::String(text) => Some(text.split_whitespace().map(ToOwned::to_owned).collect()),
        Value::Array(words) if !words.is_empty() => {
            words.into_iter().map(|word| word.as_str().map(ToOwned::to_owned)).collect()
        }
        _ => None,
    }
}
