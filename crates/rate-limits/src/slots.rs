//! The slots of a limit that this server holds, and those in use.

use std::{collections::VecDeque, time::Duration};

use model::Timestamp;

use crate::allotment::SHARE_TTL;

/// What a limit "per second" counts in.
const SECOND: Duration = Duration::from_secs(1);

/// Slots. One is in use while its call is under way, and for a second after the answer.
#[derive(Debug, Default)]
pub(super) struct Slots {
    /// How many may be in use.
    allotted: u32,
    /// Until then a call may begin.
    until: Option<Timestamp>,
    under_way: u32,
    /// When each slot whose call is answered is free again, the soonest first.
    cooling: VecDeque<Timestamp>,
    used_at: Option<Timestamp>,
}

impl Slots {
    /// Takes a slot for a call that begins now, if one is free.
    pub(super) fn take(&mut self, now: Timestamp) -> bool {
        let free = self.holds(now) && self.in_use(now) < self.allotted;
        if free {
            self.under_way += 1;
            self.used_at = Some(now);
        }
        free
    }

    /// The call was answered, or its caller has gone.
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

    /// Whether what was allotted still holds.
    pub(super) fn holds(&self, now: Timestamp) -> bool {
        self.until.is_some_and(|until| until.holds(SHARE_TTL, now))
    }

    /// When the next used slot becomes free by itself.
    pub(super) fn next_free(&self) -> Option<Timestamp> {
        self.cooling.front().copied()
    }

    /// When the last of those is.
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

    /// It is unknown whether the store has the new share: the smaller one is safe, for as long as the old one
    /// was.
    pub(super) fn allot_at_most(&mut self, slots: u32, before: Suspended) {
        self.allotted = slots.min(before.allotted);
        self.until = before.until;
    }
}

/// What held before.
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
        assert!(!slots.take(at(1081)), "the other call is still under way");
        slots.answered(at(4900));
        slots.answered(at(4901));
        assert!(!slots.take(at(5901)), "what isn't confirmed is no longer used");
        assert_eq!(slots.in_use(at(5901)), 0);
    }

    #[test]
    fn what_is_in_doubt_is_the_smaller_share_and_no_longer() {
        let mut slots = Slots::default();
        slots.allot(3, at(5000));
        let before = slots.suspend();
        assert!(!slots.take(at(0)), "while they settle");
        slots.allot_at_most(1, before);
        assert_eq!([1, 2].map(|millis| slots.take(at(millis))), [true, false]);
        slots.answered(at(3));
        assert!(!slots.take(at(5000)));
    }
}
