//! Bots and their status changes. [`crate::BotLeases`] says which server runs them.

use std::collections::BTreeMap;

use async_trait::async_trait;
use model::{BotId, BotStatus, CredentialId, PoolId, Sealed, StatusChange, SubCode, Timestamp, WorkspaceId};

use crate::{Digest, StoreError, event_bodies::AtStake};

/// A bot: the request and its status changes so far.
#[derive(Debug, Clone)]
pub struct Bot {
    /// Its id.
    pub id: BotId,
    /// The tenant.
    pub workspace: WorkspaceId,
    /// The accepted request as JSON. It is sealed as a whole, because links and callback URLs
    /// contain secrets.
    pub request: Sealed,
    /// Hash of the meeting link, for the list's filter.
    pub meeting_digest: Digest,
    /// When it joins; `None` means at once.
    pub join_at: Option<Timestamp>,
    /// The caller's own labels.
    pub metadata: BTreeMap<String, String>,
    /// The account or the pool that it signs in with, as the request says.
    pub signs_in_with: SignsInWith,
    /// Every step, oldest first; the first is `ready`.
    pub status_changes: Vec<StatusChange>,
    /// When a caller asked it to leave.
    pub leave_requested_at: Option<Timestamp>,
    /// When the current lease ends. On a row that was just leased: when the previous lease ended
    /// without having been released.
    pub leased_until: Option<Timestamp>,
    /// Grows with each change of the bot's output ([`crate::BotOutputs`]), so that its server reads it again.
    pub output_revision: u32,
    /// When it was made.
    pub created_at: Timestamp,
}

impl Bot {
    /// The latest step.
    pub fn status(&self) -> BotStatus {
        self.status_changes.last().map_or(BotStatus::Ready, |change| change.code)
    }

    /// The last sub code of its steps.
    pub fn sub_code(&self) -> Option<SubCode> {
        self.status_changes.iter().rev().find_map(|change| change.sub_code)
    }
}

/// What a bot signs in with, stored unsealed next to the sealed request. Rows of older versions have neither.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct SignsInWith {
    /// The account.
    pub account: Option<CredentialId>,
    /// The pool.
    pub pool: Option<PoolId>,
}

/// How many bots took a step in an hour.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BotOutcome {
    /// The beginning of the hour.
    pub hour: Timestamp,
    /// The step: in the meeting, done, or fatal.
    pub code: BotStatus,
    /// Why.
    pub sub_code: Option<SubCode>,
    /// How many.
    pub bots: u64,
}

/// The filter of a list of bots. Empty means all.
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
    /// The latest sub code of its steps is this one.
    pub sub_code: Option<SubCode>,
    /// It signs in with this account.
    pub account: Option<CredentialId>,
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

/// The new values of a bot.
#[derive(Debug, Clone)]
pub struct BotChange {
    /// The new request, sealed.
    pub request: Sealed,
    /// Hash of the meeting link.
    pub meeting_digest: Digest,
    /// When it joins; `None` means at once.
    pub join_at: Option<Timestamp>,
    /// The caller's own labels.
    pub metadata: BTreeMap<String, String>,
    /// The account or the pool that it signs in with.
    pub signs_in_with: SignsInWith,
    /// The change of its picture.
    pub picture: PictureChange,
}

/// The change of a bot's picture.
#[derive(Debug, Clone)]
pub enum PictureChange {
    /// No change, whether there is a picture or not.
    Keep,
    /// The picture is removed.
    Remove,
    /// This picture replaces it. Sealed.
    Show(Sealed),
}

/// The result of changing or cancelling a bot.
#[derive(Debug, Clone)]
pub enum BotChanged {
    /// It is changed. Holds the current row, or the last one of a cancelled bot.
    Done(Bot),
    /// Another caller changed the request in the meantime. Read it again.
    Meanwhile,
    /// The bot has taken its first step towards a meeting, or was asked to leave.
    TooLate(Bot),
    /// The workspace has no such bot.
    Unknown,
}

/// Bots.
#[async_trait]
pub trait Bots {
    /// Stores a new bot with its first step and its picture.
    async fn add_bot(&self, bot: &Bot, picture: Option<&Sealed>) -> Result<(), StoreError>;

    /// A bot of the workspace.
    async fn bot(&self, workspace: WorkspaceId, id: BotId) -> Result<Option<Bot>, StoreError>;

    /// A page of the workspace's bots, newest first; `page` counts from 0.
    async fn bots(
        &self,
        workspace: WorkspaceId,
        filter: &BotFilter,
        page: u64,
        page_size: u64,
    ) -> Result<BotPage, StoreError>;

    /// The scheduled bots that use this account or a pool that it belongs to: their number, and the next `most` of them.
    async fn at_stake(
        &self,
        workspace: WorkspaceId,
        account: CredentialId,
        now: Timestamp,
        most: u32,
    ) -> Result<AtStake, StoreError>;

    /// How many bots of the workspace joined their meeting, were done or failed, by hour and sub code. A bot that joined
    /// several times counts in each hour in which it did.
    async fn bot_outcomes(
        &self,
        workspace: WorkspaceId,
        since: Timestamp,
    ) -> Result<Vec<BotOutcome>, StoreError>;

    /// Changes a bot that is [`BotStatus::Ready`] and whose request is still `old`, and ends its lease. The step to
    /// [`BotStatus::JoiningCall`] is recorded under the lease before a page opens. So a bot either joins as it was before
    /// the change, or joins only after it has been leased again.
    async fn change_bot(
        &self,
        workspace: WorkspaceId,
        id: BotId,
        old: &Sealed,
        change: &BotChange,
    ) -> Result<BotChanged, StoreError>;

    /// Deletes a bot that is [`BotStatus::Ready`]. A server that has leased it can record no step any more.
    async fn cancel_bot(&self, workspace: WorkspaceId, id: BotId) -> Result<BotChanged, StoreError>;

    /// Asks a bot to leave and returns its row. A second call changes nothing.
    async fn request_leave(
        &self,
        workspace: WorkspaceId,
        id: BotId,
        now: Timestamp,
    ) -> Result<Option<Bot>, StoreError>;

    /// Deletes bots whose last step was recorded before `end`, with their steps and the rows of
    /// their pictures, oldest first, at most `most`; returns how many.
    async fn forget_ended_bots(&self, end: Timestamp, most: u32) -> Result<u64, StoreError>;
}
