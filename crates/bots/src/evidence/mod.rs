//! The evidence of a bot: all that is stored of it in one file, to find out why it failed.
//!
//! It is made on request from stored data. So erasing a bot's log or its pictures erases them from the evidence, too.
//! `struck`: the request without its secrets. `archive`: the file.

mod archive;
mod struck;

use model::{BotId, Failure, WorkspaceId};
use store::{MOST_LOG_ENTRIES, NumberedEntry};

use crate::{OpenedBot, Supervisor};

/// So many pictures are in the file: the last ones.
const MOST_PICTURES: usize = 20;

/// A picture, or why it can't be had.
struct Picture {
    name: String,
    png: Result<Vec<u8>, Failure>,
}

impl Supervisor {
    /// The next entries of a bot's log with a number greater than `after`, at most `most`; of these kinds, if any are named.
    /// What this server has noted so far is among them.
    pub async fn log(
        &self,
        workspace: WorkspaceId,
        bot: BotId,
        after: u64,
        kinds: &[String],
        most: u32,
    ) -> Result<Vec<NumberedEntry>, Failure> {
        self.parts.log.flush().await;
        Ok(self.parts.store.bot_log(workspace, bot, after, kinds, most).await?)
    }

    /// Erases the words of a bot's entries of these kinds.
    pub async fn erase_from_log(
        &self,
        workspace: WorkspaceId,
        bot: BotId,
        kinds: &[String],
    ) -> Result<(), Failure> {
        self.parts.log.flush().await;
        Ok(self.parts.store.erase_bot_log(workspace, bot, kinds).await?)
    }

    /// A zip of what is known of a bot. It holds no token, no passcode and no secret of the request.
    #[tracing::instrument(name = "make_evidence", skip_all, fields(workspace = %bot.row.workspace, bot = %bot.row.id))]
    pub async fn evidence(&self, bot: &OpenedBot) -> Result<Vec<u8>, Failure> {
        let (workspace, id) = (bot.row.workspace, bot.row.id);
        let most = u32::try_from(MOST_LOG_ENTRIES).unwrap_or(u32::MAX);
        let log = self.log(workspace, id, 0, &[], most).await?;
        let mut shots = self.screenshots().list(workspace, id).await?;
        let mut pictures = Vec::new();
        for shot in shots.drain(shots.len().saturating_sub(MOST_PICTURES)..) {
            // A name that sorts by time, and that every system takes.
            let name = format!("screenshots/{}.png", shot.recorded_at).replace(':', "-");
            pictures.push(Picture { name, png: self.screenshots().open(&shot).await });
        }
        archive::write(bot, &log, &pictures, self.parts.env.now())
    }
}
