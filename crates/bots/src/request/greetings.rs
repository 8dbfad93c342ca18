//! What a bot writes by itself: the contract's `chat`.

use serde::Deserialize as _;
use serde_json::{Map, Value};

use crate::chat_message::Receiver;

/// The messages that a bot writes by itself.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Greetings {
    /// When it is in for the first time.
    pub on_bot_join: Option<Greeting>,
    /// To each participant who comes later.
    pub on_participant_join: Option<ParticipantGreeting>,
}

/// The message that a bot writes when it comes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Greeting {
    /// Who gets it.
    pub send_to: Receiver,
    /// What it says.
    pub message: String,
}

/// The message that each new participant gets alone.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ParticipantGreeting {
    /// What it says.
    pub message: String,
    /// Whether hosts get none.
    pub exclude_host: bool,
}

impl Greetings {
    /// Reads the contract's object, which was checked before.
    pub(super) fn read(chat: &Map<String, Value>) -> Self {
        let on_bot_join = chat.get("on_bot_join").and_then(|given| {
            let send_to = Receiver::deserialize(&given["send_to"]).ok()?;
            Some(Greeting { send_to, message: given["message"].as_str()?.to_owned() })
        });
        let on_participant_join = chat.get("on_participant_join").and_then(|given| {
            let exclude_host = &given["exclude_host"];
            Some(ParticipantGreeting {
                message: given["message"].as_str()?.to_owned(),
                // Forms carry it as text.
                exclude_host: *exclude_host == true || *exclude_host == "true",
            })
        });
        Self { on_bot_join, on_participant_join }
    }
}
