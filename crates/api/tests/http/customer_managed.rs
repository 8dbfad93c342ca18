//! Accounts whose grant is stored by the customer.

use std::{
    sync::{Arc, Mutex},
    time::Duration,
};

use axum::{
    Router,
    extract::Request,
    http::HeaderMap,
    response::{IntoResponse as _, Redirect, Response},
};
use base64::{Engine as _, prelude::BASE64_URL_SAFE_NO_PAD};
use model::{Secret, Timestamp};
use outbound::signature::{SignatureHeaders, SigningKey, verify};
use serde_json::{Value, json};
use tokio_util::task::TaskTracker;

use crate::{
    PLAN, app,
    test_app::{Answer, CLIENT_ID, CLIENT_SECRET, Plan, TestApp},
};

const ACCOUNTS: &str = "/api/v2/zoom-oauth-credentials/";
const REDIRECT: &str = "https://customer.test/callback";

/// An app, and the customer's server.
struct Street {
    app: TestApp,
    url: String,
    answer: Arc<Mutex<Says>>,
    seen: Arc<Mutex<Vec<HeaderMap>>>,
}

#[derive(Clone)]
enum Says {
    Text(String),
    Elsewhere,
    Status(u16),
    Nothing,
}

impl Street {
    async fn built() -> Self {
        let app = TestApp::build(&Plan { networks: &["127.0.0.0/8"], ..PLAN }).await;
        let redirects = json!({ "redirect_uris": [REDIRECT] });
        app.zoom.control("PATCH", &format!("apps/{CLIENT_ID}"), redirects).await;
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let port = listener.local_addr().unwrap().port();
        let answer = Arc::new(Mutex::new(Says::Nothing));
        let seen = Arc::<Mutex<Vec<HeaderMap>>>::default();
        let (says, calls) = (Arc::clone(&answer), Arc::clone(&seen));
        let router = Router::new().fallback(move |request: Request| {
            calls.lock().unwrap().push(request.headers().clone());
            let says = says.lock().unwrap().clone();
            async move {
                match says {
                    Says::Text(text) => text.into_response(),
                    Says::Elsewhere => Redirect::to("/elsewhere").into_response(),
                    Says::Status(status) => Response::builder().status(status).body("no".into()).unwrap(),
                    Says::Nothing => std::future::pending().await,
                }
            }
        });
        TaskTracker::new().spawn(async move { axum::serve(listener, router).await });
        let url = format!("http://127.0.0.1:{port}/token?secret=planted-callback-secret");
        Self { app, url, answer, seen }
    }

    fn says(&self, says: Says) {
        *self.answer.lock().unwrap() = says;
    }

    /// A token of this app that the customer has obtained.
    async fn token(&self) -> String {
        let code = self.app.zoom.code(CLIENT_ID, REDIRECT).await;
        self.app.zoom.access_token((CLIENT_ID, CLIENT_SECRET), &code, REDIRECT).await
    }

    async fn connect(&self) -> Answer {
        let asked = json!({ "oauth_app": self.app.zoom_app, "access_token_callback_url": self.url });
        self.app.post(ACCOUNTS, asked).await
    }

    async fn connected(&self) -> String {
        self.says(Says::Text(self.token().await));
        self.connect().await.created()["id"].as_str().unwrap().to_owned()
    }

    async fn access_token(&self, id: &str) -> Answer {
        self.app.get(&format!("{ACCOUNTS}{id}/access-token/")).await
    }

    fn calls(&self) -> usize {
        self.seen.lock().unwrap().len()
    }

    /// Lets time pass here and at Zoom.
    async fn later(&self, seconds: u64) {
        self.app.zoom.control("POST", "clock", json!({ "advance_seconds": seconds })).await;
        self.app.jump(Duration::from_secs(seconds));
    }
}

/// A token with these claims that Zoom never issued.
fn made_up(claims: &Value) -> String {
    format!("e30.{}.c2ln", BASE64_URL_SAFE_NO_PAD.encode(claims.to_string()))
}

#[tokio::test]
async fn the_customers_token_connects_serves_and_is_renewed_when_it_ends() {
    let street = Street::built().await;
    let id = street.connected().await;
    let shown = street.app.get(&format!("{ACCOUNTS}{id}/")).await.ok();
    assert_eq!((&shown["kind"], &shown["status"]), (&json!("customer_managed"), &json!("healthy")));
    assert_eq!(shown["user_id"], street.app.zoom.host()["id"]);
    assert_eq!(shown["access_token_callback_url"], "********");
    assert_eq!(shown["latchkey_missing_scopes"], json!([]), "the customer gives no scopes");

    let first = street.access_token(&id).await.ok()["token"].clone();
    assert_eq!(street.calls(), 1, "the cached token is served");
    street.later(3400).await;
    let next = street.token().await;
    street.says(Says::Text(json!({ "access_token": next, "expires_at": null }).to_string()));
    let second = street.access_token(&id).await.ok();
    assert_eq!((&second["token"], street.calls()), (&json!(next), 2));
    // Other formats: seconds as a number, or harmless oddities.
    for (calls, expires_at) in [(3, json!(street.app.env.now().as_second() + 7200)), (4, json!("in an hour"))]
    {
        street.later(3400).await;
        let next = street.token().await;
        street.says(Says::Text(json!({ "access_token": next, "expires_at": expires_at }).to_string()));
        let given = street.access_token(&id).await.ok();
        assert_eq!((&given["token"], street.calls()), (&json!(next), calls));
    }
    assert_ne!(second["token"], first);

    let link = street.app.path_of(&street.app.token_link(&id).await);
    let mut request = axum::http::Request::builder().uri(&link);
    for (name, value) in street.app.signature("msg_1").await {
        request = request.header(name, value);
    }
    let zak = street.app.send(request.body(axum::body::Body::empty()).unwrap()).await;
    assert_eq!(zak.status, 200, "{}", zak.text);
}

#[tokio::test]
async fn the_call_is_signed_by_the_workspace_and_contains_nothing_else() {
    let street = Street::built().await;
    street.connected().await;
    let secret = street.app.get("/api/latchkey/v1/callback-secret/").await.ok()["secret"].clone();
    let key = SigningKey::parse(&Secret::new(secret.as_str().unwrap())).unwrap();
    let seen = street.seen.lock().unwrap()[0].clone();
    let header = |name: &str| seen.get(name).unwrap().to_str().unwrap();
    let headers = SignatureHeaders {
        id: header("webhook-id"),
        timestamp: header("webhook-timestamp"),
        signature: header("webhook-signature"),
    };
    verify(&[key], headers, b"", street.app.env.now()).unwrap();
    assert!(seen.get("authorization").is_none() && seen.get("cookie").is_none());
}

#[tokio::test]
async fn an_unusable_token_is_refused_and_nothing_is_stored() {
    let street = Street::built().await;
    let now = street.app.env.now().as_second();
    let other_app = json!({ "clientId": "another", "exp": now + 3600 });
    let soon = json!({ "clientId": CLIENT_ID, "exp": now + 119 });
    let fine = json!({ "clientId": CLIENT_ID, "exp": now + 3600 });
    let in_time = (street.app.env.now() + Duration::from_secs(60)).to_string();
    for (says, why) in [
        (Says::Text(made_up(&other_app)), "the token belongs to another Zoom app"),
        (Says::Text(made_up(&soon)), "the token is valid for less than 120 s"),
        (
            Says::Text(json!({ "token": made_up(&fine), "expires_at": in_time }).to_string()),
            "the token is valid for less than 120 s",
        ),
        (
            Says::Text("opaque-token-that-says-nothing-of-its-end".into()),
            "neither the token nor expires_at says when the token expires",
        ),
        (
            // Its expiry cannot be read, but that is not the error.
            Says::Text(
                json!({ "token": "opaque-token-that-says-nothing-of-its-end", "expires_at": 5 }).to_string(),
            ),
            "Zoom does not accept the token",
        ),
        (Says::Text("{\"token\": ".into()), "the answer is not JSON"),
        (Says::Text(json!({ "jwt": "x" }).to_string()), "the answer has no token"),
        (
            Says::Text("<html>planted</html> page".into()),
            "the answer is not a token: it is HTML; send the token alone, as text",
        ),
        (Says::Text(String::new()), "the answer is not a token: it is empty"),
        (
            Says::Text("undefined".into()),
            "the answer is not a token: it is a word such as undefined, null or [object Object], which programs write where they have no token",
        ),
        (
            Says::Text(json!({ "token": "null", "expires_at": "2040-01-01T00:00:00Z" }).to_string()),
            "the answer is not a token: it is a word such as undefined, null or [object Object], which programs write where they have no token",
        ),
        (Says::Text("x".repeat(20_000)), "the answer is not a token: it is longer than 16 KiB"),
        (Says::Text(made_up(&fine)), "Zoom does not accept the token"),
        (Says::Elsewhere, "the answer is a redirect, which is never followed"),
        (Says::Status(500), "the answer is HTTP 500"),
    ] {
        street.says(says);
        let refused = street.connect().await.refused();
        assert_eq!(refused["code"], "access_token_callback_failed");
        let detail = refused["detail"].as_str().unwrap();
        assert!(detail.starts_with(&format!("the access token callback: {why}; ")), "{detail}");
        assert!(!detail.contains("planted"), "{detail}");
    }
    assert_eq!(street.app.get(ACCOUNTS).await.ok()["results"], json!([]));
}

#[tokio::test]
async fn a_callback_that_timed_out_may_be_called_again() {
    let street = Street::built().await;
    street.says(Says::Nothing);
    let late = street.app.meanwhile(street.connect()).await;
    assert_eq!((late.status, late.header("retry-after")), (503, "5"), "{}", late.text);
    assert_eq!(late.json()["code"], "access_token_callback_timeout");
}

#[tokio::test]
async fn a_server_that_fails_degrades_the_account_and_never_needs_a_consent() {
    let street = Street::built().await;
    let id = street.connected().await;
    street.later(3600).await;
    street.says(Says::Status(404));
    let refused = street.access_token(&id).await.refused();
    assert_eq!(refused["code"], "access_token_callback_failed");
    let shown = async || street.app.get(&format!("{ACCOUNTS}{id}/")).await.ok();
    let degraded = shown().await;
    assert_eq!(
        (&degraded["latchkey_status"], &degraded["latchkey_trouble"]),
        (&json!("degraded"), &json!("access_token_callback_failed"))
    );
    let calls = street.calls();
    assert_eq!(street.access_token(&id).await.status, 400);
    assert_eq!(street.calls(), calls, "there is no other call before the retry is due");

    street.later(2).await;
    street.says(Says::Text(street.token().await));
    street.access_token(&id).await.ok();
    assert_eq!(shown().await["latchkey_status"], "healthy");
}

#[tokio::test]
async fn many_callers_cost_one_call() {
    let street = Street::built().await;
    let id = street.connected().await;
    street.later(3600).await;
    street.says(Says::Text(street.token().await));
    let callers = (0..20).map(|_| street.access_token(&id));
    let answers = futures_util::future::join_all(callers).await;
    let tokens: Vec<_> = answers.iter().map(|answer| answer.ok()["token"].clone()).collect();
    assert!(tokens.iter().all(|token| *token == tokens[0]));
    assert_eq!(street.calls(), 2, "one at the beginning, and one for all callers");
}

#[tokio::test]
async fn a_forbidden_address_is_not_called() {
    let app = app().await;
    for (url, complaint) in [
        ("ftp://customer.test/token", "It must be an http or https URL without user and password."),
        ("https://u:p@customer.test/token", "It must be an http or https URL without user and password."),
        (
            "https://169.254.169.254/token",
            "This address may not be called: a public one needs https, a private one an entry in callbacks.allow_networks.",
        ),
    ] {
        let asked = json!({ "oauth_app": app.zoom_app, "access_token_callback_url": url });
        let refused = app.post(ACCOUNTS, asked).await.refused();
        assert_eq!(refused, json!({ "access_token_callback_url": [complaint] }), "{url}");
    }
    let long = format!("https://customer.test/{}", "x".repeat(200));
    let asked = json!({ "oauth_app": app.zoom_app, "access_token_callback_url": long });
    assert_eq!(app.post(ACCOUNTS, asked).await.status, 400);
}

/// During a rotation of the callback secret, a customer may know only one of the two.
#[tokio::test]
async fn callbacks_carry_both_signatures_for_a_day() {
    let street = Street::built().await;
    let secret = async || {
        let told = street.app.get("/api/latchkey/v1/callback-secret/").await.ok();
        SigningKey::parse(&Secret::new(told["secret"].as_str().unwrap())).unwrap()
    };
    let old = secret().await;
    street.app.post("/api/latchkey/v1/callback-secret/rotate/", json!({})).await.ok();
    let new = secret().await;
    street.connected().await;
    let both = street.seen.lock().unwrap().last().unwrap().clone();
    let text = |name: &str| both[name].to_str().unwrap();
    let (id, timestamp) = (text("webhook-id"), text("webhook-timestamp"));
    let signed_at = Timestamp::from_second(timestamp.parse().unwrap());
    let expected = [new.sign(id, signed_at, b""), old.sign(id, signed_at, b"")].join(" ");
    assert_eq!(text("webhook-signature"), expected, "newest first");

    street.later(24 * 3600).await;
    street.says(Says::Text(street.token().await));
    let ids = street.app.get(ACCOUNTS).await.ok();
    street.access_token(ids["results"][0]["id"].as_str().unwrap()).await.ok();
    let one = street.seen.lock().unwrap().last().unwrap()["webhook-signature"].to_str().unwrap().to_owned();
    assert_eq!(one.split(' ').count(), 1);
}

/// No signature covers an address. A key that may trigger callbacks, but has no token, could have one sent to its own server
/// and present the signature at a link whose address it knows.
#[tokio::test]
async fn a_signature_for_another_address_opens_no_token_link() {
    let street = Street::built().await;
    let account = street.connected().await;
    let asked = json!({ "credential": account, "kind": "access_token" });
    let made = street.app.post("/api/latchkey/v1/token-links/", asked).await.created();
    let link = street.app.path_of(made["url"].as_str().unwrap());
    let captured = street.seen.lock().unwrap().last().unwrap().clone();
    let mut request = axum::http::Request::builder().uri(&link);
    for name in ["webhook-id", "webhook-timestamp", "webhook-signature"] {
        request = request.header(name, &captured[name]);
    }
    let refused = street.app.send(request.body(axum::body::Body::empty()).unwrap()).await;
    assert_eq!(refused.status, 401, "{}", refused.text);
    assert!(
        refused.text.starts_with("signature_invalid: this server signed the request for an address"),
        "{}",
        refused.text
    );

    let mut request = axum::http::Request::builder().uri(&link);
    for (name, value) in street.app.signature("msg_of_a_platform").await {
        request = request.header(name, value);
    }
    assert_eq!(street.app.send(request.body(axum::body::Body::empty()).unwrap()).await.status, 200);
}
