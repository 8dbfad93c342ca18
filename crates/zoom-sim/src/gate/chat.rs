//! Chat: who may write to whom, and delivery.

use base64::Engine as _;
use base64::alphabet::STANDARD as ALPHABET;
use base64::engine::DecodePaddingMode;
use base64::engine::general_purpose::{GeneralPurpose, GeneralPurposeConfig};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use super::event::{self, Outgoing};
use super::meeting::Meeting;
use super::participant::base64_text;

/// The SDK sometimes leaves the padding out.
const LENIENT: GeneralPurpose = GeneralPurpose::new(
    &ALPHABET,
    GeneralPurposeConfig::new().with_decode_padding_mode(DecodePaddingMode::Indifferent),
);

/// Decodes text from the SDK, which uses the base64 alphabet for URLs (O). Invalid base64 decodes to nothing.
pub(super) fn decoded(text: &str) -> Vec<u8> {
    LENIENT.decode(text.replace('-', "+").replace('_', "/")).unwrap_or_default()
}

/// The longest message, in characters (I).
pub(crate) const MAX_CHARS: usize = 4096;
/// Number of latest messages stored for the control API (ours).
const KEPT_MESSAGES: usize = 1000;

/// Whom participants may write to; hosts may write to everyone (O for the numbers and what the SDK refuses by itself).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum ChatPolicy {
    /// Everyone in the meeting, and each participant privately.
    #[default]
    Everyone,
    HostOnly,
    /// The SDK lets every message pass, so the server refuses it (O).
    Nobody,
    /// Everyone in the meeting, or the host privately.
    EveryonePublicly,
}

impl ChatPolicy {
    /// `chatPriviledge` (sic) of 7938.
    pub(super) fn number(self) -> u8 {
        match self {
            Self::Everyone => 1,
            Self::HostOnly => 3,
            Self::Nobody => 4,
            Self::EveryonePublicly => 5,
        }
    }
}

/// A chat message, stored for the control API.
#[derive(Clone, Debug, Serialize)]
pub(crate) struct ChatMessage {
    pub(crate) message_id: String,
    pub(crate) from: u32,
    pub(crate) sender: String,
    /// `null` = all participants.
    pub(crate) to: Option<u32>,
    pub(crate) text: String,
    /// Zoom's time, in milliseconds since 1970.
    pub(crate) at_unix_ms: i64,
}

/// A message to send.
#[derive(Clone, Debug)]
pub(crate) struct NewMessage<'a> {
    pub(crate) id: String,
    pub(crate) from: u32,
    /// `None` = all participants.
    pub(crate) to: Option<u32>,
    pub(crate) text: &'a str,
    pub(crate) at_unix_ms: i64,
}

/// Why a message is not delivered.
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
pub(crate) enum Undelivered {
    #[error("from: no participant in the meeting has this id")]
    NoSender,
    #[error("to: no participant in the meeting whom the sender can reach has this id")]
    NoReceiver,
    #[error("text must have 1 to {MAX_CHARS} characters")]
    Text,
    #[error("the meeting's chat setting does not let the sender write to this receiver")]
    Policy,
}

impl Meeting {
    /// Delivers a message to all participants, or to one (O). Participants on hold can neither send nor receive.
    pub(crate) fn say(&mut self, message: &NewMessage<'_>) -> Result<(), Undelivered> {
        let NewMessage { from, to, text, .. } = *message;
        let sender = self.present().find(|person| person.id == from).ok_or(Undelivered::NoSender)?;
        let receiver = match to {
            Some(to) => {
                let here = self.present().find(|person| person.id == to && person.is_with(sender));
                Some(here.ok_or(Undelivered::NoReceiver)?)
            }
            None => None,
        };
        if !(1..=MAX_CHARS).contains(&text.chars().count()) {
            return Err(Undelivered::Text);
        }
        let to_host = receiver.is_some_and(|person| person.host);
        let allowed = sender.host
            || match self.settings.chat {
                ChatPolicy::Everyone => true,
                ChatPolicy::HostOnly => to_host,
                ChatPolicy::Nobody => false,
                ChatPolicy::EveryonePublicly => to.is_none() || to_host,
            };
        if !allowed {
            return Err(Undelivered::Policy);
        }
        let frame = json!({
            "destNodeID": from,
            "attendeeNodeID": to.unwrap_or(0),
            "sn": sender.zoom_id,
            "senderName": base64_text(&sender.name),
            "text": base64_text(text),
            "msgID": message.id,
        });
        for person in self.present().filter(|person| person.is_with(sender)) {
            if person.id != from && to.is_none_or(|to| to == person.id) {
                person.tell(Outgoing::new(event::CHAT_RECEIVED, frame.clone()));
            }
        }
        let kept = ChatMessage {
            message_id: message.id.clone(),
            from,
            sender: sender.name.clone(),
            to,
            text: text.to_owned(),
            at_unix_ms: message.at_unix_ms,
        };
        if self.chat.len() == KEPT_MESSAGES {
            self.chat.pop_front();
        }
        self.chat.push_back(kept);
        Ok(())
    }
}

/// 4135: `{text, destNodeID}`. It must be answered with 4136, or the SDK gives up after 5 s.
pub(super) fn received(meeting: &mut Meeting, from: u32, body: &Value, id: String, at_unix_ms: i64) {
    let bytes = body["text"].as_str().map(decoded).unwrap_or_default();
    let to = body["destNodeID"].as_u64().and_then(|id| u32::try_from(id).ok()).filter(|id| *id != 0);
    let text = String::from_utf8_lossy(&bytes);
    let message = NewMessage { id, from, to, text: &text, at_unix_ms };
    let said = meeting.say(&message);
    if let Err(reason) = &said {
        tracing::info!(meeting = %meeting.number, %reason, "chat message refused");
    }
    let answer = json!({
        "result": if said.is_ok() { 0 } else { 2 },
        "destNodeID": to.unwrap_or(0),
        "msgID": message.id,
    });
    if let Some(speaker) = meeting.participant(from) {
        speaker.tell(Outgoing::new(event::CHAT + 1, answer));
    }
}
