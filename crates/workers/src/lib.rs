//! Background loops of a process.
//!
//! - [`Workers`]: each loop is a task of its own. A panic in one is logged with its name and counted, and the loop starts anew
//!   after a pause. Nothing else waits for it.
//! - [`Worker`]: the loop that most of them are. It claims rows that are due ([`Work`]), runs a bounded number of them at
//!   once, each for as long as its lease is held, and looks more rarely while claims fail.
//! - [`Shares`]: who holds how many of a worker's places.
//! - [`Backoff`]: how long to wait after failures, for items as for loops.
//! - [`Observer`]: who counts. This crate knows no metrics.
//!
//! # A new worker
//!
//! Implement [`Work`] where the rows are known: what is claimed, how one item is run, and how its lease is kept. Start it with
//! [`Worker::start`] in the part's own `start`. Its series of `/metrics` begin with it.

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
