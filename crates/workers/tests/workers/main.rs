//! Tests of workers, with a clock that moves only when the test advances it.
#![expect(clippy::unwrap_used, reason = "a test may fail loudly")]

mod supervised;
mod support;
mod worker;
