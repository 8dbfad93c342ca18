//! When an event is retried, and when an endpoint is disabled. The numbers are those of Recall's API.

use std::time::Duration;

use model::Timestamp;
use store::{AfterAttempt, FailureRun, MAX_DELIVERY_PAUSE};

/// Pauses before the second and each further attempt.
const PAUSES: [Duration; 7] = [
    Duration::from_secs(5),
    Duration::from_secs(5 * 60),
    Duration::from_secs(30 * 60),
    Duration::from_secs(2 * 3600),
    Duration::from_secs(5 * 3600),
    MAX_DELIVERY_PAUSE,
    MAX_DELIVERY_PAUSE,
];
/// The most attempts of one delivery.
pub const MAX_ATTEMPTS: usize = PAUSES.len() + 1;
/// An endpoint that has only failed for this long is disabled.
pub const DISABLE_AFTER: Duration = Duration::from_secs(5 * 24 * 3600);
/// The time until an endpoint is disabled starts with a failure at least this long after the first one ...
const MIN_OUTAGE: Duration = Duration::from_secs(12 * 3600);
/// ... and at most this long after it: one failure a week is not an outage.
const MAX_GAP: Duration = Duration::from_secs(24 * 3600);
/// An endpoint that has only failed for this long counts as down.
const OUTAGE: Duration = Duration::from_secs(5 * 60);

/// Interval at which one event is sent to an endpoint that is down, as a probe.
pub(crate) const PROBE_INTERVAL: Duration = Duration::from_secs(30);

/// Whether an endpoint counts as down, because it has failed for too long.
pub(crate) fn is_down(run: FailureRun, now: Timestamp) -> bool {
    run.first_at.is_some_and(|first| now.since(first) >= OUTAGE)
}

/// What follows a failed delivery that has had `attempts` attempts.
pub(crate) fn after_failure(attempts: u32, at: Timestamp) -> AfterAttempt {
    let pause = usize::try_from(attempts).ok().and_then(|attempts| PAUSES.get(attempts.checked_sub(1)?));
    pause.map_or(AfterAttempt::GivenUp, |pause| AfterAttempt::Again(at + *pause))
}

/// How an attempt changes the state of the endpoint.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Verdict {
    /// Nothing new.
    Goes,
    /// The endpoint was down, and works again.
    Back,
    /// The endpoint is to be disabled.
    Off,
}

/// The run of failures after one more attempt.
pub(crate) fn after_attempt(run: FailureRun, succeeded: bool, at: Timestamp) -> (FailureRun, Verdict) {
    if succeeded {
        let verdict = if is_down(run, at) { Verdict::Back } else { Verdict::Goes };
        return (FailureRun::default(), verdict);
    }
    let Some(first) = run.first_at else {
        return (FailureRun { first_at: Some(at), counted_from: None }, Verdict::Goes);
    };
    match run.counted_from {
        Some(from) if at.since(from) >= DISABLE_AFTER => (run, Verdict::Off),
        Some(_) => (run, Verdict::Goes),
        None if at.since(first) > MAX_GAP => {
            (FailureRun { first_at: Some(at), counted_from: None }, Verdict::Goes)
        }
        None => {
            let counted_from = (at.since(first) >= MIN_OUTAGE).then_some(at);
            (FailureRun { counted_from, ..run }, Verdict::Goes)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const START: Timestamp = Timestamp::from_second(1_800_000_000);
    const HOUR: Duration = Duration::from_secs(3600);

    #[test]
    fn eight_attempts_end_after_a_day_and_some_hours() {
        let mut at = START;
        let mut attempts = 1;
        while let AfterAttempt::Again(next) = after_failure(attempts, at) {
            (at, attempts) = (next, attempts + 1);
        }
        assert_eq!((attempts, MAX_ATTEMPTS), (8, 8));
        assert_eq!(at.since(START), Duration::from_secs(5 + 300 + 1800) + 27 * HOUR);
    }

    fn failures(hours: impl IntoIterator<Item = u32>) -> (FailureRun, Verdict) {
        hours.into_iter().fold((FailureRun::default(), Verdict::Goes), |(run, verdict), hour| {
            assert_eq!(verdict, Verdict::Goes);
            after_attempt(run, false, START + HOUR * hour)
        })
    }

    #[test]
    fn five_days_of_failures_disable_an_endpoint() {
        assert_eq!(failures([0, 1, 11]).0.counted_from, None);
        assert_eq!(failures([0, 12]).0.counted_from, Some(START + 12 * HOUR));
        assert_eq!(failures([0, 12, 24, 131]).1, Verdict::Goes);
        assert_eq!(failures([0, 12, 24, 132]).1, Verdict::Off);
    }

    #[test]
    fn rare_failures_are_not_an_outage() {
        assert_eq!(failures([0, 25, 50, 75, 100, 125, 150, 175, 200]).1, Verdict::Goes);
    }

    #[test]
    fn one_success_resets_all_failures() {
        let (run, _) = failures([0, 12, 131]);
        assert_eq!(after_attempt(run, true, START + 132 * HOUR), (FailureRun::default(), Verdict::Back));
        let (run, _) = failures([0]);
        let soon = START + Duration::from_secs(60);
        assert_eq!(after_attempt(run, true, soon), (FailureRun::default(), Verdict::Goes));
    }
}
