//! Webhook URLs of apps.

use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};
use url::{Host, Url};

use super::event::Topic;

/// How often a validated URL is validated again (D).
pub(crate) const VALIDATED_FOR: SignedDuration = SignedDuration::from_hours(72);

/// A URL on this machine. The simulator never calls any other: it is for loopback only.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub(crate) struct LoopbackUrl(Url);

impl LoopbackUrl {
    pub(crate) fn url(&self) -> &Url {
        &self.0
    }
}

impl TryFrom<String> for LoopbackUrl {
    type Error = &'static str;

    fn try_from(text: String) -> Result<Self, Self::Error> {
        let url =
            Url::parse(&text).map_err(|_| "url must be an address such as http://127.0.0.1:8080/hook")?;
        let loopback = match url.host() {
            Some(Host::Ipv4(address)) => address.is_loopback(),
            Some(Host::Ipv6(address)) => address.is_loopback(),
            Some(Host::Domain(name)) => name == "localhost",
            None => false,
        };
        if url.scheme() != "http" || !loopback {
            return Err(
                "url must be plain http to 127.0.0.1, [::1] or localhost: the simulator calls this machine only",
            );
        }
        Ok(Self(url))
    }
}

impl From<LoopbackUrl> for String {
    fn from(url: LoopbackUrl) -> Self {
        url.0.into()
    }
}

/// The result of a validation.
#[derive(Clone, Debug, Serialize)]
pub(crate) struct Validation {
    /// Zoom's time.
    pub(crate) at: Timestamp,
    pub(crate) passed: bool,
    /// The cause of a failure, in our words; `null` if the validation passed.
    pub(crate) reason: Option<&'static str>,
}

/// An app's webhook. The control API shows the secret token, as it shows the client secret; it is never logged.
#[derive(Clone, Debug, Serialize)]
pub(crate) struct Endpoint {
    pub(crate) url: LoopbackUrl,
    /// The key of `x-zm-signature` (D).
    pub(crate) secret_token: String,
    /// Subscribed events. `app_deauthorized` needs no subscription (D).
    pub(crate) events: Vec<Topic>,
    /// Whether this URL has ever passed validation. Until then it gets no events (I: Zoom does not save such a URL); a later
    /// failure is only recorded (ours: Zoom gives up after several).
    pub(crate) validated: bool,
    pub(crate) last_validation: Option<Validation>,
    /// Zoom's time; `null` until the URL has passed a validation.
    pub(crate) next_validation_at: Option<Timestamp>,
}

impl Endpoint {
    /// A webhook that has not been validated yet.
    pub(crate) fn new(url: LoopbackUrl, secret_token: String, events: Vec<Topic>) -> Self {
        Self { url, secret_token, events, validated: false, last_validation: None, next_validation_at: None }
    }

    /// Records the result of a validation.
    pub(crate) fn note(&mut self, validation: Validation) {
        self.validated |= validation.passed;
        self.next_validation_at = self.validated.then(|| validation.at + VALIDATED_FOR);
        self.last_validation = Some(validation);
    }

    /// Whether the webhook receives this event.
    pub(crate) fn hears(&self, topic: Topic) -> bool {
        self.validated && (topic == Topic::AppDeauthorized || self.events.contains(&topic))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_loopback_urls_are_accepted() {
        let taken = |text: &str| LoopbackUrl::try_from(text.to_owned()).is_ok();
        for text in ["http://127.0.0.1:1/a", "http://127.8.8.8/", "http://[::1]:1/", "http://localhost:1/a/"]
        {
            assert!(taken(text), "{text}");
        }
        for text in [
            "",
            "/hook",
            "https://127.0.0.1/",
            "http://10.0.0.1/",
            "http://[::ffff:8.8.8.8]/",
            "http://example.test/",
            "http://localhost.example.test/",
            "http://127.0.0.1.example.test/",
            "http://127.0.0.1@example.test/",
            "file:///etc/passwd",
        ] {
            assert!(!taken(text), "{text}");
        }
    }
}
