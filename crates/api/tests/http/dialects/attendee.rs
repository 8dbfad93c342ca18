//! Attendee, with the requests that its Python code sends.

use std::time::Duration;

use axum::{body::Body, http::Request};
use serde_json::json;
use token_links::attendee_signature::canonical;

use super::{PROJECT, ask, attendee, call, link, refused, with_account};
use crate::app;

#[tokio::test]
async fn attendee_is_given_a_zak_for_a_request_that_its_project_signed() {
    let (app, account) = with_account().await;
    let (_, path) = link(&app, attendee(&account, &json!({}))).await;
    let answer = call(&app, &path, &ask("bot_1", "12345678901"), None).await;
    assert_eq!(answer.header("content-type"), "application/json");
    assert_eq!(answer.header("cache-control"), "no-store");
    let tokens = answer.ok();
    assert_eq!(tokens.as_object().unwrap().keys().collect::<Vec<_>>(), ["zak_token"]);
    assert_eq!(tokens["zak_token"].as_str().unwrap().split('.').count(), 3);

    for (body, signature, status, code) in [
        (
            ask("bot_2", "12345678901"),
            Some("MW4Cxsu3P1fNppKgrMQ7b8ng6pSivwYDlvHdXHDp5XM="),
            401,
            "signature_invalid",
        ),
        (ask("bot_2", "12345678901"), Some(""), 401, "signature_invalid"),
        ("{".into(), None, 400, "request_malformed"),
        (r#"{"bot_id": "bot_2", "bot_id": "bot_3"}"#.into(), None, 400, "request_malformed"),
        (r#"{"bot_id": "bot_2", "callback_type": "zoom_tokens"}"#.into(), None, 400, "request_malformed"),
        (ask("bot_2", "1234"), None, 400, "request_malformed"),
        (ask("", "12345678901"), None, 400, "request_malformed"),
        (ask("bot_2", "12345678901").replace("zoom_tokens", "other"), None, 400, "request_malformed"),
    ] {
        refused(&call(&app, &path, &body, signature).await, status, code, false);
    }
    let unsigned =
        Request::builder().method("POST").uri(&path).body(Body::from(ask("b", "12345678901"))).unwrap();
    refused(&app.send(unsigned).await, 401, "signature_missing", false);
    let stranger = path.replace("/t/", "/t/0");
    refused(&call(&app, &stranger, &ask("bot_2", "12345678901"), None).await, 404, "link_unknown", false);
    assert_eq!(app.zoom.count("zak_mints").await, 1);
}

#[tokio::test]
async fn attendees_request_may_be_repeated_only_within_a_minute() {
    let (app, account) = with_account().await;
    let (_, path) = link(&app, attendee(&account, &json!({}))).await;
    let (body, minute) = (ask("bot_1", "12345678901"), Duration::from_secs(60));
    call(&app, &path, &body, None).await.ok();
    app.jump(minute);
    call(&app, &path, &body, None).await.ok();
    app.jump(Duration::from_secs(1));
    refused(&call(&app, &path, &body, None).await, 409, "replay_refused", false);
    // In another spelling it is still the same request; another process knows it, too.
    let compact = canonical(body.as_bytes()).unwrap();
    refused(&call(&app, &path, &compact, None).await, 409, "replay_refused", false);
    call(&app, &path, &ask("bot_2", "12345678901"), None).await.ok();

    let (_, again) = link(&app, attendee(&account, &json!({ "allow_repeat": true }))).await;
    let repeated = ask("bot_3", "12345678901");
    for _ in 0..2 {
        call(&app, &again, &repeated, None).await.ok();
        app.jump(minute * 2);
    }
    // On a clock that was set back to before the first request, and weeks later.
    let now = app.env.now();
    app.set_clock(now - minute * 60);
    refused(&call(&app, &path, &body, None).await, 409, "replay_refused", false);
    app.set_clock(now + Duration::from_secs(29 * 24 * 3600));
    refused(&call(&app, &path, &body, None).await, 409, "replay_refused", false);
}

#[tokio::test]
async fn attendees_meeting_must_be_the_links() {
    let (app, account) = with_account().await;
    let (_, path) = link(&app, attendee(&account, &json!({ "meeting": 12_345_678_901_u64 }))).await;
    call(&app, &path, &ask("bot_1", "12345678901"), None).await.ok();
    refused(&call(&app, &path, &ask("bot_2", "123456789"), None).await, 403, "meeting_not_allowed", false);
}

#[tokio::test]
async fn each_of_several_users_vouches_for_attendees_bot() {
    let app = app().await;
    let mut accounts = Vec::new();
    for name in ["ada", "eve", "zoe"] {
        let user = app.zoom.user(&format!("{name}@example.test"), name).await;
        accounts.push((app.connect(&user).await, user));
    }
    let named: Vec<_> = accounts.iter().map(|(account, _)| json!({ "credential": account })).collect();
    let asked = json!({ "accounts": named, "kind": "obf", "dialect": "attendee", "signing_secret": PROJECT });
    let (_, path) = link(&app, asked).await;
    let tokens = async |bot: &str| {
        let answer = call(&app, &path, &ask(bot, "12345678901"), None).await.ok();
        answer["onbehalf_token"].as_str().unwrap().split(',').map(str::to_owned).collect::<Vec<_>>()
    };
    let first = tokens("bot_1").await;
    assert_eq!(first.len(), 3);
    assert!(first.iter().all(|token| token.split('.').count() == 3), "no spaces, no blanks");
    assert!(tokens("bot_2").await.iter().all(|token| !first.contains(token)), "no token is given twice");
    assert_eq!(app.zoom.count("obf_mints").await, 6);

    // An account that cannot vouch is skipped, as long as another one can.
    for (left, (_, user)) in [(2, &accounts[0]), (1, &accounts[1])] {
        let change = json!({ "active": false });
        app.zoom.control("PATCH", &format!("users/{}", user["id"].as_str().unwrap()), change).await;
        assert_eq!(tokens(&format!("bot_{left}_left")).await.len(), left);
    }
}

#[tokio::test]
async fn without_a_token_attendee_gets_an_error_unless_the_link_says_otherwise() {
    let (app, account) = with_account().await;
    // It is not known here who hosts this meeting.
    for (optional, status) in [(false, 422), (true, 200)] {
        let asked = attendee(&account, &json!({ "kind": "join_token", "optional": optional }));
        let (_, path) = link(&app, asked).await;
        let answer = call(&app, &path, &ask(&format!("bot_{status}"), "12345678901"), None).await;
        assert_eq!(answer.status, status, "{}", answer.text);
        if optional {
            assert_eq!(answer.json(), json!({}));
        } else {
            refused(&answer, 422, "token_not_available", false);
        }
    }
    // A dead grant is no reason to join anonymously.
    let (_, path) = link(&app, attendee(&account, &json!({ "optional": true }))).await;
    let user = app.zoom.host()["id"].as_str().unwrap().to_owned();
    app.zoom.control("PATCH", &format!("users/{user}"), json!({ "active": false })).await;
    refused(
        &call(&app, &path, &ask("bot_1", "12345678901"), None).await,
        424,
        "credential_needs_consent",
        false,
    );
    // The owner finds it in the account's log, once.
    call(&app, &path, &ask("bot_2", "12345678901"), None).await;
    let log = app.get(&format!("/api/v2/zoom-oauth-credential-logs/?credential={account}")).await.ok();
    let lines: Vec<_> =
        log["results"].as_array().unwrap().iter().map(|line| line["message"].as_str().unwrap()).collect();
    let told = lines.iter().filter(|line| line.contains("was refused its zak")).count();
    assert_eq!(told, 1, "{lines:?}");
}
