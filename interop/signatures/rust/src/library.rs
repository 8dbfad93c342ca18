//! What the two libraries have in common.

use http::HeaderMap;

/// A library that signs and verifies with one secret.
pub(crate) trait Library: Send + 'static {
    /// Crate and version.
    const NAME: &'static str;
    /// The names of headers that it reads.
    const FAMILIES: &'static [&'static str];

    fn with_secret(secret: &str) -> Self;
    fn signature(&self, id: &str, timestamp: i64, body: &[u8]) -> String;
    fn accepts(&self, body: &[u8], headers: &HeaderMap) -> Result<(), String>;
}

macro_rules! library {
    ($library:ty, $name:literal, $families:expr) => {
        impl Library for $library {
            const NAME: &'static str = $name;
            const FAMILIES: &'static [&'static str] = $families;

            fn with_secret(secret: &str) -> Self {
                Self::new(secret).expect("a secret")
            }

            fn signature(&self, id: &str, timestamp: i64, body: &[u8]) -> String {
                self.sign(id, timestamp, body).expect("text is signed")
            }

            fn accepts(&self, body: &[u8], headers: &HeaderMap) -> Result<(), String> {
                self.verify(body, headers).map_err(|error| error.to_string())
            }
        }
    };
}

library!(svix::webhooks::Webhook, "svix 2.9.1", &["webhook", "svix"]);
library!(standardwebhooks::Webhook, "standardwebhooks 1.0.1", &["webhook"]);
