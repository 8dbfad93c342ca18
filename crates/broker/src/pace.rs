//! Turns at Zoom's token endpoint, which limits each app to so many calls a second.
//!
//! A lane has one slot for each call that is allowed in a second. A slot is free again one second after the *answer* to its
//! last call: whatever the network does in between, Zoom can't have counted both in one second. Calls are spread evenly
//! besides. Callers who are waited for take the next slot; what is only due queues up, and its first alone waits for a slot, so
//! that a storm of due accounts delays a caller by one turn and not by thousands.

use std::{
    collections::{HashMap, VecDeque},
    num::NonZeroU32,
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use model::{Code, Environment, Failure, Timestamp, ZoomOauthAppId};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

/// What a limit "per second" counts in.
const SECOND: Duration = Duration::from_secs(1);
/// A caller who would wait longer is told to come back.
const PATIENCE: Duration = Duration::from_secs(3);

/// The turns of every app.
pub(crate) struct Pace {
    per_second: NonZeroU32,
    lanes: Mutex<HashMap<ZoomOauthAppId, Arc<Lane>>>,
}

struct Lane {
    slots: Arc<Semaphore>,
    times: Mutex<Times>,
    /// Held by the first of what can wait.
    queue: tokio::sync::Mutex<()>,
}

#[derive(Default)]
struct Times {
    /// When each slot that was used is free again, the soonest first.
    free: VecDeque<Timestamp>,
    /// How many slots were ever used.
    used: u32,
    /// The earliest next turn.
    next: Option<Timestamp>,
}

/// The right to one call. To be kept until its answer is there.
pub(crate) struct Turn {
    lane: Arc<Lane>,
    env: Environment,
    _slot: OwnedSemaphorePermit,
}

impl Pace {
    /// At most `per_second` calls in any second.
    pub(crate) fn new(per_second: NonZeroU32) -> Self {
        Self { per_second, lanes: Mutex::default() }
    }

    /// A turn for somebody who is waited for; a failure when it would take too long.
    pub(crate) async fn turn(&self, app: ZoomOauthAppId, env: &Environment) -> Result<Turn, Failure> {
        let lane = self.lane(app);
        if let Some(turn) = lane.take_at_once(self.per_second, env) {
            return Ok(turn);
        }
        env.clock.timeout(PATIENCE, lane.take(self.per_second, env)).await.ok_or_else(|| {
            let full = Failure::new(Code::ZoomRateLimited, "too many calls wait for a turn of this app");
            Failure { retry_after: Some(SECOND), ..full }
        })
    }

    /// A turn for what can wait.
    pub(crate) async fn turn_in_queue(&self, app: ZoomOauthAppId, env: &Environment) -> Turn {
        let lane = self.lane(app);
        let _first = lane.queue.lock().await;
        match lane.take_at_once(self.per_second, env) {
            Some(turn) => turn,
            None => lane.take(self.per_second, env).await,
        }
    }

    fn lane(&self, app: ZoomOauthAppId) -> Arc<Lane> {
        let mut lanes = self.lanes.lock().unwrap_or_else(PoisonError::into_inner);
        Arc::clone(lanes.entry(app).or_insert_with(|| Arc::new(Lane::new(self.per_second))))
    }
}

impl Lane {
    fn new(per_second: NonZeroU32) -> Self {
        let slots = Arc::new(Semaphore::new(per_second.get() as usize));
        Self { slots, times: Mutex::default(), queue: tokio::sync::Mutex::default() }
    }

    /// A turn that needs no waiting, if there is one.
    fn take_at_once(self: &Arc<Self>, per_second: NonZeroU32, env: &Environment) -> Option<Turn> {
        let slot = Arc::clone(&self.slots).try_acquire_owned().ok()?;
        let (mut times, now) = (self.times(), env.now());
        if times.turn(per_second, now) > now {
            return None;
        }
        times.book(per_second, now);
        Some(Turn { lane: Arc::clone(self), env: env.clone(), _slot: slot })
    }

    async fn take(self: &Arc<Self>, per_second: NonZeroU32, env: &Environment) -> Turn {
        let slot = Arc::clone(&self.slots).acquire_owned().await.expect("never closed");
        let wait = self.times().book(per_second, env.now());
        // From here on the slot is used: given up while it waits, it is free again a second later.
        let turn = Turn { lane: Arc::clone(self), env: env.clone(), _slot: slot };
        if !wait.is_zero() {
            env.clock.sleep(wait).await;
        }
        turn
    }

    fn times(&self) -> std::sync::MutexGuard<'_, Times> {
        self.times.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Times {
    /// When the next slot's turn would be.
    fn turn(&self, per_second: NonZeroU32, now: Timestamp) -> Timestamp {
        let free = if self.used < per_second.get() { None } else { self.free.front().copied() };
        now.max(free.unwrap_or(now)).max(self.next.unwrap_or(now))
    }

    /// Takes that slot; answers how far away its turn is.
    fn book(&mut self, per_second: NonZeroU32, now: Timestamp) -> Duration {
        let turn = self.turn(per_second, now);
        if self.used < per_second.get() {
            self.used += 1;
        } else {
            self.free.pop_front();
        }
        self.next = Some(turn + SECOND / per_second.get());
        turn.since(now)
    }
}

impl Drop for Turn {
    fn drop(&mut self) {
        self.lane.times().free.push_back(self.env.now() + SECOND);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const FOUR: NonZeroU32 = NonZeroU32::new(4).expect("not zero");

    /// When each of `calls` had its turn, in milliseconds, if each answer takes `latency`.
    fn turns(latency: Duration, calls: usize) -> Vec<u128> {
        let (mut times, start) = (Times::default(), Timestamp::from_second(1000));
        let (mut now, mut under_way, mut turns) = (start, VecDeque::new(), Vec::new());
        for _ in 0..calls {
            if under_way.len() == FOUR.get() as usize {
                let answered: Timestamp = under_way.pop_front().unwrap();
                times.free.push_back(answered + SECOND);
                now = now.max(answered);
            }
            now = now + times.book(FOUR, now);
            turns.push(now.since(start).as_millis());
            under_way.push_back(now + latency);
        }
        turns
    }

    #[test]
    fn turns_are_spread_evenly() {
        assert_eq!(turns(Duration::ZERO, 9), [0, 250, 500, 750, 1000, 1250, 1500, 1750, 2000]);
    }

    #[test]
    fn a_slot_is_free_a_second_after_its_answer() {
        let turns = turns(Duration::from_millis(80), 9);
        assert_eq!(turns[..4], [0, 250, 500, 750]);
        for (earlier, later) in turns.iter().zip(&turns[4..]) {
            assert!(later - earlier >= 1080, "{turns:?}");
        }
    }
}
