//! Meetings and webinars that require a registration, and personal links.

use serde_json::{Value, json};

use crate::{
    STUDIO, studio,
    test_app::{CLIENT_ID, Plan, TestApp, zoom::Meeting},
    why,
};

/// Registers a person, and returns the link that Zoom sends them.
async fn register(meeting: &Meeting<'_>, registrant: Value) -> String {
    meeting.call("POST", "registrants", registrant).await["join_url"].as_str().unwrap().to_owned()
}

#[tokio::test]
async fn a_registrants_own_link_lets_a_bot_in() {
    let app = studio().await;
    let meeting = app.zoom.meeting(json!({ "registration": true })).await;
    let ada = json!({ "email": "bot@example.test", "name": "Notes" });
    let link = register(&meeting, ada.clone()).await;
    assert!(link.contains("tk="), "{link}");
    let bot = app.bot(json!({ "meeting_url": link, "bot_name": "Registered" })).await;
    app.until(&bot, "in_call_not_recording").await;
    meeting.person("Registered").await;

    // A person who registers again gets another link; the previous one is no longer valid.
    register(&meeting, ada).await;
    let late = app.bot(json!({ "meeting_url": link, "bot_name": "Late" })).await;
    let ended = app.until(&late, "fatal").await;
    assert_eq!(why(&ended, "fatal").0, "meeting_requires_registration");
    app.stop().await;
}

#[tokio::test]
async fn a_webinar_distinguishes_attendees_and_panelists() {
    let app = TestApp::build(&Plan { capacity: 6, ..STUDIO }).await;
    let meeting = app.zoom.meeting(json!({ "webinar": true, "registration": true })).await;
    let panelist = json!({ "email": "pat@example.test", "panelist": true });
    let panelists_link = register(&meeting, panelist).await;
    let attendees_link = register(&meeting, json!({ "email": "ann@example.test" })).await;
    let bot = async |name: &str, url: &str, email: Option<&str>| {
        let zoom = json!({ "user_email": email });
        // Without this, bots among bots would leave before the last one has joined.
        let stays = json!({ "everyone_left_timeout": { "timeout": 3600 } });
        let request = json!({ "meeting_url": url, "bot_name": name, "zoom": zoom, "automatic_leave": stays });
        app.bot(request).await
    };
    let attendee = bot("Attendee", &attendees_link, Some("ann@example.test")).await;
    let on_the_panel = bot("Panelist", &panelists_link, Some("pat@example.test")).await;
    let refused = [
        (bot("No address", &meeting.url, None).await, "zoom_email_required"),
        (bot("Not registered", &meeting.url, Some("new@example.test")).await, "zoom_registration_required"),
        (bot("No invitation", &meeting.url, Some("pat@example.test")).await, "zoom_registration_required"),
        (bot("Two roles", &attendees_link, Some("pat@example.test")).await, "zoom_invalid_webinar_invite"),
        (
            bot("The host's address", &attendees_link, Some("host@example.test")).await,
            "zoom_invalid_webinar_invite",
        ),
    ];
    for bot in [&attendee, &on_the_panel] {
        app.until(bot, "in_call_not_recording").await;
    }
    for (bot, sub_code) in refused {
        let ended = app.until(&bot, "fatal").await;
        let (found, words) = why(&ended, "fatal");
        assert_eq!(found, sub_code, "{words}");
    }
    assert_eq!(meeting.people().await.len(), 2);
    app.stop().await;
}

#[tokio::test]
async fn a_personal_link_leads_to_the_room_of_a_connected_account() {
    let app = studio().await;
    let scopes = json!({ "scopes": ["user:read:user", "user:read:zak", "meeting:read:list_meetings"] });
    app.zoom.control("PATCH", &format!("apps/{CLIENT_ID}"), scopes).await;
    let host = app.zoom.host().clone();
    let path = format!("users/{}", host["id"].as_str().unwrap());
    app.zoom.control("PATCH", &path, json!({ "personal_name": "hana" })).await;
    let number = host["pmi"].to_string();
    let meeting = app.zoom.meeting(json!({ "meeting_number": number })).await;
    app.connect(&host).await;
    app.list_meetings().await;
    let request = json!({ "meeting_url": "https://zoom.us/my/Hana", "bot_name": "Guest" });
    let bot = app.bot(request).await;
    let inside = app.until(&bot, "in_call_not_recording").await;
    assert_eq!(inside["meeting_url"]["meeting_id"], number, "{inside}");
    meeting.person("Guest").await;
    app.stop().await;
}
