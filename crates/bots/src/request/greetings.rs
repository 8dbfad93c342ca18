//! The chat messages that a bot writes by itself: `chat` of Recall's API.

use serde::Deserialize as _;
use serde_json::{Map, Value};

use crate::chat_message::Receiver;

/// The messages that a bot writes by itself.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Greetings {
    /// Sent when the bot enters the meeting for the first time.
    pub on_bot_join: Option<Greeting>,
    /// Sent to each participant who joins after the bot.
    pub on_participant_join: Option<ParticipantGreeting>,
}

/// The message that a bot writes when it enters.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Greeting {
    /// The receiver.
    pub send_to: Receiver,
    /// The text.
    pub message: String,
}

/// The private message that each new participant receives.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ParticipantGreeting {
    /// The text.
    pub message: String,
    /// Whether hosts do not receive it.
    pub exclude_host: bool,
}

impl Greetings {
    /// Parses the object `chat`, which was validated before.
    pub(super) fn read(chat: &Map<String, Value>) -> Self {
        let on_bot_join = chat.get("on_bot_join").and_then(|given| {
            let send_to = Receiver::deserialize(&given["send_to"]).ok()?;
            Some(Greeting { send_to, message: given["message"].as_str()?.to_owned() })
        });
        let on_participant_join = chat.get("on_participant_join").and_then(|given| {
            let exclude_host = &given["exclude_host"];
            Some(ParticipantGreeting {
                message: given["message"].as_str()?.to_owned(),
                // HTML forms send it as text.
                exclude_host: *exclude_host == true || *exclude_host == "true",
            })
        });
        Self { on_bot_join, on_participant_join }
    }
}
