//! Events of the meeting, as the page reports them.

use model::Captions;
use serde::{Deserialize, Deserializer};
use serde_json::Value;

/// An event of the meeting that the SDK sent to the page.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(tag = "what", rename_all = "snake_case")]
pub enum SdkMeetingEvent {
    /// The bot has entered; sent once for each connection.
    Present {
        /// The bot's number at Zoom. It changes with each entry.
        me: u32,
        /// The breakout room; `None` is the main session.
        room: Option<String>,
        /// All other participants that the bot sees.
        list: Vec<Person>,
    },
    /// The bot is out, on hold, or not connected. No participant is announced until it has entered again.
    Away {
        /// Whether it moves to a breakout room or back.
        moves: bool,
    },
    /// A participant is there, or was announced again.
    Added {
        /// The participant.
        person: Person,
    },
    /// A participant has changed.
    Updated {
        /// The participant, with what has changed.
        person: Person,
    },
    /// A participant has left.
    Removed {
        /// The participant's number at Zoom.
        id: u32,
    },
    /// The participants who speak now; empty if nobody speaks.
    Speaking {
        /// Their numbers at Zoom.
        users: Vec<u32>,
    },
    /// A chat message, also one that the bot sent.
    Chat {
        /// The message's id at Zoom.
        id: String,
        /// The sender's number at Zoom.
        from: u32,
        /// The sender's name, if they are not in the list of participants.
        name: Option<String>,
        /// The receiver's number at Zoom; 0 means all participants.
        to: u32,
        /// The text, unchanged.
        text: String,
    },
    /// A caption, or a longer version of one.
    Caption {
        /// The caption's id at Zoom, the same for each version.
        id: String,
        /// The speaker's number at Zoom.
        user: u32,
        /// The speaker's name, if they are not in the list of participants.
        name: Option<String>,
        /// The text so far.
        text: String,
        /// Zoom's number of the language.
        language: u32,
        /// Whether this is the final version.
        done: bool,
    },
    /// The state of a recording in Zoom's cloud.
    CloudRecording {
        /// The SDK's word: `Recording`, `Paused`, `Stopped`.
        state: String,
    },
    /// The result of a request for captions.
    Captions {
        /// `on`, `not_offered` or `not_allowed`.
        #[serde(deserialize_with = "captions")]
        state: Captions,
    },
}

/// What the SDK reports about a participant; `None` for what it does not report.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize)]
#[expect(missing_docs, reason = "the names say it")]
pub struct Person {
    /// The participant's number at Zoom. It changes when they rejoin.
    pub id: u32,
    /// The participant's GUID at Zoom, which stays the same when they rejoin.
    pub guid: Option<String>,
    pub name: Option<String>,
    pub host: Option<bool>,
    pub co_host: Option<bool>,
    pub guest: Option<bool>,
    /// Whether the participant is in the waiting room. Only hosts see those.
    pub hold: Option<bool>,
    /// Empty, `computer` or `phone`.
    pub audio: Option<String>,
    pub muted: Option<bool>,
    pub hand: Option<bool>,
    pub camera: Option<bool>,
    pub shares: Option<bool>,
    pub records: Option<bool>,
}

fn captions<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Captions, D::Error> {
    Ok(match String::deserialize(deserializer)?.as_str() {
        // The request succeeded. Whether captions arrive is known only with the first caption.
        "on" => Captions::Asked,
        "not_offered" => Captions::NotOffered,
        _ => Captions::NotAllowed,
    })
}

/// Parses events. Those of an unknown format are skipped, and not logged, because their texts may be a participant's.
pub(crate) fn readable(news: Vec<Value>) -> Vec<SdkMeetingEvent> {
    let count = news.len();
    let news: Vec<_> = news.into_iter().filter_map(|one| SdkMeetingEvent::deserialize(one).ok()).collect();
    if news.len() < count {
        tracing::warn!(
            unreadable = count - news.len(),
            "the bot page sent meeting events that could not be parsed"
        );
    }
    news
}

#[cfg(test)]
mod tests {
    use model::Captions;
    use serde_json::json;

    use super::{Person, SdkMeetingEvent, readable};

    #[test]
    fn unreadable_events_are_skipped() {
        let name = "<img src=x onerror=alert(1)> \u{202e}שלום 👩";
        let news = readable(vec![
            json!({ "what": "updated", "person": { "id": 7, "name": name } }),
            json!({ "what": "updated", "person": { "id": "seven" } }),
            json!({ "what": "something new" }),
            json!({ "what": "captions", "state": "not_offered" }),
        ]);
        let person = Person { id: 7, name: Some(name.into()), ..Person::default() };
        let captions = SdkMeetingEvent::Captions { state: Captions::NotOffered };
        assert_eq!(news, [SdkMeetingEvent::Updated { person }, captions]);
    }
}
