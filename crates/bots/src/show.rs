//! A picture for a bot that is in a call, and no picture any more.

use model::{BotId, Failure, WorkspaceId};
use store::StoreError;

use crate::{GivenPicture, NotAPicture, OpenedBot, Supervisor, chat::Commandable};

/// Why a bot does not show something else.
#[derive(Debug)]
pub enum NotShown {
    /// The workspace has no such bot.
    Unknown,
    /// It is not in the call yet.
    NotStarted,
    /// It has ended.
    Ended,
    /// The picture is none.
    Picture(NotAPicture),
    /// Something failed.
    Failed(Failure),
}

impl From<StoreError> for NotShown {
    fn from(error: StoreError) -> Self {
        Self::Failed(error.into())
    }
}

impl Supervisor {
    /// Replaces what a bot shows, or takes it away. The server that runs the bot may be another one: it sees the change on the
    /// bot's row, at the latest when it renews its lease.
    #[tracing::instrument(name = "change_picture", skip_all, fields(%workspace, bot = %id, none = picture.is_none()))]
    pub async fn show(
        &self,
        workspace: WorkspaceId,
        id: BotId,
        picture: Option<GivenPicture>,
    ) -> Result<OpenedBot, NotShown> {
        let parts = &*self.parts;
        let bot = parts.store.bot(workspace, id).await?.ok_or(NotShown::Unknown)?;
        match Commandable::of(&bot) {
            Commandable::Yes => {}
            Commandable::NotYet => return Err(NotShown::NotStarted),
            Commandable::NoLonger => return Err(NotShown::Ended),
        }
        let sealed = match picture {
            None => None,
            Some(picture) => {
                let picture = picture.prepare().await.map_err(NotShown::Picture)?;
                Some(picture.seal(&parts.broker.vault, workspace, id))
            }
        };
        let changed = parts.store.set_picture(workspace, id, sealed.as_ref()).await?;
        let bot = changed.ok_or(NotShown::Unknown)?;
        self.poke(id);
        OpenedBot::open(parts, bot).map_err(NotShown::Failed)
    }
}
