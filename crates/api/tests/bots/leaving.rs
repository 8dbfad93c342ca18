//! When a bot leaves although others are there.

use serde_json::{Value, json};

use crate::{studio, why};

/// Each in a meeting of its own, with a participant in it.
#[tokio::test]
async fn a_bot_leaves_a_silent_meeting_and_one_of_bots() {
    let app = studio().await;
    let names = json!({ "timeout": 10, "activate_after": 1, "matches": ["NOTETAKER"] });
    let events = json!({ "timeout": 10, "activate_after": 1 });
    let rules = [
        (
            json!({ "silence_detection": { "timeout": 10, "activate_after": 1 } }),
            "timeout_exceeded_silence_detected",
        ),
        (
            json!({ "bot_detection": { "using_participant_names": names } }),
            "timeout_exceeded_only_bots_detected_using_participant_names",
        ),
        (
            json!({ "bot_detection": { "using_participant_events": events } }),
            "timeout_exceeded_only_bots_detected_using_participant_events",
        ),
    ];
    let mut bots = Vec::new();
    for (rule, sub_code) in rules {
        let meeting = app.zoom.meeting(json!({})).await;
        meeting.seat("Ada's Notetaker").await;
        let request = json!({ "meeting_url": meeting.url, "bot_name": "Notes", "automatic_leave": rule });
        bots.push((app.bot(request).await, sub_code));
    }
    for (bot, sub_code) in bots {
        let ended = app.until(&bot, "done").await;
        assert_eq!(why(&ended, "call_ended").0, sub_code);
    }
    app.stop().await;
}

/// They are of one installation, and know each other by their places in the store.
#[tokio::test]
async fn two_bots_do_not_keep_each_other_in_a_meeting() {
    let app = studio().await;
    let meeting = app.zoom.meeting(json!({})).await;
    meeting.seat("Ada").await;
    let mut bots = Vec::new();
    for name in ["One", "Other"] {
        let bot = app.bot(json!({ "meeting_url": meeting.url, "bot_name": name })).await;
        app.until(&bot, "in_call_not_recording").await;
        bots.push(bot);
    }
    let ada = meeting.person("Ada").await["id"].clone();
    meeting.call("POST", &format!("participants/{ada}/leave"), json!({})).await;
    for bot in bots {
        let ended: Value = app.until(&bot, "done").await;
        assert_eq!(why(&ended, "call_ended").0, "timeout_exceeded_everyone_left");
    }
    app.stop().await;
}
