//! Which participants of a meeting are bots of this installation.

use async_trait::async_trait;
use model::{BotId, MeetingNumber, Timestamp};

use crate::{Lease, StoreError};

/// Which participants of meetings are running bots. Across tenants: a bot learns only that the others are bots.
#[async_trait]
pub trait BotParticipants {
    /// Records under the lease which participant a bot is, by Zoom's number. Returns whether the lease is held.
    async fn record_bot_participant(
        &self,
        bot: BotId,
        lease: &Lease,
        meeting: MeetingNumber,
        zoom_user: u32,
    ) -> Result<bool, StoreError>;

    /// The participants of a meeting that are running bots. A bot whose lease has ended does not count.
    async fn bot_participants(&self, meeting: MeetingNumber, now: Timestamp) -> Result<Vec<u32>, StoreError>;
}
