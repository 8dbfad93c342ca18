//! The simulator's time: the wall clock plus an offset that the control API moves.

use std::sync::atomic::{AtomicI64, Ordering};
use std::time::Duration;

use jiff::Timestamp;

/// One point of Zoom's time, in the units of lifetimes and of events.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Moment {
    /// Precision: whole seconds.
    pub(crate) now: Timestamp,
    /// Milliseconds since 1970: the `event_ts` of an event at this time.
    pub(crate) unix_ms: i64,
}

/// Zoom's clock. Lifetimes of codes, tokens and signatures are checked against it (ours).
#[derive(Debug, Default)]
pub(crate) struct Clock {
    offset_seconds: AtomicI64,
}

impl Clock {
    /// Zoom's time: the wall clock plus the sum of all [`Clock::advance`] calls.
    pub(crate) fn now(&self) -> Timestamp {
        let shifted = wall().as_second().saturating_add(self.offset_seconds());
        Timestamp::from_second(shifted).unwrap_or(Timestamp::MAX)
    }

    /// Zoom's time in both forms.
    pub(crate) fn moment(&self) -> Moment {
        let unix_ms = Self::real_unix_ms().saturating_add(self.offset_seconds().saturating_mul(1000));
        Moment { now: self.now(), unix_ms }
    }

    /// Real time in milliseconds since 1970, without the offset: for measuring bots.
    pub(crate) fn real_unix_ms() -> i64 {
        wall().as_millisecond()
    }

    /// Moves Zoom's time by `seconds`; a negative number moves it back.
    pub(crate) fn advance(&self, seconds: i64) {
        self.offset_seconds.fetch_add(seconds, Ordering::SeqCst);
    }

    /// How far Zoom's time is ahead of the wall clock, in seconds.
    pub(crate) fn offset_seconds(&self) -> i64 {
        self.offset_seconds.load(Ordering::SeqCst)
    }

    /// Waits in real time: for the `delay` fault, for long polls, and for the next webhook.
    #[expect(clippy::disallowed_methods, reason = "the one place that waits")]
    pub(crate) async fn wait(duration: Duration) {
        tokio::time::sleep(duration).await;
    }
}

#[expect(clippy::disallowed_methods, reason = "the one place that reads the wall clock")]
fn wall() -> Timestamp {
    Timestamp::now()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_offset_moves_zooms_time_but_not_the_real_time() {
        let clock = Clock::default();
        let before = clock.now();
        clock.advance(86_400);
        let after = clock.now();
        assert!(after.as_second() - before.as_second() >= 86_400);
        assert!(Clock::real_unix_ms() < after.as_millisecond());
        clock.advance(-86_400);
        assert_eq!(clock.offset_seconds(), 0);
    }
}
