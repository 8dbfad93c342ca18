//! `GET /readyz` while the database fails.

use std::time::Duration;

use axum::{body::Body, http::Request};
use serde_json::Value;

use crate::{
    PLAN,
    test_app::{Plan, TestApp},
};

/// The HTTP status, the word, and the entry of `finding`.
async fn ready(app: &TestApp, finding: &str) -> (u16, String, Value) {
    // A check is cached for a second.
    app.jump(Duration::from_secs(2));
    let answer = app.send(Request::builder().uri("/readyz").body(Body::empty()).unwrap()).await;
    let body: Value = serde_json::from_str(&answer.text).unwrap();
    let found = body["findings"].as_array().unwrap().iter().find(|found| found["name"] == finding);
    let found = found.cloned().unwrap_or_default();
    (answer.status, body["status"].as_str().unwrap().to_owned(), found)
}

#[tokio::test]
async fn it_says_degraded_and_failing_with_the_cause_and_recovers_by_itself() {
    let app = TestApp::build(&Plan { manual: true, ..PLAN }).await;
    assert_eq!(ready(&app, "database_writes").await.1, "ready");

    app.in_the_store(
        "CREATE TRIGGER planted BEFORE UPDATE ON revisions WHEN NEW.what = 'probe' \
         BEGIN SELECT raise(ABORT, 'planted cause'); END",
    )
    .await;
    let (status, word, found) = ready(&app, "database_writes").await;
    assert_eq!((status, word.as_str(), &found["severity"]), (200, "degraded", &"degraded".into()), "{found}");
    assert!(found["cause"].as_str().unwrap().contains("planted cause"), "{found}");
    assert!(found["consequence"].as_str().unwrap().starts_with("Changes fail"), "{found}");

    // Now it cannot be read either: cached tokens are given for two minutes.
    app.in_the_store("DROP TRIGGER planted").await;
    app.in_the_store("ALTER TABLE revisions RENAME TO revisions_away").await;
    let (status, word, found) = ready(&app, "database_reads").await;
    assert_eq!((status, word.as_str()), (200, "degraded"), "{found}");
    app.jump(Duration::from_secs(120));
    let (status, word, found) = ready(&app, "database_reads").await;
    assert_eq!((status, word.as_str(), &found["severity"]), (503, "failing", &"failing".into()), "{found}");
    assert!(found["cause"].as_str().unwrap().contains("no such table"), "{found}");

    app.in_the_store("ALTER TABLE revisions_away RENAME TO revisions").await;
    assert_eq!(ready(&app, "database_reads").await.0, 200);
    assert_eq!(ready(&app, "database_reads").await.1, "ready");
}

#[tokio::test]
async fn a_folder_of_screenshots_that_cannot_be_written_is_found() {
    let app = TestApp::build(&Plan { manual: true, ..PLAN }).await;
    let folder = tempfile::tempdir().unwrap();
    app.broker.health.check_screenshots_folder(folder.path().to_owned());
    assert_eq!(ready(&app, "disk").await.1, "ready");
    assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 0, "the check leaves nothing behind");
    folder.close().unwrap();
    let (status, word, found) = ready(&app, "disk").await;
    assert_eq!((status, word.as_str()), (200, "degraded"), "{found}");
    let cause = found["cause"].as_str().unwrap();
    assert!(cause.starts_with("screenshots.folder cannot be written"), "{cause}");
}
