//! Personal links (`/my/NAME`) as meeting links of bots.

use serde_json::{Value, json};

use crate::{app, meetings::may_list_meetings, test_app::TestApp};

/// Gives the host this personal name; the account is connected and its meetings are synced.
async fn named(app: &TestApp, name: &str) -> String {
    may_list_meetings(app).await;
    let host = app.zoom.host().clone();
    let path = format!("users/{}", host["id"].as_str().unwrap());
    app.zoom.control("PATCH", &path, json!({ "personal_name": name })).await;
    app.connect(&host).await;
    app.list_meetings().await;
    host["pmi"].to_string()
}

async fn to(app: &TestApp, link: &str) -> Result<Value, String> {
    let answer = app.post("/api/v1/bot/", json!({ "meeting_url": link })).await;
    match answer.status {
        201 => Ok(answer.json()["meeting_url"].clone()),
        400 => Err(answer.json()["meeting_url"][0].as_str().unwrap().to_owned()),
        status => panic!("{status}: {}", answer.text),
    }
}

#[tokio::test]
async fn a_personal_link_is_its_owners_room_if_the_owner_is_connected() {
    let app = app().await;
    let unknown = to(&app, "https://zoom.us/my/hana").await.unwrap_err();
    assert!(unknown.starts_with("No connected account is known to have"), "{unknown}");
    assert!(unknown.contains("/my/hana") && unknown.contains("use the link that it leads to"), "{unknown}");

    let number = named(&app, "Hana").await;
    let room = to(&app, "https://acme.zoom.us/my/HANA?pwd=x").await.unwrap();
    assert_eq!((&room["meeting_id"], &room["meeting_password"]), (&json!(number), &Value::Null));

    // The passcode is the current one at Zoom.
    app.zoom.meeting(json!({ "meeting_number": number, "passcode": "hush" })).await;
    let room = to(&app, "https://zoom.us/my/hana").await.unwrap();
    assert_eq!((&room["meeting_id"], &room["meeting_password"]), (&json!(number), &json!("hush")));

    // A change resolves the link too; another workspace does not know the account.
    let asked = json!({ "meeting_url": "https://zoom.us/j/81234567890", "join_at": "2040-01-01T00:00:00Z" });
    let bot = app.post("/api/v1/bot/", asked).await.created();
    let path = format!("/api/v1/bot/{}/", bot["id"].as_str().unwrap());
    let change = json!({ "meeting_url": "https://zoom.us/my/hana" });
    let changed = app.call_as(&app.api_key, "PATCH", &path, change.clone()).await.ok();
    assert_eq!(changed["meeting_url"]["meeting_id"], json!(number));
    let wrong =
        app.call_as(&app.api_key, "PATCH", &path, json!({ "meeting_url": "zoom.us/my/nobody" })).await;
    assert!(wrong.refused()["meeting_url"][0].as_str().unwrap().contains("/my/nobody"));
    let theirs = app.another_workspace().await;
    assert_eq!(app.call_as(&theirs, "POST", "/api/v1/bot/", change).await.status, 400);
}

#[tokio::test]
async fn a_personal_link_of_two_rooms_is_refused() {
    let app = app().await;
    named(&app, "hana").await;
    let other = app.zoom.user("hanna@example.test", "Hanna").await;
    let path = format!("users/{}", other["id"].as_str().unwrap());
    app.zoom.control("PATCH", &path, json!({ "personal_name": "hana" })).await;
    app.connect(&other).await;
    app.list_meetings().await;
    let several = to(&app, "https://zoom.us/my/hana").await.unwrap_err();
    assert!(several.starts_with("Several connected accounts have"), "{several}");
}

#[tokio::test]
async fn a_personal_link_does_not_wait_for_an_unavailable_zoom() {
    let app = app().await;
    named(&app, "hana").await;
    app.zoom.control("POST", "faults", json!({ "where": "users_me", "kind": "http_500", "times": 9 })).await;
    let away = app.post("/api/v1/bot/", json!({ "meeting_url": "https://zoom.us/my/hana" })).await;
    assert_eq!(away.status, 503, "{}", away.text);
    app.zoom.control("DELETE", "faults", json!({})).await;
    to(&app, "https://zoom.us/my/hana").await.unwrap();
}
