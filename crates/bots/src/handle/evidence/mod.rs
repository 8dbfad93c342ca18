//! The evidence of a bot: all that is stored of it in one file, to find out why it failed.
//!
//! It is made on request from stored data. So erasing a bot's log or its pictures erases them from the evidence, too.
//! `struck`: the request without its secrets. `archive`: the file.

mod archive;
mod redacted_request;

use model::{Environment, Failure};
use store::MOST_LOG_ENTRIES;

use super::{logs::Logs, reader::OpenedBot};
use crate::screenshots::Screenshots;

use archive::Picture;

/// So many pictures are in the file: the last ones.
const MOST_PICTURES: usize = 20;

/// Makes the evidence of bots.
pub struct Evidence {
    pub(crate) logs: Logs,
    pub(crate) screenshots: Screenshots,
    pub(crate) env: Environment,
}

impl Evidence {
    /// A zip of what is known of a bot. It holds no token, no passcode and no secret of the request.
    #[tracing::instrument(name = "make_evidence", skip_all, fields(workspace = %bot.row.workspace, bot = %bot.row.id))]
    pub async fn zip(&self, bot: &OpenedBot) -> Result<Vec<u8>, Failure> {
        let (workspace, id) = (bot.row.workspace, bot.row.id);
        let most = u32::try_from(MOST_LOG_ENTRIES).unwrap_or(u32::MAX);
        let log = self.logs.after(workspace, id, 0, &[], most).await?;
        let mut shots = self.screenshots.list(workspace, id).await?;
        let mut pictures = Vec::new();
        for shot in shots.drain(shots.len().saturating_sub(MOST_PICTURES)..) {
            // A name that sorts by time, and that every system takes.
            let name = format!("screenshots/{}.png", shot.recorded_at).replace(':', "-");
            pictures.push(Picture { name, png: self.screenshots.open(&shot).await });
        }
        archive::write(bot, &log, &pictures, self.env.now())
    }
}
