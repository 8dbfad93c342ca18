//! `chat` of a new bot: messages that it writes without a command.

use bots::{MAX_MESSAGE_LEN, Receiver};
use serde_json::{Map, Value};
use utoipa::openapi::{OneOfBuilder, RefOr, Schema};

use crate::{
    fields::Fields,
    request::{Field, Request as _, Schemas, Text, nested, number, refer, reference, request, string},
};

const WORDS: [&str; 3] = ["everyone", "host", "everyone_except_host"];

request! {
    /// Messages that the bot writes without a command.
    open struct ChatOptions {
        /// One message, when the bot joins for the first time.
        #[expect(dead_code, reason = "checked, and stored as it is given")]
        on_bot_join: Option<ChatOnBotJoin>,
        /// A private message to each participant who joins later.
        #[expect(dead_code, reason = "checked, and stored as it is given")]
        on_participant_join: Option<ChatOnParticipantJoin>,
    }
}

request! {
    /// The message on joining.
    open struct ChatOnBotJoin {
        /// The receivers. With `everyone_except_host`, each participant gets a private message.
        #[expect(dead_code, reason = "checked, and stored as it is given")]
        send_to: Audience,
        /// The text.
        #[expect(dead_code, reason = "checked, and stored as it is given")]
        message: Text<MAX_MESSAGE_LEN>,
        /// No effect on Zoom: its SDK pins a message only for the bot itself.
        #[expect(dead_code, reason = "checked, and stored as it is given")]
        pin: Option<bool>,
    }
}

request! {
    /// The message to each new participant.
    open struct ChatOnParticipantJoin {
        /// The text.
        #[expect(dead_code, reason = "checked, and stored as it is given")]
        message: Text<MAX_MESSAGE_LEN>,
        /// Whether hosts get no message.
        #[expect(dead_code, reason = "checked, and stored as it is given")]
        exclude_host: bool,
    }
}

nested! { ChatOnBotJoin ChatOnParticipantJoin }

/// The receivers: everyone, the host, or everyone except the host.
struct Audience;

impl Field for Audience {
    fn read(fields: &mut Fields<'_>, name: &str) -> Option<Self> {
        let word = fields.text(name, 100)?;
        if !WORDS.contains(&word) {
            fields.complain(name, format!("\"{word}\" is not a valid choice: give {}.", WORDS.join(", ")));
            return None;
        }
        Some(Self)
    }

    fn schema() -> RefOr<Schema> {
        string(100).enum_values(Some(WORDS)).into()
    }
}

/// `chat`, checked; stored as it was given.
pub(super) struct Chat(pub(super) Map<String, Value>);

impl Field for Chat {
    fn read(fields: &mut Fields<'_>, name: &str) -> Option<Self> {
        let checked = |inner: &mut Fields<'_>| {
            ChatOptions::read(inner)?;
            Some(Self(inner.others(&[])))
        };
        fields.object(name, checked).flatten()
    }

    fn schema() -> RefOr<Schema> {
        reference::<ChatOptions>()
    }

    fn schemas(schemas: &mut Schemas) {
        refer::<ChatOptions>(schemas);
    }
}

/// The receiver of a single message: a word, or a participant's id.
pub(super) struct To(pub(super) Receiver);

impl Field for To {
    fn read(fields: &mut Fields<'_>, name: &str) -> Option<Self> {
        let value = fields.anything(name)?;
        let given = value.as_str().map_or_else(|| value.to_string(), str::to_owned);
        Some(Self(match given.as_str() {
            "everyone" => Receiver::Everyone,
            "host" => Receiver::Host,
            "everyone_except_host" => Receiver::EveryoneExceptHost,
            id => {
                let Ok(id) = id.parse() else {
                    let words = format!("Give {}, or the id of a participant.", WORDS.join(", "));
                    fields.complain(name, words);
                    return None;
                };
                Receiver::Participant(id)
            }
        }))
    }

    fn schema() -> RefOr<Schema> {
        let words = string(100).enum_values(Some(WORDS));
        OneOfBuilder::new().item(words).item(number(1, u32::MAX)).into()
    }
}
