//! What hosts do to bots, and when bots leave by themselves.

use serde_json::json;

use crate::{codes, show, studio, why};

#[tokio::test]
async fn a_host_admits_and_removes_a_bot() {
    let app = studio().await;
    let meeting = app.zoom.meeting(json!({ "waiting_room": true })).await;
    let admitted = app.bot(json!({ "meeting_url": meeting.url, "bot_name": "Admitted" })).await;
    let turned_away = app.bot(json!({ "meeting_url": meeting.url, "bot_name": "Turned away" })).await;
    app.until(&admitted, "in_waiting_room").await;
    app.until(&turned_away, "in_waiting_room").await;
    app.drawn(&turned_away).await;

    meeting.host_does("remove", "Turned away").await;
    let ended = app.until(&turned_away, "done").await;
    assert_eq!(codes(&ended), ["ready", "joining_call", "in_waiting_room", "call_ended", "done"]);
    assert_eq!(why(&ended, "call_ended").0, "bot_kicked_from_waiting_room");
    show("waiting-room", &app.pictures(&turned_away).await[..1]);

    meeting.host_does("admit", "Admitted").await;
    app.until(&admitted, "in_call_not_recording").await;
    app.drawn(&admitted).await;
    meeting.host_does("remove", "Admitted").await;
    let ended = app.until(&admitted, "done").await;
    assert_eq!(
        codes(&ended),
        ["ready", "joining_call", "in_waiting_room", "in_call_not_recording", "call_ended", "done"]
    );
    assert_eq!(why(&ended, "call_ended").0, "bot_kicked_from_call");
    let pictures = app.pictures(&admitted).await;
    assert_eq!(pictures.len(), 3, "waiting, inside, removed");
    show("inside", &pictures[..2]);
    show("removed", &pictures);
    assert!(meeting.people().await.is_empty());
    app.stop().await;
}

#[tokio::test]
async fn a_bot_leaves_when_all_others_left_or_the_host_ends_the_meeting() {
    let app = studio().await;
    let lonely = app.zoom.meeting(json!({})).await;
    lonely.seat("Ada").await;
    let leave = json!({ "everyone_left_timeout": 1 });
    let request = json!({ "meeting_url": lonely.url, "bot_name": "Lonely", "automatic_leave": leave });
    let left = app.bot(request).await;
    let over = app.zoom.meeting(json!({})).await;
    let bot_ended = app.bot(json!({ "meeting_url": over.url, "bot_name": "Ended" })).await;

    app.until(&left, "in_call_not_recording").await;
    lonely.host_does("remove", "Ada").await;
    let left = app.until(&left, "done").await;
    assert_eq!(why(&left, "call_ended").0, "timeout_exceeded_everyone_left");
    assert!(lonely.people().await.is_empty());

    app.until(&bot_ended, "in_call_not_recording").await;
    over.end().await;
    let ended = app.until(&bot_ended, "done").await;
    assert_eq!(why(&ended, "call_ended").0, "call_ended_by_host");
    show("ended", &app.pictures(&bot_ended).await);
    app.stop().await;
}

#[tokio::test]
async fn a_wrong_link_does_not_let_a_bot_in() {
    let app = studio().await;
    let meeting = app.zoom.meeting(json!({})).await;
    let wrong = app.bot(json!({ "meeting_url": meeting.with_passcode("wrong") })).await;
    let unknown = app.bot(json!({ "meeting_url": "https://zoom.us/j/99999999999?pwd=x" })).await;
    let wrong_bot = app.until(&wrong, "fatal").await;
    assert_eq!(why(&wrong_bot, "fatal").0, "meeting_password_incorrect");
    // Zoom answers "not found" for a number that it does not recognize as a meeting's.
    let unknown_bot = app.until(&unknown, "fatal").await;
    assert_eq!(why(&unknown_bot, "fatal").0, "meeting_link_invalid");
    show("wrong-passcode", &app.pictures(&wrong).await);
    show("unknown-meeting", &app.pictures(&unknown).await);
    assert!(meeting.people().await.is_empty());
    app.stop().await;
}

#[tokio::test]
async fn a_joining_bot_can_be_stopped() {
    let app = studio().await;
    let meeting = app.zoom.meeting(json!({})).await;
    app.zoom.hold_up("wc_info", 3_600_000).await;
    let bot = app.bot(json!({ "meeting_url": meeting.url })).await;
    let struck = async || (app.zoom.count("faults").await == 1).then_some(());
    app.wait_for("Zoom is asked", struck).await;
    app.post(&format!("/api/v1/bot/{bot}/leave_call/"), json!({})).await.ok();
    let ended = app.until(&bot, "done").await;
    assert_eq!(codes(&ended), ["ready", "joining_call", "call_ended", "done"]);
    assert_eq!(why(&ended, "call_ended").0, "bot_received_leave_call");
    assert!(meeting.people().await.is_empty());
    app.stop().await;
}
