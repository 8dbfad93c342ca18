//! Meeting events are stored once, completely, and until they are erased.

use std::{
    sync::{Arc, Mutex},
    time::Duration,
};

use model::Timestamp;
use serde_json::{Value, json};

use crate::{
    losses::{processes, send},
    recall::complain_unless_recalls,
    studio,
    test_app::{TestApp, zoom::Meeting},
};

/// HTML, right to left, emoji of several parts, and a hundred combining characters.
fn odd_name() -> String {
    let marks = "\u{301}".repeat(100);
    format!("<img src=x onerror=alert(1)> שלום \u{202e}👩🏽‍🚀 e{marks}")
}

pub(crate) async fn id_of(meeting: &Meeting<'_>, name: &str) -> Value {
    meeting.person(name).await["id"].clone()
}

/// A bot in the call; if it requests captions, it is receiving them.
async fn a_bot_in(app: &TestApp, meeting: &Meeting<'_>, config: Value) -> String {
    let wants_captions = config["transcript"].is_object();
    let request = json!({ "meeting_url": meeting.url, "bot_name": "Notes", "recording_config": config });
    let bot = app.bot(request).await;
    app.until(&bot, "in_call_not_recording").await;
    let asked = async || {
        let asked = meeting.person("Notes").await["wants_captions"] == true;
        (asked || !wants_captions).then_some(())
    };
    app.wait_for("the bot has asked for captions", asked).await;
    bot
}

fn captions() -> Value {
    json!({ "transcript": { "provider": { "meeting_captions": {} } } })
}

/// All meeting events.
pub(crate) async fn events(app: &TestApp, bot: &str) -> Vec<Value> {
    let mut events = Vec::<Value>::new();
    loop {
        let after = events.last().map_or(json!(0), |event| event["number"].clone());
        let page = app.get(&format!("/api/latchkey/v1/bot/{bot}/meeting-events/?after={after}")).await.ok();
        let next = page["results"].as_array().unwrap();
        if next.is_empty() {
            return events;
        }
        events.extend_from_slice(next);
    }
}

/// The kinds of a bot's events, with their names and texts.
pub(crate) async fn told(app: &TestApp, bot: &str) -> Vec<String> {
    let events = events(app, bot).await;
    let numbers: Vec<_> = events.iter().map(|event| event["number"].as_u64().unwrap()).collect();
    assert!(numbers.is_sorted_by(|one, next| one < next), "{numbers:?}");
    let tell = |event: &Value| {
        let name = event["participant"]["name"].as_str().unwrap_or_default();
        let text = event["text"].as_str().unwrap_or_default();
        format!("{} {name} {text}", event["kind"].as_str().unwrap()).trim().to_owned()
    };
    events.iter().map(tell).collect()
}

/// Waits until an event of this kind is stored.
pub(crate) async fn until_told(app: &TestApp, bot: &str, wanted: &str) {
    let found = async || told(app, bot).await.iter().any(|event| event == wanted).then_some(());
    app.wait_for(wanted, found).await;
}

async fn leave(app: &TestApp, bot: &str) -> Value {
    app.post(&format!("/api/v1/bot/{bot}/leave_call/"), json!({})).await.ok();
    app.until(bot, "done").await;
    app.look_at(bot).await
}

/// Downloads an artifact without an API key.
pub(crate) async fn download(app: &TestApp, address: &Value) -> Vec<Value> {
    let path = app.path_of(address.as_str().unwrap());
    let request = axum::http::Request::builder().uri(path).body(axum::body::Body::empty()).unwrap();
    app.send(request).await.ok().as_array().unwrap().clone()
}

#[tokio::test]
async fn meeting_events_are_stored_in_recalls_shapes_and_erased_permanently() {
    let app = studio().await;
    let meeting = app.zoom.meeting(json!({})).await;
    let ada = odd_name();
    meeting.seat(&ada).await;
    let bot = a_bot_in(&app, &meeting, captions()).await;
    let ada_id = id_of(&meeting, &ada).await;

    meeting.seat("Bob").await;
    until_told(&app, &bot, "join Bob").await;
    let bob_id = id_of(&meeting, "Bob").await;
    meeting.call("PUT", "active-speakers", json!({ "participants": [bob_id] })).await;
    let caption =
        json!({ "from": bob_id, "caption_id": "c1", "text": "Good mörn", "final": false, "language": 3 });
    meeting.call("POST", "captions", caption).await;
    let caption =
        json!({ "from": bob_id, "caption_id": "c1", "text": "Good mörning, 👩 all.", "language": 3 });
    meeting.call("POST", "captions", caption).await;
    meeting.call("PUT", "active-speakers", json!({ "participants": [] })).await;
    let html = "<script>document.title = 'run'</script>";
    meeting.call("POST", "chat", json!({ "from": ada_id, "text": html })).await;
    let me = id_of(&meeting, "Notes").await;
    meeting.call("POST", "chat", json!({ "from": bob_id, "to": me, "text": "psst" })).await;
    let changes = json!({ "video_on": true, "audio": "computer", "muted": false });
    meeting.call("PATCH", &format!("participants/{ada_id}"), changes).await;
    meeting.call("PATCH", &format!("participants/{ada_id}"), json!({ "sharing": "on" })).await;
    meeting.call("PUT", "recording", json!({ "status": "on" })).await;
    meeting.call("PATCH", &format!("participants/{bob_id}"), json!({ "name": "Robert" })).await;
    until_told(&app, &bot, "update Robert").await;
    meeting.call("POST", &format!("participants/{bob_id}/leave"), json!({})).await;
    until_told(&app, &bot, "leave Robert").await;

    let running = app.look_at(&bot).await;
    complain_unless_recalls("Bot", &running);
    let recording = &running["recordings"][0];
    assert_eq!(recording["status"]["code"], "processing");
    assert_eq!(recording["media_shortcuts"]["transcript"]["data"]["download_url"], Value::Null);

    let ended = leave(&app, &bot).await;
    complain_unless_recalls("Bot", &ended);
    let all = told(&app, &bot).await;
    let expected: Vec<String> = [
        "bot_entered",
        &format!("join {ada}"),
        "caption_state",
        "join Bob",
        "speech_on Bob",
        "caption_state",
        "caption Bob Good mörning, 👩 all.",
        "speech_off Bob",
        &format!("chat_message {ada} {html}"),
        "chat_message Bob psst",
        &format!("update {ada}"),
        &format!("webcam_on {ada}"),
        &format!("screenshare_on {ada}"),
        "cloud_recording",
        "update Robert",
        "leave Robert",
        "bot_left",
    ]
    .map(str::to_owned)
    .into();
    assert_eq!(all, expected);

    let recording = &ended["recordings"][0];
    let media = &recording["media_shortcuts"];
    assert_eq!(
        (&recording["status"]["code"], &media["transcript"]["status"]["code"]),
        (&json!("done"), &json!("done"))
    );
    let events = &media["participant_events"]["data"];
    let actions = download(&app, &events["participant_events_download_url"]).await;
    let chat = actions.iter().find(|event| event["action"] == "chat_message").unwrap();
    assert_eq!(chat["data"], json!({ "text": html, "to": "everyone" }));
    assert_eq!(chat["participant"]["name"], json!(ada));
    assert!(chat["timestamp"]["relative"].as_f64().unwrap() > 0.0);
    assert!(actions.iter().any(|event| event["data"]["to"] == "only_bot"));
    let people = download(&app, &events["participants_download_url"]).await;
    assert_eq!(people.iter().map(|who| &who["name"]).collect::<Vec<_>>(), [&json!(ada), &json!("Robert")]);
    let speeches = download(&app, &events["speaker_timeline_download_url"]).await;
    assert_eq!(speeches.len(), 1);
    let transcript = media["transcript"]["data"]["download_url"].clone();
    let said = download(&app, &transcript).await;
    assert_eq!(said[0]["words"][0]["text"], "Good mörning, 👩 all.");
    assert_eq!((&said[0]["participant"]["name"], &said[0]["language_code"]), (&json!("Bob"), &json!("de")));

    let forged = app.path_of(transcript.as_str().unwrap()).replace("/transcript/", "/participants/");
    assert_eq!(app.get(&forged).await.status, 404, "an address gives only its own artifact");
    app.post(&format!("/api/v1/bot/{bot}/delete_media/"), json!({})).await.ok();
    assert_eq!(app.get(&app.path_of(transcript.as_str().unwrap())).await.status, 404);
    let erased = app.look_at(&bot).await;
    complain_unless_recalls("Bot", &erased);
    let erased = &erased["recordings"][0];
    assert_eq!(erased["status"]["code"], "deleted");
    assert_eq!(
        erased["media_shortcuts"]["participant_events"]["data"]["participants_download_url"],
        Value::Null
    );
    assert!(told(&app, &bot).await.is_empty());
    app.stop().await;
}

#[tokio::test]
async fn missing_captions_are_reported_and_unrequested_events_are_not_stored() {
    let app = studio().await;
    for (captions_of_the_meeting, sub_code) in
        [("disabled_by_host", "captions_none_received"), ("not_offered", "captions_not_offered")]
    {
        let meeting = app.zoom.meeting(json!({ "captions": captions_of_the_meeting })).await;
        meeting.seat("Ada").await;
        let config =
            json!({ "transcript": { "provider": { "meeting_captions": {} } }, "participant_events": null });
        let request = json!({ "meeting_url": meeting.url, "bot_name": "Notes", "recording_config": config });
        let bot = app.bot(request).await;
        until_told(&app, &bot, "caption_state").await;
        let ended = leave(&app, &bot).await;
        let media = &ended["recordings"][0]["media_shortcuts"];
        let status = &media["transcript"]["status"];
        assert_eq!((&status["code"], &status["sub_code"]), (&json!("failed"), &json!(sub_code)));
        assert_eq!(media["participant_events"], Value::Null);
        assert_eq!(told(&app, &bot).await, ["bot_entered", "caption_state", "bot_left"]);
    }
    let meeting = app.zoom.meeting(json!({})).await;
    let bot = a_bot_in(&app, &meeting, json!({ "participant_events": null })).await;
    let ended = leave(&app, &bot).await;
    assert_eq!(ended["recordings"], json!([]));
    app.stop().await;
}

/// More than fifty captions a second, with many chat messages: none is lost. Under more chat, the bot leaves on command.
#[tokio::test]
async fn many_captions_and_chat_messages_are_all_stored_and_delay_nothing() {
    let app = studio().await;
    let meeting = app.zoom.meeting(json!({})).await;
    meeting.seat("Ada").await;
    let bot = a_bot_in(&app, &meeting, captions()).await;
    let ada = id_of(&meeting, "Ada").await;
    let texts: Vec<String> = (0..300).map(|number| format!("Sentence {number}.")).collect();
    let storm = async {
        for (number, text) in texts.iter().enumerate() {
            let caption = json!({ "from": ada, "caption_id": format!("c{number}"), "text": text });
            meeting.call("POST", "captions", caption).await;
        }
    };
    let spam: Vec<String> = (0..600).map(|number| format!("{number} {}", "spam".repeat(250))).collect();
    let flood = async {
        for text in &spam {
            meeting.call("POST", "chat", json!({ "from": ada, "text": text })).await;
        }
    };
    tokio::join!(storm, flood);
    until_told(&app, &bot, "caption Ada Sentence 299.").await;
    until_told(&app, &bot, &format!("chat_message Ada {}", spam[599])).await;
    let more = async {
        loop {
            meeting.call("POST", "chat", json!({ "from": ada, "text": "more" })).await;
        }
    };
    let ended = tokio::select! {
        ended = leave(&app, &bot) => ended,
        () = more => unreachable!("it has no end"),
    };
    let media = &ended["recordings"][0]["media_shortcuts"];
    let said = download(&app, &media["transcript"]["data"]["download_url"]).await;
    let said: Vec<_> = said.iter().map(|caption| caption["words"][0]["text"].as_str().unwrap()).collect();
    assert_eq!(said, texts);
    let address = &media["participant_events"]["data"]["participant_events_download_url"];
    let actions = download(&app, address).await;
    let texts = actions.iter().filter_map(|event| event["data"]["text"].as_str());
    let chat: Vec<_> = texts.filter(|text| *text != "more").collect();
    assert!(chat == spam, "{} of {} messages are stored, in order", chat.len(), spam.len());
    app.stop().await;
}

#[tokio::test]
async fn a_participant_who_stays_during_a_rejoin_does_not_join_twice() {
    let app = studio().await;
    let meeting = app.zoom.meeting(json!({})).await;
    meeting.seat("Ada").await;
    meeting.seat("Bob").await;
    let bot = a_bot_in(&app, &meeting, json!({})).await;
    until_told(&app, &bot, "join Bob").await;
    send("-KILL", &processes(&app.profiles(), "--type=", false));
    let bob = id_of(&meeting, "Bob").await;
    let lost = async || (app.look_at(&bot).await["status_changes"].as_array()?.len() == 4).then_some(());
    app.wait_for("the bot has noticed its loss", lost).await;
    meeting.call("POST", &format!("participants/{bob}/leave"), json!({})).await;
    until_told(&app, &bot, "leave Bob").await;
    assert_eq!(
        told(&app, &bot).await,
        ["bot_entered", "join Ada", "join Bob", "bot_left", "bot_entered", "leave Bob"]
    );
    app.stop().await;
}

/// A paused recording does not count as recording.
#[tokio::test]
async fn a_participants_local_recording_is_reported() {
    let app = studio().await;
    let meeting = app.zoom.meeting(json!({})).await;
    meeting.seat("Ada").await;
    let bot = a_bot_in(&app, &meeting, json!({})).await;
    let ada = id_of(&meeting, "Ada").await;
    let mut expected = vec![json!(["join", false])];
    for (state, records) in [("on", true), ("paused", false), ("on", true), ("off", false)] {
        meeting.call("PATCH", &format!("participants/{ada}"), json!({ "local_recording": state })).await;
        expected.push(json!(["update", records]));
        let kept = async || {
            let events = events(&app, &bot).await;
            let of_ada = events.iter().filter(|event| event["participant"]["name"] == "Ada");
            let shown: Vec<_> =
                of_ada.map(|event| json!([event["kind"], event["participant"]["records"]])).collect();
            (shown.len() >= expected.len()).then_some(shown)
        };
        assert_eq!(app.wait_for(state, kept).await, expected);
    }
    let ended = leave(&app, &bot).await;
    let media = &ended["recordings"][0]["media_shortcuts"]["participant_events"]["data"];
    let people = download(&app, &media["participants_download_url"]).await;
    assert_eq!(people[0]["extra_data"]["zoom"]["recording"], false);
    app.stop().await;
}

/// A move is a new join under another number: no loss, and the participants are those in the room.
#[tokio::test]
async fn a_breakout_room_is_entered_and_left() {
    let app = studio().await;
    let meeting = app.zoom.meeting(json!({ "options": { "isEnableBreakoutRoom": true } })).await;
    meeting.seat("Ada").await;
    meeting.seat("Bob").await;
    // The bot supports this mode, so no field is reported as ignored.
    let request = json!({ "meeting_url": meeting.url, "bot_name": "Notes",
                          "breakout_room": { "mode": "auto_accept_all_invites" } });
    let bot = app.bot(request).await;
    let begun = app.until(&bot, "in_call_not_recording").await;
    assert_eq!(begun["latchkey_ignored"], json!([]));
    meeting.call("PUT", "breakout-rooms", json!({ "rooms": ["Red"] })).await;
    let (bob, me) = (id_of(&meeting, "Bob").await, id_of(&meeting, "Notes").await);
    meeting.call("POST", &format!("participants/{bob}/move"), json!({ "room": "Red" })).await;
    until_told(&app, &bot, "leave Bob").await;
    meeting.call("POST", &format!("participants/{me}/move"), json!({ "room": "Red" })).await;
    until_told(&app, &bot, "leave Ada").await;
    let joined = async || (told(&app, &bot).await.last()? == "join Bob").then_some(());
    app.wait_for("the bot is with Bob", joined).await;
    let me = id_of(&meeting, "Notes").await;
    meeting.call("POST", &format!("participants/{me}/move"), json!({ "room": null })).await;
    let back = async || (told(&app, &bot).await.last()? == "join Ada").then_some(());
    app.wait_for("the bot is back with Ada", back).await;
    let steps = app.look_at(&bot).await;
    assert_eq!(crate::codes(&steps), ["ready", "joining_call", "in_call_not_recording"], "nothing was lost");
    let events = events(&app, &bot).await;
    let entered = events.iter().filter(|event| event["kind"] == "bot_entered");
    let rooms: Vec<_> = entered.map(|event| &event["room"]).collect();
    assert_eq!(rooms, [&Value::Null, &json!("Red"), &Value::Null]);
    app.stop().await;
}

#[tokio::test]
async fn a_shorter_requested_retention_is_applied() {
    let app = studio().await;
    let meeting = app.zoom.meeting(json!({})).await;
    let bot = a_bot_in(&app, &meeting, json!({ "retention": { "type": "timed", "hours": 2 } })).await;
    until_told(&app, &bot, "bot_entered").await;
    let ended = leave(&app, &bot).await;
    let at: Timestamp = crate::test_app::last_step(&ended)["created_at"].as_str().unwrap().parse().unwrap();
    let expires = at + Duration::from_secs(2 * 3600);
    let shown: Timestamp = ended["recordings"][0]["expires_at"].as_str().unwrap().parse().unwrap();
    assert_eq!(shown, expires);
    let second = Duration::from_secs(1);
    assert_eq!(app.store.forget_meeting_events(expires - second, 10).await.unwrap(), 0);
    assert!(!events(&app, &bot).await.is_empty());
    assert_eq!(app.store.forget_meeting_events(expires + second, 10).await.unwrap(), 1);
    assert!(events(&app, &bot).await.is_empty());
    assert_eq!(app.look_at(&bot).await["recordings"][0]["status"]["code"], "deleted");
    app.stop().await;
}

#[tokio::test]
async fn a_real_time_endpoint_receives_events_during_the_call() {
    let app = studio().await;
    let heard = Arc::new(Mutex::new(Vec::<Value>::new()));
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}/live", listener.local_addr().unwrap());
    let hearing = heard.clone();
    let hear = async move |body: axum::Json<Value>| hearing.lock().unwrap().push(body.0);
    let router = axum::Router::new().fallback(hear);
    tokio_util::task::TaskTracker::new().spawn(async move { axum::serve(listener, router).await });

    let meeting = app.zoom.meeting(json!({})).await;
    let events = ["participant_events.join", "participant_events.chat_message", "transcript.data"];
    let mut config = captions();
    config["realtime_endpoints"] = json!([{ "type": "webhook", "url": url, "events": events }]);
    let bot = a_bot_in(&app, &meeting, config).await;
    meeting.seat("Bob").await;
    until_told(&app, &bot, "join Bob").await;
    let bob = id_of(&meeting, "Bob").await;
    meeting.call("POST", "chat", json!({ "from": bob, "text": "hello" })).await;
    meeting
        .call("POST", "captions", json!({ "from": bob, "caption_id": "c1", "text": "Good morning." }))
        .await;
    app.wait_for("all of it is told", async || (heard.lock().unwrap().len() >= 3).then_some(())).await;
    assert_eq!(
        app.look_at(&bot).await["status_changes"].as_array().unwrap().last().unwrap()["code"],
        "in_call_not_recording"
    );
    let told = heard.lock().unwrap().clone();
    let kinds: Vec<_> = told.iter().map(|event| event["event"].as_str().unwrap()).collect();
    assert_eq!(kinds, events);
    assert!(told.iter().all(|event| event["data"]["data"]["participant"]["name"] == "Bob"), "{told:#?}");
    assert_eq!(told[1]["data"]["data"]["data"]["text"], "hello");
    assert_eq!(told[2]["data"]["data"]["words"][0]["text"], "Good morning.");
    app.stop().await;
}
