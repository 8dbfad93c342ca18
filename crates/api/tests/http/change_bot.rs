//! `PATCH` and `DELETE /api/v1/bot/{id}/`: a bot can be changed or cancelled until it begins to join.

use axum::body::Body;
use futures_util::future::join_all;
use model::BotStatus;
use serde_json::{Value, json};

use crate::{
    PLAN, app,
    test_app::{Answer, Plan, TestApp, last_step},
};

const MEETING: &str = "https://zoom.us/j/81234567890?pwd=planted-pass";
const FAR: &str = "2040-01-01T00:00:00.000000Z";

async fn patch(app: &TestApp, bot: &str, change: Value) -> Answer {
    app.call_as(&app.api_key, "PATCH", &format!("/api/v1/bot/{bot}/"), change).await
}

async fn delete(app: &TestApp, bot: &str) -> Answer {
    app.call("DELETE", &format!("/api/v1/bot/{bot}/"), Body::empty()).await
}

async fn scheduled(app: &TestApp) -> String {
    let asked = json!({
        "meeting_url": MEETING, "join_at": FAR, "bot_name": "First", "metadata": { "a": "1" },
        "zoom": { "zak_url": "https://example.com/zak" }, "automatic_leave": { "noone_joined_timeout": 60 },
        "chat": { "on_bot_join": { "send_to": "everyone", "message": "Hello" } },
    });
    app.bot(asked).await
}

#[tokio::test]
async fn given_fields_are_replaced_and_the_others_stay() {
    let app = app().await;
    let bot = scheduled(&app).await;
    let before = app.look_at(&bot).await;
    for (change, field, now) in [
        (json!({ "bot_name": "Second" }), "bot_name", json!("Second")),
        (json!({ "bot_name": null }), "bot_name", json!("Meeting Notetaker")),
        (json!({ "join_at": "2041-02-03T04:05:06+01:00" }), "join_at", json!("2041-02-03T03:05:06.000000Z")),
        (json!({ "metadata": { "b": "2" } }), "metadata", json!({ "b": "2" })),
        (
            json!({ "zoom": { "user_email": "a@example.test" } }),
            "zoom",
            json!({ "user_email": "a@example.test", "start_meeting": false }),
        ),
        (
            json!({ "meeting_url": "https://zoom.us/j/99912345678" }),
            "meeting_url",
            json!({ "meeting_id": "99912345678", "meeting_password": null, "platform": "zoom" }),
        ),
    ] {
        let bot = scheduled(&app).await;
        let changed = patch(&app, &bot, change.clone()).await.ok();
        assert_eq!(changed[field], now, "{change}");
        assert_eq!(app.look_at(&bot).await, changed);
        for (name, value) in before.as_object().unwrap() {
            if ![field, "id", "status_changes"].contains(&name.as_str()) {
                assert_eq!(changed[name], *value, "{change} leaves {name} alone");
            }
        }
    }
    let list = format!("/api/v1/bot/?meeting_url={}", "https://zoom.us/j/99912345678");
    assert_eq!(app.get(&list).await.ok()["count"], 1, "the list finds a bot by its new link");
    assert_eq!(patch(&app, &bot, json!({})).await.ok(), before);
}

#[tokio::test]
async fn a_change_is_read_like_a_new_bot() {
    let app = app().await;
    let bot = scheduled(&app).await;
    let before = app.look_at(&bot).await;
    for (change, complaints) in [
        (json!({ "meeting_url": null }), json!({ "meeting_url": ["This field is required."] })),
        (json!({ "bot_name": "" }), json!({ "bot_name": ["It must not be empty."] })),
        (
            json!({ "zoom": { "zak_ulr": "https://example.com/" } }),
            json!({ "zoom": { "zak_ulr": ["There is no such field: did you mean zak_url?"] } }),
        ),
        (
            json!({ "zoom": { "credential": "01900000-0000-7000-8000-000000000000" } }),
            json!({ "zoom": { "credential": ["This workspace has no such account."] } }),
        ),
    ] {
        assert_eq!(patch(&app, &bot, change.clone()).await.refused(), complaints, "{change}");
    }
    assert_eq!(app.look_at(&bot).await, before);
}

#[tokio::test]
async fn a_new_time_is_more_than_ten_minutes_ahead() {
    let app = TestApp::build(&Plan { manual: true, ..PLAN }).await;
    let bot = scheduled(&app).await;
    let ahead = |seconds: u64| app.env.now() + std::time::Duration::from_secs(seconds);
    for soon in [json!(null), json!(ahead(0)), json!(ahead(600))] {
        let answer = patch(&app, &bot, json!({ "join_at": soon })).await.refused();
        assert_eq!(answer["code"], "update_bot_failed", "{soon}");
        assert!(answer["detail"].as_str().unwrap().contains(&ahead(600).to_string()), "{answer}");
    }
    assert_eq!(app.look_at(&bot).await["join_at"], FAR);
    let moved = patch(&app, &bot, json!({ "join_at": ahead(601) })).await.ok();
    assert_eq!(moved["join_at"], json!(ahead(601)));
    app.jump(std::time::Duration::from_secs(500));
    // Its current time is not a new one.
    assert_eq!(patch(&app, &bot, json!({ "join_at": moved["join_at"] })).await.ok(), moved);
    assert_eq!(patch(&app, &bot, json!({ "bot_name": "Later" })).await.ok()["bot_name"], "Later");
}

#[tokio::test]
async fn a_cancelled_bot_is_deleted() {
    let app = app().await;
    let bot = scheduled(&app).await;
    assert_eq!(delete(&app, &bot).await.status, 204);
    assert_eq!(delete(&app, &bot).await.status, 404);
    assert_eq!(app.get(&format!("/api/v1/bot/{bot}/")).await.status, 404);
    assert_eq!(patch(&app, &bot, json!({ "bot_name": "x" })).await.status, 404);
    let at_once = app.bot(json!({ "meeting_url": MEETING })).await;
    assert_eq!(delete(&app, &at_once).await.status, 204, "no server has taken it yet");
    assert_eq!(app.get("/api/v1/bot/").await.ok()["count"], 0);
}

#[tokio::test]
async fn a_joining_bot_cannot_be_changed_or_cancelled() {
    let app = TestApp::build(&Plan { capacity: 1, ..PLAN }).await;
    let bot = app.bot(json!({ "meeting_url": MEETING })).await;
    let ended = app.until(&bot, "fatal").await;
    let at = last_step(&ended)["created_at"].as_str().unwrap();
    let refused = delete(&app, &bot).await;
    assert_eq!((refused.status, refused.header("allow")), (405, "GET, HEAD"));
    let detail = format!("This bot ended at {at}; there is nothing left to cancel.");
    assert_eq!(refused.json(), json!({ "code": "method_not_allowed", "detail": detail }));
    let refused = patch(&app, &bot, json!({ "bot_name": "x" })).await.refused();
    let detail = format!("This bot ended at {at}: create another.");
    assert_eq!(refused, json!({ "code": "update_bot_failed", "detail": detail }));
    assert_eq!(app.look_at(&bot).await, ended);
    app.stop().await;
}

/// The answer says since when it has been joining, and how to end it.
#[tokio::test]
async fn a_bot_that_is_joining_is_ended_by_leave_call() {
    let app = app().await;
    let (bot, lease) = app.leased(json!({ "meeting_url": MEETING })).await;
    app.step(&bot, &lease, BotStatus::JoiningCall, None).await;
    let (bot, since) = (bot.id.to_string(), app.env.now());
    app.tick();
    let before = app.look_at(&bot).await;
    let refused = delete(&app, &bot).await;
    assert_eq!((refused.status, refused.header("allow")), (405, "GET, HEAD"));
    let detail = format!("This bot has been joining since {since}: end it with POST leave_call.");
    assert_eq!(refused.json(), json!({ "code": "method_not_allowed", "detail": detail }));
    let refused = patch(&app, &bot, json!({ "bot_name": "x" })).await.refused();
    let detail =
        format!("This bot has been joining since {since}: end it with POST leave_call, and create another.");
    assert_eq!(refused, json!({ "code": "update_bot_failed", "detail": detail }));
    assert_eq!(app.look_at(&bot).await, before);
    app.post(&format!("/api/v1/bot/{bot}/leave_call/"), json!({})).await.ok();
}

/// Bots are cancelled at their join time, while two servers start them.
#[tokio::test]
async fn a_bot_is_cancelled_or_starts_and_never_both() {
    let app = TestApp::build(&Plan { capacity: 2, ..PLAN }).await;
    let other = app.another(&Plan { capacity: 2, ..PLAN }).await;
    for round in 0..5 {
        let bots = join_all((0..6).map(|_| app.bot(json!({ "meeting_url": MEETING })))).await;
        let by = [&app, &other];
        let cancels = bots.iter().enumerate().map(|(n, bot)| delete(by[(round + n) % 2], bot));
        for (bot, cancelled) in bots.iter().zip(join_all(cancels).await) {
            match cancelled.status {
                204 => assert_eq!(app.get(&format!("/api/v1/bot/{bot}/")).await.status, 404),
                // There is no Chromium here: a bot that starts ends as fatal.
                405 => drop(app.until(bot, "fatal").await),
                other => panic!("{other}: {}", cancelled.json()),
            }
        }
    }
    app.stop().await;
    other.stop().await;
}
