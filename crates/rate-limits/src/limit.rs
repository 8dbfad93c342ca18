//! One limit in this process: its slots, the calls that wait for a slot, and the row that all servers share.

use std::{
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use metrics::{Metrics, TurnOutcome};
use model::{Code, Environment, Failure, LeaseToken, Timestamp, WorkspaceId, chain};
use store::{StoreError, ZoomLimit, ZoomLimits};
use tokio::sync::{Notify, oneshot};
use tokio_util::task::TaskTracker;
use zoom::{Label, LimitHit, RateLimits};

use super::{
    CallPriority,
    allotment::{self, Allotted, Claim, SHARE_TTL},
    queue::{Queue, Waiter, wait_behind},
    slots::{Slots, Suspended},
};

/// How often a server updates the shared row while callers wait for slots of other servers.
const SYNC_INTERVAL: Duration = Duration::from_millis(500);
/// How often a server confirms its share while no call waits.
const CONFIRM_INTERVAL: Duration = Duration::from_secs(2);
/// How long idle slots are kept, because the next call may follow soon.
const IDLE_TTL: Duration = Duration::from_secs(2);
/// How often an update is tried if others change the row first.
const MAX_TRIES: u32 = 8;

/// The data that all limits of a process share.
pub(super) struct Context {
    pub(super) store: Arc<dyn ZoomLimits + Send + Sync>,
    pub(super) env: Environment,
    pub(super) tasks: TaskTracker,
    pub(super) metrics: Metrics,
    /// This server's id in shared rows.
    pub(super) holder: LeaseToken,
}

/// The kind of limit, and its rate until Zoom has stated one.
#[derive(Debug, Clone, Copy)]
pub(super) struct Kind {
    /// For metrics.
    pub(super) name: &'static str,
    /// Calls a second.
    pub(super) least: u32,
    /// The rate label of the REST API, whose answers state the limit.
    pub(super) label: Option<Label>,
}

/// One limit.
pub(super) struct Limit {
    key: String,
    kind: Kind,
    context: Arc<Context>,
    state: Mutex<State>,
    /// Wakes the task that serves the queue.
    changed: Notify,
    /// Ensures that one task at a time updates the shared row.
    updating: tokio::sync::Mutex<()>,
}

struct State {
    slots: Slots,
    queue: Queue,
    /// The last known state of the shared row.
    known: ZoomLimit,
    /// The slots we get once the others have released their surplus.
    fair: u32,
    /// Whether we got fewer slots than we wanted.
    short: bool,
    /// Whether the last update of the row failed.
    failing: bool,
    /// Whether the row has a share of ours.
    registered: bool,
    /// When we last tried to update the row.
    asked_at: Option<Timestamp>,
    /// Updates that are not yet written to the row.
    update: LimitUpdate,
    /// The end of a pause that Zoom demanded, before the other servers know it.
    blocked_until: Option<Timestamp>,
    /// When Zoom last refused a call. A refusal of a call that began before is not a new one.
    refused_at: Option<Timestamp>,
    /// Whether a task serves the queue.
    driven: bool,
    /// Whether all slots are to be released.
    closing: bool,
}

#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
struct LimitUpdate {
    per_second: Option<u32>,
    refused: Option<LimitHit>,
}

/// The right to one call. Keep it until the answer has arrived.
pub struct Turn {
    limit: Arc<Limit>,
    begun_at: Timestamp,
}

enum Step {
    Settle,
    Wait(Option<Timestamp>),
}

impl Limit {
    pub(super) fn new(key: String, kind: Kind, context: Arc<Context>) -> Self {
        let state = State {
            slots: Slots::default(),
            queue: Queue::default(),
            known: allotment::unknown(&key, context.env.now()),
            fair: 0,
            short: false,
            failing: false,
            registered: false,
            asked_at: None,
            update: LimitUpdate::default(),
            blocked_until: None,
            refused_at: None,
            driven: false,
            closing: false,
        };
        Self {
            key,
            kind,
            context,
            state: Mutex::new(state),
            changed: Notify::new(),
            updating: tokio::sync::Mutex::default(),
        }
    }

    /// The name of the limit in the store.
    pub(super) fn key(&self) -> &str {
        &self.key
    }

    /// Waits for a turn. Workspaces take turns, and within one the order is by priority. An error says why there is no
    /// turn in time.
    pub(super) async fn turn(
        self: &Arc<Self>,
        workspace: Option<WorkspaceId>,
        priority: CallPriority,
    ) -> Result<Turn, Failure> {
        let now = self.context.env.now();
        let deadline = priority.max_wait.map(|max_wait| now + max_wait);
        let answer = {
            let mut state = self.state();
            if state.blocked(now).is_none() && state.queue.is_empty() && state.slots.take(now) {
                self.context.metrics.turn(self.kind.name, TurnOutcome::AtOnce);
                return Ok(self.begin(now));
            }
            let (reply, answer) = oneshot::channel();
            if let Some(last) = state.queue.enter(workspace, priority.deadline, Waiter { deadline, reply }) {
                let turn = now + wait_behind(state.queue.len(), state.fair);
                self.turn_away(last, turn, now);
            }
            self.drive(&mut state);
            answer
        };
        let _waiting = Waiting::new(self);
        // The sender is dropped only if its task panicked.
        answer
            .await
            .unwrap_or_else(|_| Err(Failure::new(Code::Internal, "the queue of calls to Zoom was aborted")))
    }

    /// Maintains the share while no call waits: confirms slots in use and releases idle ones. Returns whether
    /// the limit can be dropped.
    pub(super) async fn maintain(self: &Arc<Self>) -> bool {
        let now = self.context.env.now();
        let (due, idle) = {
            let mut state = self.state();
            let waits = state.driven || !state.queue.is_empty();
            let due = state.asked_at.is_none_or(|at| !at.was_within(CONFIRM_INTERVAL, now));
            let talks = state.registered || state.update != LimitUpdate::default();
            let idle = !waits && !talks && state.slots.in_use(now) == 0 && state.blocked(now).is_none();
            (!waits && talks && due, idle)
        };
        if due {
            self.settle().await;
        }
        idle
    }

    /// Releases all slots once they have cooled down.
    pub(super) async fn close(self: &Arc<Self>) {
        let (registered, cool_at) = {
            let mut state = self.state();
            state.closing = true;
            (state.registered, state.slots.last_free())
        };
        let env = &self.context.env;
        if let Some(cool_at) = cool_at.filter(|_| registered) {
            env.clock.sleep(cool_at.since(env.now())).await;
        }
        if registered {
            self.settle().await;
        }
    }

    /// Updates the limit from the answer to a call that began at `begun_at`.
    pub(super) fn observe(self: &Arc<Self>, begun_at: Timestamp, limits: &RateLimits) {
        let now = self.context.env.now();
        let mut state = self.state();
        if let Some(per_second) = limits.per_second.filter(|_| self.kind.label.is_some()) {
            let new = Some(per_second.get()).filter(|new| state.known.per_second != Some(*new));
            state.update.per_second = new;
        }
        if let Some(hit) = limits.refused {
            self.context.metrics.limit_hit(self.kind.name);
            let until = now + allotment::pause(hit, state.known.strain);
            state.blocked_until = state.blocked_until.max(Some(until));
            // A call that started before the first refusal arrived adds nothing new.
            if state.refused_at.is_none_or(|at| begun_at > at || at.is_from_the_future(now)) {
                state.refused_at = Some(now);
                state.update.refused = Some(hit);
                tracing::warn!(limit = self.kind.name, daily = hit.daily, %until, "Zoom limits the rate of calls");
            }
        }
        if state.update != LimitUpdate::default() {
            self.drive(&mut state);
        }
    }

    fn begin(self: &Arc<Self>, now: Timestamp) -> Turn {
        Turn { limit: Arc::clone(self), begun_at: now }
    }

    /// Starts a task that serves the queue until it is empty.
    fn drive(self: &Arc<Self>, state: &mut State) {
        if std::mem::replace(&mut state.driven, true) {
            self.changed.notify_one();
            return;
        }
        let limit = Arc::clone(self);
        self.context.tasks.spawn(async move {
            while let Some(step) = limit.step() {
                match step {
                    Step::Settle => limit.settle().await,
                    Step::Wait(until) => limit.wait(until).await,
                }
            }
        });
    }

    async fn wait(&self, until: Option<Timestamp>) {
        let env = &self.context.env;
        let time = async {
            match until {
                Some(until) => env.clock.sleep(until.since(env.now())).await,
                None => std::future::pending().await,
            }
        };
        tokio::select! {
            () = self.changed.notified() => {}
            () = time => {}
        }
    }

    /// Gives turns to the calls that can have one, and returns the next step for the others; `None` when there
    /// are none.
    fn step(self: &Arc<Self>) -> Option<Step> {
        let now = self.context.env.now();
        // Dropped after the lock is released, because the end of a turn takes the lock too.
        let mut unwanted = Vec::new();
        let mut state = self.state();
        state.queue.forget_the_gone();
        let blocked = state.blocked(now);
        while blocked.is_none() && !state.queue.is_empty() && state.slots.take(now) {
            let Some(next) = state.queue.next() else { break };
            unwanted.extend(next.reply.send(Ok(self.begin(now))).err());
            self.context.metrics.turn(self.kind.name, TurnOutcome::Waited);
        }
        self.turn_away_the_hopeless(&mut state, now);

        let due_at = state.asked_at.filter(|at| !at.is_from_the_future(now)).map(|at| at + SYNC_INTERVAL);
        let due = due_at.is_none_or(|at| at <= now);
        let has_update = state.update != LimitUpdate::default() && (due || !state.failing);
        if state.queue.is_empty() && (!has_update || state.failing) {
            // If the store was unavailable, pending updates are written at the next sync.
            state.driven = false;
            return None;
        }
        let demand = state.slots.in_use(now).saturating_add(state.queue.len());
        let room_for_more = !state.short && state.slots.allotted() < demand;
        let settle = has_update || (blocked.is_none() && (due || room_for_more));
        if settle {
            return Some(Step::Settle);
        }
        let times = [state.slots.next_free(), due_at, state.queue.first_deadline(), blocked];
        let until = times.into_iter().flatten().filter(|at| *at > now).min();
        drop(state);
        Some(Step::Wait(until))
    }

    /// Refuses calls that can't be served in time, at once and with the time of the retry.
    fn turn_away_the_hopeless(&self, state: &mut State, now: Timestamp) {
        // While Zoom's limit is unknown, the next answer may change the plan.
        let plan_is_known = self.kind.label.is_none() || state.known.per_second.is_some();
        let slots = if plan_is_known && state.asked_at.is_some() { state.fair } else { u32::MAX };
        let in_use = state.slots.in_use(now);
        let free_at = state.slots.next_free().filter(|_| in_use >= state.slots.allotted());
        let start = state.blocked(now).or(free_at).unwrap_or(now);
        for (waiter, turn) in state.queue.hopeless(slots, start) {
            self.turn_away(waiter, turn, now);
        }
    }

    fn turn_away(&self, waiter: Waiter, turn: Timestamp, now: Timestamp) {
        let wait = turn.since(now).max(Duration::from_secs(1));
        let full = Failure::new(Code::ZoomRateLimited, "too many calls to Zoom are waiting for their turn");
        self.refuse(waiter, Failure { retry_after: Some(wait), ..full });
    }

    fn refuse(&self, waiter: Waiter, failure: Failure) {
        self.context.metrics.turn(self.kind.name, TurnOutcome::TurnedAway);
        // A caller that has disconnected needs no answer.
        drop(waiter.reply.send(Err(failure)));
    }

    /// Updates the shared row: writes pending updates and the demand, and takes free slots.
    async fn settle(&self) {
        let _alone = self.updating.lock().await;
        let (before, mut known) = {
            let mut state = self.state();
            state.asked_at = Some(self.context.env.now());
            (state.slots.suspend(), state.known.clone())
        };
        // If this server has the only share, it knows the row; otherwise another server has probably changed it.
        let alone = known.version > 0 && known.shares.iter().all(|share| share.holder == self.context.holder);
        if !alone {
            match self.read_shared_row().await {
                Ok(found) => known = found,
                Err(error) => return self.not_settled(u32::MAX, before, Some(error)),
            }
        }
        let mut smallest = u32::MAX;
        for _ in 0..MAX_TRIES {
            let (mut limit, claim, update, now) = self.proposal(known, before);
            let allotted = allotment::allot(&mut limit, self.kind.least, claim, now);
            smallest = smallest.min(allotted.slots);
            let taken = match self.context.store.replace_zoom_limit(&limit).await {
                Ok(true) => {
                    limit.version += 1;
                    self.settled(limit, claim, allotted, update, now);
                    return;
                }
                Ok(false) => self.read_shared_row().await,
                Err(error) => Err(error),
            };
            match taken {
                Ok(found) => known = found,
                Err(error) => return self.not_settled(smallest, before, Some(error)),
            }
        }
        self.not_settled(smallest, before, None);
    }

    async fn read_shared_row(&self) -> Result<ZoomLimit, StoreError> {
        let found = self.context.store.zoom_limit(&self.key).await?;
        Ok(found.unwrap_or_else(|| allotment::unknown(&self.key, self.context.env.now())))
    }

    /// The row that this server proposes, based on `limit`.
    fn proposal(
        &self,
        mut limit: ZoomLimit,
        before: Suspended,
    ) -> (ZoomLimit, Claim, LimitUpdate, Timestamp) {
        let now = self.context.env.now();
        let mut state = self.state();
        let in_use = state.slots.in_use(now);
        let kept = if state.slots.used_since(now - IDLE_TTL) { before.allotted() } else { 0 };
        let wanted = in_use.saturating_add(state.queue.len()).max(kept);
        let wanted = if state.closing { 0 } else { wanted };
        let update = state.update;
        if update.per_second.is_some() {
            limit.per_second = update.per_second;
        }
        if let Some(hit) = update.refused {
            allotment::refuse(&mut limit, hit, now);
        }
        (limit, Claim { holder: self.context.holder, in_use, wanted }, update, now)
    }

    fn settled(&self, limit: ZoomLimit, claim: Claim, allotted: Allotted, said: LimitUpdate, now: Timestamp) {
        let mut state = self.state();
        if let Some((label, per_second)) = self.kind.label.zip(said.per_second) {
            self.context.metrics.limit_learned(label, per_second);
        }
        state.slots.allot(allotted.slots, now + SHARE_TTL);
        state.fair = allotted.fair;
        state.short = allotted.slots < claim.wanted;
        state.failing = false;
        state.registered = limit.shares.iter().any(|share| share.holder == claim.holder);
        state.known = limit;
        if state.update == said {
            state.update = LimitUpdate::default();
        }
    }

    fn not_settled(&self, slots: u32, before: Suspended, error: Option<StoreError>) {
        let now = self.context.env.now();
        let mut state = self.state();
        state.slots.allot_at_most(slots, before);
        (state.short, state.failing) = (true, true);
        let Some(error) = error else { return };
        tracing::warn!(limit = self.kind.name, error = %chain(&error), "this server's share of a Zoom limit was not updated");
        if state.slots.holds(now) {
            return;
        }
        let failure = Failure::from(error);
        for waiter in state.queue.drain() {
            self.refuse(waiter, failure.clone());
        }
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl State {
    /// The end of a current pause: no calls before this time.
    fn blocked(&self, now: Timestamp) -> Option<Timestamp> {
        // If this server's clock was set back since the pause began, the end of the pause is unknown.
        let ours =
            self.blocked_until.filter(|_| !self.refused_at.is_some_and(|at| at.is_from_the_future(now)));
        let known = self.known.blocked_until.filter(|_| !allotment::is_of_a_wrong_clock(&self.known, now));
        ours.max(known).filter(|until| *until > now)
    }
}

impl Turn {
    /// Updates the limit from an answer.
    pub(super) fn observe(&self, limits: &RateLimits) {
        self.limit.observe(self.begun_at, limits);
    }
}

impl Drop for Turn {
    fn drop(&mut self) {
        let now = self.limit.context.env.now();
        self.limit.state().slots.answered(now);
        self.limit.changed.notify_one();
    }
}

impl std::fmt::Debug for Turn {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Turn").field("limit", &self.limit.kind.name).finish_non_exhaustive()
    }
}

/// Counts a waiting caller, and notifies the queue when it stops waiting.
struct Waiting<'a>(&'a Limit);

impl<'a> Waiting<'a> {
    fn new(limit: &'a Limit) -> Self {
        limit.context.metrics.turn_waiting(limit.kind.name, 1);
        Self(limit)
    }
}

impl Drop for Waiting<'_> {
    fn drop(&mut self) {
        self.0.context.metrics.turn_waiting(self.0.kind.name, -1);
        self.0.changed.notify_one();
    }
}
