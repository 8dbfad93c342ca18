//! The logs of bots: what each bot did, and why.

use std::collections::BTreeMap;

use async_trait::async_trait;
use model::{BotId, BotLogEntryId, Timestamp, WorkspaceId};
use serde_json::Value;

use crate::StoreError;

/// The most log entries that are stored for a bot. A bot that joins and stays writes about fifty.
pub const MAX_LOG_ENTRIES: u64 = 2_000;

/// One entry of a bot's log. It contains no secret and no name of a participant.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LogEntry {
    /// Its id: the same when a write is retried.
    pub id: BotLogEntryId,
    /// When it happened.
    pub at: Timestamp,
    /// The kind of entry: a word.
    pub kind: String,
    /// What happened, for people.
    pub text: String,
    /// The same for programs.
    pub fields: BTreeMap<String, Value>,
}

impl LogEntry {
    /// The last entry that fits into a log.
    #[must_use]
    pub fn log_full(self) -> Self {
        let text = format!("The log is full: a bot's log has up to {MAX_LOG_ENTRIES} entries.");
        Self { kind: "log_full".into(), text, fields: BTreeMap::new(), ..self }
    }
}

/// An entry and its position in the log.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NumberedEntry {
    /// Grows by one with each entry of the bot, from 1.
    pub number: u64,
    /// The entry.
    pub entry: LogEntry,
}

/// Logs of bots.
#[async_trait]
pub trait BotLogs {
    /// Adds entries to a bot's log, all or none, in this order. Any server may write, because a late entry is still true.
    /// A batch is identified by its first entry: writing it again changes nothing. The entry with the number
    /// [`MAX_LOG_ENTRIES`] is replaced by [`LogEntry::log_full`], and those after it are dropped. Returns how many were
    /// dropped; all of them if there is no such bot.
    async fn append_bot_log(&self, bot: BotId, entries: &[LogEntry]) -> Result<u64, StoreError>;

    /// A bot's entries with a number greater than `after`, in order, at most `most`; if kinds are given, only of these.
    async fn bot_log(
        &self,
        workspace: WorkspaceId,
        bot: BotId,
        after: u64,
        kinds: &[String],
        most: u32,
    ) -> Result<Vec<NumberedEntry>, StoreError>;

    /// Erases the text and the fields of a bot's entries of these kinds. The entries themselves remain.
    async fn erase_bot_log(
        &self,
        workspace: WorkspaceId,
        bot: BotId,
        kinds: &[String],
    ) -> Result<(), StoreError>;

    /// Deletes entries from before `end` of bots that have ended, oldest first, at most `most`; returns how many. Across
    /// tenants.
    async fn forget_bot_log(&self, end: Timestamp, most: u32) -> Result<u64, StoreError>;
}
