//! `chat` of a new bot: what it says by itself.

use bots::{
    LONGEST_MESSAGE, Receiver,
    request::{Greeting, Greetings, ParticipantGreeting},
};
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
        on_bot_join: Option<ChatOnBotJoin>,
        /// To each participant who comes later, alone.
        on_participant_join: Option<ChatOnParticipantJoin>,
    }
}

request! {
    /// A greeting.
    open struct ChatOnBotJoin {
        /// To whom. Without the host, each participant gets a message of their own.
        send_to: Audience,
        /// What.
        message: Text<LONGEST_MESSAGE>,
        /// Without effect on Zoom: its SDK pins a message for the bot alone.
        #[expect(dead_code, reason = "without effect")]
        pin: Option<bool>,
    }
}

request! {
    /// A greeting for each new participant.
    open struct ChatOnParticipantJoin {
        /// What.
        message: Text<LONGEST_MESSAGE>,
        /// Whether hosts get none.
        exclude_host: bool,
    }
}

nested! { ChatOnBotJoin ChatOnParticipantJoin }

/// Everybody, the host, or everybody else.
struct Audience(Receiver);

impl Field for Audience {
    fn read(fields: &mut Fields<'_>, name: &str) -> Option<Self> {
        let word = fields.text(name, 100)?;
        let receiver = receiver(word);
        if receiver.is_none() {
            fields.complain(name, format!("\"{word}\" is not a valid choice: give {}.", WORDS.join(", ")));
        }
        receiver.map(Self)
    }

    fn schema() -> RefOr<Schema> {
        string(100).enum_values(Some(WORDS)).into()
    }
}

/// The receiver that one of [`WORDS`] means.
fn receiver(word: &str) -> Option<Receiver> {
    match word {
        "everyone" => Some(Receiver::Everyone),
        "host" => Some(Receiver::Host),
        "everyone_except_host" => Some(Receiver::EveryoneExceptHost),
        _ => None,
    }
}

/// `chat`: what it does, and what answers repeat of it.
pub(super) struct Chat {
    pub(super) greetings: Greetings,
    pub(super) echo: Map<String, Value>,
}

impl Field for Chat {
    fn read(fields: &mut Fields<'_>, name: &str) -> Option<Self> {
        let read = |inner: &mut Fields<'_>| {
            let ChatOptions { on_bot_join, on_participant_join } = ChatOptions::read(inner)?;
            let greetings = Greetings {
                on_bot_join: on_bot_join
                    .map(|given| Greeting { send_to: given.send_to.0, message: given.message.0 }),
                on_participant_join: on_participant_join.map(|given| ParticipantGreeting {
                    message: given.message.0,
                    exclude_host: given.exclude_host,
                }),
            };
            Some(Self { greetings, echo: inner.others(&[]) })
        };
        fields.object(name, read).flatten()
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
        let receiver = receiver(&given).or_else(|| given.parse().ok().map(Receiver::Participant));
        if receiver.is_none() {
            fields.complain(name, format!("Give {}, or the id of a participant.", WORDS.join(", ")));
        }
        receiver.map(Self)
    }

    fn schema() -> RefOr<Schema> {
        let words = string(100).enum_values(Some(WORDS));
        OneOfBuilder::new().item(words).item(number(1, u32::MAX)).into()
    }
}
