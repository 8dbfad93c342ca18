//! Capacity for bots: of servers and of a workspace.

use std::time::Duration;

use model::Timestamp;
use serde_json::json;
use store::BotServer;

use super::create;
use crate::{
    PLAN,
    test_app::{Plan, TestApp},
};

#[tokio::test]
async fn bots_are_refused_if_no_server_runs_bots() {
    let app = TestApp::build(&Plan { bots_elsewhere: false, ..PLAN }).await;
    let refused = async |fields| {
        let answer = create(&app, fields).await;
        let body = answer.json();
        assert_eq!((answer.status, &body["code"]), (507, &json!("out_of_adhoc_bots")), "{body}");
        assert_eq!(answer.header("retry-after"), "30");
        body["detail"].as_str().unwrap().to_owned()
    };
    let later = |hours: u64| json!({ "join_at": app.env.now() + Duration::from_secs(hours * 3600) });
    for fields in [json!({}), later(1)] {
        let said = refused(fields).await;
        assert!(said.contains("set bots.capacity above 0"), "{said}");
    }
    assert_eq!(app.get("/api/v1/bot/").await.ok()["count"], 0, "nothing of them is stored");

    // Another server of the installation runs them. It stops; the next one may start soon, in time for later bots.
    let other = app.another(&Plan { capacity: 1, bots_elsewhere: false, ..PLAN }).await;
    let accepted = async || (create(&app, json!({})).await.status == 201).then_some(());
    app.wait_for("it is known", accepted).await;
    other.stop().await;
    app.jump(Duration::from_secs(599));
    create(&app, json!({})).await.created();
    app.jump(Duration::from_secs(61));
    let said = refused(json!({})).await;
    assert!(said.starts_with("The last server that runs bots was seen at "), "{said}");
    create(&app, later(1)).await.created();
    app.jump(Duration::from_secs(8 * 24 * 3600));
    refused(later(1)).await;
}

#[tokio::test]
async fn a_bot_that_joins_soon_is_refused_while_all_slots_are_taken() {
    let app = TestApp::build(&Plan { bots_elsewhere: false, manual: true, ..PLAN }).await;
    let report = async |capacity| {
        let server = BotServer { id: "other".to_owned(), capacity, seen_at: app.env.now() };
        app.store.report_bot_server(&server, Timestamp::MIN).await.unwrap();
    };
    report(3).await;
    let at = |minutes: u64| json!({ "join_at": app.env.now() + Duration::from_secs(60 * minutes) });
    create(&app, json!({})).await.created();
    create(&app, at(5)).await.created();
    create(&app, json!({})).await.created();
    let answer = create(&app, at(5)).await;
    let body = answer.json();
    assert_eq!(
        (answer.status, &body["code"], answer.header("retry-after")),
        (507, &json!("out_of_adhoc_bots"), "30")
    );
    assert!(
        body["detail"].as_str().unwrap().starts_with("All 3 slots for bots of this installation are in use"),
        "{body}"
    );
    create(&app, at(4)).await.created();
    assert_eq!(create(&app, at(4)).await.status, 507);
    create(&app, json!({})).await.created();
    assert_eq!(create(&app, json!({})).await.status, 507);
    create(&app, at(11)).await.created();
    report(5).await;
    create(&app, json!({})).await.created();
}

#[tokio::test]
async fn a_workspace_has_a_limit_of_bots_that_have_not_ended() {
    let app = TestApp::build(&Plan { bots_of_a_workspace: 2, manual: true, ..PLAN }).await;
    let request = || json!({ "meeting_url": "https://zoom.us/j/99912345678" });
    let first = app.bot(request()).await;
    app.bot(request()).await;
    let refused = app.post("/api/v1/bot/", request()).await;
    assert_eq!((refused.status, refused.header("retry-after")), (429, "60"), "{}", refused.text);
    let words =
        "2 bots of this workspace have not ended, and at most 2 are allowed (bots.most_of_a_workspace";
    assert!(refused.text.contains(words), "{}", refused.text);
    let theirs = app.another_workspace().await;
    assert_eq!(app.call_as(&theirs, "POST", "/api/v1/bot/", request()).await.status, 201);

    app.post(&format!("/api/v1/bot/{first}/leave_call/"), json!({})).await.ok();
    app.until(&first, "done").await;
    app.bot(request()).await;
    assert_eq!(app.post("/api/v1/bot/", request()).await.status, 429);
}
