//! A fake Zoom on loopback, and a client for it.

use std::{sync::Arc, time::Duration};

use model::{Environment, ManualClock, Secret, SeededEntropy, Timestamp};
use serde_json::Value;
use url::Url;
use wiremock::{Mock, MockServer, ResponseTemplate, matchers::any};
use zoom::{ApiAccess, AppKeys, CallTurn, Endpoints, Label, RateLimits, ZoomClient};

/// Part of every secret, so that one search finds a leak of any.
pub(crate) const PLANTED: &str = "planted-secret";

pub(crate) fn planted() -> Secret {
    Secret::new(PLANTED)
}

pub(crate) fn app() -> AppKeys {
    AppKeys { client_id: "app".into(), client_secret: planted() }
}

pub(crate) fn now() -> Timestamp {
    "2026-01-31T12:00:00Z".parse().unwrap()
}

/// A client for the Zoom at `address`, whose clock is stopped at [`now`].
pub(crate) fn client_at(address: &str) -> ZoomClient {
    let base = Url::parse(address).unwrap();
    let endpoints = Endpoints { oauth_base: base.clone(), api_base: base, ca_file: None };
    let env =
        Environment { clock: Arc::new(ManualClock::new(now())), entropy: Arc::new(SeededEntropy::new(1)) };
    ZoomClient::new(endpoints, env).unwrap()
}

/// A Zoom that gives `answer` to every request.
pub(crate) async fn zoom_says(answer: ResponseTemplate) -> (MockServer, ZoomClient) {
    let server = MockServer::start().await;
    Mock::given(any()).respond_with(answer).mount(&server).await;
    let client = client_at(&server.uri()).with_timeout(Duration::from_secs(5));
    (server, client)
}

pub(crate) fn json(status: u16, body: Value) -> ResponseTemplate {
    ResponseTemplate::new(status).set_body_json(body)
}

/// Calls `call`, which is light, with access to the API of `server`.
pub(crate) async fn with_access<T>(server: &MockServer, call: impl AsyncFnOnce(ApiAccess<'_>) -> T) -> T {
    with_access_to(server, Label::Light, call).await
}

/// The same, for a call of `label`.
pub(crate) async fn with_access_to<T>(
    server: &MockServer,
    label: Label,
    call: impl AsyncFnOnce(ApiAccess<'_>) -> T,
) -> T {
    let (base, access_token) = (Url::parse(&server.uri()).unwrap(), planted());
    call(ApiAccess::new(&base, &access_token, Unmetered(label))).await
}

/// A turn that is not counted.
struct Unmetered(Label);

impl CallTurn for Unmetered {
    fn label(&self) -> Label {
        self.0
    }

    fn observe(&self, _limits: &RateLimits) {}
}
