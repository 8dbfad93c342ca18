//! The platform of a dialect, for people: its name, where it shows its secret, what to paste there, and an example of its
//! requests. Each dialect's file has its own.

use http::{HeaderName, Method, Request};
use model::{Secret, Timestamp};
use serde_json::{Value, json};
use store::Dialect;

use super::rules;

/// A platform, as pages show it.
pub struct Platform {
    /// Its dialect.
    pub dialect: Dialect,
    /// Its name.
    pub name: &'static str,
    /// Where it shows the secret that it signs with; `None` if it doesn't sign.
    pub secret_at: Option<&'static str>,
    /// Whether a link's secret is in an `Authorization` header, and not in its address.
    pub has_header: bool,
    /// Where the snippet belongs.
    pub paste_at: &'static str,
    /// The text to paste there.
    pub(super) snippet: Snippet,
    /// The same in another language: an introduction, and the snippet.
    pub(super) second_snippet: Option<(&'static str, Snippet)>,
    pub(super) test_request: fn(&TestParts<'_>) -> Result<TestRequest, &'static str>,
}

/// Makes a snippet from a link's URL.
pub(super) type Snippet = fn(&LinkUrl<'_>) -> String;

/// The address of a link.
pub struct LinkUrl<'a> {
    /// The whole URL.
    pub url: &'a str,
    /// The value of the header, if the secret is there.
    pub authorization: Option<&'a str>,
}

/// The parts of a test request.
pub struct TestParts<'a> {
    /// The link's URL, without scheme and host.
    pub path: &'a str,
    /// The platform's signing secret.
    pub signing_secret: &'a Secret,
    /// The value of the header, if the secret is there.
    pub authorization: &'a str,
    /// Identifies the request: no two tests have the same.
    pub id: &'a str,
    /// The time of sending.
    pub now: Timestamp,
}

/// A request as the platform sends it.
#[derive(Debug)]
pub struct TestRequest {
    /// The request and its body.
    pub request: Request<Vec<u8>>,
    /// The request for display, without secrets.
    pub shown: String,
}

impl Platform {
    /// The word of its dialect in the API.
    pub const fn word(&self) -> &'static str {
        self.dialect.as_str()
    }

    /// The exact text to paste there.
    pub fn snippet(&self, link: &LinkUrl<'_>) -> String {
        (self.snippet)(link)
    }

    /// The same in another language, if there is one, with an introduction.
    pub fn second_snippet(&self, link: &LinkUrl<'_>) -> Option<(&'static str, String)> {
        self.second_snippet.map(|(introduction, snippet)| (introduction, snippet(link)))
    }

    /// A request as the platform sends it. An error says, for people, what is wrong with the secret.
    pub fn test_request(&self, parts: &TestParts<'_>) -> Result<TestRequest, &'static str> {
        (self.test_request)(parts)
    }

    /// Whether a link's URL alone is enough for a token, if the link requires no more.
    pub const fn proves_nothing(&self) -> bool {
        self.secret_at.is_none() && !self.has_header
    }
}

/// All platforms, in the order in which they are offered.
pub fn platforms() -> [Platform; Dialect::ALL.len()] {
    Dialect::ALL.map(|dialect| rules(dialect).platform())
}

/// The platform of a dialect's word in the API.
pub fn platform_named(word: &str) -> Option<Platform> {
    platforms().into_iter().find(|platform| platform.word() == word)
}

/// The body of a call that creates a bot, with the link's URL in `object.field`.
pub(super) fn create_bot(object: &str, field: &str, link: &LinkUrl<'_>) -> String {
    let mut body = json!({ "meeting_url": "https://zoom.us/j/…", "bot_name": "Notes" });
    body[object][field] = Value::from(link.url);
    serde_json::to_string_pretty(&body).unwrap_or_default()
}

/// A GET with these headers.
pub(super) fn get(
    parts: &TestParts<'_>,
    headers: &[(HeaderName, &str)],
    shown: String,
) -> Result<TestRequest, &'static str> {
    request(Method::GET, parts, headers, Vec::new(), shown)
}

/// A request with these headers and this body.
pub(super) fn request(
    method: Method,
    parts: &TestParts<'_>,
    headers: &[(HeaderName, &str)],
    body: Vec<u8>,
    shown: String,
) -> Result<TestRequest, &'static str> {
    let mut request = Request::builder().method(method).uri(parts.path);
    for (name, value) in headers {
        request = request.header(name, *value);
    }
    let request = request.body(body);
    let request = request.map_err(|_| "The URL or the header has characters that are not allowed there.")?;
    Ok(TestRequest { request, shown })
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use model::{Environment, TokenLinkId};

    use super::*;
    use crate::request::LinkRequest;

    #[test]
    fn every_dialect_has_a_complete_platform() {
        let names: BTreeSet<_> = platforms().iter().map(|platform| platform.name).collect();
        assert_eq!(names.len(), Dialect::ALL.len(), "each has its own name");
        for dialect in Dialect::ALL {
            let (platform, rules) = (rules(dialect).platform(), rules(dialect));
            assert_eq!(platform.dialect, dialect);
            assert_eq!(platform_named(dialect.as_str()).map(|known| known.name), Some(platform.name));
            assert_eq!(platform.secret_at.is_some(), rules.defaults().signed, "{}", platform.name);
            let of_link = rules.address(TokenLinkId::generate(&Environment::system()), "secret");
            assert_eq!(platform.has_header, of_link.authorization.is_some(), "{}", platform.name);
            let link = LinkUrl { url: "https://x.test/t/planted", authorization: Some("Bearer header") };
            let snippet = platform.snippet(&link);
            assert!(snippet.contains(link.url), "{snippet}");
            assert_eq!(snippet.contains("Bearer header"), platform.has_header, "{snippet}");
            let second = platform.second_snippet(&link);
            assert_eq!(second.is_some(), platform.has_header, "one's own code may be in another language");
            if let Some((_, snippet)) = second {
                assert!(snippet.contains(link.url) && snippet.contains("\"Bearer header\""), "{snippet}");
            }
        }
        assert!(platform_named("").is_none() && platform_named("Recall").is_none());
    }

    #[test]
    fn a_test_request_is_a_fetch_in_its_dialect_and_shows_no_secret() {
        let now = Timestamp::from_second(1_800_000_000);
        for dialect in Dialect::ALL {
            let platform = rules(dialect).platform();
            let secret = Secret::new(match dialect {
                Dialect::Attendee => "cGxhbnRlZC1zaWduaW5nLXNlY3JldC1vZi10ZXN0cw==",
                _ => "whsec_cGxhbnRlZC1zaWduaW5nLXNlY3JldC1vZi10ZXN0cw==",
            });
            let parts = TestParts {
                path: "/t/planted.planted",
                signing_secret: &secret,
                authorization: "Bearer planted",
                id: "msg_test_1",
                now,
            };
            let TestRequest { request, shown } = platform.test_request(&parts).unwrap();
            assert!(!shown.contains("planted") && shown.contains(" /t/…"), "{shown}");
            let wrong = TestParts { signing_secret: &Secret::new("x"), ..parts };
            assert_eq!(
                platform.test_request(&wrong).is_err(),
                platform.secret_at.is_some(),
                "{}",
                platform.name
            );
            let (head, body) = request.into_parts();
            let posted = head.method == Method::POST;
            let link_request =
                LinkRequest { posted, body: &body, ..LinkRequest::get("planted", &head.headers) };
            if let Some(verifier) = rules(dialect).verifier(&[secret]) {
                assert_eq!(
                    verifier.check_signature_headers(&link_request).is_ok(),
                    rules(dialect).defaults().signed
                );
                assert_eq!(verifier.verify(&link_request, now).is_ok(), rules(dialect).defaults().signed);
            }
            rules(dialect).check_fetch(&link_request).unwrap();
        }
    }
}
