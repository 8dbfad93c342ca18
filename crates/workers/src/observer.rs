//! The interface through which workers report what they do.

use std::time::Duration;

/// Counts what workers do. `worker` is a name from the code, never an id.
pub trait Observer: Send + Sync {
    /// Called when a loop starts for the first time, so that its series begin at zero.
    fn started(&self, worker: &'static str);
    /// Called at the start of a loop that claims items, so that its series begin at zero.
    fn claims(&self, worker: &'static str);
    /// Called when a loop or one of its items has panicked.
    fn panicked(&self, worker: &'static str);
    /// Called when an item was claimed, `late` after it was due.
    fn claimed(&self, worker: &'static str, late: Duration);
    /// Called when an item failed, panicked, or lost its lease.
    fn failed(&self, worker: &'static str);
}

/// An observer that ignores everything.
#[derive(Debug, Clone, Copy)]
pub struct NoopObserver;

impl Observer for NoopObserver {
    fn started(&self, _worker: &'static str) {}
    fn claims(&self, _worker: &'static str) {}
    fn panicked(&self, _worker: &'static str) {}
    fn claimed(&self, _worker: &'static str, _late: Duration) {}
    fn failed(&self, _worker: &'static str) {}
}
