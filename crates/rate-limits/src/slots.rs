//! This server's slots of a limit, and which of them are in use.

use std::{collections::VecDeque, time::Duration};

use model::Timestamp;

use crate::allotment::SHARE_TTL;

/// The window of a limit "per second".
const SECOND: Duration = Duration::from_secs(1);

/// Slots. A slot is in use while its call is in flight, and for a second after the answer.
#[derive(Debug, Default)]
pub(super) struct Slots {
    /// How many may be in use.
    allotted: u32,
    /// A call may begin until this time.
    until: Option<Timestamp>,
    under_way: u32,
    /// When each slot whose call was answered becomes free again, the earliest first.
    cooling: VecDeque<Timestamp>,
    used_at: Option<Timestamp>,
}

impl Slots {
    /// Takes a slot for a call that begins now, if a slot is free.
    pub(super) fn take(&mut self, now: Timestamp) -> bool {
        let free = self.holds(now) && self.in_use(now) < self.allotted;
        if free {
            self.under_way += 1;
            self.used_at = Some(now);
        }
        free
    }

    /// Records that a call was answered, or that its caller has gone.
    pub(super) fn answered(&mut self, now: Timestamp) {
        self.under_way = self.under_way.saturating_sub(1);
        self.in_use(now);
        let free_at = self.cooling.back().map_or(now + SECOND, |last| (*last).max(now + SECOND));
        self.cooling.push_back(free_at);
    }

    pub(super) fn in_use(&mut self, now: Timestamp) -> u32 {
        // Slots that become free much later were used before the clock was set back.
        while self.cooling.front().is_some_and(|free_at| !free_at.holds(SECOND, now)) {
            self.cooling.pop_front();
        }
        self.under_way.saturating_add(u32::try_from(self.cooling.len()).unwrap_or(u32::MAX))
    }

    pub(super) fn allotted(&self) -> u32 {
        self.allotted
    }

    /// Whether the allotted share is still valid.
    pub(super) fn holds(&self, now: Timestamp) -> bool {
        self.until.is_some_and(|until| until.holds(SHARE_TTL, now))
    }

    /// When the next cooling slot becomes free.
    pub(super) fn next_free(&self) -> Option<Timestamp> {
        self.cooling.front().copied()
    }

    /// When the last cooling slot becomes free.
    pub(super) fn last_free(&self) -> Option<Timestamp> {
        self.cooling.back().copied()
    }

    pub(super) fn used_since(&self, then: Timestamp) -> bool {
        self.under_way > 0 || self.used_at.is_some_and(|at| at > then)
    }

    /// Stops new calls while the servers redistribute slots, until [`allot`](Self::allot).
    pub(super) fn suspend(&mut self) -> Suspended {
        let before = Suspended { allotted: self.allotted, until: self.until };
        self.until = None;
        before
    }

    pub(super) fn allot(&mut self, slots: u32, until: Timestamp) {
        self.allotted = slots;
        self.until = Some(until);
    }

    /// Sets the share if it is unknown whether the store has the new one. The smaller share is safe, for as
    /// long as the old one was valid.
    pub(super) fn allot_at_most(&mut self, slots: u32, before: Suspended) {
        self.allotted = slots.min(before.allotted);
        self.until = before.until;
    }
}

/// The share before it was suspended.
#[derive(Debug, Clone, Copy)]
pub(super) struct Suspended {
    allotted: u32,
    until: Option<Timestamp>,
}

impl Suspended {
    pub(super) fn allotted(self) -> u32 {
        self.allotted
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(millis: i64) -> Timestamp {
        Timestamp::from_microsecond(1_000_000_000_000 + millis * 1000)
    }

    #[test]
    fn a_slot_is_free_a_second_after_its_answer() {
        let mut slots = Slots::default();
        assert!(!slots.take(at(0)), "nothing is allotted");
        slots.allot(2, at(5000));
        assert_eq!([0, 1, 2].map(|millis| slots.take(at(millis))), [true, true, false]);
        slots.answered(at(80));
        assert!(!slots.take(at(1079)));
        assert!(slots.take(at(1080)));
        assert!(!slots.take(at(1081)), "the other call is still in flight");
        slots.answered(at(4900));
        slots.answered(at(4901));
        assert!(!slots.take(at(5901)), "an unconfirmed share is no longer used");
        assert_eq!(slots.in_use(at(5901)), 0);
    }

    #[test]
    fn after_an_uncertain_update_the_smaller_share_is_used() {
        let mut slots = Slots::default();
        slots.allot(3, at(5000));
        let before = slots.suspend();
        assert!(!slots.take(at(0)), "the share is suspended");
        slots.allot_at_most(1, before);
        assert_eq!([1, 2].map(|millis| slots.take(at(millis))), [true, false]);
        slots.answered(at(3));
        assert!(!slots.take(at(5000)));
    }
}
