//! Events in the meetings of bots. A row contains several events, sealed.

use std::time::Duration;

use async_trait::async_trait;
use model::{BotId, Captions, MeetingEventsId, Sealed, Timestamp, WorkspaceId};

use crate::{Lease, StoreError};

/// Consecutive events of a bot's meeting.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MeetingEventBatch {
    /// Its id: the same when a write is retried.
    pub id: MeetingEventsId,
    /// The bot.
    pub bot: BotId,
    /// The tenant.
    pub workspace: WorkspaceId,
    /// The number of the first event.
    pub first: u64,
    /// The number of the last.
    pub last: u64,
    /// The events, JSON. Sealed: they contain names, and what people wrote and said. Empty once erased.
    pub events: Sealed,
    /// Whether the bot gets captions, as of the last event; `None` if they were not requested, or if it is not known.
    pub captions: Option<Captions>,
    /// How long they are stored after the bot's end.
    pub kept_for: Duration,
}

/// The result of adding a batch.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Appended {
    /// It is stored, maybe by an earlier attempt whose answer was lost.
    Recorded,
    /// The lease has ended: the caller must stop.
    LeaseLost,
    /// The bot already has events with these or greater numbers: another server has written since the caller read them.
    Late,
}

/// The last row of a bot's events, without the events.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct MeetingEventsSummary {
    /// The bot.
    pub bot: BotId,
    /// The number of its last event. It remains when the events are erased.
    pub last: u64,
    /// Whether it got captions.
    pub captions: Option<Captions>,
    /// How long its events are stored after its end.
    pub kept_for: Duration,
    /// Whether they are erased.
    pub erased: bool,
}

/// Events in meetings.
#[async_trait]
pub trait MeetingEvents {
    /// Adds a batch under the bot's lease, and makes the bot's real-time endpoints due. Its numbers must be greater than all
    /// stored ones.
    async fn append_meeting_events(
        &self,
        lease: &Lease,
        batch: &MeetingEventBatch,
        now: Timestamp,
    ) -> Result<Appended, StoreError>;

    /// A bot's batches with events whose number is greater than `after`, in order and at most `most`. The first may begin
    /// with earlier ones. Erased batches are left out.
    async fn meeting_events(
        &self,
        workspace: WorkspaceId,
        bot: BotId,
        after: u64,
        most: u32,
    ) -> Result<Vec<MeetingEventBatch>, StoreError>;

    /// Summaries of those of these bots of the workspace that have or had events, in any order.
    async fn meeting_events_summaries(
        &self,
        workspace: WorkspaceId,
        bots: &[BotId],
    ) -> Result<Vec<MeetingEventsSummary>, StoreError>;

    /// Erases a bot's events. Returns whether there were any. Their numbers are not used again.
    async fn erase_meeting_events(&self, workspace: WorkspaceId, bot: BotId) -> Result<bool, StoreError>;

    /// Erases the events of bots that ended longer ago than their rows' `kept_for`, at most `most` bots; returns how many.
    /// Across tenants.
    async fn forget_meeting_events(&self, now: Timestamp, most: u32) -> Result<u64, StoreError>;
}
