//! Reads the logs of bots.

use std::sync::Arc;

use model::{BotId, Failure, WorkspaceId};
use store::{BotLogs, NumberedEntry};

use crate::log::{BotLog, LogEntryKind};

/// The logs of bots.
#[derive(Clone)]
pub struct Logs {
    pub(crate) store: Arc<dyn BotLogs + Send + Sync>,
    pub(crate) written: BotLog,
}

impl Logs {
    /// Reads up to `most` entries of a bot's log with a number greater than `after`. If `kinds` names any kinds, only
    /// entries of these kinds are returned. Entries that this server has queued are written first, so they are included.
    pub async fn after(
        &self,
        workspace: WorkspaceId,
        bot: BotId,
        after: u64,
        kinds: &[String],
        most: u32,
    ) -> Result<Vec<NumberedEntry>, Failure> {
        self.written.flush().await;
        Ok(self.store.bot_log(workspace, bot, after, kinds, most).await?)
    }

    /// Erases the texts of a bot's log entries of these kinds.
    pub(super) async fn erase(
        &self,
        workspace: WorkspaceId,
        bot: BotId,
        kinds: &[LogEntryKind],
    ) -> Result<(), Failure> {
        self.written.flush().await;
        let kinds: Vec<_> = kinds.iter().map(|kind| kind.as_str().to_owned()).collect();
        Ok(self.store.erase_bot_log(workspace, bot, &kinds).await?)
    }
}
