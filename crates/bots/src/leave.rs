//! A bot that is told to leave.

use model::{BotId, BotStatus, Failure, WorkspaceId};
use store::StoreError;

use crate::{Kind, Note, OpenedBot, Supervisor};

/// Why a bot was not told to leave.
#[derive(Debug)]
pub enum NotLeaving {
    /// The workspace has no such bot.
    Unknown,
    /// It has ended.
    Ended,
    /// Its time has not come.
    NotStarted,
    /// Something failed.
    Failed(Failure),
}

impl From<Failure> for NotLeaving {
    fn from(failure: Failure) -> Self {
        Self::Failed(failure)
    }
}

impl From<StoreError> for NotLeaving {
    fn from(error: StoreError) -> Self {
        Self::Failed(error.into())
    }
}

impl Supervisor {
    /// Tells a bot to leave its meeting, or to cancel its join. A second call changes nothing.
    #[tracing::instrument(name = "leave_bot", skip_all, fields(%workspace, bot = %id))]
    pub async fn leave(&self, workspace: WorkspaceId, id: BotId) -> Result<OpenedBot, NotLeaving> {
        let (store, now) = (&self.parts.store, self.parts.env.now());
        let bot = store.bot(workspace, id).await?.ok_or(NotLeaving::Unknown)?;
        if bot.status().is_terminal() {
            return Err(NotLeaving::Ended);
        }
        if bot.status() == BotStatus::Ready && bot.join_at.is_some_and(|at| at > now) {
            return Err(NotLeaving::NotStarted);
        }
        let bot = store.request_leave(workspace, id, now).await?.ok_or(NotLeaving::Unknown)?;
        self.parts.log.note(id, Note::new(Kind::LeaveAsked, "A caller told the bot to leave."));
        self.poke(id);
        Ok(OpenedBot::open(&self.parts, bot)?)
    }
}
