//! What a bot shows and says.

use base64::{Engine as _, prelude::BASE64_STANDARD};
use serde::Deserialize;
use serde_json::Value;

use crate::{BotPage, BrowserError};

/// To whom a chat message goes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ChatTo {
    /// Everybody, in one message.
    Everyone,
    /// The host, alone.
    Host,
    /// Everybody but the host: a message for each of them.
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

/// What came of a chat message.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum ChatOutcome {
    /// Zoom has confirmed it.
    Sent,
    /// The receiver is not there, or the bot itself is not in the meeting. Nothing was sent.
    Nobody,
    /// The SDK did not send it: the host's settings do not let the bot write to that receiver.
    Forbidden,
    /// Zoom has not confirmed it within the SDK's five seconds: it was refused, or lost. The SDK looks for the confirmation of
    /// the oldest message that it has none for, so after one of these every later message of the page comes to the same,
    /// although it arrives.
    Unconfirmed,
    /// The SDK did not send it for another reason.
    Failed,
}

impl BotPage {
    /// Shows `jpeg` as the bot's camera, instead of what it shows; `None` switches the camera off. A bot that is not in yet
    /// shows it as soon as it is. [`crate::PageEvent::Camera`] reports the outcome.
    pub async fn show(&self, jpeg: Option<&[u8]>) -> Result<(), BrowserError> {
        let picture = jpeg.map_or(Value::Null, |jpeg| BASE64_STANDARD.encode(jpeg).into());
        self.call("function(picture) { return this.show(picture) }", &[picture]).await
    }

    /// Sends a chat message. [`crate::PageEvent::Chatted`] reports the outcome with the same `id`; only then the next one may
    /// be sent.
    pub async fn chat(&self, id: u32, text: &str, to: ChatTo) -> Result<(), BrowserError> {
        let arguments = [id.into(), text.into(), to.for_page()];
        self.call("function(id, text, to) { this.chat(id, text, to) }", &arguments).await
    }
}
