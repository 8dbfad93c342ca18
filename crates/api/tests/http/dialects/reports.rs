//! Reports of platforms, and what a signature authorizes.

use std::time::Duration;

use axum::{body::Body, http::Request};
use model::Secret;
use serde_json::json;

use super::{ask, attendee, bare, call, fetch, link, refused, with_account};
use crate::test_app::{Answer, TestApp};

#[tokio::test]
async fn a_platforms_report_frees_the_seat_and_a_full_pool_says_so() {
    let (app, account) = with_account().await;
    let pool = json!({ "name": "one chair", "members": [{ "credential": account, "max_joins": 1 }] });
    let pool = app.post("/api/latchkey/v1/pools/", pool).await.created()["id"].clone();
    let (_, path) = link(&app, json!({ "pool": pool })).await;
    let first = fetch(&app, &format!("{path}?bot=ours-1"), "msg_1").await;
    assert_eq!(first.status, 200, "{}", first.text);
    assert_eq!(
        fetch(&app, &format!("{path}?bot=ours-1"), "msg_2").await.status,
        200,
        "the same bot, the same seat"
    );
    let full = fetch(&app, &format!("{path}?bot=ours-2"), "msg_3").await;
    assert_eq!(full.status, 503);
    assert!(full.text.starts_with("pool_full: ") && full.text.contains("1 of 1"), "{}", full.text);
    assert!(full.header("retry-after").parse::<u64>().unwrap() > 0);

    let report = json!({ "event": "bot.done", "data": {
        "data": { "code": "done", "sub_code": null, "updated_at": app.env.now() },
        "bot": { "id": "11111111-2222-3333-4444-555555555555", "metadata": { "latchkey_bot": "ours-1" } } } });
    let status = async |body: &str, signed: bool| {
        let secret = app.get("/api/latchkey/v1/callback-secret/").await.ok();
        let key =
            outbound::signature::SigningKey::parse(&Secret::new(secret["secret"].as_str().unwrap())).unwrap();
        let now = app.env.now();
        let signature =
            if signed { key.sign("evt_1", now, body.as_bytes()) } else { key.sign("evt_1", now, b"") };
        let request = Request::builder()
            .method("POST")
            .uri(format!("{path}/status"))
            .header("svix-id", "evt_1")
            .header("svix-timestamp", now.as_second().to_string())
            .header("svix-signature", signature);
        app.send(request.body(Body::from(body.to_owned())).unwrap()).await
    };
    let forged = status(&report.to_string(), false).await;
    assert_eq!((forged.status, forged.text.split(':').next()), (401, Some("signature_invalid")));
    assert_eq!(status("nonsense", true).await.status, 400);
    assert_eq!(fetch(&app, &format!("{path}?bot=ours-2"), "msg_4").await.status, 503);
    for _ in 0..2 {
        assert_eq!(status(&report.to_string(), true).await.status, 204, "as often as it is sent");
    }
    assert_eq!(fetch(&app, &format!("{path}?bot=ours-2"), "msg_5").await.status, 200);
    assert_eq!(bare(&app, &format!("{path}/status")).await.status, 405);
}

/// `body` by `method`, signed as a platform with Standard Webhooks does.
async fn signed(app: &TestApp, (method, path): (&str, &str), id: &str, body: &str) -> Answer {
    let secret = app.get("/api/latchkey/v1/callback-secret/").await.ok();
    let key =
        outbound::signature::SigningKey::parse(&Secret::new(secret["secret"].as_str().unwrap())).unwrap();
    let now = app.env.now();
    let request = Request::builder()
        .method(method)
        .uri(path)
        .header("webhook-id", id)
        .header("webhook-timestamp", now.as_second().to_string())
        .header("webhook-signature", key.sign(id, now, body.as_bytes()));
    app.send(request.body(Body::from(body.to_owned())).unwrap()).await
}

/// No dialect signs method and address, so the purpose of a message must be in the signed part.
#[tokio::test]
async fn a_signature_is_valid_only_for_its_purpose() {
    let (app, account) = with_account().await;
    let malformed = |answer: &Answer| {
        assert_eq!(
            (answer.status, answer.text.contains("request_malformed")),
            (400, true),
            "{}",
            answer.text
        );
    };
    let reports = [
        ("recall", json!({ "event": "bot.done", "data": { "bot": { "id": "b" } } })),
        ("meeting_baas", json!({ "event": "bot.completed", "data": { "bot_id": "b" } })),
    ];
    for (dialect, report) in reports {
        let asked = json!({ "credential": account, "dialect": dialect, "verification": "signature" });
        let (_, path) = link(&app, asked).await;
        let (status, report) = (format!("{path}/status"), report.to_string());
        for method in ["GET", "POST"] {
            malformed(&signed(&app, (method, &path), "evt_1", &report).await);
        }
        malformed(&signed(&app, ("POST", &path), "msg_1", "").await);
        for body in ["", "{}", "[]", "null", "7", r#"{"event": 7}"#, r#"{"trigger": "bot.state_change"}"#] {
            malformed(&signed(&app, ("POST", &status), "evt_1", body).await);
        }
        // None of these has used the id up.
        assert_eq!(signed(&app, ("POST", &status), "evt_1", &report).await.status, 204);
        assert_eq!(app.zoom.count("zak_mints").await, 0, "{dialect}");
    }

    let (_, path) = link(&app, attendee(&account, &json!({}))).await;
    let status = format!("{path}/status");
    let fetch = ask("bot_1", "12345678901");
    let report = json!({ "idempotency_key": "k", "bot_id": "bot_1", "bot_metadata": null,
                         "trigger": "bot.state_change", "data": { "new_state": "ended" } });
    let both = json!({ "bot_id": "bot_1", "callback_type": "zoom_tokens", "trigger": "bot.state_change",
                       "meeting_url": "https://zoom.us/j/12345678901", "data": { "new_state": "ended" } });
    for (path, body) in [
        (&path, report.to_string()),
        (&path, both.to_string()),
        (&status, both.to_string()),
        (&status, fetch.clone()),
        (&status, json!({ "bot_id": "bot_1" }).to_string()),
    ] {
        refused(&call(&app, path, &body, None).await, 400, "request_malformed", false);
    }
    assert_eq!(app.zoom.count("zak_mints").await, 0);
    assert_eq!(call(&app, &status, &report.to_string(), None).await.status, 204);
    call(&app, &path, &fetch, None).await.ok();

    // It is not valid at another address either.
    let (_, other) = link(&app, attendee(&account, &json!({ "allow_repeat": true }))).await;
    refused(&call(&app, &other, &fetch, None).await, 409, "replay_refused", false);
}

#[tokio::test]
async fn a_repeated_report_is_accepted_without_effect() {
    let (app, account) = with_account().await;
    let report = json!({ "event": "bot.fatal", "data": {
        "data": { "sub_code": "meeting_requires_sign_in" }, "bot": { "id": "b", "metadata": {} } } });
    let (_, path) = link(&app, json!({ "credential": account })).await;
    let status = format!("{path}/status");
    let number = std::cell::Cell::new(0);
    let zak = async || {
        number.set(number.get() + 1);
        fetch(&app, &path, &format!("msg_{}", number.get())).await.text
    };
    let minute = Duration::from_secs(60);
    let first = zak().await;
    app.jump(minute);
    let told = async |id: &str| signed(&app, ("POST", &status), id, &report.to_string()).await.status;
    assert_eq!(told("evt_1").await, 204);
    let second = zak().await;
    assert_ne!(second, first);
    app.jump(minute);
    assert_eq!((told("evt_1").await, zak().await == second), (204, true), "it was received before");
    assert_eq!((told("evt_2").await, zak().await == second), (204, false), "a new one counts");
    // Its first time is in the future of a clock that was set back.
    app.jump(minute);
    assert_eq!(told("evt_3").await, 204);
    app.set_clock(app.env.now() - minute * 2);
    let third = zak().await;
    app.jump(minute);
    assert_eq!((told("evt_3").await, zak().await == third), (204, true), "it was received before");
    app.jump(minute);

    // Attendee's report has no id and no time: it is remembered as a whole.
    let (_, path) = link(&app, attendee(&account, &json!({}))).await;
    let status = format!("{path}/status");
    let report = json!({ "bot_id": "bot_1", "trigger": "bot.state_change",
                         "data": { "new_state": "fatal_error", "event_sub_type": "meeting_requires_sign_in" } });
    let mints = async || app.zoom.count("zak_mints").await;
    let before = mints().await;
    for (bot, expected) in [("bot_1", 1), ("bot_2", 1)] {
        app.jump(minute);
        assert_eq!(call(&app, &status, &report.to_string(), None).await.status, 204);
        call(&app, &path, &ask(bot, "12345678901"), None).await.ok();
        assert_eq!(mints().await, before + expected, "{bot}");
    }
}

#[tokio::test]
async fn a_report_of_a_refused_token_causes_a_new_mint() {
    let (app, account) = with_account().await;
    let (_, path) = link(&app, json!({ "credential": account, "dialect": "meeting_baas" })).await;
    let first = bare(&app, &path).await.text;
    let report =
        json!({ "event": "bot.failed", "data": { "bot_id": "b", "error_code": "meeting_requires_sign_in" } });
    let status = async || {
        let request = Request::builder().method("POST").uri(format!("{path}/status"));
        app.send(request.body(Body::from(report.to_string())).unwrap()).await.status
    };
    assert_eq!(status().await, 204);
    assert_eq!(bare(&app, &path).await.text, first, "a recent token is not suspected");
    app.jump(Duration::from_secs(60));
    assert_eq!(status().await, 204);
    assert_ne!(bare(&app, &path).await.text, first);
    assert_eq!(app.zoom.count("zak_mints").await, 2);
}
