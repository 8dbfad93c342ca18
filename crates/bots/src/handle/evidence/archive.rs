//! Writes the zip file with a bot's evidence.

use std::{
    fmt::Write as _,
    io::{Cursor, Write as _},
};

use model::{Code, Failure, Timestamp};
use serde_json::{Value, json};
use store::NumberedEntry;
use zip::{CompressionMethod, ZipWriter, result::ZipError, write::SimpleFileOptions};

use super::redacted_request;
use crate::{handle::reader::OpenedBot, log::LogEntryKind};

/// A picture, or the reason why it can't be read.
pub(super) struct Picture {
    pub(super) name: String,
    pub(super) png: Result<Vec<u8>, Failure>,
}

/// Writes the zip.
pub(super) fn write(
    bot: &OpenedBot,
    log: &[NumberedEntry],
    pictures: &[Picture],
    now: Timestamp,
) -> Result<Vec<u8>, Failure> {
    zipped(bot, log, pictures, now).map_err(|error| {
        Failure::new(Code::Internal, format!("evidence could not be written: {error}")).caused_by(error)
    })
}

fn zipped(
    bot: &OpenedBot,
    log: &[NumberedEntry],
    pictures: &[Picture],
    now: Timestamp,
) -> Result<Vec<u8>, ZipError> {
    let mut zip = ZipWriter::new(Cursor::new(Vec::new()));
    let texts = SimpleFileOptions::default().compression_method(CompressionMethod::Deflated);
    let of = |kind: LogEntryKind| log.iter().filter(move |numbered| numbered.entry.kind == kind.as_str());
    let about = json!({
        "id": bot.row.id,
        "workspace": bot.row.workspace,
        "created_at": bot.row.created_at,
        "join_at": bot.row.join_at,
        "status_changes": bot.row.status_changes,
    });
    for (name, text) in [
        ("README.txt", readme(bot, pictures, now)),
        ("bot.json", format!("{about:#}\n")),
        ("request.json", format!("{:#}\n", redacted_request::request(bot))),
        ("versions.json", format!("{:#}\n", versions(of(LogEntryKind::Page)))),
        ("log.jsonl", lines(log.iter())),
        ("zoom-calls.jsonl", lines(of(LogEntryKind::ZoomCall))),
        ("console.jsonl", lines(log.iter().filter(|numbered| is_of_the_console(numbered)))),
    ] {
        zip.start_file(name, texts)?;
        zip.write_all(text.as_bytes())?;
    }
    // PNG is compressed already.
    let stored = SimpleFileOptions::default().compression_method(CompressionMethod::Stored);
    for picture in pictures {
        if let Ok(png) = &picture.png {
            zip.start_file(&picture.name, stored)?;
            zip.write_all(png)?;
        }
    }
    Ok(zip.finish()?.into_inner())
}

fn is_of_the_console(numbered: &NumberedEntry) -> bool {
    LogEntryKind::WRITTEN_BY_THE_SDK.iter().any(|kind| numbered.entry.kind == kind.as_str())
}

/// An entry of a log, in the format of the API.
fn shown(numbered: &NumberedEntry) -> Value {
    let NumberedEntry { number, entry } = numbered;
    json!({ "number": number, "at": entry.at, "kind": entry.kind, "text": entry.text, "fields": entry.fields })
}

fn lines<'a>(entries: impl Iterator<Item = &'a NumberedEntry>) -> String {
    let mut lines = String::new();
    for numbered in entries {
        let _ = writeln!(lines, "{}", shown(numbered));
    }
    lines
}

/// The versions of the software that the bot last ran with, from the last page that was opened for it.
fn versions<'a>(pages: impl Iterator<Item = &'a NumberedEntry>) -> Value {
    let field = |entry: &NumberedEntry, name: &str| entry.entry.fields.get(name).cloned();
    let last = pages.filter(|entry| field(entry, "chromium").is_some()).last();
    json!({
        "latchkey": env!("CARGO_PKG_VERSION"),
        "chromium": last.and_then(|entry| field(entry, "chromium")),
        "meeting_sdk": last.and_then(|entry| field(entry, "meeting_sdk")),
    })
}

fn readme(bot: &OpenedBot, pictures: &[Picture], now: Timestamp) -> String {
    let last = bot.row.status_changes.last();
    let ended = last.map_or("The bot has no steps.".to_owned(), |step| {
        let sub_code = step.sub_code.map(|sub_code| format!(" ({sub_code})")).unwrap_or_default();
        let message = step.message.as_deref().map(|message| format!("\n  {message}")).unwrap_or_default();
        let cure = step.sub_code.map(|sub_code| {
            let (actor, cure) = sub_code.remedy();
            format!("\n  What can be done ({}): {cure}", actor.as_str())
        });
        let cure = cure.unwrap_or_default();
        format!("The bot's last step: {}{sub_code}, at {}.{message}{cure}", step.code, step.created_at)
    });
    let mut unreadable = String::new();
    for Picture { name, png } in pictures {
        if let Err(failure) = png {
            let _ = write!(unreadable, "\n{name} could not be read: {failure}");
        }
    }
    format!(
        "Evidence of the bot {id}, created at {now}.\n\n{ended}\n\n\
         bot.json          the bot's steps\n\
         request.json      the bot's request\n\
         versions.json     the versions of Latchkey, Chromium and Zoom's SDK\n\
         log.jsonl         the bot's log: what it did, and why, one entry per line\n\
         zoom-calls.jsonl  from the log: the page's calls to Zoom, with Zoom's tracking ids\n\
         console.jsonl     from the log: what Zoom's SDK wrote to the console\n\
         screenshots/      the last pictures of the bot's page; they show the meeting\n\n\
         Tokens, passcodes and other secrets are replaced with a …. Zoom's support finds a join by its\n\
         tracking id and its time.\n{unreadable}",
        id = bot.row.id,
    )
}
