//! Calls that wait for a turn, ordered by deadline.

use std::{collections::BTreeMap, time::Duration};

use model::{Failure, Timestamp, WorkspaceId};
use tokio::sync::oneshot;

use crate::limit::Turn;

/// The maximum number of callers that wait for one limit. More would wait for minutes on most plans.
const MAX_WAITING: usize = 1000;
/// How long a slot is in use: one second, plus the time until Zoom's answer.
const ROUND: Duration = Duration::from_millis(1100);

/// The queue of one limit.
///
/// Workspaces take turns, because a Zoom account that is connected in several of them has one limit: however
/// many calls of one workspace wait, a call of another waits for at most one of each workspace. Within a
/// workspace the earliest deadline goes first, and background calls come after those with a waiting caller.
#[derive(Debug, Default)]
pub(super) struct Queue {
    waiting: BTreeMap<Option<WorkspaceId>, Waiting>,
    /// The round of the last turn.
    round: u64,
    arrivals: u64,
}

/// Waiting calls of one workspace.
#[derive(Debug, Default)]
struct Waiting {
    /// The round in which the workspace has its next turn.
    round: u64,
    /// Sorted by deadline, then by arrival.
    waiters: BTreeMap<(Timestamp, u64), Waiter>,
}

#[derive(Debug)]
pub(super) struct Waiter {
    /// The time after which a turn is too late; `None` means never.
    pub(super) deadline: Option<Timestamp>,
    pub(super) reply: oneshot::Sender<Result<Turn, Failure>>,
}

impl Queue {
    pub(super) fn is_empty(&self) -> bool {
        self.waiting.is_empty()
    }

    pub(super) fn len(&self) -> u32 {
        self.waiting.values().map(|waiting| u32::try_from(waiting.waiters.len()).unwrap_or(u32::MAX)).sum()
    }

    /// Adds a call that needs a turn by then. If the queue was full, removes and returns the call with the
    /// latest deadline of the workspace with the most waiting calls.
    pub(super) fn enter(
        &mut self,
        workspace: Option<WorkspaceId>,
        deadline: Timestamp,
        waiter: Waiter,
    ) -> Option<Waiter> {
        // A workspace that comes back after its turn is in the next round, like one that stayed.
        let next = Waiting { round: self.round + 1, ..Waiting::default() };
        self.waiting.entry(workspace).or_insert(next).waiters.insert((deadline, self.arrivals), waiter);
        self.arrivals += 1;
        if self.len() as usize <= MAX_WAITING {
            return None;
        }
        let most = self.waiting.values_mut().max_by_key(|waiting| waiting.waiters.len())?;
        let (_, last) = most.waiters.pop_last()?;
        self.waiting.retain(|_, waiting| !waiting.waiters.is_empty());
        Some(last)
    }

    pub(super) fn next(&mut self) -> Option<Waiter> {
        let (workspace, by) = self.first()?;
        let waiting = self.waiting.get_mut(&workspace)?;
        self.round = waiting.round;
        waiting.round += 1;
        let waiter = waiting.waiters.remove(&by);
        if waiting.waiters.is_empty() {
            self.waiting.remove(&workspace);
        }
        waiter
    }

    /// The call with the next turn.
    fn first(&self) -> Option<(Option<WorkspaceId>, (Timestamp, u64))> {
        let firsts = self.waiting.iter().filter_map(|(workspace, waiting)| {
            let (by, _) = waiting.waiters.first_key_value()?;
            Some(((by.0 == Timestamp::MAX, waiting.round, *by), *workspace))
        });
        firsts.min().map(|((_, _, by), workspace)| (workspace, by))
    }

    pub(super) fn forget_the_gone(&mut self) {
        for waiting in self.waiting.values_mut() {
            waiting.waiters.retain(|_, waiter| !waiter.reply.is_closed());
        }
        self.waiting.retain(|_, waiting| !waiting.waiters.is_empty());
    }

    pub(super) fn first_deadline(&self) -> Option<Timestamp> {
        let waiters = self.waiting.values().flat_map(|waiting| waiting.waiters.values());
        waiters.filter_map(|waiter| waiter.deadline).min()
    }

    /// Removes the calls whose turn will be too late if `slots` serve the queue from `start` on. Returns each with the time
    /// of its turn.
    pub(super) fn hopeless(&mut self, slots: u32, start: Timestamp) -> Vec<(Waiter, Timestamp)> {
        let (mut ahead, mut hopeless) = (0, Vec::new());
        let rounds: BTreeMap<_, _> =
            self.waiting.iter().map(|(workspace, waiting)| (*workspace, waiting.round)).collect();
        let mut served = Self { round: self.round, arrivals: self.arrivals, ..Self::default() };
        while let Some((workspace, place)) = self.first() {
            let Some(waiting) = self.waiting.get_mut(&workspace) else { break };
            let Some(waiter) = waiting.waiters.remove(&place) else { break };
            let turn = start + wait_behind(ahead, slots);
            if waiter.deadline.is_some_and(|deadline| turn >= deadline) {
                hopeless.push((waiter, turn));
            } else {
                ahead += 1;
                waiting.round += 1;
                let kept = Waiting { round: rounds[&workspace], ..Waiting::default() };
                served.waiting.entry(workspace).or_insert(kept).waiters.insert(place, waiter);
            }
            if waiting.waiters.is_empty() {
                self.waiting.remove(&workspace);
            }
        }
        *self = served;
        hopeless
    }

    pub(super) fn drain(&mut self) -> impl Iterator<Item = Waiter> {
        std::mem::take(&mut self.waiting).into_values().flat_map(|waiting| waiting.waiters.into_values())
    }
}

/// The expected wait behind `ahead` calls that are served by `slots`.
pub(super) fn wait_behind(ahead: u32, slots: u32) -> Duration {
    ROUND * (ahead / slots.max(1))
}

#[cfg(test)]
mod tests {
    use model::Environment;

    use super::*;

    type Answer = oneshot::Receiver<Result<Turn, Failure>>;

    fn at(second: i64) -> Timestamp {
        Timestamp::from_second(1000 + second)
    }

    fn waiter(deadline: Option<i64>) -> (Waiter, Answer) {
        let (reply, answer) = oneshot::channel();
        (Waiter { deadline: deadline.map(at), reply }, answer)
    }

    /// Callers that need a turn by these seconds and give up at the deadline.
    fn queue(by: &[i64], deadline: i64) -> (Queue, Vec<Answer>) {
        let mut queue = Queue::default();
        let enter = |by: &i64| {
            let (waiter, answer) = waiter(Some(deadline));
            assert!(queue.enter(None, at(*by), waiter).is_none());
            answer
        };
        let answers = by.iter().map(enter).collect();
        (queue, answers)
    }

    #[test]
    fn calls_are_served_by_deadline_and_then_by_arrival() {
        let (mut queue, mut answers) = queue(&[60, 0, 60, 5], 100);
        for turn in [1, 3, 0, 2] {
            drop(queue.next());
            let served = answers[turn].try_recv();
            assert!(served.is_err_and(|error| error == oneshot::error::TryRecvError::Closed), "{turn}");
        }
    }

    #[test]
    fn a_late_request_is_refused_at_once() {
        let (mut queue, _answers) = queue(&[0, 1, 2, 3, 4], 2);
        // Two slots: two calls at once, two after a round, and the fifth after two rounds, which is past its deadline.
        let hopeless = queue.hopeless(2, at(0));
        assert_eq!(hopeless.len(), 1);
        assert_eq!(hopeless[0].1, at(0) + ROUND * 2);
        assert_eq!(queue.len(), 4);
        assert_eq!(queue.hopeless(2, at(2)).len(), 4, "a deadline that has arrived is too late, too");
    }

    #[test]
    fn a_full_queue_drops_the_least_urgent_call() {
        let (mut queue, _answers) = queue(&vec![50; MAX_WAITING], 100);
        let (urgent, _urgent) = waiter(None);
        let last = queue.enter(None, at(0), urgent).expect("one too many");
        assert!(last.deadline.is_some(), "not the urgent one");
        let (late, mut late_answer) = waiter(None);
        drop(queue.enter(None, at(99), late).expect("one too many"));
        assert!(late_answer.try_recv().is_err_and(|error| error == oneshot::error::TryRecvError::Closed));
    }

    fn workspaces() -> [Option<WorkspaceId>; 2] {
        [(); 2].map(|()| Some(WorkspaceId::generate(&Environment::system())))
    }

    fn is_served(answer: &mut Answer) -> bool {
        answer.try_recv().is_err_and(|error| error == oneshot::error::TryRecvError::Closed)
    }

    #[test]
    fn workspaces_take_turns_however_many_calls_of_one_wait() {
        let ([many, few], mut queue) = (workspaces(), Queue::default());
        let mut answers = Vec::new();
        for (workspace, by) in [(many, 0), (many, 0), (many, 0), (many, 0), (few, 60), (few, 60)] {
            let (waiter, answer) = waiter(None);
            assert!(queue.enter(workspace, at(by), waiter).is_none());
            answers.push(answer);
        }
        for turn in [0, 4, 1, 5, 2, 3] {
            drop(queue.next());
            assert!(is_served(&mut answers[turn]), "{turn}");
        }
    }

    #[test]
    fn a_workspace_that_comes_back_after_each_turn_has_no_more_turns_than_others() {
        let ([again, backlog], mut queue) = (workspaces(), Queue::default());
        let mut answers: Vec<_> = (0..3)
            .map(|_| {
                let (waiter, answer) = waiter(None);
                assert!(queue.enter(backlog, at(50), waiter).is_none());
                answer
            })
            .collect();
        for _ in 0..6 {
            let (waiter, _answer) = waiter(None);
            assert!(queue.enter(again, at(0), waiter).is_none());
            drop(queue.next());
        }
        assert!(answers.iter_mut().all(is_served));
    }

    #[test]
    fn a_full_queue_drops_a_call_of_the_workspace_with_the_most_calls() {
        let ([many, few], mut queue) = (workspaces(), Queue::default());
        let mut answers = Vec::new();
        for number in 0..=MAX_WAITING {
            let (waiter, answer) = waiter(None);
            let workspace = if number == 0 { few } else { many };
            // The call of the other workspace has the latest deadline.
            let gone = queue.enter(workspace, at(if number == 0 { 99 } else { 0 }), waiter);
            assert_eq!(gone.is_some(), number == MAX_WAITING);
            answers.push(answer);
        }
        assert!(!is_served(&mut answers[0]));
    }

    #[test]
    fn calls_of_another_workspace_do_not_make_a_call_hopeless() {
        let ([many, few], mut queue) = (workspaces(), Queue::default());
        let mut answers = Vec::new();
        for (workspace, by) in (0..10).map(|_| (many, 0)).chain([(few, 60)]) {
            let (waiter, answer) = waiter(Some(3));
            assert!(queue.enter(workspace, at(by), waiter).is_none());
            answers.push(answer);
        }
        // One slot: turns at 0, 1.1 and 2.2 seconds are in time.
        assert_eq!(queue.hopeless(1, at(0)).len(), 8);
        let left = [0, 10, 1];
        for turn in left {
            assert!(
                answers[turn].try_recv().is_err_and(|error| error == oneshot::error::TryRecvError::Empty)
            );
            drop(queue.next());
            assert!(is_served(&mut answers[turn]), "{turn}");
        }
    }

    #[test]
    fn background_calls_of_all_workspaces_go_last() {
        let ([joins, lists], mut queue) = (workspaces(), Queue::default());
        let (list, mut listed) = waiter(None);
        assert!(queue.enter(lists, Timestamp::MAX, list).is_none());
        let (join, mut joined) = waiter(None);
        assert!(queue.enter(joins, at(500), join).is_none());
        drop(queue.next());
        assert!(is_served(&mut joined) && listed.try_recv().is_err());
    }
}
