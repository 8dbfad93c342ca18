//! Problems that a server finds with itself, and the events that workspaces get about them.

use std::time::Duration;

use serde_json::json;

use super::{EVENTS, MINUTE, Receiver, app, endpoint, until_heard};
use crate::{
    PLAN,
    test_app::{Plan, TestApp},
};

/// More than the time between two checks.
const LOOK_INTERVAL: Duration = Duration::from_secs(31);

/// How many events of this type the workspace of a key has.
async fn told(app: &TestApp, key: &str, kind: &str) -> usize {
    let path = format!("{EVENTS}?event_type={kind}");
    let listed = app.call_as(key, "GET", &path, json!(null)).await.ok();
    listed["results"].as_array().unwrap().len()
}

#[tokio::test]
async fn an_audit_failure_between_two_checks_is_reported_when_the_store_works_again() {
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
    // A check finds the audit failing or recovered: in either case the store accepts no event.
    app.jump(LOOK_INTERVAL);
    app.in_the_store("DROP TRIGGER no_audit").await;
    app.meanwhile(app.get(&token)).await.ok();
    assert!(!app.broker.health.check().await.iter().any(|finding| finding.name == "audit" && !finding.ok));
    app.in_the_store("DROP TRIGGER no_events").await;
    app.jump(LOOK_INTERVAL);
    let told = until_heard(&app, &receiver, 1).await[0].json();
    assert_eq!(told["event"], "audit.failing");
    let since = told["data"]["data"]["updated_at"].as_str().unwrap().parse().unwrap();
    assert!(began <= since && since < began + MINUTE / 2, "since the failure began: {told}");
    app.pass(MINUTE).await;
    assert_eq!(receiver.heard().len(), 1);
}

#[tokio::test]
async fn each_workspace_gets_an_alarm_once_despite_interruptions_and_restarts() {
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

    // Like this server after a restart.
    let another = app.another(&Plan { networks: &["127.0.0.0/8"], ..PLAN }).await;
    another.connect(&another.zoom.user("bob@example.test", "Bob").await).await;
    app.pass(MINUTE).await;
    let found = another.broker.health.check().await;
    assert!(found.iter().any(|finding| finding.name == "clock" && !finding.ok), "{found:?}");
    assert_eq!(both().await, (1, 1));
}
