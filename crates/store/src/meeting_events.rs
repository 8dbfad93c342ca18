//! What happened in the meetings of bots: rows of several events each, sealed.

use std::time::Duration;

use async_trait::async_trait;
use model::{BotId, Captions, MeetingEventsId, Sealed, Timestamp, WorkspaceId};

use crate::{Lease, StoreError};

/// Some of what happened in a bot's meeting, in order.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MeetingEventBatch {
    /// Its id: the same when a write is tried again.
    pub id: MeetingEventsId,
    /// Whose meeting it is.
    pub bot: BotId,
    /// The tenant.
    pub workspace: WorkspaceId,
    /// The number of the first event.
    pub first: u64,
    /// The number of the last.
    pub last: u64,
    /// The events, JSON. Sealed: they hold names, and what people wrote and said. Empty once erased.
    pub events: Sealed,
    /// Whether the bot gets captions, as of the last event; `None` if nobody asked or knows.
    pub captions: Option<Captions>,
    /// How long they are kept after the bot's end.
    pub kept_for: Duration,
}

/// What came of adding a batch.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Appended {
    /// It is stored, maybe by an earlier try whose answer was lost.
    Recorded,
    /// The lease is no longer held: the caller must stop.
    LeaseLost,
    /// The bot has events with these numbers, or later ones: another server has written since the caller has read.
    Late,
}

/// The last row of a bot's events, without them.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct MeetingEventsSummary {
    /// The bot.
    pub bot: BotId,
    /// The number of its last event; it stays when the events are erased.
    pub last: u64,
    /// Whether it got captions.
    pub captions: Option<Captions>,
    /// How long its events are kept after its end.
    pub kept_for: Duration,
    /// Whether they are erased.
    pub erased: bool,
}

/// What happened in meetings.
#[async_trait]
pub trait MeetingEvents {
    /// Adds a batch under the bot's lease, and wakes the bot's real-time endpoints. Its numbers are greater than all that are
    /// there.
    async fn append_meeting_events(
        &self,
        lease: &Lease,
        batch: &MeetingEventBatch,
        now: Timestamp,
    ) -> Result<Appended, StoreError>;

    /// A bot's batches with events whose number is greater than `after`, in order and at most `most`. The first may begin with
    /// earlier ones. What is erased is left out.
    async fn meeting_events(
        &self,
        workspace: WorkspaceId,
        bot: BotId,
        after: u64,
        most: u32,
    ) -> Result<Vec<MeetingEventBatch>, StoreError>;

    /// Those of these bots of the workspace that have or had events, in any order.
    async fn meeting_events_summaries(
        &self,
        workspace: WorkspaceId,
        bots: &[BotId],
    ) -> Result<Vec<MeetingEventsSummary>, StoreError>;

    /// Erases a bot's events. Returns whether there were any. Their numbers are not given again.
    async fn erase_meeting_events(&self, workspace: WorkspaceId, bot: BotId) -> Result<bool, StoreError>;

    /// Erases the events of bots that ended so long ago as their rows say, at most `most` bots; answers how many. Across
    /// tenants.
    async fn forget_meeting_events(&self, now: Timestamp, most: u32) -> Result<u64, StoreError>;
}
