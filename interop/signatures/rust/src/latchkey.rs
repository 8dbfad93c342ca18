//! Latchkey as a platform's server and a customer's server meet it: over HTTP.

use std::{env, sync::LazyLock, thread};

use http::{HeaderMap, HeaderName, HeaderValue};
use serde_json::{Value, json};
use tiny_http::{Response, Server};
use ureq::Agent;

use crate::library::Library;

/// Loopback is reached without any proxy, and a refusal is an answer.
static HTTP: LazyLock<Agent> =
    LazyLock::new(|| Agent::config_builder().proxy(None).http_status_as_error(false).build().into());

/// What a token link says.
#[derive(Debug, PartialEq)]
pub(crate) enum Fetched {
    Token,
    /// A report was taken.
    Taken,
    /// Status and stable code.
    Refused(u16, String),
}

/// Fetches a token, or sends a report if there is a body.
pub(crate) fn fetch(link: &str, headers: &[(String, String)], body: &str) -> Fetched {
    let answer = if body.is_empty() {
        headers.iter().fold(HTTP.get(link), |request, (name, value)| request.header(name, value)).call()
    } else {
        headers
            .iter()
            .fold(HTTP.post(format!("{link}/status")), |request, (name, value)| request.header(name, value))
            .send(body)
    };
    let mut answer = answer.expect("an answer");
    let text = answer.body_mut().read_to_string().expect("text");
    match (answer.status().as_u16(), text.split_once(':')) {
        (204, _) if !body.is_empty() => Fetched::Taken,
        (200, None) if text.split('.').count() == 3 => Fetched::Token,
        (status, code) => Fetched::Refused(status, code.map_or(text.clone(), |(code, _)| code.to_owned())),
    }
}

/// Connects an account whose access tokens come from a server that answers requests which the library accepts
/// with `token`. Returns the account's id, or the stable code of the refusal.
pub(crate) fn connect<L: Library>(token: &str, library: L) -> Result<String, String> {
    let server = Server::http("127.0.0.1:0").expect("a free port");
    let url = format!("http://{}/token", server.server_addr());
    let token = token.to_owned();
    // If Latchkey never calls, the thread ends with the process.
    let called = thread::spawn(move || {
        let request = server.recv().expect("a request");
        let answer = match library.accepts(b"", &headers(&request)) {
            Ok(()) => Response::from_string(token),
            Err(error) => Response::from_string(error).with_status_code(401),
        };
        request.respond(answer).expect("a caller who listens");
    });
    let (status, answer) = api(
        "/api/v2/zoom-oauth-credentials/",
        &json!({ "oauth_app": variable("LATCHKEY_APP"), "access_token_callback_url": url }),
    );
    if status != 201 {
        return Err(answer["code"].as_str().unwrap_or("no code").to_owned());
    }
    called.join().expect("a server that answered");
    Ok(text(&answer, "id"))
}

fn headers(request: &tiny_http::Request) -> HeaderMap {
    let pair = |header: &tiny_http::Header| {
        let name = HeaderName::from_bytes(header.field.as_str().as_str().as_bytes()).ok()?;
        Some((name, HeaderValue::from_bytes(header.value.as_bytes()).ok()?))
    };
    request.headers().iter().filter_map(pair).collect()
}

/// The address of a new link to an account's ZAKs.
pub(crate) fn token_link(account: &str, signing_secrets: &[&str]) -> String {
    let terms = json!({ "credential": account, "kind": "zak", "signing_secret": signing_secrets });
    text(&api("/api/latchkey/v1/token-links/", &terms).1, "url")
}

/// An endpoint for events.
pub(crate) struct Endpoint {
    id: String,
    /// What signs at first.
    pub(crate) secret: String,
    server: Server,
}

impl Endpoint {
    /// A new one, with a server of its own.
    pub(crate) fn make() -> Self {
        let server = Server::http("127.0.0.1:0").expect("a free port");
        let url = format!("http://{}/events", server.server_addr());
        let fields = json!({ "url": url, "svix_headers": true });
        let (_, made) = api("/api/latchkey/v1/webhook-endpoints/", &fields);
        Self { id: text(&made, "id"), secret: text(&made, "secret"), server }
    }

    /// Has an event sent there: its body and its headers.
    pub(crate) fn event(&self) -> (Vec<u8>, HeaderMap) {
        let (status, answer) = api(&format!("/api/latchkey/v1/webhook-endpoints/{}/test/", self.id), &json!({}));
        assert!(status < 300, "{answer}");
        let mut request = self.server.recv().expect("a request");
        let (mut body, headers) = (Vec::new(), headers(&request));
        request.as_reader().read_to_end(&mut body).expect("a body");
        request.respond(Response::empty(204)).expect("a caller who listens");
        (body, headers)
    }

    /// The secret that signs from now on; the one before signs, too, for so long.
    pub(crate) fn rotate_secret(&self, overlap_seconds: u32) -> String {
        let path = format!("/api/latchkey/v1/webhook-endpoints/{}/rotate-secret/", self.id);
        text(&api(&path, &json!({ "overlap_seconds": overlap_seconds })).1, "secret")
    }
}

/// The secret that Latchkey signs with from now on; the one before signs, too, for so long.
pub(crate) fn rotate_callback_secret(overlap_seconds: u32) -> String {
    let path = "/api/latchkey/v1/callback-secret/rotate/";
    text(&api(path, &json!({ "overlap_seconds": overlap_seconds })).1, "secret")
}

/// An access token of a new user at Zoom, who has consented to the app.
pub(crate) fn zoom_access_token() -> String {
    let url = format!("{}/consents", variable("ZOOM_CONTROL"));
    let fields = json!({ "client_id": variable("ZOOM_CLIENT_ID"), "count": 1 });
    let mut answer = HTTP.post(url).send_json(fields).expect("an answer");
    text(&answer.body_mut().read_json::<Value>().expect("JSON")[0], "access_token")
}

/// `POST` to Latchkey's API: status and answer.
fn api(path: &str, fields: &Value) -> (u16, Value) {
    let request = HTTP.post(format!("{}{path}", variable("LATCHKEY_URL")));
    let request = request.header("authorization", format!("Token {}", variable("LATCHKEY_API_KEY")));
    let mut answer = request.send_json(fields).expect("an answer");
    (answer.status().as_u16(), answer.body_mut().read_json().expect("JSON"))
}

fn text(answer: &Value, field: &str) -> String {
    answer[field].as_str().unwrap_or_else(|| panic!("{field} is missing: {answer}")).to_owned()
}

fn variable(name: &str) -> String {
    env::var(name).unwrap_or_else(|_| panic!("{name} is not set: this runs under with-latchkey"))
}
