//! Who has come since the bot was in the meeting: each of them is welcomed once. No I/O.

use std::{collections::BTreeSet, time::Duration};

use browser::Person;
use model::Timestamp;

/// For so long after the bot has come in, Zoom may still announce people who were there before it.
const SETTLED_AFTER: Duration = Duration::from_secs(2);

/// A participant who came after the bot.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Arrival {
    /// Their first number in this meeting.
    pub(crate) id: u32,
    /// Whether they host the meeting.
    pub(crate) host: bool,
}

/// Whom the bot has met, and since when others are new.
#[derive(Debug, Default)]
pub(super) struct Arrivals {
    /// By their first numbers.
    met: BTreeSet<u32>,
    settled_at: Option<Timestamp>,
    /// The bot was here before and knew everybody: those whom it has not met came since.
    knows_everybody: bool,
    /// The bot's number, if it is higher than those of all who were there.
    last_before: Option<u32>,
}

impl Arrivals {
    /// This participant has been there.
    pub(super) fn meet(&mut self, id: u32) {
        self.met.insert(id);
    }

    /// Everybody was met who was there before `now`.
    pub(super) fn know_everybody(&mut self, now: Timestamp) {
        self.settled_at = Some(now);
    }

    /// The bot is in, with the number `me`, and these are the others. In another room, people were there before it.
    pub(super) fn enter(&mut self, me: u32, others: &[Person], moved: bool, now: Timestamp) {
        self.knows_everybody = !moved && self.settled_at.is_some_and(|at| at <= now);
        if !self.knows_everybody {
            self.settled_at = Some(now + SETTLED_AFTER);
        }
        self.last_before = others.iter().all(|other| other.id < me).then_some(me);
    }

    /// A participant was announced who was not there before: whether they came after the bot. `number` is Zoom's number of
    /// them now; `at_once` means that they were announced with the bot's own entry.
    pub(super) fn is_new(&mut self, who: Arrival, number: u32, at_once: bool, now: Timestamp) -> bool {
        if !self.met.insert(who.id) {
            return false;
        }
        let settled = self.settled_at.is_some_and(|at| at <= now);
        // Zoom numbers participants upwards (inferred).
        let numbered_later = || self.last_before.is_some_and(|last| number > last);
        self.knows_everybody || (!at_once && (settled || numbered_later()))
    }
}
