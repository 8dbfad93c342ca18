//! `chat` of a new bot: what it says by itself.

use bots::{LONGEST_MESSAGE, Receiver};
use serde_json::{Map, Value};
use utoipa::openapi::{OneOfBuilder, RefOr, Schema};

use crate::{
    fields::Fields,
    request::{Field, Request as _, Schemas, Text, nested, number, refer, reference, request, string},
};

const WORDS: [&str; 3] = ["everyone", "host", "everyone_except_host"];

request! {
    /// What the bot writes by itself.
    open struct ChatOptions {
        /// Once, when it is in for the first time.
        #[expect(dead_code, reason = "checked, and kept as it is given")]
        on_bot_join: Option<ChatOnBotJoin>,
        /// To each participant who comes later, alone.
        #[expect(dead_code, reason = "checked, and kept as it is given")]
        on_participant_join: Option<ChatOnParticipantJoin>,
    }
}

request! {
    /// A greeting.
    open struct ChatOnBotJoin {
        /// To whom. Without the host, each participant gets a message of their own.
        #[expect(dead_code, reason = "checked, and kept as it is given")]
        send_to: Audience,
        /// What.
        #[expect(dead_code, reason = "checked, and kept as it is given")]
        message: Text<LONGEST_MESSAGE>,
        /// Without effect on Zoom: its SDK pins a message for the bot alone.
        #[expect(dead_code, reason = "checked, and kept as it is given")]
        pin: Option<bool>,
    }
}

request! {
    /// A greeting for each new participant.
    open struct ChatOnParticipantJoin {
        /// What.
        #[expect(dead_code, reason = "checked, and kept as it is given")]
        message: Text<LONGEST_MESSAGE>,
        /// Whether hosts get none.
        #[expect(dead_code, reason = "checked, and kept as it is given")]
        exclude_host: bool,
    }
}

nested! { ChatOnBotJoin ChatOnParticipantJoin }

/// Everybody, the host, or everybody else.
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

/// `chat`, checked; kept as it was given.
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
