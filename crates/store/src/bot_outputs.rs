//! What bots show and say: a picture, and chat messages on their way.

use async_trait::async_trait;
use model::{BotId, ChatMessageId, Sealed, Timestamp, WorkspaceId};

use crate::{Bot, Lease, StoreError};

/// A chat message that a bot is to send.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ChatMessage {
    /// Its id. Messages are sent in the order of their ids.
    pub id: ChatMessageId,
    /// Who sends it.
    pub bot: BotId,
    /// The tenant.
    pub workspace: WorkspaceId,
    /// What it says, and to whom. Sealed.
    pub message: Sealed,
    /// When it was asked for.
    pub created_at: Timestamp,
}

/// How far a chat message is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ChatProgress {
    /// It waits for the server that runs the bot.
    Queued,
    /// That server has it. No server takes it a second time, so a message is sent at most once.
    Taken,
    /// Zoom has confirmed it.
    Sent,
    /// It was not sent, and why.
    Refused(String),
    /// It was given to Zoom, which has not confirmed it, and what is known of that.
    Unconfirmed(String),
}

/// What came of queueing a message.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Queued {
    /// It waits.
    Waits,
    /// As many as allowed wait already.
    Full,
    /// The workspace has no such bot, or it has ended.
    NoBot,
}

/// Pictures and messages of bots. Each change raises [`Bot::output_revision`]. The last step of a bot erases both.
#[async_trait]
pub trait BotOutputs {
    /// Replaces the picture of a bot, or takes it away, and answers the bot; `None` if the workspace has no such bot. A bot that
    /// has ended stays as it is.
    async fn set_picture(
        &self,
        workspace: WorkspaceId,
        bot: BotId,
        picture: Option<&Sealed>,
    ) -> Result<Option<Bot>, StoreError>;

    /// The picture of a bot. Across tenants: asked by the server that runs the bot.
    async fn picture(&self, bot: BotId) -> Result<Option<Sealed>, StoreError>;

    /// Queues a message, unless `most` of the bot's wait already.
    async fn queue_message(&self, message: &ChatMessage, most: u32) -> Result<Queued, StoreError>;

    /// Takes the oldest message that waits, under the bot's lease.
    async fn take_message(&self, bot: BotId, lease: &Lease) -> Result<Option<ChatMessage>, StoreError>;

    /// Records what became of a message that was taken.
    async fn settle_message(&self, id: ChatMessageId, progress: &ChatProgress) -> Result<(), StoreError>;

    /// How far a message is; `None` if the workspace has none with this id.
    async fn chat_progress(
        &self,
        workspace: WorkspaceId,
        id: ChatMessageId,
    ) -> Result<Option<ChatProgress>, StoreError>;

    /// Erases a message, unless it is just being sent. Returns whether it was erased.
    async fn erase_message(&self, workspace: WorkspaceId, id: ChatMessageId) -> Result<bool, StoreError>;
}
