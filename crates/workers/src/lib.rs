//! Background loops of a process.
//!
//! - [`Workers`]: runs each loop as its own task. A panic in a loop is logged and counted, and the loop restarts after a
//!   pause. Other loops are not affected.
//! - [`Worker`]: the most common loop. It claims rows that are due ([`Work`]), runs a bounded number of them at once,
//!   each while its lease is valid, and polls less often while claims fail.
//! - [`Shares`]: counts how many of a worker's slots each holder occupies.
//! - [`Backoff`]: how long to wait after failures.
//! - [`Observer`]: counts what workers do. This crate does not depend on metrics.
//!
//! # A new worker
//!
//! Implement [`Work`] in the crate that knows the rows: how rows are claimed, how an item is run, and how its lease is
//! renewed. Start it with [`Worker::start`] in that crate's own `start`. Its series in `/metrics` begin with it.

mod backoff;
mod observer;
mod panic;
mod shares;
mod supervised;
mod worker;

pub use backoff::Backoff;
pub use observer::{NoopObserver, Observer};
pub use shares::{Share, Shares};
pub use supervised::Workers;
pub use worker::{Claimed, Settings, Work, Worker};
