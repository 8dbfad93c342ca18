//! Servers that stop or die, and servers that take over their bots.

use std::{sync::Arc, time::Duration};

use model::Timestamp;
use serde_json::json;
use tokio::{runtime, sync::oneshot};

use crate::{
    STUDIO, TIMED, codes,
    meeting_events::{download, events, id_of, told, until_told},
    studio,
    test_app::{Plan, TestApp},
    why,
};

#[tokio::test]
async fn a_server_that_stops_hands_its_bots_to_the_next() {
    let app = studio().await;
    let meeting = app.zoom.meeting(json!({})).await;
    let inside = app.bot(json!({ "meeting_url": meeting.url, "bot_name": "Inside" })).await;
    app.until(&inside, "in_call_not_recording").await;
    app.zoom.hold_up("wc_info", 3_600_000).await;
    let joining = app.bot(json!({ "meeting_url": meeting.url, "bot_name": "Joining" })).await;
    let struck = async || (app.zoom.count("faults").await == 1).then_some(());
    app.wait_for("Zoom is asked", struck).await;
    let next = app.another(&Plan { capacity: 0, ..STUDIO }).await;
    app.stop().await;

    let left = next.look_at(&inside).await;
    assert_eq!(codes(&left), ["ready", "joining_call", "in_call_not_recording", "joining_call"]);
    let handed_over = ("bot_handed_over", "The server is being stopped; the bot joins again on another one.");
    assert_eq!(why(&left, "joining_call"), handed_over);
    assert!(meeting.people().await.is_empty());
    let given_back = next.look_at(&joining).await;
    assert_eq!(codes(&given_back), ["ready", "joining_call", "joining_call"]);
    assert_eq!(why(&given_back, "joining_call"), handed_over);

    // Immediately: the bots were released.
    let next = next.another(&STUDIO).await;
    for (bot, before) in [(&inside, codes(&left)), (&joining, codes(&given_back))] {
        let back = next.until(bot, "in_call_not_recording").await;
        assert_eq!(codes(&back), [&before[..], &["joining_call", "in_call_not_recording"]].concat());
        let taken_over = "Taken over from a server that was stopped; joining again.";
        assert_eq!(why(&back, "joining_call"), ("", taken_over));
    }
    assert_eq!(meeting.people().await.len(), 2);
    next.stop().await;
}

#[tokio::test]
async fn a_server_that_finishes_takes_no_new_bots_and_keeps_its_own() {
    let app = studio().await;
    let meeting = app.zoom.meeting(json!({})).await;
    let inside = app.bot(json!({ "meeting_url": meeting.url, "bot_name": "Inside" })).await;
    app.until(&inside, "in_call_not_recording").await;
    let ended = async {
        let new = app.bot(json!({ "meeting_url": meeting.url, "bot_name": "New" })).await;
        app.post(&format!("/api/v1/bot/{inside}/leave_call/"), json!({})).await.ok();
        app.until(&inside, "done").await;
        new
    };
    let ((), new) = tokio::join!(app.supervisor.finish(), ended);
    assert_eq!(codes(&app.look_at(&new).await), ["ready"], "left to the next server");
    app.stop().await;
}

#[tokio::test]
async fn an_overdue_bot_fails_instead_of_joining_late() {
    let app = TestApp::build(&Plan { capacity: 0, ..TIMED }).await;
    let meeting = app.zoom.meeting(json!({})).await;
    let bot = app.bot(json!({ "meeting_url": meeting.url, "bot_name": "Late" })).await;
    app.jump(Duration::from_secs(2 * 86_400 + 3 * 3600));
    let next = app.another(&TIMED).await;
    let ended = next.until(&bot, "fatal").await;
    assert_eq!(codes(&ended), ["ready", "fatal"]);
    let (sub_code, words) = why(&ended, "fatal");
    assert_eq!(sub_code, "failed_to_launch_in_time");
    assert!(
        words.contains("2 d 3 h before a server could run it: a bot that is more than 10 min late"),
        "{words}"
    );
    assert_eq!(app.zoom.count("join_requests").await, 0);
    next.stop().await;
}

#[tokio::test]
async fn a_bot_fails_if_no_slot_is_free_in_time() {
    let app = TestApp::build(&Plan { capacity: 1, ..TIMED }).await;
    let meeting = app.zoom.meeting(json!({})).await;
    let inside = app.bot(json!({ "meeting_url": meeting.url, "bot_name": "Inside" })).await;
    app.until(&inside, "in_call_not_recording").await;
    let waiting = app.bot(json!({ "meeting_url": meeting.url, "bot_name": "Waiting" })).await;
    let called_off = app.bot(json!({ "meeting_url": meeting.url, "bot_name": "Called off" })).await;
    app.post(&format!("/api/v1/bot/{called_off}/leave_call/"), json!({})).await.ok();
    let ended = app.until(&called_off, "done").await;
    assert_eq!(codes(&ended), ["ready", "call_ended", "done"]);
    app.pass(Duration::from_secs(601)).await;
    let ended = app.until(&waiting, "fatal").await;
    assert_eq!(codes(&ended), ["ready", "fatal"]);
    assert_eq!(why(&ended, "fatal").0, "failed_to_launch_in_time");
    assert_eq!(codes(&app.look_at(&inside).await).last(), Some(&"in_call_not_recording"));
    app.stop().await;
}

/// A server in its own runtime, which ends abruptly.
async fn doomed_server(app: &Arc<TestApp>) -> runtime::Runtime {
    let doomed = runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build().unwrap();
    let (running, runs) = oneshot::channel();
    let founder = Arc::clone(app);
    doomed.spawn(async move {
        let _server = founder.another(&TIMED).await;
        running.send(()).unwrap();
        std::future::pending::<()>().await;
    });
    runs.await.unwrap();
    doomed
}

#[tokio::test]
async fn a_bot_of_a_dead_server_is_taken_over_when_its_lease_expires() {
    let app = Arc::new(TestApp::build(&Plan { capacity: 0, ..TIMED }).await);
    let meeting = app.zoom.meeting(json!({})).await;
    let bot = app.bot(json!({ "meeting_url": meeting.url, "bot_name": "Survivor" })).await;

    let doomed = doomed_server(&app).await;
    app.until(&bot, "in_call_not_recording").await;
    doomed.shutdown_background();
    let alone = async || meeting.people().await.is_empty().then_some(());
    app.wait_for("its browser has ended too", alone).await;

    let heir = app.another(&TIMED).await;
    heir.pass(Duration::from_secs(20)).await;
    let left_alone = heir.look_at(&bot).await;
    assert_eq!(
        codes(&left_alone),
        ["ready", "joining_call", "in_call_not_recording"],
        "the lease is respected"
    );
    let resumed = heir.until(&bot, "in_call_not_recording").await;
    assert_eq!(codes(&resumed).len(), 3);
    let again = async || Some(heir.look_at(&bot).await).filter(|bot| codes(bot).len() == 5);
    let resumed = heir.wait_for("the bot is in again", again).await;
    assert_eq!(
        codes(&resumed),
        ["ready", "joining_call", "in_call_not_recording", "joining_call", "in_call_not_recording"]
    );
    let lost = ("bot_server_lost", "The server was restarted; joining again.");
    assert_eq!(why(&resumed, "joining_call"), lost);
    assert_eq!(meeting.people().await.len(), 1);
    heir.stop().await;
}

#[tokio::test]
async fn meeting_events_are_stored_once_and_in_order_across_a_servers_death() {
    let app = Arc::new(TestApp::build(&Plan { capacity: 0, ..TIMED }).await);
    let meeting = app.zoom.meeting(json!({})).await;
    for name in ["Ada", "Bob"] {
        meeting.seat(name).await;
    }
    let (ada, bob) = (id_of(&meeting, "Ada").await, id_of(&meeting, "Bob").await);
    let bot = app.bot(json!({ "meeting_url": meeting.url, "bot_name": "Notes" })).await;
    let doomed = doomed_server(&app).await;
    app.until(&bot, "in_call_not_recording").await;
    meeting.call("POST", "chat", json!({ "from": bob, "text": "before" })).await;
    until_told(&app, &bot, "chat_message Bob before").await;
    meeting.call("PUT", "active-speakers", json!({ "participants": [ada] })).await;
    until_told(&app, &bot, "speech_on Ada").await;
    let spoke_at = app.env.now();
    app.pass(Duration::from_secs(60)).await;
    doomed.shutdown_background();
    let alone = async || (meeting.people().await.len() == 2).then_some(());
    app.wait_for("its browser has ended too", alone).await;
    let died_at = app.env.now();
    meeting.call("PUT", "active-speakers", json!({ "participants": [] })).await;
    meeting.call("POST", &format!("participants/{bob}/leave"), json!({})).await;
    meeting.seat("Cem").await;

    let heir = app.another(&TIMED).await;
    heir.pass(Duration::from_secs(40)).await;
    until_told(&heir, &bot, "leave Bob").await;
    meeting.call("PUT", "active-speakers", json!({ "participants": [ada] })).await;
    let again = async || (told(&heir, &bot).await.last()? == "speech_on Ada").then_some(());
    heir.wait_for("she speaks again", again).await;
    heir.post(&format!("/api/v1/bot/{bot}/leave_call/"), json!({})).await.ok();
    let ended = heir.until(&bot, "done").await;
    let expected = [
        "bot_entered",
        "join Ada",
        "join Bob",
        "chat_message Bob before",
        "speech_on Ada",
        "speech_off Ada",
        "bot_left",
        "bot_entered",
        "join Cem",
        "leave Bob",
        "speech_on Ada",
        "speech_off Ada",
        "bot_left",
    ];
    assert_eq!(told(&heir, &bot).await, expected);
    let events = events(&heir, &bot).await;
    let numbers: Vec<_> = events.iter().map(|event| event["number"].as_u64().unwrap()).collect();
    assert_eq!(numbers, (1..=13).collect::<Vec<_>>());
    let times: Vec<Timestamp> =
        events.iter().map(|event| event["at"].as_str().unwrap().parse().unwrap()).collect();
    assert!(times.is_sorted(), "{times:?}");
    // The end of the speech is dated to a time at which the lease was still renewed.
    assert!(times[5] > spoke_at + Duration::from_secs(30) && times[5] <= died_at, "{times:?}");
    let media = &ended["recordings"][0]["media_shortcuts"]["participant_events"]["data"];
    assert_eq!(download(&heir, &media["speaker_timeline_download_url"]).await.len(), 2);
    heir.stop().await;
}
