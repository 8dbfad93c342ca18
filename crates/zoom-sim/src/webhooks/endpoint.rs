//! Where an app wants its events.

use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};
use url::{Host, Url};

use super::event::Topic;

/// An address that has passed is asked again this often (D).
pub(crate) const VALIDATED_FOR: SignedDuration = SignedDuration::from_hours(72);

/// An address on this machine. Nothing else is ever called: the simulator is for loopback.
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
                "url must be plain http to 127.0.0.1, [::1] or localhost: the simulator calls nobody else",
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

/// How a validation went.
#[derive(Clone, Debug, Serialize)]
pub(crate) struct Validation {
    /// Zoom's time.
    pub(crate) at: Timestamp,
    pub(crate) passed: bool,
    /// What was wrong, in our words; null when it passed.
    pub(crate) reason: Option<&'static str>,
}

/// An app's webhook. The secret token is shown by the control API as the client secret is, and never logged.
#[derive(Clone, Debug, Serialize)]
pub(crate) struct Endpoint {
    pub(crate) url: LoopbackUrl,
    /// The key of `x-zm-signature` (D).
    pub(crate) secret_token: String,
    /// `app_deauthorized` comes unsubscribed (D).
    pub(crate) events: Vec<Topic>,
    /// Whether this address passed validation once. Until then it gets no event (I: Zoom does not
    /// save such an address); a later failure is only noted (ours: Zoom gives up after several).
    pub(crate) validated: bool,
    pub(crate) last_validation: Option<Validation>,
    /// Zoom's time; only an address that has passed is asked again.
    pub(crate) next_validation_at: Option<Timestamp>,
}

impl Endpoint {
    /// One that has not been asked yet.
    pub(crate) fn new(url: LoopbackUrl, secret_token: String, events: Vec<Topic>) -> Self {
        Self { url, secret_token, events, validated: false, last_validation: None, next_validation_at: None }
    }

    /// Notes how a validation went.
    pub(crate) fn note(&mut self, validation: Validation) {
        self.validated |= validation.passed;
        self.next_validation_at = self.validated.then(|| validation.at + VALIDATED_FOR);
        self.last_validation = Some(validation);
    }

    /// Whether this event goes here.
    pub(crate) fn hears(&self, topic: Topic) -> bool {
        self.validated && (topic == Topic::AppDeauthorized || self.events.contains(&topic))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_this_machine_is_ever_called() {
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
