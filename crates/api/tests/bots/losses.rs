//! Lost connections: a bot rejoins after a failure, but not after a decision of the host or of Zoom.

use std::{path::Path, process::Command, time::Duration};

use futures_util::future;
use serde_json::{Value, json};

use crate::{
    STUDIO, TIMED, codes,
    outputs::picture,
    show, studio,
    test_app::{Plan, TestApp},
    why,
};

/// The processes of the browser with its profile in `profiles`, whose command lines contain `kind` or do not.
pub(crate) fn processes(profiles: &Path, kind: &str, wanted: bool) -> Vec<String> {
    let profiles = format!("--user-data-dir={}", profiles.canonicalize().unwrap().display());
    let running = std::fs::read_dir("/proc").unwrap().flatten();
    let pids = running.filter_map(|entry| entry.file_name().into_string().ok());
    let pids = pids.filter(|pid| {
        let line = std::fs::read(format!("/proc/{pid}/cmdline")).unwrap_or_default();
        let line = String::from_utf8_lossy(&line);
        line.contains(&profiles) && line.contains(kind) == wanted
    });
    pids.collect()
}

pub(crate) fn send(signal: &str, pids: &[String]) {
    assert!(!pids.is_empty());
    assert!(Command::new("kill").arg(signal).args(pids).status().unwrap().success());
}

/// The page of the only bot: the largest of its browser's pages. The other pages are spare ones for later bots.
fn page_of_the_bot(app: &TestApp) -> [String; 1] {
    let resident = |pid: &String| {
        let sizes = std::fs::read_to_string(format!("/proc/{pid}/statm")).unwrap_or_default();
        sizes.split(' ').nth(1).and_then(|pages| pages.parse::<u64>().ok()).unwrap_or_default()
    };
    let pages = processes(&app.profiles(), "--type=renderer", true);
    [pages.into_iter().max_by_key(resident).unwrap()]
}

/// The statuses of a bot that joined, lost its connection, and joined again.
const THERE_AND_BACK: [&str; 5] =
    ["ready", "joining_call", "in_call_not_recording", "joining_call", "in_call_not_recording"];

/// The bot, once it has had `steps` status changes.
async fn after_steps(app: &TestApp, bot: &str, steps: usize) -> Value {
    let gone_through = async || Some(app.look_at(bot).await).filter(|bot| codes(bot).len() == steps);
    app.wait_for("the bot has taken its steps", gone_through).await
}

async fn a_bot_in(app: &TestApp, request: Value) -> String {
    let bot = app.bot(request).await;
    app.until(&bot, "in_call_not_recording").await;
    bot
}

/// The connection is broken for longer than the SDK waits before its only reconnect. Zoom notices the loss much later, so
/// it refuses the same user for a while.
#[tokio::test]
async fn a_bot_with_a_broken_connection_rejoins_as_the_same_user() {
    let app = studio().await;
    let meeting = app.zoom.meeting(json!({ "sign_in": "any" })).await;
    meeting.seat("Somebody").await;
    let robin = app.zoom.user("robin@example.test", "Robin Notes").await;
    let zoom = json!({ "credential": app.connect(&robin).await });
    let bot = json!({ "meeting_url": meeting.url, "bot_name": "Notes", "zoom": zoom });
    let bot = a_bot_in(&app, bot).await;

    // Until the SDK has given up: on a busy machine its only attempt may come late.
    meeting.cut_line(json!({ "name": "Notes", "shown_seconds": 14 })).await;
    after_steps(&app, &bot, 4).await;
    meeting.heal_line().await;
    let back = after_steps(&app, &bot, 5).await;
    assert_eq!(codes(&back), THERE_AND_BACK);
    let (sub_code, words) = why(&back, "joining_call");
    assert_eq!(sub_code, "zoom_connection_failed");
    assert!(words.starts_with("The bot lost its place: Zoom ended the connection"), "{words}");
    assert_eq!(meeting.person("Notes").await["user_id"], robin["id"]);
    assert!(
        meeting.join_requests().await.iter().any(|join| join["outcome"] == "103044"),
        "Zoom had not noticed the loss yet"
    );
    app.drawn(&bot).await;
    show("back-again", &app.pictures(&bot).await);
    app.stop().await;
}

/// The image that is stored when a page gave no screenshot.
const NO_PICTURE: &[u8] = include_bytes!("../../../../web/bot/no-picture.png");

/// An OBF token works once, so a bot that rejoins fetches another.
#[tokio::test]
async fn a_bot_rejoins_after_a_crash() {
    let app = studio().await;
    let meeting = app.zoom.meeting(json!({ "external_rules": true })).await;
    let ada = app.zoom.user("ada@example.test", "Ada").await;
    meeting.seat_user("Ada", &ada).await;
    let zoom = json!({ "obf_credential": app.connect(&ada).await });
    for (kind, wanted, words) in
        [("--type=renderer", true, "the bot's page crashed"), ("--type=", false, "the bot's browser ended")]
    {
        let bot = json!({ "meeting_url": meeting.url, "bot_name": words, "zoom": zoom });
        let bot = a_bot_in(&app, bot).await;
        send("-KILL", &processes(&app.profiles(), kind, wanted));
        let back = after_steps(&app, &bot, 5).await;
        assert_eq!(codes(&back), THERE_AND_BACK);
        let words = format!("The bot lost its place: {words}; joining again.");
        assert_eq!(why(&back, "joining_call"), ("bot_errored", words.as_str()));
        assert_eq!(app.log_of(&bot, "?kind=page_gone").await.len(), 1);
        let decided = app.log_of(&bot, "?kind=decision").await;
        let decided = decided[0]["text"].as_str().unwrap();
        assert!(decided.starts_with("The bot returns to its meeting: it joins again"), "{decided}");
        app.post(&format!("/api/v1/bot/{bot}/leave_call/"), json!({})).await.ok();
        app.until(&bot, "done").await;
        assert!(
            app.pictures(&bot).await.iter().any(|picture| picture == NO_PICTURE),
            "the page gave no screenshot"
        );
    }
    assert_eq!(meeting.people().await.len(), 1, "Ada");
    app.stop().await;
}

#[tokio::test]
async fn a_frozen_page_is_replaced() {
    let app = TestApp::build(&Plan { answer_within: Duration::from_secs(10), ..STUDIO }).await;
    let meeting = app.zoom.meeting(json!({})).await;
    let bot = a_bot_in(&app, json!({ "meeting_url": meeting.url, "bot_name": "Frozen" })).await;
    send("-STOP", &page_of_the_bot(&app));
    let back = after_steps(&app, &bot, 5).await;
    assert_eq!(codes(&back), THERE_AND_BACK);
    let words = "The bot lost its place: the bot's page is frozen; joining again.";
    assert_eq!(why(&back, "joining_call"), ("bot_errored", words));
    assert_eq!(app.log_of(&bot, "?kind=heartbeat_missed").await.len(), 1);
    meeting.person("Frozen").await;
    app.stop().await;
}

/// The bot does not wait for a page that does not answer.
#[tokio::test]
async fn a_bot_with_a_frozen_page_leaves_within_ten_seconds() {
    let app = TestApp::build(&TIMED).await;
    let meeting = app.zoom.meeting(json!({})).await;
    let bot = a_bot_in(&app, json!({ "meeting_url": meeting.url, "bot_name": "Frozen" })).await;
    app.drawn(&bot).await;
    send("-STOP", &page_of_the_bot(&app));
    app.post(&format!("/api/v1/bot/{bot}/leave_call/"), json!({})).await.ok();
    app.pass(Duration::from_secs(10)).await;
    let ended = async || Some(app.look_at(&bot).await).filter(|bot| codes(bot).last() == Some(&"done"));
    let ended = app.without_time("it has left", ended).await;
    assert_eq!(why(&ended, "call_ended").0, "bot_received_leave_call");
    let empty = async || meeting.people().await.is_empty().then_some(());
    app.without_time("Zoom has it out", empty).await;
    app.stop().await;
}

/// The same for a page that froze while it was showing a picture or sending a message.
#[tokio::test]
async fn a_bot_with_a_busy_frozen_page_leaves_within_ten_seconds() {
    let app = TestApp::build(&TIMED).await;
    let meeting = app.zoom.meeting(json!({})).await;
    for (path, body) in [("output_video", picture()), ("send_chat_message", json!({ "message": "Hello" }))] {
        let bot = a_bot_in(&app, json!({ "meeting_url": meeting.url, "bot_name": "Frozen" })).await;
        app.drawn(&bot).await;
        send("-STOP", &page_of_the_bot(&app));
        let (given, leaves) =
            (format!("/api/v1/bot/{bot}/{path}/"), format!("/api/v1/bot/{bot}/leave_call/"));
        let leaving = async {
            app.pass(Duration::from_secs(2)).await;
            app.post(&leaves, json!({})).await.ok();
            app.pass(Duration::from_secs(10)).await;
            let ended =
                async || Some(app.look_at(&bot).await).filter(|bot| codes(bot).last() == Some(&"done"));
            app.without_time("it has left", ended).await
        };
        let (_, ended) = future::join(app.post(&given, body), leaving).await;
        assert_eq!(why(&ended, "call_ended").0, "bot_received_leave_call", "{path}");
    }
    app.stop().await;
}

#[tokio::test]
async fn a_bot_ends_if_its_connection_stays_broken() {
    let app = TestApp::build(&Plan { rejoin_within: Duration::from_secs(15), ..STUDIO }).await;
    let meeting = app.zoom.meeting(json!({})).await;
    let bot = a_bot_in(&app, json!({ "meeting_url": meeting.url, "bot_name": "Notes" })).await;
    meeting.cut_line(json!({})).await;
    let ended = app.until(&bot, "fatal").await;
    assert_eq!(codes(&ended), ["ready", "joining_call", "in_call_not_recording", "joining_call", "fatal"]);
    let (sub_code, words) = why(&ended, "fatal");
    assert_eq!(sub_code, "zoom_connection_failed");
    assert!(words.contains("Details: the bot lost its place and could not rejoin within 15 s"), "{words}");
    app.stop().await;
}

/// When the connection works again, the bot learns what the host decided in the meantime, and does not rejoin.
#[tokio::test]
async fn a_bot_does_not_rejoin_after_a_removal_or_the_end() {
    let app = studio().await;
    let robin = app.zoom.user("robin@example.test", "Robin Notes").await;
    let zoom = json!({ "credential": app.connect(&robin).await });
    let removed = app.zoom.meeting(json!({ "sign_in": "any" })).await;
    let ended = app.zoom.meeting(json!({})).await;
    let bots = [
        a_bot_in(&app, json!({ "meeting_url": removed.url, "bot_name": "Removed", "zoom": zoom })).await,
        a_bot_in(&app, json!({ "meeting_url": ended.url, "bot_name": "Ended" })).await,
    ];
    for meeting in [&removed, &ended] {
        meeting.cut_line(json!({ "shown_seconds": 600 })).await;
    }
    removed.host_does("remove", "Removed").await;
    ended.end().await;
    for (meeting, bot) in [&removed, &ended].into_iter().zip(&bots) {
        after_steps(&app, bot, 4).await;
        meeting.heal_line().await;
    }
    let fatal = app.until(&bots[0], "fatal").await;
    assert_eq!(why(&fatal, "fatal").0, "meeting_not_accessible");
    let done = app.until(&bots[1], "done").await;
    assert_eq!(why(&done, "call_ended").0, "meeting_ended");
    for meeting in [&removed, &ended] {
        assert_eq!(meeting.join_requests().await.len(), 2, "it tried once more, and then never again");
    }

    // If the bot is in the meeting when it is removed, it ends immediately.
    let meeting = app.zoom.meeting(json!({})).await;
    let bot = a_bot_in(&app, json!({ "meeting_url": meeting.url, "bot_name": "Kicked" })).await;
    meeting.host_does("remove", "Kicked").await;
    assert_eq!(why(&app.until(&bot, "done").await, "call_ended").0, "bot_kicked_from_call");
    assert_eq!(meeting.join_requests().await.len(), 1);
    app.stop().await;
}

/// A host's bot is never notified that the meeting is over, so it must not join in a way that would start it.
#[tokio::test]
async fn a_bot_that_started_its_meeting_rejoins_but_never_starts_it_again() {
    let app = studio().await;
    let zoom = json!({ "credential": app.connect(app.zoom.host()).await, "start_meeting": true });
    let ended = async |number: &str| {
        let meeting = app.zoom.control("GET", &format!("meetings/{number}"), Value::Null).await;
        assert_eq!(meeting["phase"], "ended");
    };
    let request = |url: &str| json!({ "meeting_url": url, "bot_name": "For Hana", "zoom": zoom });
    let meeting = app.zoom.meeting(json!({ "started": false })).await;
    let bot = a_bot_in(&app, request(&meeting.url)).await;
    meeting.seat("Ada").await;
    meeting.cut_line(json!({ "seconds": 3, "name": "For Hana" })).await;
    assert_eq!(codes(&after_steps(&app, &bot, 5).await), THERE_AND_BACK, "the meeting goes on");
    meeting.cut_line(json!({ "name": "For Hana" })).await;
    meeting.end().await;
    after_steps(&app, &bot, 6).await;
    meeting.heal_line().await;
    let done = app.until(&bot, "done").await;
    assert_eq!(why(&done, "call_ended").0, "meeting_ended");
    ended(&meeting.number).await;

    // The same after another server has taken the bot over.
    let meeting = app.zoom.meeting(json!({ "started": false })).await;
    let bot = a_bot_in(&app, request(&meeting.url)).await;
    meeting.seat("Ada").await;
    let next = app.another(&Plan { capacity: 0, ..STUDIO }).await;
    app.stop().await;
    meeting.end().await;
    let next = next.another(&STUDIO).await;
    let done = next.until(&bot, "done").await;
    assert_eq!(why(&done, "call_ended").0, "meeting_ended");
    ended(&meeting.number).await;
    next.stop().await;
}

/// A restarting server of Zoom's behind the connection, which the SDK reports as the end of the call.
#[tokio::test]
async fn a_bot_rejoins_after_a_restart_of_zooms_gateway() {
    let app = studio().await;
    let meeting = app.zoom.meeting(json!({})).await;
    meeting.seat("Ada").await;
    let bot = a_bot_in(&app, json!({ "meeting_url": meeting.url, "bot_name": "Notes" })).await;
    meeting.call("POST", "end", json!({ "by": "gateway" })).await;
    let back = after_steps(&app, &bot, 5).await;
    assert_eq!(codes(&back), THERE_AND_BACK);
    let words = "The bot lost its place: Zoom closed the call: RSGW ended; joining again.";
    assert_eq!(why(&back, "joining_call"), ("zoom_connection_failed", words));
    assert_eq!(meeting.people().await.len(), 2);
    app.stop().await;
}
