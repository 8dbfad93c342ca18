//! The limits of a link, and what it shows of its uses.

use std::time::Duration;

use axum::{body::Body, http::Request};
use model::Secret;
use serde_json::{Value, json};

use super::{LINKS, bare, fetch, link, with_account};

#[tokio::test]
async fn either_of_two_secrets_verifies_while_one_is_replaced() {
    let (app, account) = with_account().await;
    let secrets = ["whsec_dGhlIG5ldyBzZWNyZXQgb2YgdGhpcw==", "whsec_dGhlIG9sZCBzZWNyZXQgb2YgdGhpcw=="];
    let (made, path) = link(&app, json!({ "credential": account, "signing_secret": secrets })).await;
    let signed = async |secret: &str, id: &str| {
        let key = outbound::signature::SigningKey::parse(&Secret::new(secret)).unwrap();
        let now = app.env.now();
        let request = Request::builder()
            .uri(&path)
            .header("webhook-id", id)
            .header("webhook-timestamp", now.as_second().to_string())
            .header("webhook-signature", key.sign(id, now, b""));
        app.send(request.body(Body::empty()).unwrap()).await.status
    };
    assert_eq!((signed(secrets[0], "a").await, signed(secrets[1], "b").await), (200, 200));
    let at = format!("{LINKS}{}/", made["id"].as_str().unwrap());
    let only = json!({ "signing_secret": secrets[0] }).to_string();
    let request = app.request("PATCH", &at).header("content-type", "application/json");
    assert_eq!(app.send(request.body(Body::from(only)).unwrap()).await.status, 200);
    assert_eq!((signed(secrets[0], "c").await, signed(secrets[1], "d").await), (200, 401));
}

#[tokio::test]
async fn a_link_is_used_up_not_yet_valid_or_asked_too_often() {
    let (app, account) = with_account().await;
    let (_, path) = link(&app, json!({ "credential": account, "max_uses": 2 })).await;
    let codes = async |path: &str, count: usize| {
        let mut codes = Vec::new();
        for number in 0..count {
            // Ids have no dots, unlike paths and times.
            let id = format!("msg_{number}_{path}_{}", app.env.now()).replace('.', "_");
            codes.push(fetch(&app, path, &id).await.status);
        }
        codes
    };
    assert_eq!(codes(&path, 3).await, [200, 200, 410]);

    let not_before = app.env.now() + Duration::from_secs(60);
    let (_, path) = link(&app, json!({ "credential": account, "not_before": not_before })).await;
    assert_eq!(codes(&path, 1).await, [410]);
    app.jump(Duration::from_secs(60));
    assert_eq!(codes(&path, 1).await, [200]);

    let (_, path) = link(&app, json!({ "credential": account, "per_minute": 2 })).await;
    assert_eq!(codes(&path, 3).await, [200, 200, 429]);
    let answer = fetch(&app, &path, "once more").await;
    assert_eq!(answer.text, "rate_limited: try again after the time in Retry-After");
    let wait: u64 = answer.header("retry-after").parse().unwrap();
    app.jump(Duration::from_secs(wait));
    assert_eq!(codes(&path, 1).await, [200]);

    // A use that gives nothing is not counted.
    let (made, path) = link(&app, json!({ "credential": account, "kinds": ["zak"], "max_uses": 1 })).await;
    app.zoom.control("POST", "faults", json!({ "where": "refresh", "kind": "http_500", "times": 9 })).await;
    app.jump(Duration::from_secs(7200));
    assert_eq!(codes(&path, 1).await, [503]);
    let shown = app.get(&format!("{LINKS}{}/", made["id"].as_str().unwrap())).await.ok();
    assert_eq!(shown["uses"], 0);
}

#[tokio::test]
async fn a_link_can_be_restricted_but_not_widened() {
    let (app, account) = with_account().await;
    let end = app.env.now() + Duration::from_secs(3600);
    let asked = json!({ "credential": account, "kinds": ["zak", "obf"], "expires_at": end, "max_uses": 10,
                        "networks": ["203.0.113.0/24", "127.0.0.0/8"] });
    let (made, _) = link(&app, asked).await;
    let at = format!("{LINKS}{}/", made["id"].as_str().unwrap());
    let patch = async |change: Value| {
        let request = app.request("PATCH", &at).header("content-type", "application/json");
        app.send(request.body(Body::from(change.to_string())).unwrap()).await
    };
    let change = json!({ "name": "for Zoë", "kinds": ["obf"], "expires_at": end - Duration::from_secs(60), "max_uses": 9,
                           "meeting": 123_456_789, "per_minute": 5, "networks": ["203.0.113.7"] });
    let narrowed = patch(change.clone()).await.ok();
    for (field, value) in change.as_object().unwrap() {
        let expected = if field == "networks" { &json!(["203.0.113.7/32"]) } else { value };
        assert_eq!(&narrowed[field], expected, "{field}");
    }
    assert_eq!(app.get(&at).await.ok(), narrowed);
    let wider = json!(["A link can only be restricted further: to allow more, create a new one."]);
    for (field, value) in [
        ("kinds", json!(["zak"])),
        ("expires_at", json!(end)),
        ("max_uses", json!(10)),
        ("meeting", json!(123_456_780)),
        ("per_minute", json!(6)),
        ("networks", json!(["203.0.113.0/24"])),
    ] {
        assert_eq!(patch(json!({ field: value })).await.refused(), json!({ field: wider }), "{field}");
    }
    let fixed = patch(json!({ "credential": account, "optional": true })).await.refused();
    let words = json!(["It is fixed when the link is created."]);
    assert_eq!(fixed, json!({ "credential": words, "optional": words }));
    assert_eq!(app.get(&at).await.ok(), narrowed, "nothing of the refused change is stored");
}

#[tokio::test]
async fn a_link_shows_its_last_uses() {
    let (app, account) = with_account().await;
    let (made, path) = link(&app, json!({ "credential": account })).await;
    fetch(&app, &format!("{path}?bot=b-1"), "msg_1").await;
    app.jump(Duration::from_secs(1));
    fetch(&app, &format!("{path}?kind=obf"), "msg_2").await;
    let forged = bare(&app, &path).await;
    assert_eq!(forged.status, 401);
    app.links.recent_uses.write().await;
    let shown = app.get(&format!("{LINKS}{}/", made["id"].as_str().unwrap())).await.ok()["last_uses"].clone();
    let now = app.env.now();
    assert_eq!(
        shown,
        json!([
            { "at": now, "kind": "obf", "outcome": "token_not_available", "from": "127.0.0.1", "bot": null, "meeting": null },
            { "at": now - Duration::from_secs(1), "kind": "zak", "outcome": "given", "from": "127.0.0.1", "bot": "b-1", "meeting": null },
        ]),
        "newest first; unverified requests are not shown"
    );
}

#[tokio::test]
async fn refused_requests_are_counted_by_cause_even_if_unverified() {
    let (app, account) = with_account().await;
    let (made, path) = link(&app, json!({ "credential": account, "per_minute": 2 })).await;
    let at = format!("{LINKS}{}/", made["id"].as_str().unwrap());
    let first = app.env.now();
    assert_eq!(bare(&app, &path).await.status, 401);
    app.jump(Duration::from_secs(1));
    let now = app.env.now();
    assert_eq!(bare(&app, &path).await.status, 401);
    assert_eq!(
        bare(&app, &format!("{path}x")).await.status,
        404,
        "a request without the right address is not counted"
    );
    let refusals = app.get(&at).await.ok()["refusals"].clone();
    let expected = json!([{ "code": "signature_missing", "count": 2, "since": first, "last_at": now }]);
    assert_eq!(refusals, expected);
    for id in ["msg_1", "msg_2", "msg_3"] {
        fetch(&app, &path, id).await;
    }
    let shown = app.get(&at).await.ok()["refusals"].clone();
    let mut codes: Vec<_> =
        shown.as_array().unwrap().iter().map(|row| row["code"].as_str().unwrap()).collect();
    codes.sort_unstable();
    assert_eq!(codes, ["rate_limited", "signature_missing"], "requests above the rate limit too: {shown}");
    app.jump(Duration::from_secs(25 * 3600));
    assert_eq!(app.get(&at).await.ok()["refusals"], json!([]), "a day later");
}
