//! Finds the participants who joined after the bot: each of them is greeted once. No I/O.

use std::{collections::BTreeSet, time::Duration};

use browser::Person;
use model::Timestamp;

/// How long after the bot's entry Zoom may still announce participants who were there before the bot.
const SETTLED_AFTER: Duration = Duration::from_secs(2);

/// A participant who joined after the bot.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Arrival {
    /// The participant's first number in this meeting.
    pub(crate) id: u32,
    /// Whether the participant hosts the meeting.
    pub(crate) host: bool,
}

/// The participants that the bot has met, and since when unknown participants count as new.
#[derive(Debug, Default)]
pub(super) struct Arrivals {
    /// The first numbers of the participants that the bot has met.
    met: BTreeSet<u32>,
    settled_at: Option<Timestamp>,
    /// Whether the bot was here before and knew all participants. Then a participant whom it has not met has joined since.
    knows_everybody: bool,
    /// The bot's number, if it is higher than the numbers of all participants who were there before it.
    last_before: Option<u32>,
}

impl Arrivals {
    /// Records that this participant has been in the meeting.
    pub(super) fn meet(&mut self, id: u32) {
        self.met.insert(id);
    }

    /// Records that the bot has met all participants who were there before `now`.
    pub(super) fn know_everybody(&mut self, now: Timestamp) {
        self.settled_at = Some(now);
    }

    /// Records that the bot has entered with the number `me`, and that `others` are there. `moved` means that it is in
    /// another room than before, where others may have been first.
    pub(super) fn enter(&mut self, me: u32, others: &[Person], moved: bool, now: Timestamp) {
        self.knows_everybody = !moved && self.settled_at.is_some_and(|at| at <= now);
        if !self.knows_everybody {
            self.settled_at = Some(now + SETTLED_AFTER);
        }
        self.last_before = others.iter().all(|other| other.id < me).then_some(me);
    }

    /// Whether a participant who was not there before joined after the bot. `number` is the participant's current number at
    /// Zoom; `at_once` means that they were announced with the bot's own entry.
    pub(super) fn record_arrival(
        &mut self,
        who: Arrival,
        number: u32,
        at_once: bool,
        now: Timestamp,
    ) -> bool {
        if !self.met.insert(who.id) {
            return false;
        }
        let settled = self.settled_at.is_some_and(|at| at <= now);
        // Zoom gives later participants higher numbers (inferred).
        let numbered_later = || self.last_before.is_some_and(|last| number > last);
        self.knows_everybody || (!at_once && (settled || numbered_later()))
    }
}
