//! A bot's log and its evidence.

use std::io::{Cursor, Read as _};

use serde_json::{Value, json};

use crate::{
    studio,
    test_app::{CLIENT_SECRET, TestApp},
    why,
};

fn field<'a>(entries: &'a [Value], kind: &str, name: &str) -> Vec<&'a Value> {
    let of_kind = entries.iter().filter(|entry| entry["kind"] == kind);
    of_kind.map(|entry| &entry["fields"][name]).filter(|value| !value.is_null()).collect()
}

/// The file names and all text in the bot's zip.
async fn evidence(app: &TestApp, bot: &str) -> (Vec<String>, String) {
    let answer = app.get(&format!("/api/latchkey/v1/bot/{bot}/evidence/")).await;
    assert_eq!(answer.status, 200, "{}", answer.text);
    if let Some(folder) = std::env::var_os("SCREENSHOTS") {
        std::fs::write(std::path::Path::new(&folder).join("evidence.zip"), &answer.bytes).unwrap();
    }
    let mut archive = zip::ZipArchive::new(Cursor::new(&answer.bytes)).unwrap();
    let (mut names, mut text) = (Vec::new(), String::new());
    for index in 0..archive.len() {
        let mut file = archive.by_index(index).unwrap();
        let mut bytes = Vec::new();
        file.read_to_end(&mut bytes).unwrap();
        names.push(file.name().unwrap().into_owned());
        text.push_str(&String::from_utf8_lossy(&bytes));
    }
    (names, text)
}

/// Every secret that was used: Zoom's, Latchkey's, and the caller's.
async fn secrets(app: &TestApp, others: &[&str]) -> Vec<String> {
    let issued = app.zoom.control("GET", "issued", Value::Null).await;
    let issued = issued.as_array().unwrap().iter().map(|one| one["secret"].as_str().unwrap().to_owned());
    let secrets: Vec<_> = issued.chain(others.iter().map(|one| (*one).to_owned())).collect();
    assert!(secrets.len() > others.len() + 2, "Zoom has issued tokens");
    secrets
}

#[tokio::test]
async fn a_refused_bot_leaves_evidence_without_a_secret() {
    let app = studio().await;
    let meeting = app.zoom.meeting(json!({ "passcode": "planted-right-1" })).await;
    let robin = app.zoom.user("robin@example.test", "Robin Notes").await;
    let zak_url = app.token_link(&app.connect(&robin).await).await;
    let bot = app
        .bot(json!({
            "meeting_url": meeting.with_passcode("planted-wrong-2"),
            "zoom": { "zak_url": zak_url },
            "recording_config": { "video_mixed_mp4": {} },
        }))
        .await;
    let ended = app.until(&bot, "fatal").await;
    assert_eq!(why(&ended, "fatal").0, "meeting_password_incorrect");

    let entries = app.log_of(&bot, "").await;
    let numbers: Vec<_> = entries.iter().map(|entry| entry["number"].as_u64().unwrap()).collect();
    assert_eq!(numbers, (1..=entries.len() as u64).collect::<Vec<_>>());
    assert_eq!(field(&entries, "created", "ignored"), [&json!(["recording_config.video_mixed_mp4"])]);
    assert_eq!(field(&entries, "token", "source"), [&json!("zoom.zak_url")]);
    assert_eq!(field(&entries, "token", "given"), [&json!(true)]);
    assert!(field(&entries, "token", "milliseconds")[0].is_u64());
    assert!(field(&entries, "page", "chromium")[0].as_str().unwrap().starts_with("Chromium/"));
    assert_eq!(field(&entries, "page", "meeting_sdk"), [&json!(browser::SDK_VERSION)]);
    assert_eq!(field(&entries, "join_request", "signed_in_by"), [&json!("ZAK")]);
    let asked = field(&entries, "zoom_call", "url");
    assert!(asked.iter().any(|url| url.as_str().unwrap().contains("/api/v1/wc/info")), "{asked:?}");
    assert_eq!(field(&entries, "sdk_event", "code"), [&json!(3004)]);
    assert_eq!(field(&entries, "step", "code"), [&json!("joining_call"), &json!("fatal")]);
    assert!(!field(&entries, "screenshot", "screenshot").is_empty());

    let (names, text) = evidence(&app, &bot).await;
    for name in ["README.txt", "bot.json", "request.json", "versions.json", "log.jsonl", "zoom-calls.jsonl"] {
        assert!(names.iter().any(|there| there == name), "{name} in {names:?}");
    }
    assert!(names.iter().any(|name| name.starts_with("screenshots/")), "{names:?}");
    for part in ["/api/v1/wc/info", "meeting_password_incorrect", "Chromium/", &meeting.number] {
        assert!(text.contains(part), "{part}");
    }
    let link_secret = zak_url.rsplit('.').next().unwrap();
    let ours = [app.api_key.as_str(), CLIENT_SECRET, "planted-right-1", "planted-wrong-2", link_secret];
    for secret in secrets(&app, &ours).await {
        assert!(!text.contains(&secret), "{secret}");
    }
    app.stop().await;
}

#[tokio::test]
async fn a_bots_log_leads_from_its_request_to_its_end() {
    let app = studio().await;
    let meeting = app.zoom.meeting(json!({ "sign_in": "any" })).await;
    meeting.seat("Planted Participant").await;
    let robin = app.zoom.user("robin@example.test", "Robin Notes").await;
    let zoom = json!({ "credential": app.connect(&robin).await });
    let request = json!({ "meeting_url": meeting.url, "bot_name": "Notes", "zoom": zoom });
    let bot = app.bot(request).await;
    app.until(&bot, "in_call_not_recording").await;
    meeting.cut_line(json!({ "seconds": 3, "name": "Notes" })).await;
    let is_back = async || {
        let events = app.log_of(&bot, "?kind=sdk_event").await;
        let events = field(&events, "sdk_event", "event");
        let lost = events.iter().position(|event| *event == "reconnecting")?;
        events[lost..].contains(&&json!("in_meeting")).then_some(())
    };
    app.wait_for("the bot is back, and its log says so", is_back).await;
    app.post(&format!("/api/v1/bot/{bot}/leave_call/"), json!({})).await.ok();
    app.until(&bot, "done").await;
    let entries = app.log_of(&bot, "").await;
    let kinds: Vec<_> = entries.iter().map(|entry| entry["kind"].as_str().unwrap()).collect();
    for kind in
        ["created", "taken", "app", "token", "page", "join_request", "zoom_call", "leave_asked", "decision"]
    {
        assert!(kinds.contains(&kind), "{kind} in {kinds:?}");
    }
    // The bot may have fetched another one if it rejoined with another page.
    assert!(field(&entries, "token", "source").iter().all(|source| **source == "zoom.credential"));
    assert!(!field(&entries, "zoom_call", "tracking_id").is_empty(), "Zoom's support asks for it");
    let steps = field(&entries, "step", "code");
    assert_eq!(steps.last(), Some(&&json!("done")), "{steps:?}");
    let text = format!("{entries:?}");
    assert!(!text.contains("Planted Participant"), "who is there is not in the log");
    for secret in secrets(&app, &[app.api_key.as_str(), CLIENT_SECRET, "latch1"]).await {
        assert!(!text.contains(&secret), "{secret}");
    }
    app.stop().await;
}
