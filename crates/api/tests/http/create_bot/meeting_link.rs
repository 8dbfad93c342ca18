//! Accepted and refused meeting links.

use serde_json::json;

use crate::app;

#[tokio::test]
async fn links_that_are_not_zoom_meetings_are_refused() {
    let app = app().await;
    let unsupported = "The meeting URL is malformed, or belongs to a platform that is not supported.";
    for (url, complaint) in [
        (json!(null), "This field is required."),
        (json!(""), "It must not be empty."),
        (json!("  "), "It must not be empty."),
        (json!(5), "It must be text."),
        (json!({ "meeting_id": "81234567890", "platform": "zoom" }), "It must be text."),
        (json!("a".repeat(2001)), "It must not be longer than 2000 characters."),
        (json!("zoom"), unsupported),
        (json!("https://meet.google.com/abc-defg-hij"), unsupported),
        (json!("https://zoom.us.evil.example/j/81234567890"), unsupported),
        (json!("https://zoom.us@evil.example/j/81234567890"), unsupported),
        (json!("https://zoom.us/pricing"), "This is an address of Zoom, but not a link to a meeting."),
        (json!("https://zoom.us/j/123"), "The meeting number in the URL does not have 9 to 11 digits."),
        (
            json!("https://zoom.us/my/ada"),
            "No connected account is known to have the personal link /my/ada: connect its owner's account, or use the link that it leads to, with a meeting number.",
        ),
        (
            json!("https://zoom.us/my/ada/room"),
            "This personal link (/my/…) does not say which meeting it is: use the link that it leads to, with a meeting number.",
        ),
        (
            json!("https://agency.zoomgov.com/j/1601234567"),
            "Zoom for Government (zoomgov.com) is not supported.",
        ),
    ] {
        let answer = app.post("/api/v1/bot/", json!({ "meeting_url": url })).await;
        assert_eq!(answer.refused(), json!({ "meeting_url": [complaint] }), "{url}");
    }
    assert_eq!(
        app.post("/api/v1/bot/", json!({})).await.refused(),
        json!({ "meeting_url": ["This field is required."] })
    );
    assert_eq!(app.get("/api/v1/bot/").await.ok()["count"], 0, "nothing of them is stored");
}

/// `zoom` parses links; this tests what a caller sees of it.
#[tokio::test]
async fn a_pasted_link_is_read_or_refused() {
    let app = app().await;
    for text in [
        "Join: <https://zoom.us/j/81234567890?uname=x&amp;pwd=planted-pass>.",
        "https://nam02.safelinks.protection.outlook.com/?url=https%3A%2F%2Fzoom.us%2Fj%2F81234567890%3Fpwd%3Dplanted-pass&data=05&reserved=0",
        "https://zoom.us/j/81234567890?password=planted-pass Meeting ID: 812 3456 7890",
    ] {
        let bot = app.post("/api/v1/bot/", json!({ "meeting_url": text })).await.created();
        let read =
            json!({ "meeting_id": "81234567890", "meeting_password": "planted-pass", "platform": "zoom" });
        assert_eq!(bot["meeting_url"], read, "{text}");
    }
    for (text, complaint) in [
        ("https://zoom.us/meeting/register/tJx", "This is a registration page"),
        ("https://zoom.us/j/81234567890?pwd=abc\nAda", "The link is cut or joined to other text"),
        ("https://zoom.us/j/81234567890\nPasscode: 12", "The link has no passcode"),
    ] {
        let answer = app.post("/api/v1/bot/", json!({ "meeting_url": text })).await.refused();
        assert!(answer["meeting_url"][0].as_str().unwrap().starts_with(complaint), "{answer}");
    }
}
