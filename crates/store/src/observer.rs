//! The interface through which a store reports measurements.

use std::{fmt, time::Duration};

/// Receives the measurements of a store. Names come from the code, never from data.
pub trait StoreObserver: fmt::Debug + Send + Sync {
    /// A transaction ended after `took`, which includes waiting for a connection and repetitions;
    /// the last argument says whether it succeeded.
    fn transaction(&self, name: &'static str, took: Duration, succeeded: bool);

    /// A transaction conflicted with another one and is repeated.
    fn collision(&self, name: &'static str);

    /// How many connections of a pool (`readers`, `writer`, `audit`) are in use, and how many are
    /// open.
    fn connections(&self, pool: &'static str, lent: u32, open: u32);
}
