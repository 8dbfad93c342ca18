//! A bot's log and evidence, without a browser.

use std::{
    collections::BTreeMap,
    io::{Cursor, Read as _},
};

use axum::body::Body;
use bots::{LogEntryKind, NewLogEntry};
use serde_json::{Value, json};

use crate::app;

fn kinds(entries: &[Value]) -> Vec<&str> {
    entries.iter().map(|entry| entry["kind"].as_str().unwrap()).collect()
}

/// The files of a zip, by name.
fn unpacked(zip: &[u8]) -> BTreeMap<String, Vec<u8>> {
    let mut archive = zip::ZipArchive::new(Cursor::new(zip)).unwrap();
    let mut files = BTreeMap::new();
    for index in 0..archive.len() {
        let mut file = archive.by_index(index).unwrap();
        let mut bytes = Vec::new();
        file.read_to_end(&mut bytes).unwrap();
        files.insert(file.name().unwrap().into_owned(), bytes);
    }
    files
}

#[tokio::test]
async fn a_bots_request_is_in_its_log() {
    let app = app().await;
    let request = json!({
        "meeting_url": "https://zoom.us/j/81234567890?pwd=planted",
        "zoom": { "zak_url": "https://example.test/planted" },
        "recording_config": { "video_mixed_mp4": {} },
    });
    let bot = app.bot(request).await;
    app.tick();
    app.post(&format!("/api/v1/bot/{bot}/leave_call/"), json!({})).await.ok();
    app.until(&bot, "done").await;
    let entries = app.log_of(&bot, "").await;
    assert_eq!(kinds(&entries)[..2], ["created", "leave_asked"]);
    assert_eq!((&entries[0]["number"], &entries[1]["number"]), (&json!(1), &json!(2)));
    assert_eq!(entries[0]["fields"]["ignored"], json!(["recording_config.video_mixed_mp4"]));
    assert_eq!(entries[0]["fields"]["signs_in_by"], "zoom.zak_url");
    let at = entries[0]["at"].as_str().unwrap();
    assert!(at.contains('.') && at.ends_with('Z'), "to the millisecond at least: {at}");
    assert!(!format!("{entries:?}").contains("planted"));

    assert_eq!(app.log_of(&bot, "?after=1").await, entries[1..]);
    assert_eq!(kinds(&app.log_of(&bot, "?kind=leave_asked,token").await), ["leave_asked"]);
    let past = app.get(&format!("/api/latchkey/v1/bot/{bot}/log/?after=99")).await.ok();
    assert_eq!((&past["results"], &past["last"]), (&json!([]), &json!(99)));
    for (query, words) in [
        ("?kind=tokens", "did you mean token?"),
        ("?after=x", "number of an entry"),
        ("?after=9223372036854775808", "number of an entry"),
    ] {
        let refused = app.get(&format!("/api/latchkey/v1/bot/{bot}/log/{query}")).await.refused();
        assert!(refused.to_string().contains(words), "{refused}");
    }
}

#[tokio::test]
async fn a_log_is_deleted_with_its_bot_and_the_sdks_lines_with_the_media() {
    let app = app().await;
    let request =
        json!({ "meeting_url": "https://zoom.us/j/81234567890", "join_at": "2099-01-01T00:00:00Z" });
    let bot = app.bot(request).await;
    app.call("PATCH", &format!("/api/v1/bot/{bot}/"), Body::from(r#"{"bot_name": "Other"}"#)).await;
    let id = bot.parse().unwrap();
    app.log.note(
        id,
        NewLogEntry::new(LogEntryKind::Console, "Planted Participant has left").with("level", "warn"),
    );
    app.log.note(id, NewLogEntry::new(LogEntryKind::Decision, "stays"));
    let before = app.log_of(&bot, "").await;
    assert!(kinds(&before).ends_with(&["console", "decision"]), "{before:?}");
    app.call("POST", &format!("/api/v1/bot/{bot}/delete_media/"), Body::empty()).await.ok();
    let after = app.log_of(&bot, "").await;
    assert_eq!(kinds(&after), kinds(&before));
    assert!(!format!("{after:?}").contains("Planted"), "{after:?}");
    assert_eq!(after.last(), before.last());

    assert_eq!(app.call("DELETE", &format!("/api/v1/bot/{bot}/"), Body::empty()).await.status, 204);
    assert_eq!(app.get(&format!("/api/latchkey/v1/bot/{bot}/log/")).await.status, 404);
    app.log.note(id, NewLogEntry::new(LogEntryKind::Decision, "late"));
    assert!(app.log.flush().await, "a late entry of a deleted bot delays no other entry");
}

#[tokio::test]
async fn evidence_has_the_stored_data_and_no_secret() {
    let app = app().await;
    let request = json!({
        "meeting_url": "https://zoom.us/j/81234567890?pwd=planted1",
        "bot_name": "Notes",
        "metadata": { "api_key": "planted2", "customer": "ada" },
        "zoom": { "zak_url": "https://example.test/planted3?s=planted4", "user_email": "planted7@example.test" },
    });
    let bot = app.bot(request).await;
    let picture = app.picture_of(&bot).await;
    let answer = app.get(&format!("/api/latchkey/v1/bot/{bot}/evidence/")).await;
    assert_eq!((answer.status, answer.header("content-type")), (200, "application/zip"));
    assert!(answer.header("content-disposition").contains(&format!("bot-{bot}.zip")));
    let files = unpacked(&answer.bytes);
    let names: Vec<_> = files.keys().map(String::as_str).collect();
    assert_eq!(
        names[..7],
        ["README.txt", "bot.json", "console.jsonl", "log.jsonl", "request.json", names[5], "versions.json"]
    );
    assert!(names[5].starts_with("screenshots/") && !picture.is_empty(), "{names:?}");
    for (name, bytes) in &files {
        assert!(!String::from_utf8_lossy(bytes).contains("planted"), "{name}");
    }
    let request: Value = serde_json::from_slice(&files["request.json"]).unwrap();
    assert_eq!(request["meeting_url"], "https://zoom.us/j/81234567890?pwd=…");
    assert_eq!(
        (&request["zoom"]["zak_url"], &request["metadata"]["customer"]),
        (&json!("https://example.test/…"), &json!("ada"))
    );

    // Erased data is no longer in it.
    app.call("POST", &format!("/api/v1/bot/{bot}/delete_media/"), Body::empty()).await.ok();
    let answer = app.get(&format!("/api/latchkey/v1/bot/{bot}/evidence/")).await;
    assert!(!unpacked(&answer.bytes).keys().any(|name| name.starts_with("screenshots/")));
}

#[tokio::test]
async fn entries_wait_while_the_store_is_unavailable() {
    let app = app().await;
    let bot = app.bot(json!({ "meeting_url": "https://zoom.us/j/81234567890" })).await;
    assert!(app.log.flush().await);
    app.in_the_store("ALTER TABLE bot_log RENAME TO bot_log_away").await;
    app.log.note(bot.parse().unwrap(), NewLogEntry::new(LogEntryKind::Decision, "first"));
    assert!(!app.log.flush().await, "the store does not accept it");
    app.log.note(bot.parse().unwrap(), NewLogEntry::new(LogEntryKind::Decision, "second"));
    app.in_the_store("ALTER TABLE bot_log_away RENAME TO bot_log").await;
    let entries = app.log_of(&bot, "?kind=decision").await;
    assert_eq!(entries.iter().map(|entry| &entry["text"]).collect::<Vec<_>>(), ["first", "second"]);
}

#[test]
fn the_documentation_names_every_kind_of_entry() {
    let page = include_str!("../../../../docs/bot-log.md");
    for kind in LogEntryKind::ALL {
        let row = format!("| `{}` | {} |", kind.as_str(), kind.meaning());
        assert!(page.contains(&row), "docs/bot-log.md lacks {row}");
    }
}
