//! Zoom's time, from the `Date` of its answers.
//!
//! Zoom checks signatures and lifetimes by its own clock. If ours differs by more than usual, it is corrected with the last
//! answers; an outlier among them (a cached answer, a slow connection) is ignored. After this machine's clock was set, or
//! the machine slept, earlier measurements are dropped.

use std::{
    collections::VecDeque,
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use jiff::fmt::rfc2822;
use model::{CLOCK_TOLERANCE, Environment, Timestamp};
use reqwest::header::{DATE, HeaderMap};

/// How many answers count: enough so that one of them may be wrong.
const SAMPLES: usize = 5;
/// Slower answers are ignored, because it is too uncertain when they were written.
const MAX_ROUND_TRIP: Duration = Duration::from_secs(5);
/// A larger difference is reported but not corrected, because something else is wrong.
const MAX_OFFSET: Duration = Duration::from_secs(24 * 3600);
/// How long a measurement counts. Free-running clocks drift by seconds a day.
const SAMPLE_TTL: Duration = Duration::from_secs(6 * 3600);
/// If the wall clock deviates from the elapsed time by more than this, it counts as set.
const CLOCK_STEP: Duration = Duration::from_secs(2);
/// `Date` is cut off to the second: half of one is right on average.
const HALF_A_SECOND: i64 = 500_000;

/// Zoom's clock. Clones share their measurements.
#[derive(Debug, Clone)]
pub struct ZoomClock {
    env: Environment,
    samples: Arc<Mutex<VecDeque<Sample>>>,
    /// Whether the last difference was too large, so that it is logged once.
    apart: Arc<Mutex<bool>>,
}

/// The measurement from one answer.
#[derive(Debug, Clone, Copy)]
struct Sample {
    /// Microseconds by which Zoom's clock is ahead of ours.
    zoom_ahead: i64,
    /// The elapsed time of this machine at the measurement.
    taken_at: Duration,
    /// The start of this machine by its wall clock. If the value changes later, the clock was set.
    began: i64,
}

impl ZoomClock {
    pub(crate) fn new(env: Environment) -> Self {
        Self { env, samples: Arc::default(), apart: Arc::default() }
    }

    /// The time at Zoom: ours, corrected if the difference is larger than [`CLOCK_TOLERANCE`].
    pub fn now(&self) -> Timestamp {
        let now = self.env.now();
        match self.zoom_ahead() {
            Some(ahead) if ahead.unsigned_abs() > micros(MAX_OFFSET) => now,
            Some(ahead) if ahead.unsigned_abs() > micros(CLOCK_TOLERANCE) => {
                Timestamp::from_microsecond(now.as_microsecond().saturating_add(ahead))
            }
            _ => now,
        }
    }

    /// By how many seconds [`now`](Self::now) is later than our own clock, or earlier (negative).
    pub fn correction(&self) -> i64 {
        self.now().as_second() - self.env.now().as_second()
    }

    /// By how many seconds our clock is ahead of Zoom's, or behind (negative). `None` before the first answer.
    pub fn ahead_of_zoom(&self) -> Option<i64> {
        self.zoom_ahead().map(|ahead| ahead.saturating_neg() / 1_000_000)
    }

    /// Whether the difference is so large that a person should set our clock.
    pub fn is_apart(&self) -> bool {
        self.ahead_of_zoom().is_some_and(|seconds| seconds.unsigned_abs() > CLOCK_TOLERANCE.as_secs())
    }

    /// The median of the samples that still count. If their number is even, the newest is left out, so that one sample alone
    /// changes nothing.
    fn zoom_ahead(&self) -> Option<i64> {
        let mut samples = self.samples.lock().unwrap_or_else(PoisonError::into_inner);
        let (elapsed, began) = (self.env.clock.elapsed(), self.began());
        samples.retain(|sample| {
            sample.began.abs_diff(began) <= micros(CLOCK_STEP)
                && elapsed.saturating_sub(sample.taken_at) <= SAMPLE_TTL
        });
        let odd = samples.len().checked_sub(1)? / 2 * 2 + 1;
        let mut ahead: Vec<i64> = samples.iter().take(odd).map(|sample| sample.zoom_ahead).collect();
        ahead.sort_unstable();
        ahead.get(odd / 2).copied()
    }

    fn began(&self) -> i64 {
        let elapsed = i64::try_from(self.env.clock.elapsed().as_micros()).unwrap_or(i64::MAX);
        self.env.now().as_microsecond().saturating_sub(elapsed)
    }

    /// Measures from the headers of an answer to a request that was sent at `sent_at`.
    pub(crate) fn observe_date(&self, headers: &HeaderMap, sent_at: Timestamp) {
        let now = self.env.now();
        let Some(date) = date(headers).filter(|_| now >= sent_at && now.since(sent_at) <= MAX_ROUND_TRIP)
        else {
            return;
        };
        let middle = sent_at + now.since(sent_at) / 2;
        let zoom_ahead =
            (date.as_microsecond().saturating_add(HALF_A_SECOND)).saturating_sub(middle.as_microsecond());
        let sample = Sample { zoom_ahead, taken_at: self.env.clock.elapsed(), began: self.began() };
        {
            let mut samples = self.samples.lock().unwrap_or_else(PoisonError::into_inner);
            samples.push_back(sample);
            if samples.len() > SAMPLES {
                samples.pop_front();
            }
        }
        let (is_apart, ahead) = (self.is_apart(), self.ahead_of_zoom());
        let mut apart = self.apart.lock().unwrap_or_else(PoisonError::into_inner);
        if std::mem::replace(&mut *apart, is_apart) != is_apart {
            if let (true, Some(seconds)) = (is_apart, ahead) {
                tracing::warn!(
                    ahead_seconds = seconds,
                    "this server's clock differs from Zoom's: set it, and keep it set (NTP)"
                );
            } else {
                tracing::info!("this server's clock agrees with Zoom's again");
            }
        }
    }

    /// Whether there was a measurement within `span`.
    pub(crate) fn was_observed_within(&self, span: Duration) -> bool {
        self.zoom_ahead().is_some() && {
            let samples = self.samples.lock().unwrap_or_else(PoisonError::into_inner);
            let elapsed = self.env.clock.elapsed();
            samples.back().is_some_and(|newest| elapsed.saturating_sub(newest.taken_at) <= span)
        }
    }
}

/// When an answer was written, by its sender's clock.
pub(crate) fn date(headers: &HeaderMap) -> Option<Timestamp> {
    let text = headers.get(DATE)?.to_str().ok()?;
    let instant = rfc2822::DateTimeParser::new().parse_timestamp(text).ok()?;
    Some(Timestamp::from_second(instant.as_second()))
}

fn micros(span: Duration) -> u64 {
    u64::try_from(span.as_micros()).unwrap_or(u64::MAX)
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use model::{Clock as _, ManualClock, SeededEntropy};

    use super::*;

    const START: Timestamp = Timestamp::from_second(1_800_000_000);

    struct Fixture {
        clock: Arc<ManualClock>,
        zoom: ZoomClock,
    }

    impl Fixture {
        fn new() -> Self {
            let clock = Arc::new(ManualClock::new(START));
            let env = Environment { clock: clock.clone(), entropy: Arc::new(SeededEntropy::new(1)) };
            Self { clock, zoom: ZoomClock::new(env) }
        }

        /// An answer whose `Date` is `ahead` seconds ahead of our clock.
        fn hear(&self, ahead: i64) {
            let at = jiff::Timestamp::from_second(self.clock.now().as_second() + ahead).unwrap();
            let text = at.strftime("%a, %d %b %Y %H:%M:%S GMT").to_string();
            let headers = HeaderMap::from_iter([(DATE, text.parse().unwrap())]);
            self.zoom.observe_date(&headers, self.clock.now());
        }

        /// The correction in use, in seconds.
        fn used(&self) -> i64 {
            self.zoom.now().as_second() - self.clock.now().as_second()
        }
    }

    #[test]
    fn only_a_large_difference_is_corrected() {
        for (ahead, used) in [(0, 0), (29, 0), (-29, 0), (45, 45), (-45, -45), (3600, 3600), (200_000, 0)] {
            let fixture = Fixture::new();
            assert_eq!((fixture.used(), fixture.zoom.ahead_of_zoom()), (0, None), "no answer had the time");
            fixture.hear(ahead);
            assert_eq!(fixture.used(), used);
            // `Date` has no fraction, so it is right to the second.
            assert!((fixture.zoom.ahead_of_zoom().unwrap() + ahead).abs() <= 1, "{ahead}");
            assert_eq!(fixture.zoom.is_apart(), ahead.abs() > 30, "{ahead}");
        }
    }

    #[test]
    fn one_wrong_answer_changes_nothing_and_several_do() {
        let fixture = Fixture::new();
        for (ahead, used) in [(0, 0), (-3600, 0), (0, 0), (0, 0), (900, 0), (900, 0), (900, 900)] {
            fixture.hear(ahead);
            assert_eq!(fixture.used(), used, "{ahead}");
        }
    }

    #[test]
    fn measurements_from_before_the_clock_was_set_are_dropped() {
        let fixture = Fixture::new();
        fixture.hear(600);
        fixture.clock.advance(Duration::from_secs(3600));
        assert_eq!(fixture.used(), 600, "time passes");
        fixture.clock.set(fixture.clock.now() + Duration::from_secs(600));
        assert_eq!((fixture.used(), fixture.zoom.ahead_of_zoom()), (0, None), "the clock was corrected");
        fixture.hear(0);
        assert_eq!(fixture.used(), 0);
        fixture.clock.advance(SAMPLE_TTL + Duration::from_secs(1));
        assert_eq!(fixture.zoom.ahead_of_zoom(), None, "too long ago");
    }

    #[test]
    fn a_missing_or_odd_date_is_ignored() {
        let fixture = Fixture::new();
        fixture.zoom.observe_date(&HeaderMap::new(), START);
        for odd in ["", "now", "1800000000", "Sat, 99 Jan 2026 12:00:00 GMT"] {
            fixture.zoom.observe_date(&HeaderMap::from_iter([(DATE, odd.parse().unwrap())]), START);
        }
        assert_eq!(fixture.zoom.ahead_of_zoom(), None);
    }
}
