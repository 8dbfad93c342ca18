//! The platforms that ask token links, one for each dialect: their names, where they show their secret, what to paste there, and
//! how a request of theirs is made. A new dialect is an arm of [`of`].

use axum::{
    body::Body,
    http::{
        HeaderName, Method, Request,
        header::{AUTHORIZATION, CONTENT_TYPE},
    },
};
use model::{Secret, Timestamp};
use outbound::signature::SigningKey;
use serde_json::{Value, json};
use store::Dialect;
use token_links::attendee_signature::{AttendeeKey, canonical};

/// A platform, as pages show it.
pub(crate) struct Platform {
    /// The dialect's word in the API.
    pub(crate) word: &'static str,
    pub(crate) name: &'static str,
    /// Where it shows the secret that it signs with; `None` where it signs nothing.
    pub(crate) secret_at: Option<&'static str>,
    /// Whether a link's secret is in an `Authorization` header, and not in its address.
    pub(crate) has_header: bool,
    /// Where the lines of `lines` belong.
    pub(crate) paste_at: &'static str,
    lines: Lines,
    /// The same in another language: its words, and the lines.
    also: Option<(&'static str, Lines)>,
    ask: fn(&Test<'_>) -> Result<Asked, &'static str>,
}

/// What is pasted there, made from a link's address.
type Lines = fn(&Address<'_>) -> String;

/// Where a link is reached.
pub(crate) struct Address<'a> {
    pub(crate) url: &'a str,
    /// The value of the header, where the secret is there.
    pub(crate) authorization: Option<&'a str>,
}

/// What a test is made of.
pub(crate) struct Test<'a> {
    /// The link's address, without scheme and host.
    pub(crate) path: &'a str,
    pub(crate) signing_secret: &'a Secret,
    /// The value of the header, where the secret is there.
    pub(crate) authorization: &'a str,
    /// Identifies the request: no two tests have the same.
    pub(crate) id: &'a str,
    pub(crate) now: Timestamp,
}

/// A request of a platform's.
pub(crate) struct Asked {
    pub(crate) request: Request<Body>,
    /// What it looks like, without secrets.
    pub(crate) shown: String,
}

impl Platform {
    /// The same in another language, if there is one.
    pub(crate) fn also(&self, address: &Address<'_>) -> Option<(&'static str, String)> {
        self.also.map(|(words, lines)| (words, lines(address)))
    }

    /// The exact lines to paste there.
    pub(crate) fn lines(&self, address: &Address<'_>) -> String {
        (self.lines)(address)
    }

    /// A request as the platform makes it; in words, what is wrong with the secret.
    pub(crate) fn ask(&self, test: &Test<'_>) -> Result<Asked, &'static str> {
        (self.ask)(test)
    }

    /// Whether a link's address alone is enough for a token, if the link demands nothing else.
    pub(crate) fn proves_nothing(&self) -> bool {
        self.secret_at.is_none() && !self.has_header
    }
}

/// All of them, in the order in which they are offered.
pub(crate) fn all() -> [Platform; Dialect::ALL.len()] {
    Dialect::ALL.map(of)
}

/// The platform of a word of the API's.
pub(crate) fn named(word: &str) -> Option<Platform> {
    all().into_iter().find(|platform| platform.word == word)
}

/// The platform of a dialect.
pub(crate) fn of(dialect: Dialect) -> Platform {
    let word = dialect.as_str();
    match dialect {
        Dialect::Recall => Platform {
            word,
            name: "Recall.ai",
            secret_at: Some(
                "In Recall's dashboard, under Developers and then API keys & secrets: the workspace secret, which begins with whsec_.",
            ),
            has_header: false,
            paste_at: "In the body of Create Bot, at POST /api/v1/bot/:",
            lines: |address| create_bot("zoom", "zak_url", address),
            also: None,
            ask: as_recall,
        },
        Dialect::Attendee => Platform {
            word,
            name: "Attendee",
            secret_at: Some("In Attendee, under Settings and then Webhooks: the project's webhook secret."),
            has_header: false,
            paste_at: "In the body of Create Bot, at POST /api/v1/bots:",
            lines: |address| create_bot("callback_settings", "zoom_tokens_url", address),
            also: None,
            ask: as_attendee,
        },
        Dialect::MeetingBaas => Platform {
            word,
            name: "Meeting BaaS",
            secret_at: None,
            has_header: false,
            paste_at: "In the body of Create Bot, at POST /v2/bots:",
            lines: |address| create_bot("zoom_config", "zak_token_url", address),
            also: None,
            ask: |test| get(test, &[], "GET /t/…".to_owned()),
        },
        Dialect::Bearer => Platform {
            word,
            name: "your own code",
            secret_at: None,
            has_header: true,
            paste_at: "A complete program, in Python:",
            lines: python,
            also: Some(("Or in TypeScript, with Node.js:", typescript)),
            ask: |test| {
                let value = test.authorization.strip_prefix("Authorization: ").unwrap_or(test.authorization);
                get(test, &[(AUTHORIZATION, value)], "GET /t/…\nauthorization: Bearer …".to_owned())
            },
        },
    }
}

/// The body of a call that makes a bot, with the address in `object.field`.
fn create_bot(object: &str, field: &str, address: &Address<'_>) -> String {
    let mut body = json!({ "meeting_url": "https://zoom.us/j/…", "bot_name": "Notes" });
    body[object][field] = Value::from(address.url);
    serde_json::to_string_pretty(&body).unwrap_or_default()
}

/// What the header `Authorization` holds.
fn value<'a>(address: &Address<'a>) -> &'a str {
    let authorization = address.authorization.unwrap_or("Bearer …");
    authorization.strip_prefix("Authorization: ").unwrap_or(authorization)
}

fn typescript(address: &Address<'_>) -> String {
    let (url, value) = (address.url, value(address));
    format!(
        "const answer = await fetch(\"{url}?kind=zak&bot=my-bot\", {{\n  \
         headers: {{ authorization: \"{value}\" }},\n  signal: AbortSignal.timeout(15_000),\n}});\n\
         if (!answer.ok) throw new Error(await answer.text());\n\
         const {{ token: zak }} = (await answer.json()) as {{ token: string }};\n\
         console.log(zak.length);\n"
    )
}

fn python(address: &Address<'_>) -> String {
    let (url, value) = (address.url, value(address));
    format!(
        "import json, urllib.request\n\n\
         request = urllib.request.Request(\n    \"{url}?kind=zak&bot=my-bot\",\n    \
         headers={{\"Authorization\": \"{value}\"}},\n)\n\
         with urllib.request.urlopen(request, timeout=15) as answer:\n    \
         zak = json.load(answer)[\"token\"]\n"
    )
}

/// Standard Webhooks, over an empty body.
fn as_recall(test: &Test<'_>) -> Result<Asked, &'static str> {
    let key = SigningKey::parse(test.signing_secret)
        .ok_or("The secret is not one of Recall's: it begins with whsec_.")?;
    let (id, time) = (test.id, test.now.as_second().to_string());
    let signature = key.sign(id, test.now, b"");
    let [id_name, time_name, signature_name] =
        ["webhook-id", "webhook-timestamp", "webhook-signature"].map(HeaderName::from_static);
    let shown = format!("GET /t/…\n{id_name}: {id}\n{time_name}: {time}\n{signature_name}: v1,…");
    get(test, &[(id_name, id), (time_name, &time), (signature_name, &signature)], shown)
}

/// A POST, signed over its canonical form. Such requests are remembered as a whole, so each test is another bot.
fn as_attendee(test: &Test<'_>) -> Result<Asked, &'static str> {
    let key = AttendeeKey::parse(test.signing_secret)
        .ok_or("The secret is not one of Attendee's: it is Base64.")?;
    let body = json!({
        "bot_id": test.id, "callback_type": "zoom_tokens", "meeting_url": "https://zoom.us/j/81234567890",
    });
    let body = body.to_string();
    let name = HeaderName::from_static("x-webhook-signature");
    let signature = key.sign(&canonical(body.as_bytes()).unwrap_or_default());
    let shown = format!("POST /t/…\n{name}: …\n\n{body}");
    let headers = [(CONTENT_TYPE, "application/json"), (name, &signature)];
    request(Method::POST, test, &headers, Body::from(body), shown)
}

fn get(test: &Test<'_>, headers: &[(HeaderName, &str)], shown: String) -> Result<Asked, &'static str> {
    request(Method::GET, test, headers, Body::empty(), shown)
}

fn request(
    method: Method,
    test: &Test<'_>,
    headers: &[(HeaderName, &str)],
    body: Body,
    shown: String,
) -> Result<Asked, &'static str> {
    let mut request = Request::builder().method(method).uri(test.path);
    for (name, value) in headers {
        request = request.header(name, *value);
    }
    let request = request.body(body);
    let request = request.map_err(|_| "The address or the header holds signs that none can have.")?;
    Ok(Asked { request, shown })
}

#[cfg(test)]
mod tests {
    use model::{Secret, Timestamp};
    use store::Dialect;
    use token_links::dialects::rules;

    use super::{Address, Test, all, named, of};

    #[test]
    fn every_dialect_has_a_platform_that_is_told_what_its_links_need() {
        let names: std::collections::BTreeSet<_> = all().iter().map(|platform| platform.name).collect();
        assert_eq!(names.len(), Dialect::ALL.len(), "each has a name of its own");
        for dialect in Dialect::ALL {
            let (platform, rules) = (of(dialect), rules(dialect));
            assert_eq!(named(dialect.as_str()).map(|known| known.name), Some(platform.name));
            assert_eq!(platform.secret_at.is_some(), rules.defaults().signed, "{}", platform.name);
            let of_link =
                rules.address(model::TokenLinkId::generate(&model::Environment::system()), "secret");
            assert_eq!(platform.has_header, of_link.authorization.is_some(), "{}", platform.name);
            let address = Address { url: "https://x.test/t/planted", authorization: Some("Bearer header") };
            let lines = platform.lines(&address);
            assert!(lines.contains(address.url), "{lines}");
            assert_eq!(lines.contains("Bearer header"), platform.has_header, "{lines}");
            let also = platform.also(&address);
            assert_eq!(also.is_some(), platform.has_header, "code of one's own may be in another language");
            if let Some((_, lines)) = also {
                assert!(lines.contains(address.url) && lines.contains("\"Bearer header\""), "{lines}");
            }
        }
        assert!(named("").is_none() && named("Recall").is_none());
    }

    #[test]
    fn a_test_is_a_fetch_in_its_dialect_and_shows_no_secret() {
        let now = Timestamp::from_second(1_800_000_000);
        for dialect in Dialect::ALL {
            let platform = of(dialect);
            let secret = Secret::new(match dialect {
                Dialect::Attendee => "cGxhbnRlZC1zaWduaW5nLXNlY3JldC1vZi10ZXN0cw==",
                _ => "whsec_cGxhbnRlZC1zaWduaW5nLXNlY3JldC1vZi10ZXN0cw==",
            });
            let test = Test {
                path: "/t/planted.planted",
                signing_secret: &secret,
                authorization: "Bearer planted",
                id: "msg_test_1",
                now,
            };
            let asked = platform.ask(&test).unwrap();
            assert!(!asked.shown.contains("planted") && asked.shown.contains(" /t/…"), "{}", asked.shown);
            let wrong = Test { signing_secret: &Secret::new("x"), ..test };
            assert_eq!(platform.ask(&wrong).is_err(), platform.secret_at.is_some(), "{}", platform.name);
            let (parts, _) = asked.request.into_parts();
            let request = token_links::LinkRequest::get("planted", &parts.headers);
            if let Some(verifier) = rules(dialect).verifier(&[secret]) {
                assert_eq!(verifier.is_signed(&request).is_ok(), rules(dialect).defaults().signed);
            }
        }
    }
}
