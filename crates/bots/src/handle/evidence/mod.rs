//! The evidence of a bot: everything that is stored about it in one file, to find out why it failed.
//!
//! It is built from stored data on request. So what is erased from a bot's log or pictures is not in the evidence either.
//! `redacted_request`: the request without its secrets. `archive`: writes the file.

mod archive;
mod redacted_request;

use model::{Environment, Failure};
use store::MAX_LOG_ENTRIES;

use super::{logs::Logs, reader::OpenedBot};
use crate::screenshots::Screenshots;

use archive::Picture;

/// The most pictures in the file. The latest ones are included.
const MAX_PICTURES: usize = 20;

/// Exports the evidence of bots.
pub struct Evidence {
    pub(crate) logs: Logs,
    pub(crate) screenshots: Screenshots,
    pub(crate) env: Environment,
}

impl Evidence {
    /// Returns a zip file with everything that is known about a bot. It contains no token, passcode or other secret of the
    /// request.
    #[tracing::instrument(name = "make_evidence", skip_all, fields(workspace = %bot.row.workspace, bot = %bot.row.id))]
    pub async fn zip(&self, bot: &OpenedBot) -> Result<Vec<u8>, Failure> {
        let (workspace, id) = (bot.row.workspace, bot.row.id);
        let most = u32::try_from(MAX_LOG_ENTRIES).unwrap_or(u32::MAX);
        let log = self.logs.after(workspace, id, 0, &[], most).await?;
        let mut shots = self.screenshots.list(workspace, id).await?;
        let mut pictures = Vec::new();
        for shot in shots.drain(shots.len().saturating_sub(MAX_PICTURES)..) {
            // A file name that sorts by time, and that every operating system accepts.
            let name = format!("screenshots/{}.png", shot.recorded_at).replace(':', "-");
            pictures.push(Picture { name, png: self.screenshots.open(&shot).await });
        }
        archive::write(bot, &log, &pictures, self.env.now())
    }
}
