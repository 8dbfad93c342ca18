//! Requests with a head that is too large, over real connections: hyper itself must not be the one that answers.

use std::{
    convert::Infallible,
    pin::pin,
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    task::Poll,
};

use api::{Bounds, WorkspaceQuotas};
use axum::body::{Body, Bytes};
use futures_util::{future, stream};
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

const LINKS: &str = "/api/latchkey/v1/token-links/";

/// An app that is reached at its listener, an account in it, and the path of a link to it.
async fn linked(changes: Value) -> (TestApp, String) {
    let app = TestApp::build(&Plan { public_base: None, ..PLAN }).await;
    let account = app.connect(app.zoom.host()).await;
    let mut link = json!({ "credential": account });
    link.as_object_mut().unwrap().extend(changes.as_object().unwrap().clone());
    let made = app.post(LINKS, link).await.created();
    let path = app.path_of(made["url"].as_str().unwrap());
    (app, path)
}

/// Sends a request on a new connection. Returns status, head and body of the answer.
async fn send(app: &TestApp, line: &str, headers: &[(String, String)]) -> (u16, String, String) {
    let address = Url::parse(&app.address("/")).unwrap();
    let address = (address.host_str().unwrap(), address.port().unwrap());
    let mut lines = vec![format!("{line} HTTP/1.1"), "Host: here".into(), "Connection: close".into()];
    lines.extend(headers.iter().map(|(name, value)| format!("{name}: {value}")));
    let request = lines.join("\r\n") + "\r\n\r\n";
    let answer = within(async {
        let mut stream = TcpStream::connect(address).await.unwrap();
        stream.write_all(request.as_bytes()).await.unwrap();
        let mut answer = String::new();
        stream.read_to_string(&mut answer).await.unwrap();
        answer
    });
    let answer = answer.await;
    let (head, body) = answer.split_once("\r\n\r\n").unwrap();
    (head[9..12].parse().unwrap(), head.to_ascii_lowercase(), body.to_owned())
}

fn many(count: usize) -> Vec<(String, String)> {
    (0..count).map(|number| (format!("x-planted-{number}"), "planted".to_owned())).collect()
}

fn large(bytes: usize) -> Vec<(String, String)> {
    vec![("x-planted".to_owned(), "planted".repeat(bytes / 7))]
}

async fn signed(app: &TestApp, id: &str, more: Vec<(String, String)>) -> Vec<(String, String)> {
    let signature = app.signature(id).await.map(|(name, value)| (name.to_owned(), value));
    signature.into_iter().chain(more).collect()
}

const TOO_LARGE: &str = "the headers are more than 64, or larger than 16 KiB together";

/// Both ways: an address that needs no decoding, and one that needs it.
#[tokio::test]
async fn recalls_dialect_refuses_in_one_line() {
    let (app, path) = linked(json!({})).await;
    let decoded = path.replacen('.', "%2E", 1);
    let refused = format!("request_malformed: {TOO_LARGE}; ");
    for (number, more) in [many(70), many(90), large(20_000), large(50_000)].into_iter().enumerate() {
        for (server, path) in [&path, &decoded].into_iter().enumerate() {
            let headers = signed(&app, &format!("msg_{number}_{server}"), more.clone()).await;
            let (status, head, body) = send(&app, &format!("GET {path}"), &headers).await;
            assert_eq!((status, body.starts_with(&refused)), (400, true), "{body}");
            assert!(!body.contains("planted") && head.contains("cache-control: no-store"), "{head}");
        }
    }
    let long = format!("GET {path}?x={}", "planted".repeat(3000));
    let (status, _, body) = send(&app, &long, &signed(&app, "msg_long", Vec::new()).await).await;
    assert_eq!((status, body.contains("the query is longer than 16 KiB")), (400, true), "{body}");
    let status_of_a_bot = format!("POST {path}/status");
    let (status, _, body) = send(&app, &status_of_a_bot, &signed(&app, "msg_s", many(70)).await).await;
    assert_eq!((status, body.starts_with(&refused)), (400, true), "{body}");
    // A client that doesn't know the secret learns only that.
    let (status, _, body) = send(&app, &format!("GET {path}x"), &many(70)).await;
    assert_eq!((status, &body[..13]), (404, "link_unknown:"));
    let (status, ..) = send(&app, &format!("GET {path}{}", "x".repeat(20_000)), &[]).await;
    assert_eq!(status, 404);
    assert_eq!(app.zoom.count("zak_mints").await, 0);

    // Nothing of it is stored: the same id can still be used. Thirty fields are not too many.
    let headers = signed(&app, "msg_0_0", many(25)).await;
    let (status, _, body) = send(&app, &format!("GET {path}"), &headers).await;
    assert_eq!((status, body.split('.').count()), (200, 3), "{body}");
}

#[tokio::test]
async fn attendees_dialect_refuses_with_an_object() {
    let secret = "Tk9ULUEtUkVBTC1TRUNSRVQtYXR0ZW5kZWUtdmVjMDE=";
    let (app, path) = linked(json!({ "dialect": "attendee", "signing_secret": secret })).await;
    for line in [format!("POST {path}"), format!("POST {path}?x={}", "planted".repeat(3000))] {
        let more = if line.contains('?') { Vec::new() } else { many(70) };
        let (status, _, body) = send(&app, &line, &more).await;
        let error = serde_json::from_str::<Value>(&body).unwrap()["error"].clone();
        assert_eq!((status, &error["code"]), (400, &json!("request_malformed")));
        assert_eq!((&error["retryable"], body.contains("planted")), (&json!(false), false), "{body}");
    }
    assert_eq!(app.zoom.count("zak_mints").await, 0);
}

#[tokio::test]
async fn meeting_baas_dialect_refuses_in_one_line() {
    let (app, path) = linked(json!({ "dialect": "meeting_baas" })).await;
    let (status, _, body) = send(&app, &format!("GET {path}"), &large(20_000)).await;
    assert_eq!((status, body.starts_with(&format!("request_malformed: {TOO_LARGE}"))), (400, true), "{body}");
    assert_eq!(app.zoom.count("zak_mints").await, 0);
    let (status, ..) = send(&app, &format!("GET {path}"), &many(25)).await;
    assert_eq!(status, 200);
}

#[tokio::test]
async fn other_routes_refuse_in_json() {
    let (app, _) = linked(json!({})).await;
    let long = format!("/healthz?{}", "x".repeat(20_000));
    for (path, headers, status, code) in [
        ("/healthz", many(70), 431, "headers_too_large"),
        ("/nowhere", large(20_000), 431, "headers_too_large"),
        ("/api/v1/bot/", large(50_000), 431, "headers_too_large"),
        (&*long, Vec::new(), 414, "address_too_long"),
    ] {
        let (answered, head, body) = send(&app, &format!("GET {path}"), &headers).await;
        let said: Value = serde_json::from_str(&body).unwrap();
        assert_eq!((answered, &said["code"]), (status, &json!(code)), "{path}");
        assert!(head.contains("x-request-id: "), "{head}");
    }
    assert_eq!(send(&app, "GET /healthz", &many(30)).await.0, 200);
}

fn poll<F: Future + Unpin>(work: &mut F) -> Poll<F::Output> {
    std::pin::Pin::new(work).poll(&mut std::task::Context::from_waker(std::task::Waker::noop()))
}

#[tokio::test]
async fn one_workspace_does_not_take_every_connection() {
    let bounds = Bounds { of_a_workspace: 2, ..Bounds::default() };
    let app = TestApp::build(&Plan { bounds: Some(bounds), manual: true, ..PLAN }).await;
    let others = app.another_workspace().await;
    let begun = Arc::new(AtomicUsize::new(0));
    // Requests with bodies that never end, on a clock that stands still.
    let slow = async || {
        let (begun, mut is_first) = (Arc::clone(&begun), true);
        let body = Body::from_stream(stream::poll_fn(move |_| {
            begun.fetch_add(std::mem::take(&mut is_first).into(), Ordering::SeqCst);
            Poll::<Option<Result<Bytes, Infallible>>>::Pending
        }));
        let request = app.request("POST", "/api/v1/bot/").header("content-type", "application/json");
        app.send(request.body(body).unwrap()).await
    };
    {
        let mut waiting = pin!(future::join(slow(), slow()));
        while begun.load(Ordering::SeqCst) < 2 {
            assert!(poll(&mut waiting).is_pending());
            tokio::task::yield_now().await;
        }
        let refused = app.get("/api/v1/bot/").await;
        assert_eq!((refused.status, refused.header("retry-after")), (429, "1"), "{}", refused.text);
        assert!(refused.text.contains("connections.most_of_a_workspace"), "{}", refused.text);
        assert_eq!(app.call_as(&others, "GET", "/api/v1/bot/", Value::Null).await.status, 200);
        assert_eq!(app.get("/livez").await.status, 200, "a request without a key belongs to no workspace");
    }
    // Their callers have disconnected.
    app.get("/api/v1/bot/").await.ok();
}

/// Expired and withdrawn objects do not count.
#[tokio::test]
async fn one_workspace_does_not_fill_the_store() {
    let held = WorkspaceQuotas { token_links: 1, pools: 1, zoom_oauth_apps: 2, api_keys: 2, invitations: 1 };
    let bounds = Bounds { held, ..Bounds::default() };
    let app = TestApp::build(&Plan { bounds: Some(bounds), ..PLAN }).await;
    let account = app.connect(app.zoom.host()).await;
    let app_made = json!({ "kind": "user_level", "client_id": "another", "client_secret": "planted-another",
                           "webhook_secret": "planted-webhook" });
    for (path, asked, full) in [
        (
            "/api/latchkey/v1/token-links/",
            json!({ "credential": account }),
            "This workspace has reached its limit of 1 token links: revoke one first.",
        ),
        (
            "/api/latchkey/v1/pools/",
            json!({ "name": "sales" }),
            "This workspace has reached its limit of 1 pools: delete one first.",
        ),
        (
            "/api/v2/zoom-oauth-apps/",
            app_made,
            "This workspace has reached its limit of 2 apps: delete one first.",
        ),
        (
            "/api/latchkey/v1/api-keys/",
            json!({ "name": "k", "scopes": ["read"] }),
            "This workspace has reached its limit of 2 API keys: revoke one first.",
        ),
        (
            "/api/latchkey/v1/connect-links/",
            json!({ "oauth_app": app.zoom_app }),
            "This workspace has reached its limit of 1 open invitations: withdraw one first.",
        ),
    ] {
        let made = app.post(path, asked.clone()).await.created();
        let refused = app.post(path, asked.clone()).await.refused();
        assert_eq!(refused, json!({ "code": "workspace_full", "detail": full }));
        let one = format!("{path}{}/", made["id"].as_str().unwrap());
        assert_eq!(app.call("DELETE", &one, Body::empty()).await.status, 204, "{path}");
        let again = app.post(path, asked).await;
        assert_eq!(again.status, 201, "{path}: {}", again.text);
    }
    // Another workspace has its own limit.
    let others = app.another_workspace().await;
    let pool = json!({ "name": "sales" });
    app.call_as(&others, "POST", "/api/latchkey/v1/pools/", pool).await.created();
}
