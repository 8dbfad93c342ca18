//! What every handler holds: the world behind a lock, the clock, and the tasks' end.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use jiff::Timestamp;
use tokio::sync::{Notify, watch};
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use crate::clock::{Clock, Moment};
use crate::webhooks::wire::Wire;
use crate::world::World;

/// The running simulator as its handlers see it.
pub(crate) struct Sim {
    pub(crate) clock: Clock,
    /// Where REST is, as tokens tell it (`api_url`).
    pub(crate) api_base: String,
    /// Everything that runs is counted here, so that stopping can wait for it.
    pub(crate) tasks: TaskTracker,
    /// Cancelled once, when the simulator stops.
    pub(crate) stopping: CancellationToken,
    /// Notified when something may be due sooner than the delivery task thought.
    pub(crate) mail: Notify,
    /// Changes with everything that happens; for scripts, which wait for people and for the clock.
    happenings: watch::Sender<()>,
    /// How webhooks go out.
    pub(crate) wire: Wire,
    world: Mutex<World>,
}

/// How handlers take it.
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

    /// The state, for as long as the guard lives. No handler keeps it across an `await`, so what
    /// happens under one guard is one step, and others see all of it or nothing.
    pub(crate) fn world(&self) -> MutexGuard<'_, World> {
        self.world.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// To be called after every step that changes anything: waiting tasks look again.
    pub(crate) fn happened(&self) {
        self.mail.notify_one();
        self.happenings.send_replace(());
    }

    /// Changes from now on, none of them missed.
    pub(crate) fn happenings(&self) -> watch::Receiver<()> {
        self.happenings.subscribe()
    }

    /// Zoom's time.
    pub(crate) fn now(&self) -> Timestamp {
        self.clock.now()
    }

    /// Zoom's time, for what apps are told of.
    pub(crate) fn moment(&self) -> Moment {
        self.clock.moment()
    }
}
