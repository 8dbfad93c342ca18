//! Which participants of a meeting are bots of this installation.

use async_trait::async_trait;
use model::{BotId, MeetingNumber, Timestamp};

use crate::{Lease, StoreError};

/// Which participants of meetings are running bots. Across tenants: a bot learns only that the others are bots.
#[async_trait]
pub trait BotPlaces {
    /// Records under the lease which participant a bot is, by Zoom's number. Returns whether the lease is held.
    async fn take_place(
        &self,
        bot: BotId,
        lease: &Lease,
        meeting: MeetingNumber,
        zoom_user: u32,
    ) -> Result<bool, StoreError>;

    /// The participants of a meeting that are running bots. A bot whose lease has ended does not count.
    async fn places_of_bots(&self, meeting: MeetingNumber, now: Timestamp) -> Result<Vec<u32>, StoreError>;
}
