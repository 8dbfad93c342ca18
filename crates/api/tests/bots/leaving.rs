//! When a bot leaves although others are there.

use std::time::Duration;

use serde_json::{Value, json};

use crate::{
    TIMED, codes,
    meeting_events::{id_of, until_told},
    studio,
    test_app::TestApp,
    why,
};

/// Each bot is in its own meeting with one participant.
#[tokio::test]
async fn a_bot_leaves_a_silent_meeting_and_a_meeting_of_bots() {
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

/// Bots of one installation recognize each other by what is stored about them.
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

/// Speech restarts the silence timer, and a rule does not apply before `activate_after`.
#[tokio::test]
async fn speech_captions_and_activate_after_delay_the_silence_rule() {
    let app = TestApp::build(&TIMED).await;
    let (minute, captions) = (Duration::from_secs(60), json!({ "provider": { "meeting_captions": {} } }));
    let heard = app.zoom.meeting(json!({})).await;
    let silent = app.zoom.meeting(json!({})).await;
    let mut bots = Vec::new();
    for (meeting, rule) in [
        (&heard, json!({ "timeout": 100, "activate_after": 1 })),
        (&silent, json!({ "timeout": 10, "activate_after": 250 })),
    ] {
        meeting.seat("Ada").await;
        let rule = json!({ "silence_detection": rule });
        let config = json!({ "transcript": captions });
        let bot = json!({ "meeting_url": meeting.url, "bot_name": "Notes", "automatic_leave": rule, "recording_config": config });
        bots.push(app.bot(bot).await);
    }
    for (meeting, bot) in [&heard, &silent].into_iter().zip(&bots) {
        app.until(bot, "in_call_not_recording").await;
        let asked = async || (meeting.person("Notes").await["wants_captions"] == true).then_some(());
        app.wait_for("the bot has asked for captions", asked).await;
    }
    let in_still = async |bot: &str| {
        app.pass(minute).await;
        assert_eq!(codes(&app.look_at(bot).await).last(), Some(&"in_call_not_recording"));
    };
    let (ada, bot) = (id_of(&heard, "Ada").await, &bots[0]);
    in_still(bot).await;
    heard.call("PUT", "active-speakers", json!({ "participants": [ada] })).await;
    until_told(&app, bot, "speech_on Ada").await;
    heard.call("PUT", "active-speakers", json!({ "participants": [] })).await;
    until_told(&app, bot, "speech_off Ada").await;
    in_still(bot).await;
    heard.call("POST", "captions", json!({ "from": ada, "caption_id": "c1", "text": "Good morning." })).await;
    until_told(&app, bot, "caption Ada Good morning.").await;
    in_still(bot).await;
    let silent = app.look_at(&bots[1]).await;
    assert_eq!(codes(&silent).last(), Some(&"in_call_not_recording"), "three minutes did not count");
    app.pass(2 * minute).await;
    for bot in &bots {
        let ended = app.until(bot, "done").await;
        assert_eq!(why(&ended, "call_ended").0, "timeout_exceeded_silence_detected");
    }
    app.stop().await;
}
