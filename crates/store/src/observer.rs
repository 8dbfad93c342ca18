//! Who measures what a store does.

use std::{fmt, time::Duration};

/// Measures a store. Names come from the code, never from data.
pub trait StoreObserver: fmt::Debug + Send + Sync {
    /// A transaction with this name ended: after so long, waiting for a connection and repetitions included; and whether
    /// it did what it was to do.
    fn transaction(&self, name: &'static str, took: Duration, succeeded: bool);

    /// A transaction collided with another, and runs again.
    fn collision(&self, name: &'static str);

    /// How many connections of a pool (`readers`, `writer`, `audit`) are lent out, and how many are open in all.
    fn connections(&self, pool: &'static str, lent: u32, open: u32);
}
