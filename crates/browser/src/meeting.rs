//! What happens in the meeting, as the page tells it.

use model::Captions;
use serde::{Deserialize, Deserializer};
use serde_json::Value;

/// One thing that the page has heard from the SDK.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(tag = "what", rename_all = "snake_case")]
pub enum SdkMeetingEvent {
    /// The bot is in, and these are the others: once for each connection.
    Present {
        /// Zoom's number of the bot. Each stay has another.
        me: u32,
        /// The breakout room; `None` is the main session.
        room: Option<String>,
        /// Everybody else that the bot sees.
        list: Vec<Person>,
    },
    /// The bot is out, on hold, or not connected. No participant is announced until it is in again.
    Away {
        /// Whether it moves to a breakout room or back.
        moves: bool,
    },
    /// A participant is there, or was announced again.
    Added {
        /// Who.
        person: Person,
    },
    /// A participant has changed.
    Updated {
        /// The participant, with what has changed.
        person: Person,
    },
    /// A participant has left.
    Removed {
        /// Zoom's number of them.
        id: u32,
    },
    /// Who speaks now. Empty if nobody does.
    Speaking {
        /// Zoom's numbers of them.
        users: Vec<u32>,
    },
    /// A chat message, the bot's own among them.
    Chat {
        /// Zoom's id of it.
        id: String,
        /// Zoom's number of the writer.
        from: u32,
        /// Their name, if they are not in the list.
        name: Option<String>,
        /// Zoom's number of the receiver; 0 is everybody.
        to: u32,
        /// As it came.
        text: String,
    },
    /// A caption, or a longer version of one.
    Caption {
        /// Zoom's id of it: the same for each version.
        id: String,
        /// Zoom's number of the speaker.
        user: u32,
        /// Their name, if they are not in the list.
        name: Option<String>,
        /// All of it so far.
        text: String,
        /// Zoom's number of its language.
        language: u32,
        /// Whether nothing more is added.
        done: bool,
    },
    /// A recording in Zoom's cloud.
    CloudRecording {
        /// The SDK's word: `Recording`, `Paused`, `Stopped`.
        state: String,
    },
    /// What came of asking for captions.
    Captions {
        /// `on`, `not_offered` or `not_allowed`.
        #[serde(deserialize_with = "captions")]
        state: Captions,
    },
}

/// What the SDK says of a participant; `None` where it says nothing.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize)]
#[expect(missing_docs, reason = "the names say it")]
pub struct Person {
    /// Zoom's number of them.
    pub id: u32,
    /// What stays the same when they come back.
    pub guid: Option<String>,
    pub name: Option<String>,
    pub host: Option<bool>,
    pub co_host: Option<bool>,
    pub guest: Option<bool>,
    /// In the waiting room: only hosts see them.
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
        // That they come is known with the first.
        "on" => Captions::Asked,
        "not_offered" => Captions::NotOffered,
        _ => Captions::NotAllowed,
    })
}

/// The news that can be read. The others come from an unknown version of the SDK. Their text may be a participant's.
pub(crate) fn readable(news: Vec<Value>) -> Vec<SdkMeetingEvent> {
    let count = news.len();
    let news: Vec<_> = news.into_iter().filter_map(|one| SdkMeetingEvent::deserialize(one).ok()).collect();
    if news.len() < count {
        tracing::warn!(
            unreadable = count - news.len(),
            "the bot page said something unreadable of the meeting"
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
    fn what_cannot_be_read_takes_nothing_else_with_it() {
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
