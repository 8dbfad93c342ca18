//! Refreshes what is due: ahead of time for accounts in use, now and then for idle ones, and again what failed.
//!
//! Every process runs one. A claim puts the account off in the store, so that no other process finds it; if this one
//! dies, it is due again. The refresh itself is a flight like any other, under the row's lease.

use std::{convert::Infallible, sync::Arc, time::Duration};

use model::Failure;
use store::Due;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

use crate::{Broker, refresh::Errand, schedule};

/// How often an idle refresher looks.
const LOOK: Duration = Duration::from_secs(1);
/// How long a claim keeps others away: longer than a full house takes at the slowest sensible pace.
const CLAIM: Duration = Duration::from_secs(180);
/// How many accounts are on their way at once, waiting for their turn included.
const ROOM: u32 = 256;

impl Broker {
    /// Refreshes what is due for as long as it is polled. A store that is away costs a look.
    pub async fn tend_accounts(self: &Arc<Self>) -> Infallible {
        let room = Arc::new(Semaphore::new(ROOM as usize));
        loop {
            // Half of the room, so that the next claim is made while the turns of this one are still taken.
            let free = Arc::clone(&room).acquire_many_owned(ROOM / 2).await.expect("never closed");
            match self.refresh_due_into(free).await {
                Ok(claimed) if claimed >= ROOM / 2 => {}
                Ok(_) => self.env.clock.sleep(LOOK).await,
                Err(error) => {
                    tracing::warn!(%error, "the refresher could not look for due accounts");
                    self.env.clock.sleep(LOOK).await;
                }
            }
        }
    }

    /// Claims what is due and sets off its refreshes, which go on as tasks of the process. Answers how many.
    pub async fn refresh_due(self: &Arc<Self>) -> Result<u32, Failure> {
        let room = Arc::new(Semaphore::new(ROOM as usize));
        let free = room.acquire_many_owned(ROOM).await.expect("never closed");
        self.refresh_due_into(free).await
    }

    async fn refresh_due_into(self: &Arc<Self>, mut room: OwnedSemaphorePermit) -> Result<u32, Failure> {
        let now = self.env.now();
        let until = now + schedule::part(&self.env, CLAIM, 900..1000);
        let limit = u32::try_from(room.num_permits()).unwrap_or(ROOM);
        let due = self.store.claim_due(now, until, limit).await?;
        let claimed = u32::try_from(due.len()).unwrap_or(u32::MAX);
        for due in due {
            let seat = room.split(1).expect("no more were claimed than there is room for");
            let broker = Arc::clone(self);
            self.tasks.spawn(async move {
                broker.refresh_in_turn(due).await;
                drop(seat);
            });
        }
        Ok(claimed)
    }

    /// Waits for a turn before the flight begins: whoever asks for this account meanwhile need not wait in the queue.
    async fn refresh_in_turn(self: &Arc<Self>, due: Due) {
        let turn = tokio::select! {
            turn = self.token_turn_in_queue(due.app) => turn,
            // Nothing has begun; it is due again when the claim lapses.
            () = self.stopping.cancelled() => return,
        };
        let refreshed =
            async { self.fly(due.workspace, due.credential, Some(due.generation), Errand::Due(turn?)).await };
        if let Err(error) = refreshed.await {
            // The row says when it is due again.
            tracing::info!(credential = %due.credential, %error, "a due refresh came to nothing");
        }
    }

    /// Lets what waits for its turn go, so that a stop need not wait for it. What has begun comes to its end.
    pub fn stop_refreshing(&self) {
        self.stopping.cancel();
    }
}
