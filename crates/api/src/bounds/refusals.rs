//! The log of refused requests. Any client can send them at any rate, so each kind gets one line a second; the others of
//! that second are only counted.

use std::{
    collections::HashMap,
    sync::{Mutex, PoisonError},
};

use model::Timestamp;

/// What makes two refusals the same kind: route and answer.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(crate) struct Kind {
    pub(crate) route: String,
    pub(crate) status: u16,
    pub(crate) code: Option<&'static str>,
}

#[derive(Debug, Default)]
pub(crate) struct Refusals {
    kinds: Mutex<HashMap<Kind, Logged>>,
}

/// When a kind was last logged, and how many were not logged since.
#[derive(Debug)]
struct Logged {
    second: i64,
    more: u64,
}

impl Refusals {
    /// Whether this refusal gets a log line.
    pub(crate) fn should_log(&self, kind: Kind, now: Timestamp) -> bool {
        let second = now.as_second();
        let mut kinds = self.kinds.lock().unwrap_or_else(PoisonError::into_inner);
        match kinds.get_mut(&kind) {
            // Logged in this second, or its count is still to be logged.
            Some(logged) if logged.second == second || logged.more > 0 => {
                logged.more += 1;
                false
            }
            Some(logged) => {
                logged.second = second;
                true
            }
            None => {
                kinds.insert(kind, Logged { second, more: 0 });
                true
            }
        }
    }

    /// The refusals of earlier seconds that were not logged: how many of each kind.
    pub(crate) fn take_suppressed(&self, now: Timestamp) -> Vec<(Kind, u64)> {
        let second = now.as_second();
        let mut kinds = self.kinds.lock().unwrap_or_else(PoisonError::into_inner);
        let mut take_suppressed = Vec::new();
        kinds.retain(|kind, logged| {
            if logged.second == second {
                return true;
            }
            if logged.more == 0 {
                return false;
            }
            take_suppressed.push((kind.clone(), logged.more));
            *logged = Logged { second, more: 0 };
            true
        });
        take_suppressed
    }
}

#[cfg(test)]
mod tests {
    use model::Timestamp;

    use super::*;

    #[test]
    fn a_flood_logs_one_line_a_second_and_counts_every_refusal() {
        let (refusals, kind) =
            (Refusals::default(), |status| Kind { route: "/t/{address}".into(), status, code: None });
        let at = |milliseconds: i64| Timestamp::from_microsecond(1_700_000_000_000_000 + milliseconds * 1000);
        let (mut lines, mut counted) = (0, 0);
        for millisecond in 0..10_000 {
            if refusals.should_log(kind(404), at(millisecond)) {
                (lines, counted) = (lines + 1, counted + 1);
            }
            if millisecond % 1000 == 999 {
                for (take_suppressed, more) in refusals.take_suppressed(at(millisecond + 1)) {
                    assert_eq!(take_suppressed, kind(404));
                    (lines, counted) = (lines + 1, counted + more);
                }
            }
            // Another kind, once in two seconds, is still logged.
            assert!(millisecond % 2000 > 0 || refusals.should_log(kind(401), at(millisecond)));
        }
        assert_eq!((lines, counted), (11, 10_000));
        assert!(refusals.take_suppressed(at(20_000)).is_empty());
        assert!(refusals.kinds.lock().unwrap().is_empty());
    }
}
