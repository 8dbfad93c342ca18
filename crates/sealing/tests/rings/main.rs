//! Sealing, and key rings that change.
#![expect(clippy::unwrap_used, reason = "a test may fail loudly")]

mod rotation;
mod sealing;
mod support;
mod transit;
