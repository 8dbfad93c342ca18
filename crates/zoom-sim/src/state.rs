//! State shared by all handlers: the world behind a lock, the clock, and the shutdown of tasks.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use jiff::Timestamp;
use tokio::sync::{Notify, watch};
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use crate::clock::{Clock, Moment};
use crate::webhooks::wire::Wire;
use crate::world::World;

/// The running simulator, as its handlers see it.
pub(crate) struct Sim {
    pub(crate) clock: Clock,
    /// Base URL of REST, as in token answers (`api_url`).
    pub(crate) api_base: String,
    /// Tracks all tasks, so that stopping can wait for them.
    pub(crate) tasks: TaskTracker,
    /// Cancelled once, when the simulator stops.
    pub(crate) stopping: CancellationToken,
    /// Notified when a webhook may be due earlier than the delivery task expects.
    pub(crate) mail: Notify,
    /// Signals every change: scripts wait for participants and for the clock.
    happenings: watch::Sender<()>,
    /// The HTTP client for webhooks.
    pub(crate) wire: Wire,
    world: Mutex<World>,
}

/// The form in which handlers receive the state.
pub(crate) type SharedSim = Arc<Sim>;

impl Sim {
    pub(crate) fn new(api_base: String, world: World, wire: Wire) -> SharedSim {
        Arc::new(Self {
            clock: Clock::default(),
            api_base,
            tasks: TaskTracker::new(),
            stopping: CancellationToken::new(),
            mail: Notify::new(),
            happenings: watch::Sender::new(()),
            wire,
            world: Mutex::new(world),
        })
    }

    /// Locks the state while the guard lives. No handler holds the guard across an `await`, so all changes under one guard
    /// are one atomic step.
    pub(crate) fn world(&self) -> MutexGuard<'_, World> {
        self.world.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Must be called after every step that changes anything: it wakes waiting tasks.
    pub(crate) fn happened(&self) {
        self.mail.notify_one();
        self.happenings.send_replace(());
    }

    /// Subscribes to all changes from now on.
    pub(crate) fn happenings(&self) -> watch::Receiver<()> {
        self.happenings.subscribe()
    }

    /// Zoom's time.
    pub(crate) fn now(&self) -> Timestamp {
        self.clock.now()
    }

    /// Zoom's time, for events.
    pub(crate) fn moment(&self) -> Moment {
        self.clock.moment()
    }
}
