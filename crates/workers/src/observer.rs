//! The interface by which workers report what they do.

use std::time::Duration;

/// Counts what workers do. `worker` is a name from the code, never an id.
pub trait Observer: Send + Sync {
    /// A loop starts for the first time: its series begin at zero.
    fn started(&self, worker: &'static str);
    /// The loop claims items: its series begin at zero.
    fn claims(&self, worker: &'static str);
    /// A loop, or one item of it, panicked.
    fn panicked(&self, worker: &'static str);
    /// An item was claimed, this long after it was due.
    fn claimed(&self, worker: &'static str, late: Duration);
    /// An item failed, panicked, or lost its lease.
    fn failed(&self, worker: &'static str);
}

/// Counts nothing.
#[derive(Debug, Clone, Copy)]
pub struct NoopObserver;

impl Observer for NoopObserver {
    fn started(&self, _worker: &'static str) {}
    fn claims(&self, _worker: &'static str) {}
    fn panicked(&self, _worker: &'static str) {}
    fn claimed(&self, _worker: &'static str, _late: Duration) {}
    fn failed(&self, _worker: &'static str) {}
}
