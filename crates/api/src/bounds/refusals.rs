//! The log of refused requests. Any client can send them at any rate, so each kind gets one line a second, with the number
//! of the others in that second.

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
    kinds: Mutex<HashMap<Kind, Said>>,
}

/// When a kind was last logged, and how many have come since.
#[derive(Debug)]
struct Said {
    second: i64,
    more: u64,
}

impl Refusals {
    /// Whether this one is to be said.
    pub(crate) fn is_said(&self, kind: Kind, now: Timestamp) -> bool {
        let second = now.as_second();
        let mut kinds = self.kinds.lock().unwrap_or_else(PoisonError::into_inner);
        match kinds.get_mut(&kind) {
            // Logged in this second, or its count is still to be logged.
            Some(said) if said.second == second || said.more > 0 => {
                said.more += 1;
                false
            }
            Some(said) => {
                said.second = second;
                true
            }
            None => {
                kinds.insert(kind, Said { second, more: 0 });
                true
            }
        }
    }

    /// The refusals that were not logged in earlier seconds: how many of each kind.
    pub(crate) fn unsaid(&self, now: Timestamp) -> Vec<(Kind, u64)> {
        let second = now.as_second();
        let mut kinds = self.kinds.lock().unwrap_or_else(PoisonError::into_inner);
        let mut unsaid = Vec::new();
        kinds.retain(|kind, said| {
            if said.second == second {
                return true;
            }
            if said.more == 0 {
                return false;
            }
            unsaid.push((kind.clone(), said.more));
            *said = Said { second, more: 0 };
            true
        });
        unsaid
    }
}

#[cfg(test)]
mod tests {
    use model::Timestamp;

    use super::*;

    #[test]
    fn of_a_flood_there_is_a_line_a_second_and_every_one_is_counted() {
        let (refusals, kind) =
            (Refusals::default(), |status| Kind { route: "/t/{address}".into(), status, code: None });
        let at = |milliseconds: i64| Timestamp::from_microsecond(1_700_000_000_000_000 + milliseconds * 1000);
        let (mut lines, mut counted) = (0, 0);
        for millisecond in 0..10_000 {
            if refusals.is_said(kind(404), at(millisecond)) {
                (lines, counted) = (lines + 1, counted + 1);
            }
            if millisecond % 1000 == 999 {
                for (unsaid, more) in refusals.unsaid(at(millisecond + 1)) {
                    assert_eq!(unsaid, kind(404));
                    (lines, counted) = (lines + 1, counted + more);
                }
            }
            // Another kind, once in two seconds, is still logged.
            assert!(millisecond % 2000 > 0 || refusals.is_said(kind(401), at(millisecond)));
        }
        assert_eq!((lines, counted), (11, 10_000));
        assert!(refusals.unsaid(at(20_000)).is_empty());
        assert!(refusals.kinds.lock().unwrap().is_empty());
    }
}
