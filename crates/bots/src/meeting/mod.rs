//! What happens in a bot's meeting.
//!
//! - `state`: who is there and what they do. Turns the page's news into events, each once, also across rejoins. No I/O.
//!   `participant`: one of those who are there. `arrivals`: who of them is new. `caption`: captions that still grow.
//! - [`read`]: stored events of a bot, opened. [`shape`]: as Recall's downloads and live events show them.

mod arrivals;
mod caption;
pub(crate) mod participant;
pub mod read;
pub mod shape;
pub(crate) mod state;

use model::{BotStatus, Timestamp};

pub(crate) use arrivals::Arrival;

/// When a bot came into its meeting for the first time.
pub fn started_at(bot: &store::Bot) -> Option<Timestamp> {
    let first = bot.status_changes.iter().find(|step| step.code == BotStatus::InCallNotRecording);
    first.map(|step| step.created_at)
}
