//! A bot's log: entries that say what the bot did, and why.
//!
//! - [`LogEntryKind`], [`NewLogEntry`]: an entry before it is stored. `from_page`: entries from events of a page.
//! - [`BotLog`]: queues entries without waiting and writes them in batches in the background.

mod from_page;
mod note;
mod writer;

use model::Timestamp;

pub(crate) use from_page::of_event;
pub(crate) use note::clean;
pub use note::{LogEntryKind, NewLogEntry};
pub use writer::BotLog;

/// How long something took, in milliseconds, for a field of a note.
pub(crate) fn milliseconds(began: Timestamp, ended: Timestamp) -> u64 {
    u64::try_from(ended.since(began).as_millis()).unwrap_or(u64::MAX)
}
