//! Secrets that were given to this server, or that it created, are on no page and in no metric.

use serde_json::{Value, json};

use crate::{forms::PAGES, signed_in::SignedIn};

const SIGNING: &str = "whsec_cGxhbnRlZC1zaWduaW5nLXNlY3JldC1vZi10ZXN0cw==";

/// Every long text that the simulator has issued: codes and tokens.
fn gather(value: &Value, texts: &mut Vec<String>) {
    match value {
        Value::String(text) if text.len() > 20 => texts.push(text.clone()),
        Value::Array(values) => values.iter().for_each(|value| gather(value, texts)),
        Value::Object(fields) => fields.values().for_each(|value| gather(value, texts)),
        _ => {}
    }
}

#[tokio::test]
async fn no_page_and_no_metric_contains_a_secret() {
    let browser = SignedIn::new().await;
    let app = &browser.app;
    let text = |made: &Value, field: &str| made[field].as_str().unwrap().to_owned();
    let account = app.connect(app.zoom.host()).await;
    // Everything that was given to the app and its bots begins with "planted"; other secrets are known one by one.
    let mut secrets = vec!["planted".to_owned(), SIGNING.to_owned(), app.api_key.clone()];
    let mut pages: Vec<String> = PAGES.iter().map(|path| (*path).to_owned()).collect();
    pages.push(format!("/accounts/{account}"));
    pages.push(format!("/accounts/{account}/disconnect"));

    let links = "/api/latchkey/v1/token-links/";
    let of = |dialect: &str, more: Value| {
        let mut asked = json!({ "credential": account, "dialect": dialect, "name": dialect });
        asked.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        asked
    };
    let open = app.post(links, of("meeting_baas", json!({}))).await.created();
    let signed = app.post(links, of("recall", json!({ "signing_secret": SIGNING }))).await.created();
    let bearer = app.post(links, of("bearer", json!({}))).await.created();
    for link in [&open, &signed] {
        secrets.push(text(link, "url").rsplit_once('.').unwrap().1.to_owned());
    }
    secrets.push(text(&bearer, "authorization").rsplit_once(' ').unwrap().1.to_owned());
    pages.extend([&open, &signed, &bearer].map(|link| format!("/token-links/{}", text(link, "id"))));
    let zak = app.get(&app.path_of(&text(&open, "url"))).await;
    assert_eq!(zak.status, 200);
    // One request with a wrong signature, so that refusals are shown too.
    assert_eq!(app.get(&app.path_of(&text(&signed, "url"))).await.status, 401);
    let token = app.get(&format!("/api/v2/zoom-oauth-credentials/{account}/access-token/")).await;
    assert_eq!(token.status, 200);

    let endpoints = "/api/latchkey/v1/webhook-endpoints/";
    for endpoint in [
        json!({ "url": "https://endpoint.invalid/hook?key=planted", "enabled": false }),
        json!({ "kind": "slack", "url": "https://hooks.slack.com/services/T0/B0/planted9Key8Of7A6Channel5", "enabled": false }),
    ] {
        let made = app.post(endpoints, endpoint).await.created();
        // An endpoint for Slack has none.
        let secret = made["secret"].as_str().filter(|secret| secret.starts_with("whsec_"));
        secrets.extend(secret.map(str::to_owned));
        pages.push(format!("/events/{}", text(&made, "id")));
    }
    let key = app.post("/api/latchkey/v1/api-keys/", json!({ "name": "reader", "scopes": ["read"] })).await;
    secrets.push(text(&key.created(), "key"));
    let rotated = app.post("/api/latchkey/v1/callback-secret/rotate/", json!({})).await.ok();
    secrets.push(text(&rotated, "secret"));
    let invitation =
        app.post("/api/latchkey/v1/connect-links/", json!({ "credential": account })).await.created();
    secrets.push(text(&invitation, "url").rsplit_once('=').unwrap().1.to_owned());
    let pool = json!({ "name": "note takers", "members": [{ "credential": account, "max_joins": 2 }] });
    let pool = app.post("/api/latchkey/v1/pools/", pool).await.created();
    pages.push(format!("/pools/{}", text(&pool, "id")));
    for zoom in
        [json!({ "credential": account }), json!({ "zak_url": "https://zak.example.com/?key=planted" })]
    {
        let bot = json!({
            "meeting_url": "https://zoom.us/j/81234567890?pwd=planted-passcode", "zoom": zoom,
            "recording_config": { "realtime_endpoints": [{
                "type": "webhook", "url": "https://hooks.example.com/live?key=planted", "events": ["transcript.data"],
            }] },
        });
        let bot = app.post("/api/v1/bot/", bot).await.created();
        pages.push(format!("/bots/{}", text(&bot, "id")));
        pages.push(format!("/bots/{}?log=all", text(&bot, "id")));
    }
    gather(&app.zoom.control("GET", "issued", Value::Null).await, &mut secrets);
    assert!(secrets.len() > 12, "{} are known", secrets.len());

    pages.extend(["/audit/export.csv", "/find?q=no-such-thing", "/metrics"].map(str::to_owned));
    for path in pages {
        let shown = browser.get(&path).await;
        assert_eq!(shown.status, 200, "{path}: {}", shown.text);
        for secret in &secrets {
            assert!(!shown.text.contains(secret.as_str()), "{path} has {secret}: {}", shown.text);
        }
    }
}
