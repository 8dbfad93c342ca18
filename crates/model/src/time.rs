//! Time as an argument.

use std::{
    fmt,
    future::Future,
    ops::{Add, Sub},
    pin::Pin,
    str::FromStr,
    sync::{LazyLock, Mutex, MutexGuard, PoisonError},
    time::{Duration, Instant, SystemTime, UNIX_EPOCH},
};

use serde::{Deserialize, Deserializer, Serialize, Serializer};
use tokio::sync::watch;

/// The largest difference between the clocks of two cooperating machines. A time that is further ahead was
/// written by a wrong clock.
pub const CLOCK_TOLERANCE: Duration = Duration::from_secs(30);

/// An instant in UTC, to the microsecond. Written `2026-01-31T12:00:00.000000Z`.
///
/// Every value can be written and read back: values outside the years 1 to 9998 are clamped, so that arithmetic
/// on external input can't make printing fail.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Timestamp(i64);

impl Timestamp {
    /// The earliest: the beginning of the year 1.
    pub const MIN: Self = Self(-62_135_596_800_000_000);
    /// The latest: the end of the year 9998.
    pub const MAX: Self = Self(253_370_764_799_999_999);

    /// From microseconds since 1970.
    pub const fn from_microsecond(microseconds: i64) -> Self {
        if microseconds < Self::MIN.0 {
            Self::MIN
        } else if microseconds > Self::MAX.0 {
            Self::MAX
        } else {
            Self(microseconds)
        }
    }

    /// From whole seconds since 1970.
    pub const fn from_second(seconds: i64) -> Self {
        Self::from_microsecond(seconds.saturating_mul(1_000_000))
    }

    /// Microseconds since 1970.
    pub const fn as_microsecond(self) -> i64 {
        self.0
    }

    /// Whole seconds since 1970.
    pub const fn as_second(self) -> i64 {
        self.0.div_euclid(1_000_000)
    }

    /// How long ago `earlier` was; zero when it is in the future.
    pub fn since(self, earlier: Self) -> Duration {
        Duration::from_micros(u64::try_from(self.0.saturating_sub(earlier.0)).unwrap_or(0))
    }

    /// Whether this is so far after `now` that it must have been written by a wrong clock.
    pub fn is_from_the_future(self, now: Self) -> bool {
        self.since(now) > CLOCK_TOLERANCE
    }

    /// Whether this was less than `span` ago. False for a time in the future, whose age is unknown.
    pub fn was_within(self, span: Duration, now: Self) -> bool {
        !self.is_from_the_future(now) && now.since(self) < span
    }

    /// Whether this end of a lease or a pause of at most `longest` is still in the future. An end further
    /// ahead was written by a wrong clock and is ignored.
    pub fn holds(self, longest: Duration, now: Self) -> bool {
        self > now && self.since(now) <= longest.saturating_add(CLOCK_TOLERANCE)
    }
}

impl Add<Duration> for Timestamp {
    type Output = Self;
    fn add(self, span: Duration) -> Self {
        Self::from_microsecond(self.0.saturating_add(i64::try_from(span.as_micros()).unwrap_or(i64::MAX)))
    }
}

impl Sub<Duration> for Timestamp {
    type Output = Self;
    fn sub(self, span: Duration) -> Self {
        Self::from_microsecond(self.0.saturating_sub(i64::try_from(span.as_micros()).unwrap_or(i64::MAX)))
    }
}

impl fmt::Display for Timestamp {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let instant = jiff::Timestamp::from_microsecond(self.0).map_err(|_| fmt::Error)?;
        write!(f, "{instant:.6}")
    }
}

impl FromStr for Timestamp {
    type Err = jiff::Error;
    fn from_str(text: &str) -> Result<Self, Self::Err> {
        text.parse::<jiff::Timestamp>().map(|instant| Self::from_microsecond(instant.as_microsecond()))
    }
}

impl Serialize for Timestamp {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Timestamp {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        String::deserialize(deserializer)?.parse().map_err(serde::de::Error::custom)
    }
}

/// A wait for a clock.
pub type Sleep = Pin<Box<dyn Future<Output = ()> + Send>>;

/// The time, and waiting.
pub trait Clock: Send + Sync {
    /// The current time.
    fn now(&self) -> Timestamp;

    /// Monotonic time since some start, unaffected by setting the clock.
    fn elapsed(&self) -> Duration {
        self.now().since(Timestamp::MIN)
    }

    /// Resolves once `span` has passed on this clock.
    fn sleep(&self, span: Duration) -> Sleep;
}

impl dyn Clock + '_ {
    /// Runs `work` for at most `span`; `None` when time ran out.
    pub async fn timeout<T>(&self, span: Duration, work: impl Future<Output = T>) -> Option<T> {
        tokio::select! {
            biased;
            value = work => Some(value),
            () = self.sleep(span) => None,
        }
    }
}

/// The machine's clock.
#[derive(Debug, Clone, Copy)]
pub struct SystemClock;

impl Clock for SystemClock {
    #[expect(clippy::disallowed_methods, reason = "this is the one place that reads the ambient clock")]
    fn now(&self) -> Timestamp {
        let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
        Timestamp::from_microsecond(i64::try_from(since.as_micros()).unwrap_or(i64::MAX))
    }

    fn elapsed(&self) -> Duration {
        static BEGINNING: LazyLock<Instant> = LazyLock::new(now_of_the_machine);
        now_of_the_machine().saturating_duration_since(*BEGINNING)
    }

    #[expect(clippy::disallowed_methods, reason = "this is the one place that sleeps")]
    fn sleep(&self, span: Duration) -> Sleep {
        Box::pin(tokio::time::sleep(span))
    }
}

#[expect(clippy::disallowed_methods, reason = "this is the one place that reads the ambient clock")]
fn now_of_the_machine() -> Instant {
    Instant::now()
}

/// A clock that moves only when a test advances it. All components of a test share one.
#[derive(Debug)]
pub struct ManualClock {
    now: Mutex<Timestamp>,
    /// Waits use it, so their duration does not depend on changes of the clock.
    elapsed: watch::Sender<Duration>,
}

impl ManualClock {
    /// A clock that is stopped at `start`.
    pub fn new(start: Timestamp) -> Self {
        Self { now: Mutex::new(start), elapsed: watch::Sender::default() }
    }

    /// Advances the time by `span` and wakes the tasks whose wait is over.
    pub fn advance(&self, span: Duration) {
        // The lock is kept until both have moved, so that concurrent advances add up.
        let mut now = self.lock();
        *now = *now + span;
        self.elapsed.send_modify(|elapsed| *elapsed = elapsed.saturating_add(span));
    }

    /// Sets the clock, as an administrator would: no time passes.
    pub fn set(&self, to: Timestamp) {
        *self.lock() = to;
    }

    fn lock(&self) -> MutexGuard<'_, Timestamp> {
        self.now.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Clock for ManualClock {
    fn now(&self) -> Timestamp {
        *self.lock()
    }

    fn elapsed(&self) -> Duration {
        *self.elapsed.borrow()
    }

    fn sleep(&self, span: Duration) -> Sleep {
        let until = self.elapsed().saturating_add(span);
        let mut elapsed = self.elapsed.subscribe();
        Box::pin(async move {
            // The sender is dropped only when the test is over; then the wait never ends.
            if elapsed.wait_for(|elapsed| *elapsed >= until).await.is_err() {
                std::future::pending::<()>().await;
            }
        })
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use proptest::prelude::*;

    use super::{CLOCK_TOLERANCE, Timestamp};

    #[test]
    fn times_are_written_to_the_microsecond() {
        let time: Timestamp = "2026-01-31T12:00:00.5Z".parse().unwrap();
        assert_eq!(time.to_string(), "2026-01-31T12:00:00.500000Z");
        assert_eq!(Timestamp::from_second(0).to_string(), "1970-01-01T00:00:00.000000Z");
    }

    #[test]
    fn a_time_from_the_future_is_neither_recent_nor_a_valid_end() {
        let now = Timestamp::from_second(1_800_000_000);
        let (second, hour) = (Duration::from_secs(1), Duration::from_secs(3600));
        assert!((now - second).was_within(hour, now) && (now + CLOCK_TOLERANCE).was_within(hour, now));
        assert!(!(now - hour).was_within(hour, now));
        assert!(!(now + CLOCK_TOLERANCE + second).was_within(hour, now));
        assert!((now + second).holds(hour, now) && (now + hour + CLOCK_TOLERANCE).holds(hour, now));
        assert!(!now.holds(hour, now) && !(now + hour + CLOCK_TOLERANCE + second).holds(hour, now));
    }

    proptest! {
        #[test]
        fn every_number_is_a_time_that_can_be_written_and_read_back(
            number in any::<i64>(),
            seconds in any::<u64>(),
            nanoseconds in 0..1_000_000_000_u32,
        ) {
            let span = Duration::new(seconds, nanoseconds);
            for base in [Timestamp::from_microsecond(number), Timestamp::from_second(number)] {
                for time in [base, base + span, base - span] {
                    prop_assert_eq!(time.to_string().parse::<Timestamp>().unwrap(), time);
                }
            }
        }
    }
}
