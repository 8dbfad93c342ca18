//! Which account knows which meeting: from the simulated Zoom, through lists and webhooks over the network.

use axum::{
    body::Body,
    http::{Request, header},
};
use serde_json::{Value, json};

use crate::{
    app,
    test_app::{CLIENT_ID, TestApp},
    webhook::told,
};

const MAP: &str = "/api/v2/zoom-meetings-to-credentials/";
const ACCOUNTS: &str = "/api/v2/zoom-oauth-credentials/";

pub(crate) async fn may_list_meetings(app: &TestApp) {
    let scopes = json!({ "scopes": ["user:read:user", "user:read:zak", "meeting:read:list_meetings"] });
    app.zoom.control("PATCH", &format!("apps/{CLIENT_ID}"), scopes).await;
}

/// Creates a meeting of the host at Zoom.
pub(crate) async fn meeting(app: &TestApp) -> i64 {
    let made = app.zoom.control("POST", "meetings", json!({ "host_id": app.zoom.host()["id"] })).await;
    made["meeting_number"].as_str().unwrap().parse().unwrap()
}

async fn numbers(app: &TestApp, query: &str) -> Vec<i64> {
    let page = app.get(&format!("{MAP}{query}")).await.ok();
    let rows = page["results"].as_array().unwrap();
    rows.iter().map(|row| row["meeting_id"].as_i64().unwrap()).collect()
}

async fn account(app: &TestApp, id: &str) -> Value {
    app.get(&format!("{ACCOUNTS}{id}/")).await.ok()
}

#[tokio::test]
async fn a_meeting_is_known_from_the_list_and_its_webhooks_until_it_is_gone() {
    let app = told("webhook").await;
    may_list_meetings(&app).await;
    let room = app.zoom.host()["pmi"].as_i64().unwrap();
    let listed = meeting(&app).await;
    let id = app.connect(app.zoom.host()).await;
    assert_eq!(account(&app, &id).await["meeting_sync_status"], "not_started");
    app.list_meetings().await;
    assert_eq!(account(&app, &id).await["meeting_sync_status"], "completed");
    let mut known = vec![room, listed];
    known.sort_unstable();
    assert_eq!(numbers(&app, "").await, known, "sorted by their numbers");

    let new = meeting(&app).await;
    let is = async |there: bool| {
        let found = numbers(&app, &format!("?meeting_id={new}")).await;
        (found == if there { vec![new] } else { vec![] }).then_some(())
    };
    app.wait_for("Zoom has told of a new meeting", async || is(true).await).await;
    app.zoom.control("DELETE", &format!("meetings/{new}"), json!({})).await;
    app.wait_for("Zoom has told that it is gone", async || is(false).await).await;

    let moved = json!({ "pmi": 5_551_234_567_i64 });
    let user = format!("users/{}", app.zoom.host()["id"].as_str().unwrap());
    app.zoom.control("PATCH", &user, moved).await;
    let directory = async || {
        let found = numbers(&app, "").await;
        (found.contains(&5_551_234_567) && !found.contains(&room)).then_some(())
    };
    app.wait_for("the personal room has another number", directory).await;
    app.zoom.control("PATCH", &user, json!({ "active": false })).await;
    let empty = async || numbers(&app, "").await.is_empty().then_some(());
    app.wait_for("a host who is gone has no meetings", empty).await;
}

#[tokio::test]
async fn the_map_is_listed_in_the_contracts_shape_filtered_and_sorted() {
    let app = app().await;
    may_list_meetings(&app).await;
    let mut made = vec![meeting(&app).await, meeting(&app).await, app.zoom.host()["pmi"].as_i64().unwrap()];
    made.sort_unstable();
    let now = app.env.now();
    let id = app.connect(app.zoom.host()).await;
    app.list_meetings().await;
    let shown = app.get(MAP).await.ok();
    let synced_at = shown["results"][0]["synced_at"].clone();
    let row = |number: &i64| json!({ "meeting_id": number, "credential": id, "synced_at": synced_at });
    let rows: Vec<_> = made.iter().map(row).collect();
    assert_eq!(shown, json!({ "next": null, "previous": null, "results": rows }));
    assert_eq!(app.get(MAP.trim_end_matches('/')).await.ok(), shown);
    let downwards: Vec<_> = made.iter().rev().copied().collect();
    let one = vec![made[1]];
    for (query, found) in [
        (format!("?credential={id}"), &made),
        ("?credential=01900000-0000-7000-8000-000000000000".to_owned(), &vec![]),
        (format!("?meeting_id={}", made[1]), &one),
        ("?ordering=-meeting_id".to_owned(), &downwards),
        (format!("?synced_at_before={now}"), &vec![]),
        ("?synced_at_after=2020-01-01&synced_at_before=2120-01-01".to_owned(), &made),
    ] {
        assert_eq!(&numbers(&app, &query).await, found, "{query}");
    }
    let mut by_time = numbers(&app, "?ordering=-synced_at").await;
    by_time.sort_unstable();
    assert_eq!(by_time, made);
    for (query, complaints) in [
        ("?meeting_id=7", json!({ "meeting_id": ["It must be a meeting number of 9 to 11 digits."] })),
        ("?credential=x", json!({ "credential": ["It must be an id."] })),
        (
            "?synced_at_after=soon",
            json!({ "synced_at_after": ["It must be a date, or a time in ISO 8601."] }),
        ),
        (
            "?ordering=topic",
            json!({ "ordering": ["It must be meeting_id or -meeting_id, synced_at or -synced_at."] }),
        ),
    ] {
        assert_eq!(app.get(&format!("{MAP}{query}")).await.refused(), complaints, "{query}");
    }
    assert_eq!(app.get(&format!("{MAP}?cursor=x")).await.status, 404);

    let key = format!("Token {}", app.another_workspace().await);
    let foreign = Request::get(format!("{MAP}?credential={id}")).header(header::AUTHORIZATION, key);
    let foreign = app.send(foreign.body(Body::empty()).unwrap()).await;
    assert_eq!(foreign.ok()["results"], json!([]));
    assert_eq!(app.call("DELETE", &format!("{ACCOUNTS}{id}/"), Body::empty()).await.status, 204);
    assert_eq!(numbers(&app, "").await, Vec::<i64>::new());
}

#[tokio::test]
async fn a_requested_sync_can_be_followed_on_the_account() {
    let app = app().await;
    let id = app.connect(app.zoom.host()).await;
    app.list_meetings().await;
    let shown = account(&app, &id).await;
    // With only the scopes that tokens need, nothing has failed.
    assert_eq!((&shown["meeting_sync_status"], &shown["status"]), (&json!("not_started"), &json!("healthy")));
    assert_eq!(shown["latchkey_missing_meeting_scopes"], json!(["meeting:read:list_meetings"]));
    let log = app.get(&format!("/api/v2/zoom-oauth-credential-logs/?credential={id}")).await.ok();
    assert_eq!(log["results"].as_array().unwrap().len(), 1, "connected, and no complaint: {log}");
    app.tick();
    let asked = app.call("POST", &format!("{ACCOUNTS}{id}/sync-meetings/"), Body::empty()).await.ok();
    assert_eq!(asked, shown, "the caller learns why not");
    let log = app.get(&format!("/api/v2/zoom-oauth-credential-logs/?credential={id}")).await.ok();
    let line = log["results"][0]["message"].as_str().unwrap();
    let begins = "meetings are not listed: the grant lacks scopes that lists of meetings need: meeting:read:list_meetings; add";
    assert!(line.starts_with(begins), "{line}");

    may_list_meetings(&app).await;
    assert_eq!(app.connect(app.zoom.host()).await, id);
    app.list_meetings().await;
    let number = meeting(&app).await;
    app.tick();
    for path in [format!("{ACCOUNTS}{id}/sync-meetings/"), format!("{ACCOUNTS}{id}/sync-meetings")] {
        let asked = app.call("POST", &path, Body::empty()).await;
        assert_eq!(asked.ok()["meeting_sync_status"], "in_progress");
        assert_eq!(account(&app, &id).await["meeting_sync_status"], "in_progress");
        app.list_meetings().await;
        assert_eq!(account(&app, &id).await["meeting_sync_status"], "completed");
    }
    assert_eq!(numbers(&app, &format!("?meeting_id={number}")).await, [number]);

    let unknown = format!("{ACCOUNTS}01900000-0000-7000-8000-000000000000/sync-meetings/");
    let unknown = app.call("POST", &unknown, Body::empty()).await;
    let key = format!("Token {}", app.another_workspace().await);
    let foreign = Request::post(format!("{ACCOUNTS}{id}/sync-meetings/")).header(header::AUTHORIZATION, key);
    let foreign = app.send(foreign.body(Body::empty()).unwrap()).await;
    assert_eq!((foreign.status, foreign.text), (unknown.status, unknown.text));
}
