//! Bots that exist, each with its request.

use model::{BotId, Failure, WorkspaceId};
use store::{Bot, BotFilter};

use crate::{BotRequest, Parts, Supervisor};

/// A bot: its row, and the request that the row holds sealed.
#[derive(Debug)]
pub struct OpenedBot {
    /// As it is stored.
    pub row: Bot,
    /// What it was asked to do.
    pub request: BotRequest,
}

/// One page of a list.
#[derive(Debug)]
pub struct OpenedPage {
    /// The bots, newest first.
    pub bots: Vec<OpenedBot>,
    /// How many there are on all pages.
    pub count: u64,
}

impl OpenedBot {
    pub(crate) fn open(parts: &Parts, row: Bot) -> Result<Self, Failure> {
        let request = BotRequest::open(&parts.broker.vault, row.workspace, row.id, &row.request)?;
        Ok(Self { row, request })
    }
}

impl Supervisor {
    /// A bot of the workspace. Another workspace's is `None`, like one that is unknown.
    pub async fn find(&self, workspace: WorkspaceId, id: BotId) -> Result<Option<OpenedBot>, Failure> {
        let row = self.parts.store.bot(workspace, id).await?;
        row.map(|row| OpenedBot::open(&self.parts, row)).transpose()
    }

    /// The workspace's bots, newest first; `page` counts from 0.
    pub async fn list(
        &self,
        workspace: WorkspaceId,
        filter: &BotFilter,
        page: u64,
        page_size: u64,
    ) -> Result<OpenedPage, Failure> {
        let found = self.parts.store.bots(workspace, filter, page, page_size).await?;
        let opened = found.bots.into_iter().map(|row| OpenedBot::open(&self.parts, row));
        Ok(OpenedPage { bots: opened.collect::<Result<_, _>>()?, count: found.count })
    }
}
