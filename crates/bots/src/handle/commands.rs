//! Commands to a bot: leave, show a picture, send a chat message.
//!
//! The bot may run on another server. That server sees the changed row when it next renews the bot's lease.

use std::{sync::Arc, time::Duration};

use model::{BotId, BotStatus, ChatMessageId, Code, Environment, Failure, WorkspaceId};
use store::{Bot, BotOutputs, Bots, ChatMessage, ChatProgress, Queued, StoreError};
use tenants::Vault;

use super::reader::OpenedBot;
use crate::{
    chat_message::QueuedMessage,
    log::{BotLog, LogEntryKind, NewLogEntry},
    picture::{GivenPicture, NotAPicture},
    wake::Wake,
};

/// The most queued messages of one bot. They are sent one after the other, and each may take five seconds.
const MAX_WAITING: u32 = 20;
/// How long a caller waits for Zoom's confirmation.
const DELIVERY_TIMEOUT: Duration = Duration::from_secs(15);
/// Interval between queries for a message's progress.
const PROGRESS_POLL_INTERVAL: Duration = Duration::from_millis(100);

/// Why a request to leave was refused.
#[derive(Debug)]
pub enum NotLeaving {
    /// The workspace has no such bot.
    Unknown,
    /// The bot has ended.
    Ended,
    /// The bot's `join_at` is in the future.
    NotStarted,
    /// The store or another part failed.
    Failed(Failure),
}

impl From<Failure> for NotLeaving {
    fn from(failure: Failure) -> Self {
        Self::Failed(failure)
    }
}

impl From<StoreError> for NotLeaving {
    fn from(error: StoreError) -> Self {
        Self::Failed(error.into())
    }
}

/// Why a change of a bot's picture was refused.
#[derive(Debug)]
pub enum NotShown {
    /// The workspace has no such bot.
    Unknown,
    /// The bot is not in the call yet.
    NotStarted,
    /// The bot's call has ended.
    Ended,
    /// The picture is invalid.
    Picture(NotAPicture),
    /// The store or another part failed.
    Failed(Failure),
}

impl From<StoreError> for NotShown {
    fn from(error: StoreError) -> Self {
        Self::Failed(error.into())
    }
}

/// Why a chat message was not sent.
#[derive(Debug)]
pub enum NotSent {
    /// The workspace has no such bot.
    Unknown,
    /// The bot is not in the call yet.
    NotStarted,
    /// The bot's call has ended.
    Ended,
    /// The message was not sent, for this reason.
    Refused(String),
    /// The message may have been sent, but Zoom did not confirm it, for this reason.
    Unconfirmed(String),
    /// Too many messages are queued already, or the store or another part failed.
    Failed(Failure),
}

impl From<StoreError> for NotSent {
    fn from(error: StoreError) -> Self {
        Self::Failed(error.into())
    }
}

/// Why a bot can't show a picture or send a message now.
enum NotInCall {
    NotYet,
    NoLonger,
}

impl From<NotInCall> for NotShown {
    fn from(not_in_call: NotInCall) -> Self {
        match not_in_call {
            NotInCall::NotYet => Self::NotStarted,
            NotInCall::NoLonger => Self::Ended,
        }
    }
}

impl From<NotInCall> for NotSent {
    fn from(not_in_call: NotInCall) -> Self {
        match not_in_call {
            NotInCall::NotYet => Self::NotStarted,
            NotInCall::NoLonger => Self::Ended,
        }
    }
}

fn check_in_call(bot: &Bot) -> Result<(), NotInCall> {
    match bot.status() {
        BotStatus::InCallNotRecording => Ok(()),
        BotStatus::CallEnded | BotStatus::Done | BotStatus::Fatal => Err(NotInCall::NoLonger),
        _ => Err(NotInCall::NotYet),
    }
}

/// Sends commands to bots.
pub struct Commands {
    pub(crate) bots: Arc<dyn Bots + Send + Sync>,
    pub(crate) outputs: Arc<dyn BotOutputs + Send + Sync>,
    pub(crate) vault: Vault,
    pub(crate) log: BotLog,
    pub(crate) env: Environment,
    pub(crate) wake: Wake,
}

impl Commands {
    /// Makes a bot leave its meeting, or cancel its join. Idempotent.
    #[tracing::instrument(name = "leave_bot", skip_all, fields(%workspace, bot = %id))]
    pub async fn leave(&self, workspace: WorkspaceId, id: BotId) -> Result<OpenedBot, NotLeaving> {
        let now = self.env.now();
        let bot = self.bots.bot(workspace, id).await?.ok_or(NotLeaving::Unknown)?;
        if bot.status().is_terminal() {
            return Err(NotLeaving::Ended);
        }
        if bot.status() == BotStatus::Ready && bot.join_at.is_some_and(|at| at > now) {
            return Err(NotLeaving::NotStarted);
        }
        let bot = self.bots.request_leave(workspace, id, now).await?.ok_or(NotLeaving::Unknown)?;
        self.log.note(id, NewLogEntry::new(LogEntryKind::LeaveAsked, "A caller told the bot to leave."));
        self.wake.bot(id);
        Ok(OpenedBot::open(&self.vault, bot)?)
    }

    /// Replaces or removes the picture that a bot shows.
    #[tracing::instrument(name = "change_picture", skip_all, fields(%workspace, bot = %id, none = picture.is_none()))]
    pub async fn show(
        &self,
        workspace: WorkspaceId,
        id: BotId,
        picture: Option<GivenPicture>,
    ) -> Result<OpenedBot, NotShown> {
        let bot = self.bots.bot(workspace, id).await?.ok_or(NotShown::Unknown)?;
        check_in_call(&bot)?;
        let sealed = match picture {
            None => None,
            Some(picture) => {
                let picture = picture.prepare().await.map_err(NotShown::Picture)?;
                Some(picture.seal(&self.vault, workspace, id))
            }
        };
        let changed = self.outputs.set_picture(workspace, id, sealed.as_ref()).await?;
        let bot = changed.ok_or(NotShown::Unknown)?;
        self.wake.bot(id);
        OpenedBot::open(&self.vault, bot).map_err(NotShown::Failed)
    }

    /// Makes a bot send a chat message, and waits until Zoom confirms it.
    #[tracing::instrument(name = "send_chat_message", skip_all, fields(%workspace, bot = %id))]
    pub async fn send(
        &self,
        workspace: WorkspaceId,
        id: BotId,
        message: &QueuedMessage,
    ) -> Result<OpenedBot, NotSent> {
        let bot = self.bots.bot(workspace, id).await?.ok_or(NotSent::Unknown)?;
        check_in_call(&bot)?;
        let message_id = ChatMessageId::generate(&self.env);
        let row = ChatMessage {
            id: message_id,
            bot: id,
            workspace,
            message: message.seal(&self.vault, workspace, message_id),
            created_at: self.env.now(),
        };
        match self.outputs.queue_message(&row, MAX_WAITING).await? {
            Queued::Waits => self.wake.bot(id),
            Queued::NoBot => return Err(NotSent::Ended),
            Queued::Full => {
                let words = format!("{MAX_WAITING} messages of this bot are queued already: send fewer");
                let failure = Failure::new(Code::RateLimited, words);
                return Err(NotSent::Failed(Failure {
                    retry_after: Some(Duration::from_secs(5)),
                    ..failure
                }));
            }
        }
        self.delivered(workspace, message_id).await?;
        let bot = self.bots.bot(workspace, id).await?.unwrap_or(bot);
        OpenedBot::open(&self.vault, bot).map_err(NotSent::Failed)
    }

    /// Waits for the outcome of a message, and deletes its row.
    async fn delivered(&self, workspace: WorkspaceId, id: ChatMessageId) -> Result<(), NotSent> {
        let (store, env) = (&self.outputs, &self.env);
        let give_up = env.now() + DELIVERY_TIMEOUT;
        let progress = loop {
            let progress = store.chat_progress(workspace, id).await?;
            let under_way = matches!(progress, Some(ChatProgress::Queued | ChatProgress::Taken));
            if !under_way || env.now() >= give_up {
                break progress;
            }
            env.clock.sleep(PROGRESS_POLL_INTERVAL).await;
        };
        let erased = store.erase_message(workspace, id).await?;
        match progress {
            Some(ChatProgress::Sent) => Ok(()),
            Some(ChatProgress::Refused(words)) => Err(NotSent::Refused(words)),
            Some(ChatProgress::Unconfirmed(words)) => Err(NotSent::Unconfirmed(words)),
            // The message was erased with the bot's last step.
            None => Err(NotSent::Ended),
            Some(ChatProgress::Queued | ChatProgress::Taken) if erased => {
                let words = "the bot did not send the message in time, and it was withdrawn: send it again";
                let failure = Failure::new(Code::Unavailable, words);
                Err(NotSent::Failed(Failure { retry_after: Some(Duration::from_secs(5)), ..failure }))
            }
            Some(ChatProgress::Queued | ChatProgress::Taken) => {
                let words = "The bot is still sending the message: check the meeting's chat before you send it again.";
                Err(NotSent::Unconfirmed(words.to_owned()))
            }
        }
    }
}
