//! Which participants of a meeting are bots of this installation.

use async_trait::async_trait;
use model::{BotId, MeetingNumber, Timestamp};

use crate::{Lease, StoreError};

/// Places of running bots in meetings. Across tenants: a bot learns of the others that they are bots, and no more.
#[async_trait]
pub trait BotPlaces {
    /// Records under the lease which participant a bot is: Zoom's number of it in the meeting. Answers whether the lease is held.
    async fn take_place(
        &self,
        bot: BotId,
        lease: &Lease,
        meeting: MeetingNumber,
        zoom_user: u32,
    ) -> Result<bool, StoreError>;

    /// The participants of a meeting that are running bots. A bot whose lease has ended is none.
    async fn places_of_bots(&self, meeting: MeetingNumber, now: Timestamp) -> Result<Vec<u32>, StoreError>;
}
