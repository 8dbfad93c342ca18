//! Pictures of bots' pages. The store has the names of the files, not the files.

use async_trait::async_trait;
use model::{BotId, ScreenshotId, Timestamp, WorkspaceId};

use crate::StoreError;

/// A picture of a bot's page.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Screenshot {
    /// Its id.
    pub id: ScreenshotId,
    /// When it was taken.
    pub recorded_at: Timestamp,
    /// The file's name inside the screenshots folder.
    pub file: String,
}

/// Pictures of bots' pages.
#[async_trait]
pub trait BotScreenshots {
    /// Records a picture.
    async fn add_screenshot(&self, bot: BotId, screenshot: &Screenshot) -> Result<(), StoreError>;

    /// How many pictures a bot has. Across tenants: used where one is taken.
    async fn screenshots_of(&self, bot: BotId) -> Result<u64, StoreError>;

    /// A bot's pictures, oldest first.
    async fn screenshots(&self, workspace: WorkspaceId, bot: BotId) -> Result<Vec<Screenshot>, StoreError>;

    /// Deletes a bot's pictures and returns them, because their files are to be deleted too.
    async fn delete_screenshots(
        &self,
        workspace: WorkspaceId,
        bot: BotId,
    ) -> Result<Vec<Screenshot>, StoreError>;

    /// Deletes pictures that were taken before `end`, oldest first, at most `most`; returns how
    /// many.
    async fn forget_screenshots(&self, end: Timestamp, most: u32) -> Result<u64, StoreError>;

    /// Which of these pictures have a row, in any order. Across tenants: used by the sweep of
    /// files.
    async fn recorded_screenshots(&self, ids: &[ScreenshotId]) -> Result<Vec<ScreenshotId>, StoreError>;
}
