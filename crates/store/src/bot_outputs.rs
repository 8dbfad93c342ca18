//! The output of bots: a picture, and queued chat messages.

use async_trait::async_trait;
use model::{BotId, ChatMessageId, Sealed, Timestamp, WorkspaceId};

use crate::{Bot, Lease, StoreError};

/// A chat message that a bot is to send.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ChatMessage {
    /// Its id. Messages are sent in the order of their ids.
    pub id: ChatMessageId,
    /// The bot that sends it.
    pub bot: BotId,
    /// The tenant.
    pub workspace: WorkspaceId,
    /// Its text and recipient. Sealed.
    pub message: Sealed,
    /// When it was requested.
    pub created_at: Timestamp,
}

/// The progress of a chat message.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ChatProgress {
    /// It waits for the server that runs the bot.
    Queued,
    /// That server has it. No server takes it a second time, so a message is sent at most once.
    Taken,
    /// Zoom has confirmed it.
    Sent,
    /// It was not sent, for this reason.
    Refused(String),
    /// It was given to Zoom, which has not confirmed it. The text says what is known.
    Unconfirmed(String),
}

/// The result of queueing a message.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Queued {
    /// The message is queued.
    Waits,
    /// The bot's queue is full.
    Full,
    /// The workspace has no such bot, or it has ended.
    NoBot,
}

/// Pictures and messages of bots. Each change raises [`Bot::output_revision`]. The last step of a bot erases both.
#[async_trait]
pub trait BotOutputs {
    /// Replaces or removes the picture of a bot and returns the bot; `None` if the workspace has no such bot. A bot that has
    /// ended is not changed.
    async fn set_picture(
        &self,
        workspace: WorkspaceId,
        bot: BotId,
        picture: Option<&Sealed>,
    ) -> Result<Option<Bot>, StoreError>;

    /// The picture of a bot. Across tenants: used by the server that runs the bot.
    async fn picture(&self, bot: BotId) -> Result<Option<Sealed>, StoreError>;

    /// Queues a message, unless `most` messages of the bot are queued already.
    async fn queue_message(&self, message: &ChatMessage, most: u32) -> Result<Queued, StoreError>;

    /// Takes the oldest queued message, under the bot's lease.
    async fn take_message(&self, bot: BotId, lease: &Lease) -> Result<Option<ChatMessage>, StoreError>;

    /// Records the result of a message that was taken.
    async fn settle_message(&self, id: ChatMessageId, progress: &ChatProgress) -> Result<(), StoreError>;

    /// The progress of a message; `None` if the workspace has no message with this id.
    async fn chat_progress(
        &self,
        workspace: WorkspaceId,
        id: ChatMessageId,
    ) -> Result<Option<ChatProgress>, StoreError>;

    /// Erases a message, unless it is being sent. Returns whether it was erased.
    async fn erase_message(&self, workspace: WorkspaceId, id: ChatMessageId) -> Result<bool, StoreError>;
}
