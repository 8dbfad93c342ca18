//! The life of accounts: connected with a code, validated, deleted; and what their log says.

use axum::{
    body::Body,
    http::{Request, header},
};
use serde_json::{Value, json};

use crate::{
    app,
    test_app::{Answer, CLIENT_ID, CLIENT_SECRET, TestApp},
};

const ACCOUNTS: &str = "/api/v2/zoom-oauth-credentials/";
const REDIRECT: &str = "https://latchkey.test/base/oauth/zoom/callback";

/// A code from Zoom's consent page, which another client than Latchkey showed.
async fn code(app: &TestApp) -> String {
    app.zoom.code(CLIENT_ID, REDIRECT).await
}

fn by_code(app: &TestApp, code: &str) -> Value {
    json!({ "oauth_app": app.zoom_app, "authorization_code": { "code": code, "redirect_uri": REDIRECT } })
}

async fn connected(app: &TestApp) -> String {
    let made = app.post(ACCOUNTS, by_code(app, &code(app).await)).await.created();
    // Log lines with the same time have no order.
    app.tick();
    made["id"].as_str().unwrap().to_owned()
}

async fn delete(app: &TestApp, id: &str) -> Answer {
    app.call("DELETE", &format!("{ACCOUNTS}{id}/"), Body::empty()).await
}

async fn validate(app: &TestApp, id: &str) -> Answer {
    app.tick();
    app.call("POST", &format!("{ACCOUNTS}{id}/validate/"), Body::empty()).await
}

async fn messages(app: &TestApp, path: &str) -> Vec<String> {
    let page = app.get(path).await.ok();
    let lines = page["results"].as_array().unwrap();
    lines.iter().map(|line| line["message"].as_str().unwrap().to_owned()).collect()
}

#[tokio::test]
async fn a_code_from_the_callers_own_consent_page_connects_an_account() {
    let app = app().await;
    let (first, second) = (code(&app).await, code(&app).await);
    let made = app.post(ACCOUNTS, by_code(&app, &first)).await.created();
    assert_eq!((&made["status"], &made["kind"]), (&json!("healthy"), &json!("user_oauth")));
    assert_eq!(made["user_id"], app.zoom.host()["id"]);
    let again = app.post(ACCOUNTS, by_code(&app, &second)).await.created();
    assert_eq!(again["id"], made["id"], "the same user on the same app keeps the id");

    let spent = app.post(ACCOUNTS, by_code(&app, &first)).await.refused();
    assert_eq!(spent["code"], "zoom_oauth_error");
    let elsewhere = json!({ "code": code(&app).await, "redirect_uri": "https://elsewhere.test/" });
    let body = json!({ "oauth_app": app.zoom_app, "authorization_code": elsewhere });
    assert_eq!(app.post(ACCOUNTS, body).await.refused()["code"], "zoom_oauth_error");
    let body = json!({ "oauth_app": app.zoom_app, "authorization_code": {} });
    let required = ["This field is required."];
    let complaints = json!({ "authorization_code": { "code": required, "redirect_uri": required } });
    assert_eq!(app.post(ACCOUNTS, body).await.refused(), complaints);
}

#[tokio::test]
async fn what_the_app_lacks_at_zoom_is_named_when_the_account_is_connected() {
    let app = app().await;
    let scopes = async |scopes: Value| {
        app.zoom.control("PATCH", &format!("apps/{CLIENT_ID}"), json!({ "scopes": scopes })).await;
    };
    scopes(json!(["user:read:user"])).await;
    let made = app.post(ACCOUNTS, by_code(&app, &code(&app).await)).await.created();
    assert_eq!(made["latchkey_missing_scopes"], json!(["user:read:zak"]));
    let id = made["id"].as_str().unwrap();
    let told = messages(&app, &format!("/api/v2/zoom-oauth-credential-logs/?credential={id}")).await;
    assert_eq!(told, ["connected; the app lacks the scopes user:read:zak"]);

    scopes(json!(["meeting:read:meeting"])).await;
    let refused = app.post(ACCOUNTS, by_code(&app, &code(&app).await)).await.refused();
    let detail = refused["detail"].as_str().unwrap();
    assert!(
        detail.starts_with("the app lacks the scopes user:read:user, user:read:zak; add the scope"),
        "{detail}"
    );

    scopes(json!(["user:read"])).await;
    let made = app.post(ACCOUNTS, by_code(&app, &code(&app).await)).await.created();
    assert_eq!(made["latchkey_missing_scopes"], json!([]), "the classic scope covers both");
}

#[tokio::test]
async fn a_deleted_account_is_gone_here_and_at_zoom_and_leaves_a_tombstone() {
    let app = app().await;
    let id = connected(&app).await;
    let link = app.path_of(&app.token_link(&id).await);
    assert_eq!(delete(&app, &id).await.status, 204);
    for path in [format!("{ACCOUNTS}{id}/"), format!("{ACCOUNTS}{id}/access-token/")] {
        let gone = app.get(&path).await;
        assert_eq!((gone.status, &*gone.text), (404, r#"{"detail":"Not found."}"#), "{path}");
    }
    assert_eq!(delete(&app, &id).await.status, 404);
    assert_eq!(validate(&app, &id).await.status, 404);
    assert_eq!(app.get(ACCOUNTS).await.ok()["results"], json!([]));
    let tombstones = app.get(&format!("{ACCOUNTS}?status=disconnected")).await.ok();
    let tombstone = &tombstones["results"][0];
    assert_eq!((&tombstone["id"], &tombstone["latchkey_status"]), (&json!(id), &json!("disconnected:asked")));

    let mut request = Request::builder().uri(&link);
    for (name, value) in app.signature("msg_1").await {
        request = request.header(name, value);
    }
    let refused = app.send(request.body(Body::empty()).unwrap()).await;
    assert_eq!(
        (refused.status, &*refused.text),
        (424, "credential_disconnected: connect the Zoom account again")
    );
    assert_eq!(app.zoom.count("revocations").await, 1);
    let told = messages(&app, &format!("/api/v2/zoom-oauth-credential-logs/?credential={id}")).await;
    assert_eq!(told, ["disconnected, and revoked at Zoom", "connected"]);

    assert_eq!(connected(&app).await, id, "connected again, it is the same account");
}

#[tokio::test]
async fn an_account_is_deleted_even_if_zoom_does_not_revoke_it() {
    let app = app().await;
    let id = connected(&app).await;
    let fault = json!({ "where": "revoke", "kind": "http_500" });
    app.zoom.control("POST", "faults", fault).await;
    assert_eq!(delete(&app, &id).await.status, 204);
    let told = messages(&app, "/api/v2/zoom-oauth-credential-logs/").await;
    assert!(told[0].starts_with("disconnected, but not revoked at Zoom: Zoom is unavailable"), "{told:?}");
}

#[tokio::test]
async fn validation_repairs_an_account_or_says_why_not() {
    let app = app().await;
    let id = connected(&app).await;
    let shown = async || app.get(&format!("{ACCOUNTS}{id}/")).await.ok();
    // The refresh is tried twice: the lost answer could have been the good one.
    let fault = json!({ "where": "refresh", "kind": "http_500", "times": 2 });
    app.zoom.control("POST", "faults", fault).await;
    let answer = validate(&app, &id).await;
    assert_eq!(answer.ok(), shown().await, "the answer shows the result");
    assert_eq!(shown().await["latchkey_status"], "degraded");
    // Nothing else would retry before the retry is due.
    assert_eq!(validate(&app, &id).await.status, 200);
    assert_eq!(shown().await["latchkey_status"], "healthy");

    let user = app.zoom.host()["id"].as_str().unwrap();
    app.zoom.control("DELETE", &format!("users/{user}/apps/{CLIENT_ID}"), Value::Null).await;
    for _ in 0..2 {
        let answer = validate(&app, &id).await;
        assert_eq!(answer.ok()["status"], "unhealthy");
    }
    let told = messages(&app, &format!("/api/v2/zoom-oauth-credential-logs?credential={id}")).await;
    assert!(told[0].ends_with("; connect the Zoom account again"), "{told:?}");
    let events = app.get("/api/latchkey/v1/credential-events").await.ok();
    let became: Vec<_> = events["results"].as_array().unwrap().iter().map(|event| &event["status"]).collect();
    assert_eq!(became, ["needs_reauth:revoked", "healthy", "degraded", "healthy"]);
    let degraded = &events["results"][2];
    assert_eq!((&degraded["credential"], &degraded["code"]), (&json!(id), &json!("refresh_uncertain")));
}

#[tokio::test]
async fn logs_are_read_in_pages_by_cursor() {
    let app = app().await;
    for _ in 0..120 {
        let body = Body::from(json!({ "client_secret": CLIENT_SECRET }).to_string());
        let request = app.request("PATCH", &format!("/api/v2/zoom-oauth-apps/{}/", app.zoom_app));
        let request = request.header(header::CONTENT_TYPE, "application/json");
        assert_eq!(app.send(request.body(body).unwrap()).await.status, 200);
        app.tick();
    }
    let path = format!("/api/v2/zoom-oauth-app-logs/?oauth_app={}", app.zoom_app);
    let first = app.get(&path).await.ok();
    let line = &first["results"][0];
    assert_eq!(
        line,
        &json!({ "oauth_app": app.zoom_app, "message": "secrets replaced", "created_at": line["created_at"] })
    );
    let next = app.path_of(first["next"].as_str().unwrap());
    let second = app.get(&next).await.ok();
    assert_eq!(second["next"], Value::Null);
    assert_eq!(app.get(&app.path_of(second["previous"].as_str().unwrap())).await.ok(), first);
    let times: Vec<_> = [&first, &second]
        .iter()
        .flat_map(|page| page["results"].as_array().unwrap())
        .map(|line| line["created_at"].as_str().unwrap())
        .collect();
    assert_eq!(times.len(), 120);
    assert!(times.is_sorted_by(|newer, older| newer > older), "newest first, none twice");

    let after = format!("{path}&created_at_after={}", times[10]);
    assert_eq!(app.get(&after).await.ok()["results"].as_array().unwrap().len(), 10);
    let wrong = app.get("/api/v2/zoom-oauth-app-logs/?cursor=garbage").await;
    assert_eq!((wrong.status, &*wrong.text), (404, r#"{"detail":"Invalid page."}"#));
    for (query, complaints) in [
        (
            "created_at_before=soon",
            json!({ "created_at_before": ["It must be a date, or a time in ISO 8601."] }),
        ),
        ("oauth_app=x", json!({ "oauth_app": ["It must be an id."] })),
    ] {
        let refused = app.get(&format!("/api/v2/zoom-oauth-app-logs/?{query}")).await.refused();
        assert_eq!(refused, complaints);
    }
}

#[tokio::test]
async fn another_workspace_sees_and_ends_nothing() {
    let app = app().await;
    let id = connected(&app).await;
    let key = app.another_workspace().await;
    let call = async |method: &str, path: String| {
        let request = Request::builder().method(method).uri(path);
        let request = request.header(header::AUTHORIZATION, format!("Token {key}"));
        app.send(request.body(Body::empty()).unwrap()).await
    };
    for (method, path) in
        [("DELETE", format!("{ACCOUNTS}{id}/")), ("POST", format!("{ACCOUNTS}{id}/validate/"))]
    {
        let unknown = call(method, path.replace(&id, "01900000-0000-7000-8000-000000000000")).await;
        let foreign = call(method, path).await;
        assert_eq!((foreign.status, &foreign.text), (404, &unknown.text));
    }
    for path in [
        format!("/api/v2/zoom-oauth-credential-logs/?credential={id}"),
        "/api/v2/zoom-oauth-app-logs/".to_owned(),
        "/api/latchkey/v1/credential-events/".to_owned(),
        format!("{ACCOUNTS}?status=disconnected"),
    ] {
        assert_eq!(call("GET", path).await.ok()["results"], json!([]));
    }
    assert_eq!(app.get(&format!("{ACCOUNTS}{id}/")).await.ok()["status"], "healthy");
}
