//! The bot's picture and chat messages.

use base64::{Engine as _, prelude::BASE64_STANDARD};
use serde::Deserialize;
use serde_json::Value;

use crate::{BotPage, BrowserError};

/// The receiver of a chat message.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ChatTo {
    /// All participants, in one public message.
    Everyone,
    /// Only the host.
    Host,
    /// All participants except the host, each in a private message.
    EveryoneExceptHost,
    /// One participant, by the SDK's `userId`.
    Participant(u32),
}

impl ChatTo {
    fn for_page(self) -> Value {
        match self {
            Self::Everyone => "everyone".into(),
            Self::Host => "host".into(),
            Self::EveryoneExceptHost => "everyone_except_host".into(),
            Self::Participant(id) => id.into(),
        }
    }
}

/// The result of sending a chat message.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum ChatOutcome {
    /// Zoom has confirmed the message.
    Sent,
    /// The receiver is not there, or the bot itself is not in the meeting. Nothing was sent.
    Nobody,
    /// The SDK did not send the message: the host's settings do not let the bot write to that receiver.
    Forbidden,
    /// Zoom has not confirmed the message within the SDK's five seconds: it was refused or lost. The SDK always waits for
    /// the confirmation of the oldest unconfirmed message, so every later message of the page has this outcome, too,
    /// although it arrives.
    Unconfirmed,
    /// The SDK did not send the message for another reason.
    Failed,
}

impl BotPage {
    /// Replaces the picture of the bot's camera with `jpeg`; `None` switches the camera off. A bot that is not in the
    /// meeting yet shows the picture as soon as it is. [`crate::PageEvent::Camera`] reports the outcome.
    pub async fn show(&self, jpeg: Option<&[u8]>) -> Result<(), BrowserError> {
        let picture = jpeg.map_or(Value::Null, |jpeg| BASE64_STANDARD.encode(jpeg).into());
        self.call("function(picture) { return this.show(picture) }", &[picture]).await
    }

    /// Sends a chat message. [`crate::PageEvent::Chatted`] reports the outcome with the same `id`. The next message may be
    /// sent only after that.
    pub async fn chat(&self, id: u32, text: &str, to: ChatTo) -> Result<(), BrowserError> {
        let arguments = [id.into(), text.into(), to.for_page()];
        self.call("function(id, text, to) { this.chat(id, text, to) }", &arguments).await
    }
}
