//! Reads bots with their requests.

use std::sync::Arc;

use model::{BotId, Failure, Timestamp, WorkspaceId};
use store::{Bot, BotFilter, BotOutcome, Bots, Digest};
use tenants::Vault;

use crate::request::BotRequest;

/// A bot: its row, and the decrypted request of the row.
#[derive(Debug)]
pub struct OpenedBot {
    /// The row, as it is stored.
    pub row: Bot,
    /// The request.
    pub request: BotRequest,
}

/// One page of a list.
#[derive(Debug)]
pub struct OpenedPage {
    /// The bots, newest first.
    pub bots: Vec<OpenedBot>,
    /// The number of bots on all pages.
    pub count: u64,
}

impl OpenedBot {
    pub(super) fn open(vault: &Vault, row: Bot) -> Result<Self, Failure> {
        let request = BotRequest::open(vault, row.workspace, row.id, &row.request)?;
        Ok(Self { row, request })
    }
}

/// A digest of a meeting's link, by which the bots of one meeting are found without decrypting their requests.
pub fn meeting_digest(meeting_url: &str) -> Digest {
    tenants::digest(meeting_url)
}

/// Reads bots.
pub struct Reader {
    pub(crate) store: Arc<dyn Bots + Send + Sync>,
    pub(crate) vault: Vault,
}

impl Reader {
    /// Reads a bot of the workspace. Returns `None` if the bot is unknown or belongs to another workspace.
    pub async fn find(&self, workspace: WorkspaceId, id: BotId) -> Result<Option<OpenedBot>, Failure> {
        let row = self.store.bot(workspace, id).await?;
        row.map(|row| OpenedBot::open(&self.vault, row)).transpose()
    }

    /// Lists the workspace's bots, newest first; `page` counts from 0.
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

    /// Counts the bots of the workspace that entered their meeting, were done or failed since this time, by hour and sub
    /// code.
    pub async fn outcomes(
        &self,
        workspace: WorkspaceId,
        since: Timestamp,
    ) -> Result<Vec<BotOutcome>, Failure> {
        Ok(self.store.bot_outcomes(workspace, since).await?)
    }
}
