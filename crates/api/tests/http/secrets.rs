//! No secret that passes through the server is in its log.

use std::{
    io,
    sync::{Arc, Mutex},
};

use axum::{
    body::Body,
    http::{Request, header},
};
use model::TokenKind;
use serde_json::json;
use store::LinkVerification;
use tenants::digest;
use token_links::NewLink;
use tracing_subscriber::{filter::LevelFilter, fmt::MakeWriter};

use crate::{
    PLAN,
    test_app::{CLIENT_ID, CLIENT_SECRET, Plan, TestApp},
};

/// Everything that was logged, by all crates, at every level.
#[derive(Clone, Default)]
struct Log(Arc<Mutex<Vec<u8>>>);

impl io::Write for Log {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.lock().unwrap().extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl MakeWriter<'_> for Log {
    type Writer = Self;

    fn make_writer(&self) -> Self {
        self.clone()
    }
}

#[tokio::test]
async fn the_log_contains_no_secret() {
    let log = Log::default();
    tracing_subscriber::fmt()
        .with_max_level(LevelFilter::TRACE)
        .with_ansi(false)
        .with_writer(log.clone())
        .init();
    let app = TestApp::build(&Plan { capacity: 1, networks: &["127.0.0.0/8"], ..PLAN }).await;
    let mut secrets =
        vec![app.api_key.clone(), CLIENT_SECRET.to_owned(), "planted-webhook-secret".to_owned()];

    // A connected account, and a declined consent.
    let invitation = app.invitation().await;
    secrets.push(invitation.rsplit_once('.').unwrap().1.to_owned());
    for decision in ["deny", "allow"] {
        let (location, cookie) = app.begin_consent(&invitation).await;
        secrets.push(cookie.split_once('=').unwrap().1.to_owned());
        let back = app.zoom.decide(&location, decision).await;
        for name in ["code=", "state="] {
            let value = back.split_once(name).map(|(_, rest)| rest.split('&').next().unwrap().to_owned());
            secrets.extend(value);
        }
        app.finish_consent(&back, "latchkey_consent=planted-forged-cookie").await;
        app.finish_consent(&back, &cookie).await;
    }
    let account = app.get("/api/v2/zoom-oauth-credentials/").await.ok()["results"][0]["id"].clone();

    // A link, and fetches from it.
    let link = app.token_link(account.as_str().unwrap()).await;
    secrets.push(link.rsplit_once('.').unwrap().1.to_owned());
    let secret = app.get("/api/latchkey/v1/callback-secret/").await.ok()["secret"].clone();
    secrets.push(secret.as_str().unwrap().to_owned());
    for (id, address) in
        [("msg_1", app.path_of(&link)), ("msg_2", format!("{}planted-suffix", app.path_of(&link)))]
    {
        let mut request = Request::builder().uri(address);
        for (name, value) in app.signature(id).await {
            request = request.header(name, value);
        }
        let answer = app.send(request.body(Body::empty()).unwrap()).await;
        secrets.extend((answer.status == 200).then_some(answer.text));
    }

    // Links whose secret is in the query: under its own name and, as older links may have it, under a reserved one.
    let asked = json!({ "credential": account, "verification": "query_secret" });
    let made = app.post("/api/latchkey/v1/token-links/", asked).await.created();
    let own_name = app.path_of(made["url"].as_str().unwrap());
    let mut new = NewLink::usual(TokenKind::Zak, account.as_str().unwrap().parse().unwrap());
    new.terms.proof =
        LinkVerification::QuerySecret { name: "bot".to_owned(), digest: digest("planted-query-secret") };
    let made = app.links.manager.create(app.workspace().await, &new).await.unwrap().unwrap();
    let our_name = format!("{}?bot=planted-query-secret", app.path_of(made.url.expose()));
    for address in [own_name, our_name] {
        let request = Request::builder().uri(&address).body(Body::empty()).unwrap();
        assert_eq!(app.send(request).await.status, 200);
        secrets.push(address.rsplit_once('=').unwrap().1.to_owned());
    }
    // A link whose secret is in a header.
    let asked = json!({ "credential": account, "dialect": "bearer" });
    let made = app.post("/api/latchkey/v1/token-links/", asked).await.created();
    let bearer = made["authorization"].as_str().unwrap().to_owned();
    secrets.push(bearer.strip_prefix("Bearer ").unwrap().to_owned());
    for (value, status) in [(bearer, 200), ("Bearer planted-wrong-bearer".to_owned(), 401)] {
        let request = Request::builder().uri(app.path_of(made["url"].as_str().unwrap()));
        let request = request.header(header::AUTHORIZATION, value).body(Body::empty()).unwrap();
        assert_eq!(app.send(request).await.status, status);
    }
    app.links.recent_uses.write().await;

    // An install, parked and adopted, and its access token.
    let redirect = "https://latchkey.test/base/oauth/zoom/callback";
    let code = app.zoom.code(CLIENT_ID, redirect).await;
    let back = format!("{redirect}?code={code}");
    assert_eq!(app.finish_consent(&back, "").await.status, 202);
    secrets.push(code);
    let parked = app.get("/api/latchkey/v1/parked-consents/").await.ok()["results"][0]["id"].clone();
    let parked = format!("/api/latchkey/v1/parked-consents/{}/adopt/", parked.as_str().unwrap());
    let adopted = app.call("POST", &parked, Body::empty()).await.created()["id"].clone();
    let tokens = format!("/api/v2/zoom-oauth-credentials/{}/access-token/", adopted.as_str().unwrap());
    let token = app.get(&tokens).await.ok()["token"].as_str().unwrap().to_owned();
    secrets.push(token.clone());

    // A customer who stores the grant; the callback's address gives access like a key.
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}/planted-callback-path", listener.local_addr().unwrap());
    let customer = axum::Router::new().fallback(async move || token);
    tokio_util::task::TaskTracker::new().spawn(async move { axum::serve(listener, customer).await });
    let asked = json!({ "oauth_app": app.zoom_app, "access_token_callback_url": url });
    app.post("/api/v2/zoom-oauth-credentials/", asked).await.created();

    // Invalid requests, and a bot that fails.
    let zoom = json!({ "zak_url": "https://example.invalid/zak?token=planted-zak-url" });
    let meeting = "https://zoom.us/j/81234567890?pwd=planted-passcode&tk=planted-registration";
    let bot = json!({ "meeting_url": meeting, "zoom": zoom, "metadata": { "k": "planted-metadata" } });
    let bot = app.bot(bot).await;
    app.until(&bot, "fatal").await;
    for (method, path, body) in [
        ("POST", "/api/v1/bot/", "{\"zak_url\": \"planted-broken-json\""),
        ("POST", "/api/v1/bot/", "{\"meeting_url\": \"https://planted-user:planted-pass@zoom.us/j/1\"}"),
        ("GET", "/api/v1/bot/planted-id/?token=planted-query", ""),
        ("GET", "/planted-path?token=planted-query", ""),
        ("GET", "/oauth/zoom/authorize?invitation=planted-invitation.planted", ""),
    ] {
        app.call(method, path, Body::from(body)).await;
    }
    let wrong_key =
        Request::builder().uri("/api/v1/bot/").header(header::AUTHORIZATION, "Token planted-wrong-key");
    app.send(wrong_key.body(Body::empty()).unwrap()).await;
    app.stop().await;

    secrets.push("planted-callback-path".to_owned());
    let stored = app.bytes_of_the_store();
    assert!(
        stored.windows(9).any(|window| window == b"Hana Host"),
        "the search finds text that is not secret"
    );
    for (place, secret) in secrets.iter().enumerate() {
        let found = stored.windows(secret.len()).any(|window| window == secret.as_bytes());
        assert!(!found, "secret {place} is in the store ({secret})");
    }

    // A bot's labels are not secret, but do not belong in a log.
    secrets.push("planted".to_owned());
    let log = String::from_utf8_lossy(&log.0.lock().unwrap()).into_owned();
    for place in ["/api/latchkey/v1/audit/", "/api/latchkey/v1/token-links/", "/metrics"] {
        let answer = app.get(place).await.text;
        let shows = ["token_link", "query_secret", "latchkey_token_reads"];
        assert!(shows.iter().any(|shown| answer.contains(shown)), "{answer}");
        for secret in &secrets {
            assert!(!answer.contains(secret), "a secret is in {place}");
        }
    }
    for (place, secret) in secrets.iter().enumerate() {
        assert!(secret.len() >= 7, "too short to be searched for: {secret}");
        if let Some(line) = log.lines().find(|line| line.contains(secret)) {
            // Shows the module, but not the message.
            let module = line.split_whitespace().take(3).collect::<Vec<_>>().join(" ");
            panic!("secret {place} is in the log: {module} ({secret})");
        }
    }
    for shown in ["answered", "bot step", "account connected"] {
        assert!(log.contains(shown), "{shown}");
    }
}
