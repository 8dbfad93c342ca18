//! A workspace in numbers, and the installation's own settings.

use std::time::Duration;

use axum::{
    body::Body,
    http::{Request, header::ACCEPT},
};
use serde_json::{Value, json};

use crate::app;

#[tokio::test]
async fn a_workspace_is_counted_and_no_other() {
    let app = app().await;
    let path = "/api/latchkey/v1/overview/";
    let nothing = json!({ "accounts": [], "bots": [], "time_to_join": { "bots": 0, "median_ms": null, "p95_ms": null } });
    assert_eq!(app.get(path).await.ok(), nothing);
    let account = app.connect(app.zoom.host()).await;
    let later = app.env.now() + Duration::from_secs(7200);
    app.bot(json!({ "meeting_url": "https://zoom.us/j/81234567890", "join_at": later, "zoom": { "credential": account } }))
        .await;
    let shown = app.get(path).await.ok();
    assert_eq!(shown["bots"], json!([{ "status": "ready", "bots": 1 }]));
    assert_eq!(
        (&shown["accounts"][0]["latchkey_status"], &shown["accounts"][0]["accounts"]),
        (&json!("healthy"), &json!(1))
    );
    assert!(shown["accounts"][0]["next_refresh_at"].is_string(), "{shown}");
    let stranger = app.another_workspace().await;
    assert_eq!(app.call_as(&stranger, "GET", path, Value::Null).await.ok(), nothing);
}

#[tokio::test]
async fn the_key_ring_is_shown_by_ids_alone() {
    let app = app().await;
    let shown = app.get("/api/latchkey/v1/installation/").await.ok();
    let [key] = shown["keys"].as_array().unwrap().as_slice() else { panic!("{shown}") };
    assert_eq!(key["state"], "active");
    assert_eq!(key.as_object().unwrap().keys().collect::<Vec<_>>(), ["id", "seals_from", "state"]);
    assert_eq!(shown["kept_days"]["bots"], 90);
}

#[tokio::test]
async fn an_address_that_leads_nowhere_is_a_page_for_a_browser_and_json_for_a_program() {
    let app = app().await;
    let ask = async |kinds: &str| {
        let request = Request::builder().uri("/nowhere/at/all").header(ACCEPT, kinds);
        app.send(request.body(Body::empty()).unwrap()).await
    };
    let page = ask("text/html,application/xhtml+xml,*/*;q=0.8").await;
    assert_eq!((page.status, page.header("content-type")), (404, "text/html; charset=utf-8"));
    assert!(
        page.text.contains("There is no such page") && page.text.contains("href=\"/base/\""),
        "{}",
        page.text
    );
    let json = ask("*/*").await;
    assert_eq!((json.status, json.header("content-type")), (404, "application/json"));
}
