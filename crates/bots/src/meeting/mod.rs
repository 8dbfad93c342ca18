//! What happens in a bot's meeting: from the page's news to events that are kept with the bot.
//!
//! - `state`: who is there and what they do. Turns news into events, each once, also across rejoins. No I/O.
//! - `recorder`: writes events in batches under the bot's lease, beside the bot.
//! - `queue`: what waits for the store, bounded.
//! - `wish`: what of it the request asked for, and how long it is kept.
//! - [`live`]: real-time endpoints, as a request asks for them.
//! - [`read`]: events of a bot, opened. [`shape`]: as Recall's downloads show them.

pub(crate) mod caption;
pub mod live;
mod queue;
pub(crate) mod recorder;
pub(crate) mod state;
mod wish;

pub mod read;
pub mod shape;

pub use wish::{MeetingWish, RETENTION_NULL};

use model::{BotStatus, Timestamp};

/// When a bot came into its meeting for the first time.
pub fn started_at(bot: &store::Bot) -> Option<Timestamp> {
    let first = bot.status_changes.iter().find(|step| step.code == BotStatus::InCallNotRecording);
    first.map(|step| step.created_at)
}
