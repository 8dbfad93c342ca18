//! Erases what is kept of a bot's meeting.

use std::sync::Arc;

use model::{BotId, Failure, WorkspaceId};
use store::MeetingEvents;

use super::logs::Logs;
use crate::{log::Kind, screenshots::Screenshots};

/// What is kept of the meetings of bots: pictures, events, and what Zoom's SDK wrote.
pub struct Media {
    pub(crate) events: Arc<dyn MeetingEvents + Send + Sync>,
    pub(crate) logs: Logs,
    pub(crate) screenshots: Screenshots,
}

impl Media {
    /// Erases all of a bot's, permanently.
    #[tracing::instrument(name = "delete_media", skip_all, fields(%workspace, %bot))]
    pub async fn delete(&self, workspace: WorkspaceId, bot: BotId) -> Result<(), Failure> {
        self.screenshots.delete(workspace, bot).await?;
        self.events.erase_meeting_events(workspace, bot).await?;
        // The SDK's own words may name participants; the rest of the log does not.
        self.logs.erase(workspace, bot, Kind::WRITTEN_BY_THE_SDK).await
    }
}
