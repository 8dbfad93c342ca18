//! Bots and what became of them.

use std::collections::BTreeMap;

use async_trait::async_trait;
use model::{BotId, BotStatus, LeaseToken, ScreenshotId, Sealed, StatusChange, Timestamp, WorkspaceId};

use crate::{Digest, Lease, StoreError};

/// A bot: what was asked for, and the steps so far.
#[derive(Debug, Clone)]
pub struct Bot {
    /// Its id.
    pub id: BotId,
    /// The tenant.
    pub workspace: WorkspaceId,
    /// The request as it was accepted, JSON. Sealed as a whole: links and callback URLs carry secrets.
    pub request: Sealed,
    /// Hash of the meeting link, for the list's filter.
    pub meeting_digest: Digest,
    /// When it shall join; at once when `None`.
    pub join_at: Option<Timestamp>,
    /// The caller's own labels.
    pub metadata: BTreeMap<String, String>,
    /// Every step, oldest first; the first is `ready`.
    pub status_changes: Vec<StatusChange>,
    /// When somebody told it to leave.
    pub leave_requested_at: Option<Timestamp>,
    /// Until when a server holds it. Of a bot that was just leased: until when a server held it that gave it back to nobody.
    pub leased_until: Option<Timestamp>,
    /// When it was made.
    pub created_at: Timestamp,
}

impl Bot {
    /// The latest step.
    pub fn status(&self) -> BotStatus {
        self.status_changes.last().map_or(BotStatus::Ready, |change| change.code)
    }
}

/// What a list of bots is narrowed to. Empty means all.
#[derive(Debug, Clone, Default)]
pub struct BotFilter {
    /// Latest status is one of these.
    pub status: Vec<BotStatus>,
    /// `join_at` is later.
    pub join_at_after: Option<Timestamp>,
    /// `join_at` is earlier.
    pub join_at_before: Option<Timestamp>,
    /// The meeting link is this one.
    pub meeting_digest: Option<Digest>,
    /// Every one of these labels is set.
    pub metadata: Vec<(String, String)>,
}

/// One page of a list.
#[derive(Debug, Clone)]
pub struct BotPage {
    /// The bots, newest first.
    pub bots: Vec<Bot>,
    /// How many there are on all pages.
    pub count: u64,
}

/// What came of recording a step.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Transition {
    /// It is recorded.
    Recorded,
    /// The lease is no longer held: whoever asks must stop.
    LeaseLost,
    /// [`BotStatus::may_become`] forbids it.
    Forbidden,
}

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

/// Bots.
#[async_trait]
pub trait Bots {
    /// Stores a new bot with its first step.
    async fn add_bot(&self, bot: &Bot) -> Result<(), StoreError>;

    /// A bot of the workspace.
    async fn bot(&self, workspace: WorkspaceId, id: BotId) -> Result<Option<Bot>, StoreError>;

    /// The workspace's bots, newest first; `page` counts from 0.
    async fn bots(
        &self,
        workspace: WorkspaceId,
        filter: &BotFilter,
        page: u64,
        page_size: u64,
    ) -> Result<BotPage, StoreError>;

    /// Claims up to `tokens.len()` bots that are due and that nobody holds, one token for each. The workspace with the
    /// fewest running bots comes first, and of a workspace the oldest; none gets more than its limit. Across tenants:
    /// asked by the supervisor.
    async fn lease_due_bots(
        &self,
        tokens: &[LeaseToken],
        now: Timestamp,
        expires_at: Timestamp,
    ) -> Result<Vec<(Bot, Lease)>, StoreError>;

    /// Claims up to `tokens.len()` bots that nobody holds and that will join no meeting any more: somebody told them to leave,
    /// or they were due, or their server was last heard of, before `missed_before`. No workspace's limit counts here: such a
    /// bot only needs its last step. Across tenants: asked by the supervisor.
    async fn lease_bots_to_close(
        &self,
        tokens: &[LeaseToken],
        missed_before: Timestamp,
        now: Timestamp,
        expires_at: Timestamp,
    ) -> Result<Vec<(Bot, Lease)>, StoreError>;

    /// Holds on to a bot until `expires_at`. Answers the row as it is now; `None` when the lease is lost.
    async fn renew_bot(
        &self,
        id: BotId,
        lease: &Lease,
        expires_at: Timestamp,
    ) -> Result<Option<Bot>, StoreError>;

    /// Gives a bot back, so that it can be claimed again at once.
    async fn release_bot(&self, id: BotId, lease: &Lease) -> Result<bool, StoreError>;

    /// Records a step under the lease. A terminal step ends the lease.
    async fn record_step(
        &self,
        id: BotId,
        lease: &Lease,
        step: &StatusChange,
    ) -> Result<Transition, StoreError>;

    /// Records that a server which runs bots is there, and forgets those that have not been since `forget_before`.
    async fn see_bot_server(
        &self,
        server: &str,
        now: Timestamp,
        forget_before: Timestamp,
    ) -> Result<(), StoreError>;

    /// When a server that runs bots was last there; `None` when there is none.
    async fn bot_server_seen_at(&self) -> Result<Option<Timestamp>, StoreError>;

    /// Asks a bot to leave; answers the row. Asking twice changes nothing.
    async fn request_leave(
        &self,
        workspace: WorkspaceId,
        id: BotId,
        now: Timestamp,
    ) -> Result<Option<Bot>, StoreError>;

    /// Records a picture.
    async fn add_screenshot(&self, bot: BotId, screenshot: &Screenshot) -> Result<(), StoreError>;

    /// A bot's pictures, oldest first.
    async fn screenshots(&self, workspace: WorkspaceId, bot: BotId) -> Result<Vec<Screenshot>, StoreError>;

    /// Deletes a bot's pictures; answers which, because their files have to follow.
    async fn delete_screenshots(
        &self,
        workspace: WorkspaceId,
        bot: BotId,
    ) -> Result<Vec<Screenshot>, StoreError>;

    /// Deletes pictures that were taken before `end`, the oldest first and at most `most`; answers how many.
    async fn forget_screenshots(&self, end: Timestamp, most: u32) -> Result<u64, StoreError>;

    /// Deletes bots whose last step was taken before `end`, with their steps and the rows of their pictures, the oldest first
    /// and at most `most`; answers how many.
    async fn forget_ended_bots(&self, end: Timestamp, most: u32) -> Result<u64, StoreError>;

    /// Which of these pictures are recorded, in any order. Across tenants: asked by whoever looks through the files.
    async fn recorded_screenshots(&self, ids: &[ScreenshotId]) -> Result<Vec<ScreenshotId>, StoreError>;
}
