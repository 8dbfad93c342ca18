//! An app's server, which receives webhooks and verifies their signatures itself.

use std::sync::{Arc, Mutex};

use aws_lc_rs::hmac;
use axum::Router;
use axum::extract::State;
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse as _, Response};
use serde_json::{Value, json};
use tokio_util::sync::{CancellationToken, DropGuard};
use tokio_util::task::TaskTracker;

/// The secret token of every app of the tests.
pub(crate) const SECRET_TOKEN: &str = "planted-secret-token";

/// How the server answers events. It answers validations with its secret token.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Manners {
    Answer(u16),
    /// Accepts the request and does not answer.
    Silent,
}

/// One received request.
#[derive(Clone, Debug)]
pub(crate) struct Heard {
    pub(crate) body: String,
    pub(crate) json: Value,
    /// Seconds since 1970.
    pub(crate) timestamp: i64,
    /// Whether `x-zm-signature` matches these bytes, this timestamp and the secret token.
    pub(crate) genuine: bool,
}

struct Fixture {
    secret: Mutex<String>,
    manners: Mutex<Manners>,
    heard: Mutex<Vec<Heard>>,
}

/// A running server.
pub(crate) struct Receiver {
    fixture: Arc<Fixture>,
    pub(crate) url: String,
    _stop: DropGuard,
}

impl Receiver {
    pub(crate) async fn start() -> Self {
        let fixture = Arc::new(Fixture {
            secret: Mutex::new(SECRET_TOKEN.to_owned()),
            manners: Mutex::new(Manners::Answer(204)),
            heard: Mutex::default(),
        });
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}/hook", listener.local_addr().unwrap());
        let router = Router::new().fallback(hear).with_state(fixture.clone());
        let stop = CancellationToken::new();
        let serving = async move { axum::serve(listener, router).await };
        TaskTracker::new().spawn(stop.clone().run_until_cancelled_owned(serving));
        Self { fixture, url, _stop: stop.drop_guard() }
    }

    pub(crate) fn behave(&self, manners: Manners) {
        *self.fixture.manners.lock().unwrap() = manners;
    }

    /// Uses another secret token from now on.
    pub(crate) fn believe(&self, secret: &str) {
        secret.clone_into(&mut self.fixture.secret.lock().unwrap());
    }

    /// Everything received so far, without validations.
    pub(crate) fn events(&self) -> Vec<Heard> {
        let heard = self.fixture.heard.lock().unwrap();
        heard.iter().filter(|heard| heard.json["event"] != "endpoint.url_validation").cloned().collect()
    }

    pub(crate) fn validations(&self) -> usize {
        let events = self.events().len();
        self.fixture.heard.lock().unwrap().len() - events
    }
}

async fn hear(State(fixture): State<Arc<Fixture>>, headers: HeaderMap, body: String) -> Response {
    let text = |name: &str| headers[name].to_str().unwrap().to_owned();
    let timestamp = text("x-zm-request-timestamp");
    let signed = format!("v0:{timestamp}:{body}");
    let genuine = text("x-zm-signature") == format!("v0={}", hmac_of(SECRET_TOKEN, &signed));
    let json: Value = serde_json::from_str(&body).unwrap();
    let validation = json["event"] == "endpoint.url_validation";
    let plain = json["payload"]["plainToken"].as_str().unwrap_or_default().to_owned();
    fixture.heard.lock().unwrap().push(Heard { body, json, timestamp: timestamp.parse().unwrap(), genuine });
    if validation {
        let encrypted = hmac_of(&fixture.secret.lock().unwrap(), &plain);
        return json!({"plainToken": plain, "encryptedToken": encrypted}).to_string().into_response();
    }
    let manners = *fixture.manners.lock().unwrap();
    match manners {
        Manners::Answer(status) => StatusCode::from_u16(status).unwrap().into_response(),
        Manners::Silent => std::future::pending().await,
    }
}

fn hmac_of(secret: &str, text: &str) -> String {
    let key = hmac::Key::new(hmac::HMAC_SHA256, secret.as_bytes());
    let tag = hmac::sign(&key, text.as_bytes());
    tag.as_ref().iter().fold(String::new(), |hex, byte| format!("{hex}{byte:02x}"))
}
