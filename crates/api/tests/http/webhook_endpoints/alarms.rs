//! What a server finds wrong with itself, as workspaces are told of it.

use std::time::Duration;

use serde_json::json;

use super::{EVENTS, MINUTE, Receiver, app, endpoint, until_heard};
use crate::{
    PLAN,
    test_app::{Plan, TestApp},
};

/// More than a server lets pass between two looks.
const LOOK_INTERVAL: Duration = Duration::from_secs(31);

/// How many events of this type the workspace of a key was told of.
async fn told(app: &TestApp, key: &str, kind: &str) -> usize {
    let path = format!("{EVENTS}?event_type={kind}");
    let listed = app.call_as(key, "GET", &path, json!(null)).await.ok();
    listed["results"].as_array().unwrap().len()
}

#[tokio::test]
async fn an_audit_that_fails_between_two_looks_is_told_when_the_store_works_again() {
    let app = app().await;
    let (receiver, url) = Receiver::start().await;
    endpoint(&app, &url, json!({ "event_types": ["audit.failing"] })).await;
    let account = app.connect(&app.zoom.user("ada@example.test", "Ada").await).await;
    let token = format!("/api/v2/zoom-oauth-credentials/{account}/access-token/");
    for statement in [
        "CREATE TRIGGER no_audit BEFORE INSERT ON audit_batches BEGIN SELECT raise(ABORT, 'planted'); END",
        "CREATE TRIGGER no_events BEFORE INSERT ON events BEGIN SELECT raise(ABORT, 'planted'); END",
    ] {
        app.in_the_store(statement).await;
    }
    let began = app.env.now();
    assert_eq!(app.meanwhile(app.get(&token)).await.status, 503, "no record, no token");
    // A look finds the audit failing, or well again: either way the store takes no event.
    app.jump(LOOK_INTERVAL);
    app.in_the_store("DROP TRIGGER no_audit").await;
    app.meanwhile(app.get(&token)).await.ok();
    assert!(!app.broker.health.check().await.iter().any(|finding| finding.name == "audit" && !finding.ok));
    app.in_the_store("DROP TRIGGER no_events").await;
    app.jump(LOOK_INTERVAL);
    let told = until_heard(&app, &receiver, 1).await[0].json();
    assert_eq!(told["event"], "audit.failing");
    let since = told["data"]["data"]["updated_at"].as_str().unwrap().parse().unwrap();
    assert!(began <= since && since < began + MINUTE / 2, "since it began: {told}");
    app.pass(MINUTE).await;
    assert_eq!(receiver.heard().len(), 1);
}

#[tokio::test]
async fn each_workspace_is_told_of_an_alarm_once_though_telling_breaks_off_and_servers_start() {
    let app = app().await;
    let other = app.another_workspace().await;
    // Well within an hour, in which one event counts.
    let rest = Duration::from_secs(3600 - app.env.now().as_second().unsigned_abs() % 3600);
    app.zoom.control("POST", "clock", json!({ "advance_seconds": rest.as_secs() })).await;
    app.jump(rest);
    app.in_the_store(
        "CREATE TRIGGER planted BEFORE INSERT ON events \
         WHEN NEW.kind = 'clock.off' AND (SELECT count(*) FROM events WHERE kind = 'clock.off') = 1 \
         BEGIN SELECT raise(ABORT, 'planted'); END",
    )
    .await;
    app.zoom.control("POST", "clock", json!({ "advance_seconds": 600 })).await;
    app.connect(&app.zoom.user("ada@example.test", "Ada").await).await;
    let both = async || (told(&app, &app.api_key, "clock.off").await, told(&app, &other, "clock.off").await);
    app.jump(LOOK_INTERVAL);
    app.wait_for("one is told", async || matches!(both().await, (1, 0) | (0, 1)).then_some(())).await;
    app.jump(LOOK_INTERVAL);
    app.in_the_store("DROP TRIGGER planted").await;
    app.jump(LOOK_INTERVAL);
    app.wait_for("both are told", async || (both().await == (1, 1)).then_some(())).await;

    // As this one after a start.
    let another = app.another(&Plan { networks: &["127.0.0.0/8"], ..PLAN }).await;
    another.connect(&another.zoom.user("bob@example.test", "Bob").await).await;
    app.pass(MINUTE).await;
    let found = another.broker.health.check().await;
    assert!(found.iter().any(|finding| finding.name == "clock" && !finding.ok), "{found:?}");
    assert_eq!(both().await, (1, 1));
}
