//! Token links: created through the API, used by bot platforms.

use std::time::Duration;

use axum::{
    body::Body,
    http::{Request, request::Builder},
};
use serde_json::{Value, json};

use crate::{
    PLAN, app,
    test_app::{Answer, Plan, TestApp},
};

const LINKS: &str = "/api/latchkey/v1/token-links/";

/// An app, an account in it, and the path of a link to it.
async fn linked() -> (TestApp, String, String) {
    let app = app().await;
    let account = app.connect(app.zoom.host()).await;
    let link = app.path_of(&app.token_link(&account).await);
    (app, account, link)
}

async fn send(app: &TestApp, request: Builder) -> Answer {
    app.send(request.body(Body::empty()).unwrap()).await
}

/// A platform's fetch: signed, without an API key.
async fn fetch(app: &TestApp, method: &str, link: &str, id: &str) -> Answer {
    let mut request = Request::builder().method(method).uri(link);
    for (name, value) in app.signature(id).await {
        request = request.header(name, value);
    }
    send(app, request).await
}

fn kept_nowhere(answer: &Answer) {
    assert_eq!(answer.header("cache-control"), "no-store");
    assert_eq!(answer.header("x-content-type-options"), "nosniff");
    assert!(!answer.headers.contains_key("set-cookie") && !answer.headers.contains_key("location"));
    assert_eq!(answer.header("x-request-id").len(), 16);
}

#[tokio::test]
async fn slow_fetches_of_a_workspace_have_a_limit_and_may_come_again() {
    let app = TestApp::build(&Plan { fetches_of_a_workspace: 1, ..PLAN }).await;
    let account = app.connect(app.zoom.host()).await;
    let link = app.path_of(&app.token_link(&account).await);
    app.zoom.hold_up("zak", 2000).await;
    let ids = ["msg_one", "msg_other"];
    let (one, other) = tokio::join!(fetch(&app, "GET", &link, ids[0]), fetch(&app, "GET", &link, ids[1]));
    // The one that came second is refused.
    let (served, refused, id) = if one.status == 200 { (one, other, ids[1]) } else { (other, one, ids[0]) };
    assert_eq!((served.status, refused.status), (200, 429), "{} {}", served.text, refused.text);
    assert_eq!(refused.header("retry-after"), "1");
    let again = fetch(&app, "GET", &link, id).await;
    assert_eq!(again.status, 200, "its id was not used up: {}", again.text);
}

#[tokio::test]
async fn a_signed_fetch_is_answered_with_the_token_alone() {
    let (app, _, link) = linked().await;
    let mut tokens = Vec::new();
    for path in [link.clone(), link.clone(), format!("{link}/")] {
        let answer = fetch(&app, "GET", &path, &format!("msg_{}", tokens.len())).await;
        assert_eq!(answer.status, 200, "{}", answer.text);
        assert_eq!(answer.header("content-type"), "text/plain; charset=utf-8");
        kept_nowhere(&answer);
        assert!(
            answer.text.split('.').count() == 3
                && answer.text.is_ascii()
                && answer.text.trim() == answer.text
        );
        tokens.push(answer.text);
    }
    assert!(tokens.iter().all(|token| *token == tokens[0]), "one mint serves many");
    assert_eq!(app.zoom.count("zak_mints").await, 1);
    let fresh = fetch(&app, "GET", &format!("{link}?fresh=1"), "msg_fresh").await;
    assert_eq!((fresh.status, app.zoom.count("zak_mints").await), (200, 2));
}

#[tokio::test]
async fn svix_headers_work_too() {
    let (app, _, link) = linked().await;
    let mut request = Request::builder().uri(&link);
    for (name, value) in app.signature("msg_svix").await {
        request = request.header(name.replace("webhook", "svix"), value);
    }
    assert_eq!(send(&app, request).await.status, 200);
}

/// Link scanners, browsers, unauthorized and repeated requests get one line of text, and nothing is minted for them.
#[tokio::test]
async fn other_requests_are_refused_in_one_line() {
    let (app, _, link) = linked().await;
    for method in ["HEAD", "OPTIONS", "PUT", "DELETE", "PATCH"] {
        let answer = fetch(&app, method, &link, "msg_scanner").await;
        assert_eq!((answer.status, &*answer.text), (405, ""), "{method}");
        kept_nowhere(&answer);
    }
    let unknown = "link_unknown: no such token link: use the address exactly as it was given";
    let (before, secret) = link.split_once('.').unwrap();
    for address in [
        format!("{before}.wrong"),
        before.to_owned(),
        format!("{before}."),
        format!("{link}x"),
        format!("/t/01900000-0000-7000-8000-000000000000.{secret}"),
        format!("/t/garbage.{secret}"),
        "/t/%ff".to_owned(),
        "/t/%00".to_owned(),
    ] {
        let answer = fetch(&app, "GET", &address, "msg_stranger").await;
        assert_eq!((answer.status, &*answer.text), (404, unknown), "{address}");
        kept_nowhere(&answer);
    }
    let unsigned = send(&app, Request::builder().uri(&link)).await;
    assert_eq!(unsigned.status, 401);
    assert_eq!(
        unsigned.text,
        concat!(
            "signature_missing: the request lacks the webhook-* or svix-* headers, signed with the workspace's callback secret; ",
            "send what proves that the request is yours, as the link was made to demand",
        )
    );
    kept_nowhere(&unsigned);
    // An API key does not open a link.
    assert_eq!(app.get(&link).await.status, 401);
    let [id, (time, _), signature] = app.signature("msg_forged").await;
    let forged = [id, (time, "1750000000".to_owned()), signature];
    let request =
        forged.iter().fold(Request::builder().uri(&link), |r, (name, value)| r.header(*name, value));
    let forged = send(&app, request).await;
    assert_eq!((forged.status, &forged.text[..18]), (401, "signature_invalid:"));
    assert_eq!(app.zoom.count("zak_mints").await, 0);

    assert_eq!(fetch(&app, "GET", &link, "msg_once").await.status, 200);
    app.pass(Duration::from_secs(31)).await;
    let again = fetch(&app, "GET", &link, "msg_once").await;
    assert_eq!(
        (again.status, &*again.text),
        (
            409,
            "replay_refused: this webhook-id was used before: each fetch needs an id of its own; make a new request for each fetch"
        )
    );
    let body = Body::from("x".repeat(9 << 20));
    // The body is not read before the signature headers are present.
    let large = app.send(Request::builder().method("POST").uri(&link).body(body).unwrap()).await;
    assert_eq!((large.status, &large.text[..18]), (401, "signature_missing:"));
    kept_nowhere(&large);
}

#[tokio::test]
async fn zooms_errors_are_answered_with_the_contracts_codes() {
    let (app, account, link) = linked().await;
    let fault = json!({ "where": "zak", "kind": "http_429", "retry_after": "seconds" });
    app.zoom.control("POST", "faults", fault).await;
    let answer = fetch(&app, "GET", &link, "msg_1").await;
    assert_eq!((answer.status, answer.header("retry-after")), (503, "1"));
    assert_eq!(answer.text, "zoom_rate_limited: try again after the time in Retry-After");
    kept_nowhere(&answer);
    // Until then Zoom is not called. Other servers learn of the limit later and count from then: it may take a moment
    // longer.
    app.jump(Duration::from_secs(1));
    let user = app.zoom.host()["id"].as_str().unwrap();
    app.zoom.control("PATCH", &format!("users/{user}"), json!({ "active": false })).await;
    let answer = app.meanwhile(fetch(&app, "GET", &link, "msg_2")).await;
    assert_eq!((answer.status, answer.header("retry-after")), (424, ""));
    assert_eq!(answer.text, "credential_needs_consent: connect the Zoom account again");
    let shown = app.get(&format!("/api/v2/zoom-oauth-credentials/{account}/")).await.ok();
    assert_eq!(
        (&shown["status"], &shown["latchkey_status"]),
        (&json!("unhealthy"), &json!("needs_reauth:revoked"))
    );
}

#[tokio::test]
async fn a_links_address_is_shown_once() {
    let app = app().await;
    let account = app.connect(app.zoom.host()).await;
    let expires_at = app.env.now() + Duration::from_secs(60);
    let signing_secret = "whsec_cGxhbnRlZC1zaWduaW5nLXNlY3JldA==";
    let asked = json!({ "credential": account, "expires_at": expires_at, "signing_secret": signing_secret });
    let answer = app.post(LINKS, asked).await;
    assert_eq!(answer.header("cache-control"), "no-store");
    let mut made = answer.created();
    let url = made.as_object_mut().unwrap().remove("url").unwrap();
    let path = app.path_of(url.as_str().unwrap());
    assert!(path.starts_with(&format!("/t/{}.", made["id"].as_str().unwrap())), "{path}");
    assert_eq!(
        made,
        json!({
            "id": made["id"], "name": "", "dialect": "recall", "kinds": ["zak"],
            "credential": account, "user": null, "user_address": null, "accounts": [{ "credential": account, "user": null }],
            "pool": null, "host": false, "meeting": null, "meeting_in_request": false,
            "verification": "signature", "query_parameter": null, "own_signing_secret": true, "networks": [],
            "optional": false, "allow_repeat": false, "zak_outlives": 600, "seat_seconds": 14400, "hosting": false,
            "per_minute": null, "not_before": null, "expires_at": expires_at, "max_uses": null, "uses": null,
            "last_uses": [], "refusals": [], "revoked_at": null, "created_at": app.env.now(),
        })
    );
    let list = app.get(LINKS).await;
    assert_eq!(list.ok(), json!({ "next": null, "previous": null, "results": [made] }));
    let signed_by_the_workspace = fetch(&app, "GET", &path, "msg_1").await;
    assert_eq!(signed_by_the_workspace.status, 401, "only the link's own secret is accepted");
    let told = "no signature in the headers was made over this request with this link's own signing_secret; ";
    assert!(signed_by_the_workspace.text.contains(told), "{}", signed_by_the_workspace.text);
    let unsigned = send(&app, Request::builder().uri(&path)).await.text;
    assert!(unsigned.contains("signed with this link's own signing_secret; "), "{unsigned}");

    app.pass(Duration::from_secs(60)).await;
    let late = fetch(&app, "GET", &path, "msg_2").await;
    assert_eq!(
        (late.status, &*late.text),
        (410, "link_expired: the link has expired; use one that is valid now, or make a new one")
    );
}

#[tokio::test]
async fn a_revoked_link_is_gone() {
    let (app, _, link) = linked().await;
    assert_eq!(fetch(&app, "GET", &link, "msg_1").await.status, 200);
    let (id, _) = link.strip_prefix("/t/").unwrap().split_once('.').unwrap();
    for _ in 0..2 {
        let answer = app.call("DELETE", &format!("{LINKS}{id}/"), Body::empty()).await;
        assert_eq!((answer.status, &*answer.text), (204, ""), "revoking again is allowed");
    }
    let revoked_at = app.get(LINKS).await.ok()["results"][0]["revoked_at"].clone();
    assert_eq!(revoked_at, json!(app.env.now()));
    app.pass(Duration::from_secs(1)).await;
    assert_eq!(fetch(&app, "GET", &link, "msg_2").await.status, 404);
}

#[tokio::test]
async fn a_link_that_could_not_work_is_not_created() {
    let app = app().await;
    let account = app.connect(app.zoom.host()).await;
    let link = |changes: Value| {
        let mut link = json!({ "credential": account });
        link.as_object_mut().unwrap().extend(changes.as_object().unwrap().clone());
        link
    };
    let secret = "It must be whsec_ and Base64 of 16 to 128 bytes.";
    for (body, complaints) in [
        (json!({}), json!({ "credential": ["Give one of credential, accounts, pool, or host: true."] })),
        (
            link(json!({ "pool": account })),
            json!({ "credential": ["Give only one of credential, accounts, pool and host."] }),
        ),
        (json!({ "pool": account }), json!({ "pool": ["This workspace has no such pool."] })),
        (json!({ "credential": "x" }), json!({ "credential": ["It must be the id of an account."] })),
        (
            link(json!({ "kind": "password" })),
            json!({ "kind": ["It must be zak, obf, join_token or access_token, or a list of these."] }),
        ),
        (
            link(json!({ "expires_at": "2020-01-01T00:00:00Z" })),
            json!({ "expires_at": ["It must be in the future."] }),
        ),
        (link(json!({ "signing_secret": "whsec_c2hvcnQ=" })), json!({ "signing_secret": [secret] })),
        (link(json!({ "signing_secret": "secret" })), json!({ "signing_secret": [secret] })),
        (
            link(json!({ "dialect": "attendee" })),
            json!({ "signing_secret": ["Attendee signs with a project's secret, which is required here."] }),
        ),
        (
            link(
                json!({ "dialect": "attendee", "signing_secret": ["c2hvcnQ="], "kinds": ["zak", "access_token"] }),
            ),
            json!({
                "kinds": ["Attendee takes no access tokens."],
                "signing_secret": ["It must be Base64 of 16 to 128 bytes, as Attendee shows it."],
            }),
        ),
        (
            link(json!({ "dialect": "zoom" })),
            json!({ "dialect": ["It must be recall, attendee, meeting_baas or bearer."] }),
        ),
        (
            link(json!({ "meeting": "12345678" })),
            json!({ "meeting": ["It must be a meeting number of 9 to 11 digits."] }),
        ),
        (link(json!({ "max_uses": 0 })), json!({ "max_uses": ["It must be at least 1."] })),
        (
            link(json!({ "networks": ["10.0.0.0/33"] })),
            json!({ "networks": ["It must be a list of networks, such as 203.0.113.0/24."] }),
        ),
        (
            link(json!({ "verification": "query_secret", "query_secret": "short" })),
            json!({ "query_secret": ["It must have at least 16 characters."] }),
        ),
        (
            link(json!({ "verification": "query_secret", "query_parameter": "to?ken" })),
            json!({ "query_parameter": ["It may only contain letters, digits, and - _ . ~."] }),
        ),
        (
            link(json!({ "query_parameter": "auth" })),
            json!({ "query_parameter": ["It needs `verification: query_secret`: set that, or leave this out."] }),
        ),
        (
            link(
                json!({ "verification": "unsigned", "signing_secret": "whsec_cGxhbnRlZC1zaWduaW5nLXNlY3JldA==" }),
            ),
            json!({ "signing_secret": ["It verifies signatures, but the verification is unsigned: leave one of them out."] }),
        ),
        (
            json!({ "accounts": [{ "credential": account, "user": "ada@example.test" }] }),
            json!({ "user": ["This account belongs to one user; only a server-to-server app has several."] }),
        ),
        (json!({ "accounts": [] }), json!({ "accounts": ["Give at least one account."] })),
        (
            json!({ "accounts": [{ "credential": account }, { "credential": "foo" }, { "id": account }] }),
            json!({ "accounts": [
                {}, { "credential": ["It must be the id of an account."] },
                { "credential": ["This field is required."], "id": ["There is no such field. The fields are: credential, user."] },
            ] }),
        ),
        (
            link(json!({ "expire_at": "2020-01-01T00:00:00Z" })),
            json!({ "expire_at": ["There is no such field: did you mean expires_at?"] }),
        ),
        (
            link(json!({ "hosting": true })),
            json!({ "hosting": ["hosting applies to pools only: give `pool`."] }),
        ),
    ] {
        assert_eq!(app.post(LINKS, body.clone()).await.refused(), complaints, "{body}");
    }
    assert_eq!(app.get(LINKS).await.ok()["results"], json!([]));
}
