//! Pauses after failures.

use std::time::Duration;

use model::Environment;

/// Exponential backoff: pauses that double with each consecutive failure.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Backoff {
    /// The pause after the first failure.
    pub first: Duration,
    /// The longest pause.
    pub longest: Duration,
}

impl Backoff {
    /// The pause after a failure that follows `failures` consecutive failures.
    pub fn pause(self, failures: u32) -> Duration {
        self.first.saturating_mul(1 << failures.min(16)).min(self.longest)
    }

    /// The same pause with jitter: up to a quarter shorter, so that items that failed together are not retried together.
    pub fn jittered(self, failures: u32, env: &Environment) -> Duration {
        let dice = u32::from(u16::from_le_bytes(env.entropy.bytes()));
        self.pause(failures) / 1000 * (750 + dice % 250)
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use model::Environment;

    use super::Backoff;

    #[test]
    fn a_pause_doubles_up_to_the_longest_and_is_up_to_a_quarter_shorter() {
        let seconds = Duration::from_secs;
        let backoff = Backoff { first: seconds(4), longest: seconds(60) };
        let pauses = [0, 1, 2, 3, 4, 9, u32::MAX].map(|failures| backoff.pause(failures).as_secs());
        assert_eq!(pauses, [4, 8, 16, 32, 60, 60, 60]);
        let env = Environment::system();
        for _ in 0..100 {
            assert!((seconds(6)..seconds(8)).contains(&backoff.jittered(1, &env)));
        }
    }
}
