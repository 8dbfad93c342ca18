//! Who waits for a turn, in the order in which they need it.

use std::{collections::BTreeMap, time::Duration};

use model::{Failure, Timestamp};
use tokio::sync::oneshot;

use super::lane::Turn;

/// Callers that wait for one limit. More would wait for minutes on most plans.
const MOST: usize = 1000;
/// How long a slot is in use: a second, and the time until Zoom's answer.
const ROUND: Duration = Duration::from_millis(1100);

/// The queue of one limit.
#[derive(Debug, Default)]
pub(super) struct Queue {
    /// By when they need it; of several, who came first.
    waiting: BTreeMap<(Timestamp, u64), Waiter>,
    arrivals: u64,
}

#[derive(Debug)]
pub(super) struct Waiter {
    /// From when on the turn comes too late; `None` is never.
    pub(super) deadline: Option<Timestamp>,
    pub(super) reply: oneshot::Sender<Result<Turn, Failure>>,
}

impl Queue {
    pub(super) fn is_empty(&self) -> bool {
        self.waiting.is_empty()
    }

    pub(super) fn len(&self) -> u32 {
        u32::try_from(self.waiting.len()).unwrap_or(u32::MAX)
    }

    /// Somebody comes, who needs a turn by then. If the queue was full, whoever needs it last has to go: answers who.
    pub(super) fn enter(&mut self, by: Timestamp, waiter: Waiter) -> Option<Waiter> {
        self.waiting.insert((by, self.arrivals), waiter);
        self.arrivals += 1;
        if self.waiting.len() > MOST { self.waiting.pop_last().map(|(_, last)| last) } else { None }
    }

    pub(super) fn next(&mut self) -> Option<Waiter> {
        self.waiting.pop_first().map(|(_, first)| first)
    }

    pub(super) fn forget_the_gone(&mut self) {
        self.waiting.retain(|_, waiter| !waiter.reply.is_closed());
    }

    pub(super) fn first_deadline(&self) -> Option<Timestamp> {
        self.waiting.values().filter_map(|waiter| waiter.deadline).min()
    }

    /// Takes out whose turn will come too late if `slots` serve the queue from `start` on; each with the turn that it
    /// would have been.
    pub(super) fn hopeless(&mut self, slots: u32, start: Timestamp) -> Vec<(Waiter, Timestamp)> {
        let (mut ahead, mut hopeless) = (0, Vec::new());
        for (place, waiter) in std::mem::take(&mut self.waiting) {
            let turn = start + wait_behind(ahead, slots);
            if waiter.deadline.is_some_and(|deadline| turn >= deadline) {
                hopeless.push((waiter, turn));
            } else {
                ahead += 1;
                self.waiting.insert(place, waiter);
            }
        }
        hopeless
    }

    pub(super) fn drain(&mut self) -> impl Iterator<Item = Waiter> {
        std::mem::take(&mut self.waiting).into_values()
    }
}

/// How long somebody waits with this many ahead, whom `slots` serve.
pub(super) fn wait_behind(ahead: u32, slots: u32) -> Duration {
    ROUND * (ahead / slots.max(1))
}

#[cfg(test)]
mod tests {
    use super::*;

    type Answer = oneshot::Receiver<Result<Turn, Failure>>;

    fn at(second: i64) -> Timestamp {
        Timestamp::from_second(1000 + second)
    }

    fn waiter(deadline: Option<i64>) -> (Waiter, Answer) {
        let (reply, answer) = oneshot::channel();
        (Waiter { deadline: deadline.map(at), reply }, answer)
    }

    /// Waiters who need a turn by these seconds, and give up at the deadline.
    fn queue(by: &[i64], deadline: i64) -> (Queue, Vec<Answer>) {
        let mut queue = Queue::default();
        let enter = |by: &i64| {
            let (waiter, answer) = waiter(Some(deadline));
            assert!(queue.enter(at(*by), waiter).is_none());
            answer
        };
        let answers = by.iter().map(enter).collect();
        (queue, answers)
    }

    #[test]
    fn who_needs_it_sooner_goes_first_and_of_those_who_came_first() {
        let (mut queue, mut answers) = queue(&[60, 0, 60, 5], 100);
        for turn in [1, 3, 0, 2] {
            drop(queue.next());
            let served = answers[turn].try_recv();
            assert!(served.is_err_and(|error| error == oneshot::error::TryRecvError::Closed), "{turn}");
        }
    }

    #[test]
    fn whoever_comes_too_late_hears_it_at_once() {
        let (mut queue, _answers) = queue(&[0, 1, 2, 3, 4], 2);
        // Two slots: two at once, two after a round, and the fifth after two rounds, which is past its deadline.
        let hopeless = queue.hopeless(2, at(0));
        assert_eq!(hopeless.len(), 1);
        assert_eq!(hopeless[0].1, at(0) + ROUND * 2);
        assert_eq!(queue.len(), 4);
        assert_eq!(queue.hopeless(2, at(2)).len(), 4, "a deadline that has come is too late, too");
    }

    #[test]
    fn a_full_queue_lets_the_least_urgent_go() {
        let (mut queue, _answers) = queue(&vec![50; MOST], 100);
        let (urgent, _urgent) = waiter(None);
        let last = queue.enter(at(0), urgent).expect("one too many");
        assert!(last.deadline.is_some(), "not the urgent one");
        let (late, mut late_answer) = waiter(None);
        drop(queue.enter(at(99), late).expect("one too many"));
        assert!(late_answer.try_recv().is_err_and(|error| error == oneshot::error::TryRecvError::Closed));
    }
}
