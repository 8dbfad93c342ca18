//! Bots with the seats of a pool: `zoom.pool`.

use std::{sync::Arc, time::Duration};

use axum::body::Body;
use serde_json::{Value, json};
use tokio::{runtime, sync::oneshot};

use crate::{
    TIMED, codes, studio,
    test_app::{CLIENT_ID, Plan, TestApp},
    why,
};

const POOLS: &str = "/api/latchkey/v1/pools/";

/// A pool of new users, each with this many seats: its path, its id, and the users.
async fn pool(app: &TestApp, joins: &[u32]) -> (String, String, Vec<Value>) {
    let (mut members, mut users) = (Vec::new(), Vec::new());
    for (index, joins) in joins.iter().enumerate() {
        let user = app.zoom.user(&format!("robin-{index}@example.test"), &format!("Robin {index}")).await;
        members.push(json!({ "credential": app.connect(&user).await, "max_joins": joins }));
        users.push(user);
    }
    let made = app.post(POOLS, json!({ "name": "robins", "members": members })).await.created();
    let id = made["id"].as_str().unwrap().to_owned();
    (format!("{POOLS}{id}/"), id, users)
}

async fn taken(app: &TestApp, pool: &str) -> u64 {
    app.get(pool).await.ok()["seats_taken"].as_u64().unwrap()
}

fn request(meeting: &str, name: &str, pool: &str) -> Value {
    json!({ "meeting_url": meeting, "bot_name": name, "zoom": { "pool": pool } })
}

#[tokio::test]
async fn each_bot_uses_another_account_and_waits_if_no_seat_is_free() {
    let app = TestApp::build(&TIMED).await;
    let (path, pool, users) = pool(&app, &[9, 9]).await;
    let meeting = app.zoom.meeting(json!({ "sign_in": "any" })).await;
    meeting.seat("Somebody").await;
    let first = app.bot(request(&meeting.url, "First", &pool)).await;
    let second = app.bot(request(&meeting.url, "Second", &pool)).await;
    for bot in [&first, &second] {
        app.until(bot, "in_call_not_recording").await;
    }
    let seen = [meeting.person("First").await, meeting.person("Second").await];
    assert_ne!(seen[0]["user_id"], seen[1]["user_id"]);
    assert!(seen.iter().all(|seen| users.iter().any(|user| user["id"] == seen["user_id"])));
    assert_eq!(taken(&app, &path).await, 2);

    // Every account is in this meeting: a third bot waits, and a bot without time reports how full the pool is.
    let third = app.bot(request(&meeting.url, "Third", &pool)).await;
    let mut hurried = request(&meeting.url, "Hurried", &pool);
    hurried["automatic_leave"] = json!({ "waiting_room_timeout": 30 });
    let hurried = app.bot(hurried).await;
    app.pass(Duration::from_secs(20)).await;
    let ended = app.until(&hurried, "fatal").await;
    let (sub_code, words) = why(&ended, "fatal");
    assert_eq!(sub_code, "zoom_pool_full");
    assert!(words.contains("2 of 2 accounts usable, 2 of them in this meeting already"), "{words}");
    assert_eq!(codes(&app.look_at(&third).await), ["ready", "joining_call", "joining_call"]);
    let waits = app.look_at(&third).await;
    assert_eq!(why(&waits, "joining_call").0, "zoom_pool_full", "the bot reports what it waits for");
    assert_eq!(meeting.join_requests().await.len(), 2, "no bot joined anonymously");

    let removal = app.call("DELETE", &path, Body::empty()).await;
    assert_eq!((removal.status, &removal.json()["code"]), (409, &json!("pool_in_use")));

    app.post(&format!("/api/v1/bot/{first}/leave_call/"), json!({})).await.ok();
    app.until(&first, "done").await;
    app.pass(Duration::from_secs(15)).await;
    app.until(&third, "in_call_not_recording").await;
    assert_eq!(meeting.person("Third").await["user_id"], seen[0]["user_id"]);

    for bot in [&second, &third] {
        app.post(&format!("/api/v1/bot/{bot}/leave_call/"), json!({})).await.ok();
        app.until(bot, "done").await;
    }
    assert_eq!(taken(&app, &path).await, 0);
    assert_eq!(app.call("DELETE", &path, Body::empty()).await.status, 204);
    app.stop().await;
}

#[tokio::test]
async fn an_account_that_gives_no_token_is_skipped() {
    let app = studio().await;
    let (path, pool, users) = pool(&app, &[100, 1]).await;
    let meeting = app.zoom.meeting(json!({ "sign_in": "any" })).await;
    let dead = format!("users/{}", users[0]["id"].as_str().unwrap());
    app.zoom.control("PATCH", &dead, json!({ "active": false })).await;
    // The server does not know yet that the user was deactivated: only the mint shows it.
    let bot = app.bot(request(&meeting.url, "Robin", &pool)).await;
    app.until(&bot, "in_call_not_recording").await;
    assert_eq!(meeting.person("Robin").await["user_id"], users[1]["id"]);
    assert_eq!(taken(&app, &path).await, 1);

    let members = app.get(&path).await.ok()["members"].clone();
    for member in members.as_array().unwrap() {
        let account = member["credential"].as_str().unwrap();
        app.call("DELETE", &format!("/api/v2/zoom-oauth-credentials/{account}/"), Body::empty()).await;
    }
    let other = app.zoom.meeting(json!({})).await;
    let refused = app.post("/api/v1/bot/", request(&other.url, "Late", &pool)).await.refused();
    let words = refused["zoom"]["pool"][0].as_str().unwrap();
    assert!(words.contains("reconnect one"), "{words}");
    assert!(other.join_requests().await.is_empty(), "no bot joined anonymously");
    app.stop().await;
}

#[tokio::test]
async fn a_bot_starts_the_meeting_as_the_pool_member_that_hosts_it() {
    let app = studio().await;
    let scopes = json!({ "scopes": ["user:read:user", "user:read:zak", "meeting:read:list_meetings"] });
    app.zoom.control("PATCH", &format!("apps/{CLIENT_ID}"), scopes).await;
    let (path, pool, _) = pool(&app, &[9, 9]).await;
    let meeting = app.zoom.meeting(json!({ "started": false, "sign_in": "any" })).await;
    let mut asked = request(&meeting.url, "Early", &pool);
    asked["zoom"]["start_meeting"] = json!(true);
    let ended = app.until(&app.bot(asked.clone()).await, "fatal").await;
    let (sub_code, words) = why(&ended, "fatal");
    assert_eq!(sub_code, "zoom_credential_unhealthy");
    assert!(words.contains("no account of the pool is known to host this meeting"), "{words}");
    assert_eq!((taken(&app, &path).await, app.zoom.count("join_requests").await), (0, 0));

    let host = app.connect(app.zoom.host()).await;
    app.list_meetings().await;
    app.post(&format!("{path}members/"), json!({ "credential": host, "max_joins": 9 })).await.ok();
    let bot = app.bot(asked).await;
    app.until(&bot, "in_call_not_recording").await;
    let seen = meeting.person("Early").await;
    assert_eq!((&seen["role"], &seen["user_id"]), (&json!("host"), &app.zoom.host()["id"]));
    let members = app.get(&path).await.ok()["members"].clone();
    let hosting = members.as_array().unwrap().iter().find(|member| member["credential"] == *host).unwrap();
    assert_eq!((&hosting["joins"], &hosting["hosted"]), (&json!(1), &json!(1)));
    app.stop().await;
}

/// The server does not know that a person has joined by hand; Zoom does.
#[tokio::test]
async fn an_account_that_joined_by_hand_is_skipped() {
    let app = studio().await;
    let (path, pool, users) = pool(&app, &[9, 9]).await;
    let meeting = app.zoom.meeting(json!({ "sign_in": "any" })).await;
    meeting.seat_user("By hand", &users[0]).await;
    let bot = app.bot(request(&meeting.url, "Robin", &pool)).await;
    let inside = app.until(&bot, "in_call_not_recording").await;
    assert_eq!(codes(&inside), ["ready", "joining_call", "in_call_not_recording"]);
    assert_eq!(meeting.person("Robin").await["user_id"], users[1]["id"]);
    let joins = meeting.join_requests().await;
    let outcomes: Vec<_> = joins.iter().map(|join| join["outcome"].as_str().unwrap()).collect();
    assert_eq!(outcomes, ["103044", "admitted"], "what the SDK calls 4008");
    assert_eq!(taken(&app, &path).await, 1, "the other seat was released");

    let other = app.zoom.meeting(json!({ "sign_in": "any" })).await;
    for (name, user) in ["One", "Two"].into_iter().zip(&users) {
        other.seat_user(name, user).await;
    }
    let ended = app.until(&app.bot(request(&other.url, "Third", &pool)).await, "fatal").await;
    let (sub_code, words) = why(&ended, "fatal");
    assert_eq!(sub_code, "zoom_error_multiple_device_join");
    assert!(words.contains("every usable account of the pool is in the meeting already"), "{words}");
    assert_eq!((other.join_requests().await.len(), taken(&app, &path).await), (2, 1));
    app.stop().await;
}

#[tokio::test]
async fn a_bot_keeps_its_seat_after_its_servers_death() {
    let app = Arc::new(TestApp::build(&Plan { capacity: 0, ..TIMED }).await);
    let (path, pool, _) = pool(&app, &[1, 1]).await;
    let meeting = app.zoom.meeting(json!({ "sign_in": "any" })).await;
    let bot = app.bot(request(&meeting.url, "Survivor", &pool)).await;

    // A server in its own runtime, which ends abruptly.
    let doomed = runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build().unwrap();
    let (running, runs) = oneshot::channel();
    let founder = Arc::clone(&app);
    doomed.spawn(async move {
        let _server = founder.another(&TIMED).await;
        running.send(()).unwrap();
        std::future::pending::<()>().await;
    });
    runs.await.unwrap();
    app.until(&bot, "in_call_not_recording").await;
    let before = meeting.person("Survivor").await;
    doomed.shutdown_background();
    let alone = async || meeting.people().await.is_empty().then_some(());
    app.wait_for("its browser has ended too", alone).await;
    assert_eq!(taken(&app, &path).await, 1, "the seat stays reserved for the bot's next server");

    let heir = app.another(&TIMED).await;
    heir.pass(Duration::from_secs(30)).await;
    let again = async || Some(heir.look_at(&bot).await).filter(|bot| codes(bot).len() == 5);
    heir.wait_for("the bot has rejoined", again).await;
    assert_eq!(meeting.person("Survivor").await["user_id"], before["user_id"]);
    assert_eq!(taken(&heir, &path).await, 1);
    // Much longer than a seat lasts without an extension.
    heir.pass(Duration::from_secs(400)).await;
    assert_eq!(taken(&heir, &path).await, 1, "it stays taken while the bot runs");
    heir.post(&format!("/api/v1/bot/{bot}/leave_call/"), json!({})).await.ok();
    heir.until(&bot, "done").await;
    assert_eq!(taken(&heir, &path).await, 0, "the bot's end released it");
    heir.stop().await;
}
