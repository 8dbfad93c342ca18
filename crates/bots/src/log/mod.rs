//! A bot's log: what it did and why, entry by entry.
//!
//! - [`Kind`], [`Note`]: what is noted. `from_page`: the same of what a page tells.
//! - [`BotLog`]: takes notes at once and writes them in batches beside the bots.

mod from_page;
mod note;
mod writer;

use model::Timestamp;

pub(crate) use from_page::of_event;
pub use note::{Kind, Note};
pub use writer::BotLog;

/// For a note: how long something took.
pub(crate) fn milliseconds(began: Timestamp, ended: Timestamp) -> u64 {
    u64::try_from(ended.since(began).as_millis()).unwrap_or(u64::MAX)
}
