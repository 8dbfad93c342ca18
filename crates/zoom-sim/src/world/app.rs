//! Apps registered in the Marketplace.

use serde::{Deserialize, Serialize};

use crate::ids::{AccountId, ClientId};

/// How an app gets its tokens (D).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum AppKind {
    /// A user consents for themselves.
    #[default]
    UserLevel,
    /// An administrator consents; scopes with `:admin` reach every user of the account.
    AccountLevel,
    /// No consent: `account_credentials` for the app's own account.
    ServerToServer,
}

/// A registered app.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct App {
    pub(crate) client_id: ClientId,
    /// Also the key of SDK signatures (D). Shown by the control API, never logged.
    pub(crate) client_secret: String,
    pub(crate) name: String,
    pub(crate) kind: AppKind,
    /// The account that owns the app.
    pub(crate) account_id: AccountId,
    /// Matched exactly, except for the port of `http://127.0.0.1` (D for public clients; otherwise I).
    pub(crate) redirect_uris: Vec<String>,
    pub(crate) scopes: Vec<String>,
    /// Whether the Meeting SDK is enabled: signatures of this app are accepted.
    pub(crate) sdk: bool,
    /// A public client: it has no secret, and PKCE is mandatory (D).
    pub(crate) public: bool,
    /// Published in the Marketplace. An unpublished app is refused in external meetings with 4011, if the meeting requires
    /// this (D).
    pub(crate) published: bool,
    /// Disabled by Zoom (4717).
    pub(crate) disabled: bool,
}

impl App {
    /// Whether the app registered this redirect URI.
    pub(crate) fn allows_redirect(&self, uri: &str) -> bool {
        self.redirect_uris.iter().any(|registered| registered == uri || same_loopback(registered, uri))
    }
}

/// Loopback addresses match with any port (D, for public clients).
fn same_loopback(registered: &str, given: &str) -> bool {
    let portless = |uri: &str| {
        let mut url = url::Url::parse(uri).ok()?;
        if url.scheme() != "http" || url.host_str() != Some("127.0.0.1") {
            return None;
        }
        url.set_port(None).ok()?;
        Some(url)
    };
    portless(registered).is_some_and(|registered| Some(registered) == portless(given))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn loopback_redirects_ignore_only_the_port() {
        assert!(same_loopback("http://127.0.0.1/cb", "http://127.0.0.1:4821/cb"));
        assert!(!same_loopback("http://127.0.0.1/cb", "http://127.0.0.1:4821/other"));
        assert!(!same_loopback("http://127.0.0.1/cb", "https://127.0.0.1/cb"));
        assert!(!same_loopback("https://example.test/cb", "https://example.test:1/cb"));
    }
}
