//! Workers, with a clock that moves when it is told to.
#![expect(clippy::unwrap_used, reason = "a test may fail loudly")]

mod supervised;
mod support;
mod worker;
