//! Limits for clients that have not authenticated yet: over real connections, with low limits.

use std::{net::SocketAddr, time::Duration};

use api::Bounds;
use model::Environment;
use serde_json::{Value, json};
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::TcpStream,
};
use url::Url;

use crate::{
    PLAN,
    test_app::{Plan, TestApp, within},
};

const HALF_A_HEAD: &str = "GET /healthz HTTP/1.1\r\nhost: h";
const HEALTH: &str = "GET /healthz HTTP/1.1\r\nhost: here\r\n\r\n";

async fn bounded(bounds: Bounds) -> TestApp {
    TestApp::build(&Plan { public_base: None, bounds: Some(bounds), ..PLAN }).await
}

/// A new connection on which this text was sent.
async fn sent(app: &TestApp, text: &str) -> TcpStream {
    let address = Url::parse(&app.address("/")).unwrap();
    let address = SocketAddr::new(address.host_str().unwrap().parse().unwrap(), address.port().unwrap());
    let mut stream = TcpStream::connect(address).await.unwrap();
    stream.write_all(text.as_bytes()).await.unwrap();
    stream
}

/// Everything that arrives on a connection until it is closed or reset.
async fn rest(stream: &mut TcpStream) -> String {
    let mut text = Vec::new();
    let _ = within(stream.read_to_end(&mut text)).await;
    String::from_utf8(text).unwrap()
}

/// The answer to one request on a connection that stays open.
async fn answer(stream: &mut TcpStream) -> String {
    let mut bytes = [0; 4096];
    let read = within(stream.read(&mut bytes)).await.unwrap();
    String::from_utf8(bytes[..read].to_vec()).unwrap()
}

/// Status and body of an answer.
fn parts(answer: &str) -> (u16, &str) {
    (answer[9..12].parse().unwrap(), answer.split_once("\r\n\r\n").unwrap().1)
}

fn with_body(path: &str, headers: &[(&str, String)], length: usize) -> String {
    let mut lines =
        vec![format!("POST {path} HTTP/1.1"), "host: here".into(), format!("content-length: {length}")];
    lines.extend(headers.iter().map(|(name, value)| format!("{name}: {value}")));
    lines.join("\r\n") + "\r\n\r\n"
}

/// Five times as many as the limit, all from a proxy's address.
#[tokio::test]
async fn unfinished_requests_do_not_block_other_clients() {
    let app = bounded(Bounds { connections: 8, ..Bounds::default() }).await;
    let mut kept = Vec::new();
    for _ in 0..40 {
        kept.push(sent(&app, HALF_A_HEAD).await);
        let mut stream = sent(&app, HEALTH).await;
        assert_eq!(parts(&answer(&mut stream).await).0, 200);
    }
    let first = rest(&mut kept[0]).await;
    assert!(first.is_empty() || first.starts_with("HTTP/1.1 503 "), "{first}");
}

#[tokio::test]
async fn an_address_above_its_limit_displaces_its_own_connections() {
    let bounds = Bounds { connections: 100, of_an_address: 4, proxies: Vec::new(), ..Bounds::default() };
    let app = bounded(bounds).await;
    let mut kept = Vec::new();
    for _ in 0..12 {
        kept.push(sent(&app, HALF_A_HEAD).await);
    }
    // Connections are accepted in order: when this one is answered, all of them were accepted.
    let mut stream = sent(&app, HEALTH).await;
    assert_eq!(parts(&answer(&mut stream).await).0, 200);
    for stream in &mut kept[..8] {
        rest(stream).await;
    }
    for stream in &mut kept[9..] {
        stream.write_all(b"ere\r\n\r\n").await.unwrap();
        assert_eq!(parts(&answer(stream).await).0, 200, "the newest stay");
    }
}

#[tokio::test]
async fn a_request_being_served_is_not_refused() {
    let app = bounded(Bounds { connections: 1, ..Bounds::default() }).await;
    for _ in 0..10 {
        app.call_as("lk_wrong", "GET", "/api/v1/bot/", Value::Null).await;
    }
    // One wrong key too many: it waits for its answer.
    let mut served =
        sent(&app, "GET /api/v1/bot/ HTTP/1.1\r\nhost: here\r\nauthorization: Token lk_wrong\r\n\r\n").await;
    // When the server has accepted it can only be seen by a refusal of another one.
    let refused = async || {
        let mut other = sent(&app, HALF_A_HEAD).await;
        let mut bytes = [0; 64];
        let look =
            Environment::system().clock.timeout(Duration::from_millis(200), other.read(&mut bytes)).await;
        look.is_some_and(|read| read.is_ok_and(|read| bytes[..read].starts_with(b"HTTP/1.1 503 ")))
            .then_some(())
    };
    app.wait_for("another is refused", refused).await;
    let answer = app.meanwhile(answer(&mut served)).await;
    assert_eq!(parts(&answer).0, 401);
}

#[tokio::test]
async fn a_head_has_a_shorter_timeout_than_an_idle_connection() {
    let app = bounded(Bounds::default()).await;
    let (mut silent, mut late) = (sent(&app, "").await, sent(&app, HALF_A_HEAD).await);
    let mut kept = sent(&app, HEALTH).await;
    assert_eq!(parts(&answer(&mut kept).await).0, 200);
    app.pass(Duration::from_secs(15)).await;
    assert_eq!(rest(&mut silent).await, "", "a client that sent nothing gets no answer");
    assert!(rest(&mut late).await.starts_with("HTTP/1.1 408 "));

    app.pass(Duration::from_secs(40)).await;
    kept.write_all(HEALTH.as_bytes()).await.unwrap();
    assert_eq!(parts(&answer(&mut kept).await).0, 200, "a proxy's connection outlives a minute");
    kept.write_all(HALF_A_HEAD.as_bytes()).await.unwrap();
    app.pass(Duration::from_secs(15)).await;
    assert!(
        rest(&mut kept).await.starts_with("HTTP/1.1 408 "),
        "the second head has no more time than the first"
    );

    let mut idle = sent(&app, HEALTH).await;
    assert_eq!(parts(&answer(&mut idle).await).0, 200);
    app.pass(Duration::from_secs(80)).await;
    assert_eq!(rest(&mut idle).await, "");
}

#[tokio::test]
async fn no_body_is_read_without_the_links_secret() {
    let app = bounded(Bounds::default()).await;
    let account = app.connect(app.zoom.host()).await;
    let path = app.path_of(&app.token_link(&account).await);
    let signature = app.signature("msg_1").await;
    for path in [&path, &path.replacen('.', "%2E", 1)] {
        // The body never arrives, but the answer does.
        let mut stream = sent(&app, &with_body(&format!("{path}x"), &signature, 100)).await;
        assert_eq!(parts(&answer(&mut stream).await).0, 404);
        let mut stream = sent(&app, &with_body(path, &[], 100)).await;
        let unsigned = answer(&mut stream).await;
        assert_eq!((parts(&unsigned).0, &parts(&unsigned).1[..18]), (401, "signature_missing:"));
        // With a valid head it gets five seconds.
        let mut stream = sent(&app, &with_body(path, &signature, 100)).await;
        stream.write_all(b"x").await.unwrap();
        app.pass(Duration::from_secs(7)).await;
        let late = answer(&mut stream).await;
        assert_eq!(
            parts(&late),
            (400, "request_malformed: the body did not arrive within 5 s; correct the request")
        );
    }
    let mut stream = sent(&app, &with_body(&format!("{path}x/status"), &signature, 100)).await;
    assert_eq!(parts(&answer(&mut stream).await).0, 404);
    // A body that is too large is not read at all.
    let mut stream = sent(&app, &with_body(&path, &signature, 256 * 1024 + 1)).await;
    let large = answer(&mut stream).await;
    assert_eq!(
        parts(&large),
        (400, "request_malformed: the body is larger than 256 KiB; correct the request")
    );
}

#[tokio::test]
async fn zooms_webhooks_get_five_seconds_before_their_signature() {
    let app = bounded(Bounds::default()).await;
    let path = format!("/api/v2/zoom-oauth-apps/{}/webhook", app.zoom_app);
    let mut stream = sent(&app, &with_body(&path, &[], 100)).await;
    assert_eq!(parts(&answer(&mut stream).await), (401, r#"{"code":"signature_missing"}"#));
    let now = app.env.now().as_second().to_string();
    let headers = [("x-zm-signature", "v0=x".to_owned()), ("x-zm-request-timestamp", now)];
    let mut stream = sent(&app, &with_body(&path, &headers, 256 * 1024 + 1)).await;
    assert_eq!(parts(&answer(&mut stream).await), (401, r#"{"code":"signature_invalid"}"#));
    let mut stream = sent(&app, &with_body(&path, &headers, 100)).await;
    app.pass(Duration::from_secs(7)).await;
    assert_eq!(parts(&answer(&mut stream).await), (401, r#"{"code":"signature_invalid"}"#));
}

#[tokio::test]
async fn bodies_of_callers_have_limits_of_time_and_size() {
    let app = bounded(Bounds { bodies: 4096, ..Bounds::default() }).await;
    let key =
        [("authorization", format!("Token {}", app.api_key)), ("content-type", "application/json".into())];
    let path = "/api/latchkey/v1/pools/";
    let mut slow = sent(&app, &with_body(path, &key, 20)).await;
    app.pass(Duration::from_secs(25)).await;
    slow.write_all(br#"{ "name": "pool"   }"#).await.unwrap();
    assert_eq!(parts(&answer(&mut slow).await).0, 201);

    let mut late = sent(&app, &with_body(path, &key, 20)).await;
    app.pass(Duration::from_secs(32)).await;
    let late = answer(&mut late).await;
    let (status, body) = parts(&late);
    let body: Value = serde_json::from_str(body).unwrap();
    assert_eq!((status, &body["code"]), (408, &json!("too_slow")));
    assert_eq!(body["detail"], "The body did not arrive within 30 s.");

    let large = json!({ "name": "x".repeat(4000) });
    let refused = app.post(path, large.clone()).await;
    assert_eq!((refused.status, refused.header("retry-after")), (503, "1"), "{}", refused.text);
    let large = json!({ "name": "x".repeat(8 * 1024 * 1024) });
    let refused = app.post(path, large).await;
    assert_eq!((refused.status, &refused.json()["code"]), (413, &json!("too_large")));
}

#[tokio::test]
async fn wrong_keys_are_slowed_down_and_right_ones_are_not() {
    let app = bounded(Bounds::default()).await;
    let wrong = async || app.call_as("lk_wrong", "GET", "/api/v1/bot/", Value::Null).await;
    for _ in 0..10 {
        assert_eq!(wrong().await.status, 401);
    }
    let begun = app.env.now();
    let (slowed, ()) = tokio::join!(app.meanwhile(wrong()), async {
        // From the same address, which may be a proxy's.
        app.get("/api/v1/bot/").await.ok();
    });
    assert_eq!(slowed.status, 401);
    assert!(app.env.now().since(begun) >= Duration::from_secs(1));
}
