//! Limits calls in a sliding minute.
//!
//! Calls are counted by the second, because `Retry-After` is in seconds: a finer count would give the same
//! answer. A key without calls for a minute takes no memory.

use std::{
    collections::{HashMap, VecDeque},
    hash::Hash,
    num::NonZeroU32,
    sync::{Mutex, PoisonError},
    time::Duration,
};

use model::Timestamp;

/// The seconds for which a call counts: a minute, and the rest of the second in which it came. So no sixty seconds
/// contain more calls than the limit.
const WINDOW: i64 = 61;
/// The maximum number of keys that are active in one minute, with at most half a kilobyte each. Further keys are refused.
const CAPACITY: usize = 1 << 18;

/// Counts the calls of each key in a sliding minute, in the memory of this process.
#[derive(Debug)]
pub struct Limiter<K> {
    windows: Mutex<Windows<K>>,
    capacity: usize,
}

#[derive(Debug)]
struct Windows<K> {
    of: HashMap<K, Window>,
    swept_at: i64,
}

/// The calls of one key: their number in each second, oldest first.
#[derive(Debug, Default)]
struct Window {
    seconds: VecDeque<(i64, u32)>,
    calls: u32,
}

impl<K> Default for Limiter<K> {
    fn default() -> Self {
        Self::with_capacity(CAPACITY)
    }
}

impl<K> Limiter<K> {
    /// Creates a limiter for at most `capacity` keys a minute.
    pub fn with_capacity(capacity: usize) -> Self {
        Self { windows: Mutex::new(Windows { of: HashMap::new(), swept_at: 0 }), capacity }
    }
}

impl<K: Clone + Eq + Hash> Limiter<K> {
    /// Counts a call of `key` unless it exceeds `limit` in a minute. Otherwise the call isn't counted, and
    /// the error says when a call will be admitted again if no other comes first.
    pub fn admit(&self, key: &K, limit: NonZeroU32, now: Timestamp) -> Result<(), Duration> {
        let second = now.as_second();
        let mut windows = self.windows.lock().unwrap_or_else(PoisonError::into_inner);
        windows.sweep(second, self.capacity);
        if let Some(window) = windows.of.get_mut(key) {
            window.forget(second);
            return window.count(limit, now);
        }
        if windows.of.len() >= self.capacity {
            return Err(Duration::from_secs(1));
        }
        let mut window = Window::default();
        window.count(limit, now)?;
        windows.of.insert(key.clone(), window);
        Ok(())
    }
}

impl<K: Eq + Hash> Windows<K> {
    /// Drops inactive keys: once a minute, and once a second while the limiter is full.
    fn sweep(&mut self, second: i64, capacity: usize) {
        let pause = if self.of.len() >= capacity { 1 } else { WINDOW };
        if (second - self.swept_at).abs() < pause {
            return;
        }
        self.swept_at = second;
        self.of.retain(|_, window| {
            window.forget(second);
            window.calls > 0
        });
    }
}

impl Window {
    /// Drops calls that have left the window.
    fn forget(&mut self, second: i64) {
        while let Some((_, calls)) = self.seconds.pop_front_if(|(then, _)| second - *then >= WINDOW) {
            self.calls -= calls;
        }
        // Calls more than a window ahead were counted before the clock was set back.
        while let Some((_, calls)) = self.seconds.pop_back_if(|(then, _)| *then - second >= WINDOW) {
            self.calls -= calls;
        }
    }

    fn count(&mut self, limit: NonZeroU32, now: Timestamp) -> Result<(), Duration> {
        if self.calls >= limit.get() {
            return Err(self.wait(limit, now));
        }
        self.calls += 1;
        match self.seconds.back_mut() {
            // After the clock was set back, calls still count for the latest second.
            Some((then, calls)) if *then >= now.as_second() => *calls += 1,
            _ => self.seconds.push_back((now.as_second(), 1)),
        }
        Ok(())
    }

    /// The time until there are fewer calls than `limit`, which may have been lowered since.
    fn wait(&self, limit: NonZeroU32, now: Timestamp) -> Duration {
        let mut left = self.calls;
        let free = self.seconds.iter().find(|(_, calls)| {
            left -= calls;
            left < limit.get()
        });
        free.map_or(Duration::ZERO, |(then, _)| Timestamp::from_second(then + WINDOW).since(now))
    }
}

#[cfg(test)]
mod tests {
    use std::{num::NonZeroU32, time::Duration};

    use model::Timestamp;
    use proptest::prelude::*;

    use super::Limiter;

    fn at(milliseconds: i64) -> Timestamp {
        Timestamp::from_microsecond(1_700_000_000_000_000 + milliseconds * 1000)
    }

    fn limit(limit: u32) -> NonZeroU32 {
        NonZeroU32::new(limit).unwrap()
    }

    #[test]
    fn a_burst_is_admitted_up_to_the_limit_and_then_refused_with_a_retry_time() {
        let limiter = Limiter::default();
        for _ in 0..3 {
            assert_eq!(limiter.admit(&'a', limit(3), at(400)), Ok(()));
        }
        assert_eq!(limiter.admit(&'a', limit(3), at(900)), Err(Duration::from_millis(60_100)));
        assert_eq!(limiter.admit(&'a', limit(3), at(60_999)), Err(Duration::from_millis(1)));
        assert_eq!(limiter.admit(&'a', limit(3), at(61_000)), Ok(()));
    }

    #[test]
    fn keys_are_counted_separately() {
        let limiter = Limiter::default();
        assert_eq!(limiter.admit(&'a', limit(1), at(0)), Ok(()));
        assert_eq!(limiter.admit(&'b', limit(1), at(0)), Ok(()));
        assert!(limiter.admit(&'a', limit(1), at(1000)).is_err());
    }

    #[test]
    fn a_lowered_limit_waits_for_as_many_as_it_takes() {
        let limiter = Limiter::default();
        for second in 0..10 {
            assert_eq!(limiter.admit(&'a', limit(10), at(second * 1000)), Ok(()));
        }
        // Eight calls have to leave the window: those of the seconds 0 to 7.
        assert_eq!(limiter.admit(&'a', limit(3), at(10_000)), Err(Duration::from_secs(58)));
        assert_eq!(limiter.admit(&'a', limit(3), at(68_000)), Ok(()));
    }

    #[test]
    fn a_clock_that_was_far_ahead_causes_no_refusals() {
        let (limiter, six_hours) = (Limiter::default(), 6 * 3600 * 1000);
        assert_eq!(limiter.admit(&'a', limit(1), at(six_hours)), Ok(()));
        assert_eq!(limiter.admit(&'a', limit(1), at(0)), Ok(()));
        assert!(limiter.admit(&'a', limit(1), at(1000)).is_err());
    }

    #[test]
    fn memory_is_bounded_and_freed() {
        let limiter = Limiter::with_capacity(2);
        assert_eq!(limiter.admit(&1, limit(5), at(0)), Ok(()));
        assert_eq!(limiter.admit(&2, limit(5), at(0)), Ok(()));
        assert!(limiter.admit(&3, limit(5), at(0)).is_err(), "there is no capacity for a third key");
        assert_eq!(limiter.admit(&1, limit(5), at(0)), Ok(()), "a known key is still counted");
        assert_eq!(limiter.admit(&3, limit(5), at(61_000)), Ok(()), "inactive keys were dropped");
        assert_eq!(limiter.windows.lock().unwrap().of.len(), 1);
    }

    #[test]
    fn a_clock_that_is_set_back_admits_no_extra_calls() {
        let limiter = Limiter::default();
        assert_eq!(limiter.admit(&'a', limit(2), at(30_000)), Ok(()));
        assert_eq!(limiter.admit(&'a', limit(2), at(0)), Ok(()));
        assert!(limiter.admit(&'a', limit(2), at(1000)).is_err());
    }

    proptest! {
        /// Compares with the full list of calls: never too many in a minute, never an unnecessary refusal, and
        /// a call after the given time is admitted.
        #[test]
        fn it_agrees_with_a_list_of_calls(most in 1_u32..6, pauses in prop::collection::vec(0_i64..30_000, 1..60)) {
            let (limiter, mut admitted, mut now) = (Limiter::default(), Vec::new(), 0);
            for pause in pauses {
                now += pause;
                let recent = |span: i64| admitted.iter().filter(|then| now - **then < span).count();
                match limiter.admit(&(), limit(most), at(now)) {
                    Ok(()) => {
                        prop_assert!(recent(60_000) < most as usize);
                        admitted.push(now);
                    }
                    Err(wait) => {
                        prop_assert!(recent(61_000) >= most as usize);
                        now += i64::try_from(wait.as_millis()).unwrap();
                        prop_assert_eq!(limiter.admit(&(), limit(most), at(now)), Ok(()));
                        admitted.push(now);
                    }
                }
            }
        }
    }
}
