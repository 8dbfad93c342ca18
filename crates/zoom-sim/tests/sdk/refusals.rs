//! How the SDK rejects a join: registration, webinars, and Zoom's checks for robots.

use serde_json::{Value, json};

use crate::page::Page;
use crate::support::{RunningMeeting, text};

#[tokio::test]
async fn a_registrant_joins_with_a_tk() {
    let room = RunningMeeting::with(json!({"registration": true})).await;
    let mut page = Page::open(&room, "minimized").await;
    let error = page.join(&room, json!({})).await.unwrap_err();
    assert_eq!((&error["type"], &error["errorCode"]), (&json!("JOIN_MEETING_FAILED"), &json!(3099)));
    assert_eq!(error["reason"], "This webinar requires registration.");
    assert_eq!(error["url"], "https://zoom.us/meeting/register");
    let registrant = room.post("/registrants", json!({"email": "ada@example.test", "name": "Ada"})).await;
    page.join(&room, json!({"tk": text(&registrant, "tk")})).await.unwrap();
    assert_eq!(room.names().await, ["Bot"]);
}

#[tokio::test]
async fn a_webinar_requires_an_email_address() {
    let room = RunningMeeting::with(json!({"webinar": true})).await;
    let panelist = json!({"email": "pat@example.test", "panelist": true});
    let panelist = text(&room.post("/registrants", panelist).await, "tk");
    let attendee = text(&room.post("/registrants", json!({"email": "ann@example.test"})).await, "tk");
    let mut page = Page::open(&room, "minimized").await;
    for (more, code, reason) in [
        (json!({}), 3005, "User email is required."),
        (json!({"userEmail": "pat@example.test"}), 200, "require tk parameter to join as a panelist"),
        (
            json!({"userEmail": "pat@example.test", "tk": attendee}),
            200,
            "Denied register use panelist email.",
        ),
    ] {
        let error = page.join(&room, more).await.unwrap_err();
        assert_eq!((&error["errorCode"], &error["reason"]), (&json!(code), &json!(reason)));
    }
    page.join(&room, json!({"userEmail": "pat@example.test", "tk": panelist})).await.unwrap();
    assert_eq!(room.names().await, ["Bot"]);
}

/// The bot gets an error and cannot continue.
#[tokio::test]
async fn checks_for_robots_refuse_the_join() {
    let room = RunningMeeting::with(json!({})).await;
    let mut page = Page::open(&room, "minimized").await;
    for (check, reason, url) in [
        ("captcha", "Fail to join the meeting.", json!("https://zoom.us/captcha")),
        ("frequent_join", "You be limit by zoom, need to check recaptcha.", Value::Null),
        ("blocked", "Fail to join the meeting.", Value::Null),
    ] {
        room.change(json!({"bot_check": check})).await;
        let error = page.join(&room, json!({})).await.unwrap_err();
        let told = (&error["errorCode"], &error["reason"], &error["url"]);
        assert_eq!(told, (&json!(200), &json!(reason), &url), "{check}");
    }
    assert!(room.names().await.is_empty());
}
