//! A queue for events of a meeting that wait for the store. It is bounded, so that a flood of chat messages or captions
//! neither exhausts the memory nor displaces other events.

use std::collections::VecDeque;

use model::{MeetingEvent, MeetingEventKind, Timestamp};
use store::MeetingEventBatch;

use crate::meeting::read::StoredEvents;

/// The largest batch.
const BATCH: Amount = Amount { events: 500, chat: 500, bytes: 1_000_000 };
/// The limit of the queue. Further events are dropped and counted as missed.
const MAX_WAITING: Amount = Amount { events: 20_000, chat: 20_000, bytes: 10_000_000 };
/// The limit of a bot's stored events: enough for 50 captions a second for half an hour. Chat messages have a lower limit,
/// so that they leave space for other events. Further events are dropped and counted as missed.
const MAX_KEPT: Amount = Amount { events: 100_000, chat: 30_000, bytes: 60_000_000 };
/// The approximate size of an event without its text and name, in bytes.
const FORM: u64 = 300;

#[derive(Default)]
pub(super) struct EventQueue {
    /// The number of the last event.
    last: u64,
    waiting: VecDeque<MeetingEvent>,
    /// The size of the events in the queue.
    held: Amount,
    /// The size of all events so far, including those that were erased since.
    kept: Amount,
    /// The batch that is being written. It stays unchanged until the store confirms it.
    pub(super) writing: Option<MeetingEventBatch>,
    /// The number of events that were dropped since the last stored one.
    missed: u64,
    /// Whether the lease is lost. Then nothing is written any more.
    closed: bool,
}

/// An amount of events.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
struct Amount {
    events: u64,
    /// How many of the events are chat messages.
    chat: u64,
    /// The approximate size in bytes.
    bytes: u64,
}

impl EventQueue {
    /// Continues after the events that another server stored.
    pub(super) fn recall(&mut self, stored: &StoredEvents) {
        self.last = stored.last;
        let of_those =
            stored.events.iter().fold(Amount::default(), |sum, event| sum + Amount::of(&event.what));
        self.kept = Amount { events: stored.last, ..of_those };
    }

    /// Adds an event. Returns `false` if it was dropped.
    pub(super) fn push(&mut self, what: MeetingEventKind, now: Timestamp) -> bool {
        if self.closed {
            return false;
        }
        let before_it =
            (self.missed > 0).then(|| Amount::of(&MeetingEventKind::Missed { events: self.missed }));
        if !self.has_room_for(Amount::of(&what) + before_it.unwrap_or_default()) {
            self.missed += 1;
            return false;
        }
        self.say_what_was_missed(now);
        self.number(what, now);
        true
    }

    /// Adds an event that says how many events were dropped here, if any were.
    pub(super) fn say_what_was_missed(&mut self, now: Timestamp) {
        if self.missed > 0 {
            let events = std::mem::take(&mut self.missed);
            self.number(MeetingEventKind::Missed { events }, now);
        }
    }

    pub(super) fn is_empty(&self) -> bool {
        self.waiting.is_empty()
    }

    /// Removes and returns the next events to write, in order.
    pub(super) fn take_batch(&mut self) -> Vec<MeetingEvent> {
        let (mut batch, mut taken) = (Vec::new(), Amount::default());
        while let Some(event) = self.waiting.front() {
            let with_it = taken + Amount::of(&event.what);
            // An event that exceeds the limit alone becomes a batch of its own.
            if !batch.is_empty() && !with_it.is_within(BATCH) {
                break;
            }
            taken = with_it;
            batch.extend(self.waiting.pop_front());
        }
        self.held = self.held - taken;
        batch
    }

    /// Empties the queue and drops all later events.
    pub(super) fn close(&mut self) {
        *self = Self { closed: true, ..Self::default() };
    }

    fn has_room_for(&self, one: Amount) -> bool {
        (self.held + one).is_within(MAX_WAITING) && (self.kept + one).is_within(MAX_KEPT)
    }

    fn number(&mut self, what: MeetingEventKind, now: Timestamp) {
        self.last += 1;
        let one = Amount::of(&what);
        (self.held, self.kept) = (self.held + one, self.kept + one);
        self.waiting.push_back(MeetingEvent { number: self.last, at: now, what });
    }
}

impl Amount {
    fn of(what: &MeetingEventKind) -> Self {
        let (chat, text) = match what {
            MeetingEventKind::ChatMessage { text, .. } => (1, text.len()),
            MeetingEventKind::Caption { text, .. } => (0, text.len()),
            _ => (0, 0),
        };
        let name = what.participant().map_or(0, |who| who.name.len());
        Self { events: 1, chat, bytes: FORM + (text + name) as u64 }
    }

    const fn is_within(self, most: Self) -> bool {
        self.events <= most.events && self.chat <= most.chat && self.bytes <= most.bytes
    }
}

impl std::ops::Add for Amount {
    type Output = Self;
    fn add(self, other: Self) -> Self {
        Self {
            events: self.events + other.events,
            chat: self.chat + other.chat,
            bytes: self.bytes + other.bytes,
        }
    }
}

impl std::ops::Sub for Amount {
    type Output = Self;
    fn sub(self, other: Self) -> Self {
        Self {
            events: self.events - other.events,
            chat: self.chat - other.chat,
            bytes: self.bytes - other.bytes,
        }
    }
}

#[cfg(test)]
mod tests {
    use model::{ChatReceiver, MeetingEventKind, Participant, Timestamp};

    use super::{Amount, BATCH, EventQueue, MAX_KEPT, MAX_WAITING};
    use crate::meeting::{participant::unknown, read::StoredEvents};

    const NOW: Timestamp = Timestamp::from_second(1_800_000_000);

    fn ada() -> Participant {
        Participant { guid: "G".into(), name: "Ada".into(), ..unknown(1) }
    }

    fn chat(text: &str) -> MeetingEventKind {
        let (text, message) = (text.to_owned(), "M".to_owned());
        MeetingEventKind::ChatMessage { participant: ada(), to: ChatReceiver::Everyone, text, message }
    }

    fn caption() -> MeetingEventKind {
        let (caption, text) = ("C".to_owned(), "Good morning.".to_owned());
        MeetingEventKind::Caption {
            participant: ada(),
            caption,
            text,
            language: 400,
            began_at: NOW,
            is_final: true,
        }
    }

    /// Takes all batches. Returns the events, and the size of the largest batch.
    fn written(queue: &mut EventQueue) -> (Vec<MeetingEventKind>, usize) {
        let (mut all, mut largest) = (Vec::new(), 0);
        loop {
            let batch = queue.take_batch();
            if batch.is_empty() {
                return (all, largest);
            }
            largest = largest.max(batch.len());
            all.extend(batch.into_iter().map(|event| event.what));
        }
    }

    #[test]
    fn the_queue_is_bounded_while_the_store_is_unavailable() {
        let mut queue = EventQueue::default();
        let long = "x".repeat(10_000);
        let kept = (0..5_000).filter(|_| queue.push(chat(&long), NOW)).count();
        assert!(queue.held.is_within(MAX_WAITING) && kept < 1_000, "{kept} of 50 MB wait");
        let (events, largest) = written(&mut queue);
        assert_eq!(events.len(), kept);
        assert!(largest as u64 * 10_000 <= BATCH.bytes, "{largest}");
        assert_eq!(queue.held, Amount::default());
        assert!(queue.push(caption(), NOW));
        let missed = MeetingEventKind::Missed { events: 5_000 - kept as u64 };
        assert_eq!(
            written(&mut queue).0,
            [missed, caption()],
            "an event says how many are missing, and where"
        );
    }

    #[test]
    fn a_flood_of_chat_displaces_no_other_events() {
        let mut queue = EventQueue::default();
        let (mut captions, mut messages) = (0, 0);
        for round in 0..100_000 {
            messages += u64::from(queue.push(chat("spam"), NOW));
            if round % 5 == 0 {
                captions += u64::from(queue.push(caption(), NOW));
            }
            written(&mut queue);
        }
        assert_eq!((captions, messages), (20_000, MAX_KEPT.chat));

        let mut next = EventQueue::default();
        next.recall(&StoredEvents { events: Vec::new(), last: MAX_KEPT.events });
        assert!(!next.push(caption(), NOW), "the limit also counts events that another server stored");
    }
}
