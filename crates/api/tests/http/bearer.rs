//! Token links for people's own bots and `curl`: the link's secret is in a header, the token is in JSON.

use std::time::Duration;

use axum::{body::Body, http::Request};
use serde_json::{Value, json};

use crate::{
    PLAN, app,
    test_app::{Answer, Plan, TestApp},
};

const LINKS: &str = "/api/latchkey/v1/token-links/";

/// A link, its path, and its header's value.
struct Link {
    made: Value,
    path: String,
    authorization: String,
}

impl Link {
    async fn new(app: &TestApp, mut asked: Value) -> Self {
        asked["dialect"] = json!("bearer");
        let made = app.post(LINKS, asked).await.created();
        let path = app.path_of(made["url"].as_str().unwrap());
        let authorization = made["authorization"].as_str().unwrap().to_owned();
        Self { made, path, authorization }
    }

    async fn fetch(&self, app: &TestApp, query: &str) -> Answer {
        send(app, "GET", &format!("{}{query}", self.path), Some(&self.authorization), "").await
    }
}

async fn send(app: &TestApp, method: &str, path: &str, authorization: Option<&str>, body: &str) -> Answer {
    let mut request = Request::builder().method(method).uri(path);
    if let Some(value) = authorization {
        request = request.header("authorization", value);
    }
    app.send(request.body(Body::from(body.to_owned())).unwrap()).await
}

async fn with_link(asked: Value) -> (TestApp, String, Link) {
    let app = app().await;
    let account = app.connect(app.zoom.host()).await;
    let mut asked = asked;
    asked["credential"] = json!(account);
    let link = Link::new(&app, asked).await;
    (app, account, link)
}

#[tokio::test]
async fn a_bearer_link_returns_the_token_its_kind_and_its_expiry() {
    let (app, account, link) = with_link(json!({ "kinds": ["zak", "obf", "access_token"] })).await;
    let id = link.made["id"].as_str().unwrap();
    assert!(link.path.ends_with(&format!("/t/{id}")), "the address holds no secret: {}", link.path);
    let answer = link.fetch(&app, "").await;
    assert_eq!(answer.header("content-type"), "application/json");
    assert_eq!(answer.header("cache-control"), "no-store");
    let token = answer.ok();
    assert_eq!(token["kind"], "zak");
    assert_eq!(token["token"].as_str().unwrap().split('.').count(), 3);
    let end: model::Timestamp = token["expires_at"].as_str().unwrap().parse().unwrap();
    let life = end.since(app.env.now());
    // Two hours by Zoom's clock. Its difference from this server's clock is known only to the second.
    assert!(life > Duration::from_secs(600) && life < Duration::from_secs(7205), "{life:?}");

    let obf = link.fetch(&app, "?kind=obf").await.ok();
    assert_eq!((obf["kind"].as_str(), &obf["expires_at"]), (Some("obf"), &Value::Null), "Zoom doesn't say");
    let access = link.fetch(&app, "?kind=access_token&bot=mine").await.ok();
    assert!(access["expires_at"].is_string());
    let refused = link.fetch(&app, "?kind=join_token").await;
    assert_eq!((refused.status, &refused.json()["code"]), (422, &json!("token_not_available")));

    let audit = app.get("/api/latchkey/v1/audit/").await.ok();
    let mine = |record: &&Value| record["bot"] == "mine" && record["kind"] == "access_token";
    let record = audit["results"].as_array().unwrap().iter().find(mine).unwrap();
    assert_eq!(record["credential"], account.as_str());
    assert_eq!(audit["results"].as_array().unwrap().len(), 3);
    app.links.recent_uses.write().await;
    let shown = app.get(&format!("{LINKS}{id}/")).await.ok();
    assert_eq!((&shown["dialect"], &shown["verification"]), (&json!("bearer"), &json!("unsigned")));
    assert_eq!(shown["last_uses"][0]["outcome"], "token_not_available");
    assert!(shown.get("authorization").is_none() && shown.get("url").is_none(), "shown once");
}

#[tokio::test]
async fn a_missing_or_wrong_bearer_gets_401_with_a_challenge_and_mints_nothing() {
    let (app, _, link) = with_link(json!({})).await;
    let missing = send(&app, "GET", &link.path, None, "").await;
    assert_eq!((missing.status, missing.header("www-authenticate")), (401, "Bearer"));
    assert_eq!(missing.json()["code"], "signature_missing");
    let other = Link::new(&app, json!({ "host": true })).await;
    let upper = link.authorization.to_uppercase();
    for wrong in ["Bearer ", "Bearer x", &other.authorization, &upper, &format!("{}x", link.authorization)] {
        let refused = send(&app, "GET", &link.path, Some(wrong), "").await;
        assert_eq!(refused.status, 401, "{wrong}: {}", refused.text);
        assert_eq!(refused.header("www-authenticate"), "Bearer error=\"invalid_token\"");
        assert_eq!(refused.json()["code"], "signature_invalid");
        // The answer does not reveal whether the link exists.
        let nobody = send(&app, "GET", "/t/018f0000-0000-7000-8000-000000000000", Some(wrong), "").await;
        assert_eq!((nobody.status, &nobody.text), (401, &refused.text));
    }
    let token = send(&app, "GET", &link.path, Some(&format!("Token {}", app.api_key)), "").await;
    assert_eq!(token.json()["code"], "signature_missing", "an API key is no bearer");
    // The secret is accepted only in the header.
    let secret = link.authorization.strip_prefix("Bearer ").unwrap();
    let in_the_path = send(&app, "GET", &format!("{}.{secret}", link.path), None, "").await;
    assert_eq!((in_the_path.status, in_the_path.text.starts_with("link_unknown")), (404, true));
    let both = format!("{}.{secret}", link.path);
    assert_eq!(send(&app, "GET", &both, Some(&link.authorization), "").await.status, 404);
    for method in ["HEAD", "OPTIONS", "PUT"] {
        assert_eq!(send(&app, method, &link.path, Some(&link.authorization), "").await.status, 405);
    }
    let posted = send(&app, "POST", &link.path, Some(&link.authorization), "").await;
    assert_eq!((posted.status, &posted.json()["code"]), (400, &json!("request_malformed")));
    assert_eq!(app.zoom.count("zak_mints").await, 0);

    // The case of the scheme does not matter.
    let lower = format!("bearer {secret}");
    assert_eq!(send(&app, "GET", &link.path, Some(&lower), "").await.status, 200);
    assert_eq!(app.zoom.count("zak_mints").await, 1);
}

#[tokio::test]
async fn a_bearer_link_has_limits_and_can_be_restricted_and_revoked() {
    let (app, account, link) = with_link(json!({ "per_minute": 3, "meeting_in_request": true })).await;
    let path = format!("{LINKS}{}/", link.made["id"].as_str().unwrap());
    link.fetch(&app, "?meeting=12345678901").await.ok();
    let narrowed = json!({ "meeting": 12_345_678_901_u64, "per_minute": 2 });
    let key = app.api_key.clone();
    app.call_as(&key, "PATCH", &path, narrowed).await.ok();
    let refused = link.fetch(&app, "?meeting=123456789").await;
    assert_eq!((refused.status, &refused.json()["code"]), (403, &json!("meeting_not_allowed")));
    link.fetch(&app, "").await.ok();
    let limited = link.fetch(&app, "").await;
    assert_eq!((limited.status, &limited.json()["code"]), (429, &json!("rate_limited")));
    assert!(limited.header("retry-after").parse::<u32>().unwrap() > 0);
    let secret = json!({ "signing_secret": "whsec_c29tZWJvZHkgZWxzZSdzIGtleQ==" });
    let refused = app.call_as(&key, "PATCH", &path, secret).await;
    let words = "Requests bring the link's secret in a header, and are not signed: leave it out.";
    assert_eq!(refused.json(), json!({ "signing_secret": [words] }));
    for verification in ["signature", "query_secret"] {
        let asked = json!({ "credential": account, "dialect": "bearer", "verification": verification });
        let refused = app.post(LINKS, asked).await;
        let words = "Requests bring the link's secret in a header, and nothing else: leave it out.";
        assert_eq!((refused.status, &refused.json()["verification"]), (400, &json!([words])));
    }
    assert_eq!(app.call("DELETE", &path, Body::empty()).await.status, 204);
    app.jump(Duration::from_secs(1));
    assert_eq!(link.fetch(&app, "").await.status, 401);
}

#[tokio::test]
async fn a_bearers_report_of_a_bots_end_frees_its_seat() {
    let app = app().await;
    let account = app.connect(app.zoom.host()).await;
    let pool = json!({ "name": "own", "members": [{ "credential": account, "max_joins": 1 }] });
    let pool = app.post("/api/latchkey/v1/pools/", pool).await.created()["id"].clone();
    let link = Link::new(&app, json!({ "pool": pool, "meeting_in_request": true })).await;
    link.fetch(&app, "?bot=one&meeting=12345678901").await.ok();
    let full = link.fetch(&app, "?bot=two&meeting=12345678902").await;
    assert_eq!((full.status, &full.json()["code"]), (503, &json!("pool_full")));
    let status = format!("{}/status", link.path);
    let ended = json!({ "event": "ended", "bot": "one" }).to_string();
    assert_eq!(send(&app, "POST", &status, None, &ended).await.status, 401);
    for wrong in ["", "{}", r#"{"event":"ended"}"#, r#"{"event":"left","bot":"one"}"#, "[]"] {
        let refused = send(&app, "POST", &status, Some(&link.authorization), wrong).await;
        assert_eq!((refused.status, &refused.json()["code"]), (400, &json!("request_malformed")), "{wrong}");
    }
    assert_eq!(link.fetch(&app, "?bot=two&meeting=12345678902").await.status, 503);
    assert_eq!(send(&app, "POST", &status, Some(&link.authorization), &ended).await.status, 204);
    link.fetch(&app, "?bot=two&meeting=12345678902").await.ok();
}

/// The command in the documentation, as a person enters it.
#[tokio::test]
async fn the_documented_curl_gets_a_token() {
    let app = TestApp::build(&Plan { public_base: None, ..PLAN }).await;
    let account = app.connect(app.zoom.host()).await;
    let link = Link::new(&app, json!({ "credential": account, "meeting_in_request": true })).await;
    let docs = include_str!("../../../../docs/token-links.md");
    let command = docs.lines().find(|command| command.starts_with("curl -s \"$LINK?")).unwrap();
    let answered = docs.lines().skip_while(|line| *line != command).nth(1).unwrap();
    let shown: Value = serde_json::from_str(answered.trim_start_matches("# ")).unwrap();
    let mut curl = tokio::process::Command::new("sh");
    curl.args(["-c", command]).env("LINK", link.made["url"].as_str().unwrap());
    curl.env("AUTHORIZATION", format!("Authorization: {}", link.authorization));
    let output = curl.output().await.unwrap();
    let answer: Value = serde_json::from_slice(&output.stdout).unwrap();
    let keys = |answer: &Value| answer.as_object().unwrap().keys().cloned().collect::<Vec<_>>();
    assert_eq!((keys(&answer), &answer["kind"]), (keys(&shown), &shown["kind"]));
    assert_eq!(answer["token"].as_str().unwrap().split('.').count(), 3);
}
