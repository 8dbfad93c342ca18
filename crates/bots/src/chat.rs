//! Chat messages of a bot: what a request asks for, and what the API queues.

use std::time::Duration;

use browser::ChatTo;
use model::{BotId, BotStatus, ChatMessageId, Code, Failure, Sealed, Secret, WorkspaceId};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};
use store::{Bot, ChatMessage, ChatProgress, Queued, StoreError};
use tenants::{Cell, Vault};

use crate::{OpenedBot, Supervisor};

/// The longest message, in characters.
pub const LONGEST_MESSAGE: usize = 4096;
/// Messages of one bot that wait: each takes its turn, and up to five seconds.
const MAX_WAITING: u32 = 20;
/// How long a caller waits for Zoom's confirmation.
const DELIVERY_TIMEOUT: Duration = Duration::from_secs(15);
/// Between two looks at a message's progress.
const LOOK_INTERVAL: Duration = Duration::from_millis(100);

/// The receiver of a message, in the contract's words; a number is a participant's id.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Receiver {
    /// Everybody.
    Everyone,
    /// The host alone.
    Host,
    /// Everybody but the host, each alone.
    EveryoneExceptHost,
    /// One participant alone.
    Participant(u32),
}

impl From<Receiver> for ChatTo {
    fn from(receiver: Receiver) -> Self {
        match receiver {
            Receiver::Everyone => Self::Everyone,
            Receiver::Host => Self::Host,
            Receiver::EveryoneExceptHost => Self::EveryoneExceptHost,
            Receiver::Participant(id) => Self::Participant(id),
        }
    }
}

/// What a bot says by itself.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Greetings {
    /// When it is in for the first time.
    pub(crate) on_bot_join: Option<(String, ChatTo)>,
    /// To each participant who comes later.
    pub(crate) on_participant_join: Option<Welcome>,
}

/// The message that each new participant gets alone.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Welcome {
    pub(crate) text: String,
    /// Hosts are not told.
    pub(crate) exclude_host: bool,
}

impl Greetings {
    /// Those of a request: its checked object `chat`.
    pub(crate) fn of(request: &Map<String, Value>) -> Self {
        let on_bot_join = request.get("chat").and_then(|chat| {
            let greeting = chat.get("on_bot_join")?;
            let to = Receiver::deserialize(greeting.get("send_to")?).ok()?;
            Some((greeting.get("message")?.as_str()?.to_owned(), to.into()))
        });
        let on_participant_join = request.get("chat").and_then(|chat| {
            let welcome = chat.get("on_participant_join")?;
            let text = welcome.get("message")?.as_str()?.to_owned();
            // Forms carry it as text.
            let exclude_host = welcome.get("exclude_host").is_some_and(|word| word == true || word == "true");
            Some(Welcome { text, exclude_host })
        });
        Self { on_bot_join, on_participant_join }
    }
}

/// A message as its row holds it, sealed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct QueuedMessage {
    /// What it says.
    pub text: String,
    /// To whom.
    pub to: Receiver,
}

impl QueuedMessage {
    fn seal(&self, vault: &Vault, workspace: WorkspaceId, id: ChatMessageId) -> Sealed {
        let text = serde_json::to_string(self).expect("text keys");
        vault.seal(workspace, Cell::ChatMessage(id), &Secret::new(text))
    }

    pub(crate) fn open(vault: &Vault, workspace: WorkspaceId, row: &ChatMessage) -> Result<Self, Failure> {
        let text = vault.open(workspace, Cell::ChatMessage(row.id), &row.message)?;
        serde_json::from_str(text.expose())
            .map_err(|_| Failure::new(Code::Internal, "the chat message is not readable"))
    }
}

/// Why a bot did not say something.
#[derive(Debug)]
pub enum NotSaid {
    /// The workspace has no such bot.
    Unknown,
    /// It is not in the call yet.
    NotStarted,
    /// It has ended.
    Ended,
    /// It was not sent, and why.
    Refused(String),
    /// It was given to Zoom; whether it arrived is not known.
    Unconfirmed(String),
    /// Too many messages wait already, or something failed.
    Failed(Failure),
}

impl From<StoreError> for NotSaid {
    fn from(error: StoreError) -> Self {
        Self::Failed(error.into())
    }
}

/// Whether a bot can be told to show or say something now.
pub(crate) enum Commandable {
    Yes,
    NotYet,
    NoLonger,
}

impl Commandable {
    pub(crate) fn of(bot: &Bot) -> Self {
        match bot.status() {
            BotStatus::InCallNotRecording => Self::Yes,
            BotStatus::CallEnded | BotStatus::Done | BotStatus::Fatal => Self::NoLonger,
            _ => Self::NotYet,
        }
    }
}

impl Supervisor {
    /// Has a bot send a chat message, and waits until Zoom has it. The server that runs the bot may be another one: the
    /// message goes by its row.
    #[tracing::instrument(name = "send_chat_message", skip_all, fields(%workspace, bot = %id))]
    pub async fn say(
        &self,
        workspace: WorkspaceId,
        id: BotId,
        message: &QueuedMessage,
    ) -> Result<OpenedBot, NotSaid> {
        let store = &self.parts.store;
        let bot = store.bot(workspace, id).await?.ok_or(NotSaid::Unknown)?;
        match Commandable::of(&bot) {
            Commandable::Yes => {}
            Commandable::NotYet => return Err(NotSaid::NotStarted),
            Commandable::NoLonger => return Err(NotSaid::Ended),
        }
        let message_id = ChatMessageId::generate(&self.parts.env);
        let row = ChatMessage {
            id: message_id,
            bot: id,
            workspace,
            message: message.seal(&self.parts.broker.vault, workspace, message_id),
            created_at: self.parts.env.now(),
        };
        match store.queue_message(&row, MAX_WAITING).await? {
            Queued::Waits => self.poke(id),
            Queued::NoBot => return Err(NotSaid::Ended),
            Queued::Full => {
                let words = format!("{MAX_WAITING} messages of this bot wait already: send fewer");
                let failure = Failure::new(Code::RateLimited, words);
                return Err(NotSaid::Failed(Failure {
                    retry_after: Some(Duration::from_secs(5)),
                    ..failure
                }));
            }
        }
        self.delivered(workspace, message_id).await?;
        let bot = store.bot(workspace, id).await?.unwrap_or(bot);
        OpenedBot::open(&self.parts, bot).map_err(NotSaid::Failed)
    }

    /// Waits for the outcome of a message, and deletes its row.
    async fn delivered(&self, workspace: WorkspaceId, id: ChatMessageId) -> Result<(), NotSaid> {
        let (store, env) = (&self.parts.store, &self.parts.env);
        let give_up = env.now() + DELIVERY_TIMEOUT;
        let progress = loop {
            let progress = store.chat_progress(workspace, id).await?;
            let under_way = matches!(progress, Some(ChatProgress::Queued | ChatProgress::Taken));
            if !under_way || env.now() >= give_up {
                break progress;
            }
            env.clock.sleep(LOOK_INTERVAL).await;
        };
        let erased = store.erase_message(workspace, id).await?;
        match progress {
            Some(ChatProgress::Sent) => Ok(()),
            Some(ChatProgress::Refused(words)) => Err(NotSaid::Refused(words)),
            Some(ChatProgress::Unconfirmed(words)) => Err(NotSaid::Unconfirmed(words)),
            // The bot's last step has erased it.
            None => Err(NotSaid::Ended),
            Some(ChatProgress::Queued | ChatProgress::Taken) if erased => {
                let words = "the bot did not get to it in time, and it was withdrawn: send it again";
                let failure = Failure::new(Code::Unavailable, words);
                Err(NotSaid::Failed(Failure { retry_after: Some(Duration::from_secs(5)), ..failure }))
            }
            Some(ChatProgress::Queued | ChatProgress::Taken) => {
                let words = "The bot is still sending it: look into the meeting before you send it again.";
                Err(NotSaid::Unconfirmed(words.to_owned()))
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn greetings_are_read_from_the_request() {
        let request = serde_json::json!({ "chat": {
            "on_bot_join": { "send_to": "everyone_except_host", "message": "Hello 👋 <b>you</b>" },
            "on_participant_join": { "message": "Welcome", "exclude_host": "true" },
        } });
        let greeting = ("Hello 👋 <b>you</b>".to_owned(), ChatTo::EveryoneExceptHost);
        let welcome = Welcome { text: "Welcome".to_owned(), exclude_host: true };
        let greetings = Greetings { on_bot_join: Some(greeting), on_participant_join: Some(welcome) };
        assert_eq!(Greetings::of(request.as_object().unwrap()), greetings);
        assert_eq!(Greetings::of(&Map::new()), Greetings::default());
    }
}
