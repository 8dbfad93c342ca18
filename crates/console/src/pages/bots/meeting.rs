//! Who was in a bot's meeting, and what was said.

use std::collections::BTreeMap;

use model::{MeetingEvent, MeetingEventKind, Timestamp};
use serde::Deserialize;

use crate::{
    client::{Client, Refused},
    format::{exact, offset},
};

/// Pages of the API that are read, with thousands of events in total.
const PAGES: usize = 10;
/// The most lines that a page shows.
const MAX_LINES: usize = 300;

/// What a page shows of a meeting.
#[derive(Default)]
pub(crate) struct InMeeting {
    pub(crate) people: Vec<Person>,
    pub(crate) said: Vec<Line>,
    /// Whether there is more than the page shows.
    pub(crate) is_cut: bool,
}

pub(crate) struct Person {
    pub(crate) name: String,
    pub(crate) is_host: bool,
    pub(crate) came: String,
    pub(crate) left: String,
}

/// Something that was said or written in the chat.
pub(crate) struct Line {
    pub(crate) at: String,
    pub(crate) exact: String,
    pub(crate) name: String,
    pub(crate) text: String,
    pub(crate) is_chat: bool,
}

#[derive(Deserialize)]
struct Page {
    results: Vec<MeetingEvent>,
    last: u64,
}

/// Reads the meeting's events. Times are counted from `began`.
pub(crate) async fn read(client: &Client, bot: &str, began: Timestamp) -> Result<InMeeting, Refused> {
    let (mut shown, mut after) = (InMeeting::default(), 0);
    let mut captions: BTreeMap<String, usize> = BTreeMap::new();
    for _ in 0..PAGES {
        let path = format!("/api/latchkey/v1/bot/{bot}/meeting-events/?after={after}");
        let page: Page = client.get(&path).await?;
        if page.results.is_empty() {
            return Ok(shown);
        }
        after = page.last;
        for event in page.results {
            take(&mut shown, &mut captions, event, began);
        }
    }
    shown.is_cut = true;
    Ok(shown)
}

fn take(
    shown: &mut InMeeting,
    captions: &mut BTreeMap<String, usize>,
    MeetingEvent { at, what, .. }: MeetingEvent,
    began: Timestamp,
) {
    let time = |at: Timestamp| offset(at.since(began));
    match what {
        MeetingEventKind::Join { participant } => shown.people.push(Person {
            name: participant.name,
            is_host: participant.is_host,
            came: time(at),
            left: String::new(),
        }),
        MeetingEventKind::Leave { participant } => {
            let there =
                shown.people.iter_mut().rev().find(|one| one.name == participant.name && one.left.is_empty());
            if let Some(person) = there {
                person.left = time(at);
            }
        }
        MeetingEventKind::ChatMessage { participant, text, .. } => {
            say(shown, Line { at: time(at), exact: exact(at), name: participant.name, text, is_chat: true });
        }
        MeetingEventKind::Caption { participant, caption, text, began_at, .. } => {
            // A caption is updated while a person speaks: the last version is the complete one.
            if let Some(line) = captions.get(&caption).and_then(|index| shown.said.get_mut(*index)) {
                line.text = text;
                return;
            }
            captions.insert(caption, shown.said.len());
            let (at, exact) = (time(began_at), exact(began_at));
            say(shown, Line { at, exact, name: participant.name, text, is_chat: false });
        }
        _ => {}
    }
}

fn say(shown: &mut InMeeting, line: Line) {
    if shown.said.len() < MAX_LINES {
        shown.said.push(line);
    } else {
        shown.is_cut = true;
    }
}
