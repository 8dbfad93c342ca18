//! Erases the stored data of a bot's meeting.

use std::sync::Arc;

use model::{BotId, Failure, WorkspaceId};
use store::MeetingEvents;

use super::logs::Logs;
use crate::{log::LogEntryKind, screenshots::Screenshots};

/// Erases the stored data of meetings: pictures, events, and texts that Zoom's SDK wrote.
pub struct Media {
    pub(crate) events: Arc<dyn MeetingEvents + Send + Sync>,
    pub(crate) logs: Logs,
    pub(crate) screenshots: Screenshots,
}

impl Media {
    /// Permanently erases the stored data of a bot's meeting.
    #[tracing::instrument(name = "delete_media", skip_all, fields(%workspace, %bot))]
    pub async fn delete(&self, workspace: WorkspaceId, bot: BotId) -> Result<(), Failure> {
        self.screenshots.delete(workspace, bot).await?;
        self.events.erase_meeting_events(workspace, bot).await?;
        // Texts of the SDK may name participants; other entries of the log do not.
        self.logs.erase(workspace, bot, LogEntryKind::WRITTEN_BY_THE_SDK).await
    }
}
