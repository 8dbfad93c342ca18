//! Bots that exist, each with its request.

use std::sync::Arc;

use model::{BotId, Failure, Timestamp, WorkspaceId};
use store::{Bot, BotFilter, BotOutcome, Bots, Digest};
use tenants::Vault;

use crate::request::BotRequest;

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
    pub(super) fn open(vault: &Vault, row: Bot) -> Result<Self, Failure> {
        let request = BotRequest::open(vault, row.workspace, row.id, &row.request)?;
        Ok(Self { row, request })
    }
}

/// A digest by which the bots of one meeting are found without opening their requests.
pub fn meeting_digest(meeting_url: &str) -> Digest {
    tenants::digest(meeting_url)
}

/// Reads bots.
pub struct Reader {
    pub(crate) store: Arc<dyn Bots + Send + Sync>,
    pub(crate) vault: Vault,
}

impl Reader {
    /// A bot of the workspace. Another workspace's is `None`, like one that is unknown.
    pub async fn find(&self, workspace: WorkspaceId, id: BotId) -> Result<Option<OpenedBot>, Failure> {
        let row = self.store.bot(workspace, id).await?;
        row.map(|row| OpenedBot::open(&self.vault, row)).transpose()
    }

    /// The workspace's bots, newest first; `page` counts from 0.
    pub async fn list(
        &self,
        workspace: WorkspaceId,
        filter: &BotFilter,
        page: u64,
        page_size: u64,
    ) -> Result<OpenedPage, Failure> {
        let found = self.store.bots(workspace, filter, page, page_size).await?;
        let opened = found.bots.into_iter().map(|row| OpenedBot::open(&self.vault, row));
        Ok(OpenedPage { bots: opened.collect::<Result<_, _>>()?, count: found.count })
    }

    /// How many bots of the workspace came into their meeting, were done or failed since this time, by hour and sub code.
    pub async fn outcomes(
        &self,
        workspace: WorkspaceId,
        since: Timestamp,
    ) -> Result<Vec<BotOutcome>, Failure> {
        Ok(self.store.bot_outcomes(workspace, since).await?)
    }
}
