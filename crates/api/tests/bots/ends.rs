//! How a call ends: the host ends it, the host removes the bot, or Zoom ends it.

use std::time::Duration;

use serde_json::json;

use crate::{
    STUDIO, TIMED, codes, show,
    test_app::{Plan, TestApp},
    why,
};

#[tokio::test]
async fn each_end_of_a_meeting_has_its_sub_code() {
    let app = TestApp::build(&Plan { capacity: 6, ..STUDIO }).await;
    let cases = [
        ("host", "call_ended_by_host", "The host ended the meeting."),
        ("free_meeting", "call_ended_by_platform_max_length", "Zoom ended a free meeting at its limit."),
        ("host_never_came", "call_ended_by_platform_idle", "Zoom ended the meeting: nobody came to host it"),
        ("one_left", "call_ended_by_platform_idle", "Zoom ended the meeting: nobody came to host it"),
        ("archive_failed", "zoom_internal_error", "Zoom refused or ended the call"),
        ("unnamed", "zoom_internal_error", "Zoom refused or ended the call"),
    ];
    let mut bots = Vec::new();
    for (by, ..) in cases {
        let meeting = app.zoom.meeting(json!({})).await;
        meeting.seat("Ada").await;
        let bot = app.bot(json!({ "meeting_url": meeting.url, "bot_name": by })).await;
        bots.push((meeting, bot));
    }
    for ((meeting, bot), (by, sub_code, words)) in bots.into_iter().zip(cases) {
        app.until(&bot, "in_call_not_recording").await;
        meeting.call("POST", "end", json!({ "by": by })).await;
        let ended = app.until(&bot, "done").await;
        assert_eq!(
            codes(&ended),
            ["ready", "joining_call", "in_call_not_recording", "call_ended", "done"],
            "{by}"
        );
        let (found, message) = why(&ended, "call_ended");
        assert_eq!(found, sub_code, "{by}: {message}");
        assert!(
            message.starts_with(words) && message.contains("Details: Zoom closed the call: "),
            "{message}"
        );
        assert_eq!(meeting.join_requests().await.len(), 1, "it does not rejoin");
        show(by, &app.pictures(&bot).await);
    }
    app.stop().await;
}

#[tokio::test]
async fn a_bot_in_the_waiting_room_ends_with_the_meeting() {
    let app = TestApp::build(&Plan { capacity: 2, ..STUDIO }).await;
    let mut bots = Vec::new();
    for (by, sub_code) in
        [("host", "call_ended_by_host"), ("host_never_came", "call_ended_by_platform_waiting_room_timeout")]
    {
        let meeting = app.zoom.meeting(json!({ "waiting_room": true })).await;
        let bot = app.bot(json!({ "meeting_url": meeting.url, "bot_name": by })).await;
        bots.push((meeting, bot, by, sub_code));
    }
    for (meeting, bot, by, sub_code) in bots {
        app.until(&bot, "in_waiting_room").await;
        meeting.call("POST", "end", json!({ "by": by })).await;
        let ended = app.until(&bot, "done").await;
        assert_eq!(codes(&ended), ["ready", "joining_call", "in_waiting_room", "call_ended", "done"]);
        assert_eq!(why(&ended, "call_ended").0, sub_code);
    }
    app.stop().await;
}

#[tokio::test]
async fn bots_leave_when_nobody_joins_or_they_stay_too_long() {
    let app = TestApp::build(&Plan { capacity: 2, ..TIMED }).await;
    let alone = app.zoom.meeting(json!({})).await;
    let together = app.zoom.meeting(json!({})).await;
    together.seat("Ada").await;
    let rule = json!({ "noone_joined_timeout": 30 });
    let alone = app.bot(json!({ "meeting_url": alone.url, "automatic_leave": rule })).await;
    let rule = json!({ "in_call_not_recording_timeout": 30 });
    let together = app.bot(json!({ "meeting_url": together.url, "automatic_leave": rule })).await;
    for bot in [&alone, &together] {
        app.until(bot, "in_call_not_recording").await;
        app.drawn(bot).await;
    }
    app.pass(Duration::from_secs(25)).await;
    for (bot, sub_code) in
        [(&alone, "timeout_exceeded_noone_joined"), (&together, "timeout_exceeded_in_call_not_recording")]
    {
        let ended = app.until(bot, "done").await;
        let (found, message) = why(&ended, "call_ended");
        assert_eq!(found, sub_code);
        assert!(message.ends_with("It is a usual end. `automatic_leave` has the times."), "{message}");
    }
    app.stop().await;
}
