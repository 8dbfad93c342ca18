//! Turns at Zoom's token endpoint, which has a limit for each app that Zoom doesn't publish.
//!
//! Calls of one app are spread evenly. Whoever is waited for by a caller books the next turn; the refresher books one
//! at a time, so that a storm of due accounts delays a caller by one turn and not by thousands.

use std::{
    collections::HashMap,
    num::NonZeroU32,
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use model::{Code, Environment, Failure, Timestamp, ZoomOauthAppId};

/// A caller who would wait longer is told to come back.
const PATIENCE: Duration = Duration::from_secs(3);

/// Who wants a turn.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Urgency {
    /// Somebody waits for a token.
    Caller,
    /// It is only due.
    Due,
}

/// The turns of every app.
pub(crate) struct Pace {
    spacing: Duration,
    lanes: Mutex<HashMap<ZoomOauthAppId, Arc<Lane>>>,
}

#[derive(Default)]
struct Lane {
    /// When the next turn is.
    next: Mutex<Option<Timestamp>>,
    /// Held by the one refresh that is due and waits for its turn.
    due: tokio::sync::Mutex<()>,
}

impl Pace {
    /// At most `per_second` calls in any second. A little less, because calls that leave evenly don't arrive so.
    pub(crate) fn new(per_second: NonZeroU32) -> Self {
        Self { spacing: Duration::from_millis(1030) / per_second.get(), lanes: Mutex::default() }
    }

    /// Waits for a turn.
    pub(crate) async fn turn(
        &self,
        app: ZoomOauthAppId,
        urgency: Urgency,
        env: &Environment,
    ) -> Result<(), Failure> {
        let lane =
            Arc::clone(self.lanes.lock().unwrap_or_else(PoisonError::into_inner).entry(app).or_default());
        let _one_at_a_time = match urgency {
            Urgency::Caller => None,
            Urgency::Due => Some(lane.due.lock().await),
        };
        let wait = lane.book(self.spacing, urgency, env.now())?;
        if !wait.is_zero() {
            env.clock.sleep(wait).await;
        }
        Ok(())
    }
}

impl Lane {
    /// Takes the next free turn; answers how far away it is.
    fn book(&self, spacing: Duration, urgency: Urgency, now: Timestamp) -> Result<Duration, Failure> {
        let mut next = self.next.lock().unwrap_or_else(PoisonError::into_inner);
        let turn = next.map_or(now, |next| next.max(now));
        let wait = turn.since(now);
        if urgency == Urgency::Caller && wait > PATIENCE {
            let full = Failure::new(Code::ZoomRateLimited, "too many callers wait for refreshes of this app");
            return Err(Failure { retry_after: Some(wait), ..full });
        }
        *next = Some(turn + spacing);
        Ok(wait)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn waits(lane: &Lane, now: Timestamp, callers: usize) -> Vec<Option<u128>> {
        let spacing = Duration::from_millis(100);
        (0..callers)
            .map(|_| lane.book(spacing, Urgency::Caller, now).ok().map(|wait| wait.as_millis()))
            .collect()
    }

    #[test]
    fn turns_are_spread_and_do_not_pile_up() {
        let (lane, now) = (Lane::default(), Timestamp::from_second(1000));
        assert_eq!(waits(&lane, now, 3), [Some(0), Some(100), Some(200)]);
        let later = now + Duration::from_secs(60);
        assert_eq!(waits(&lane, later, 2), [Some(0), Some(100)], "a quiet minute saves up nothing");
    }

    #[test]
    fn who_would_wait_too_long_is_sent_away_and_takes_no_turn() {
        let (lane, now) = (Lane::default(), Timestamp::from_second(1000));
        let waits = waits(&lane, now, 40);
        assert_eq!(waits.iter().flatten().max(), Some(&3000));
        assert_eq!(waits.iter().filter(|wait| wait.is_none()).count(), 9);
        assert!(lane.book(Duration::ZERO, Urgency::Due, now).is_ok(), "the refresher has time");
    }
}
