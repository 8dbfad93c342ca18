//! What happens in a bot's meeting.
//!
//! - `state`: who is there and what they do. Converts the page's reports to events, each once, also across rejoins. No I/O.
//!   `participant`: one participant. `arrivals`: who joined after the bot. `caption`: captions that are not final yet.
//! - [`read`]: reads stored events. [`shape`]: converts them to the format of Recall's downloads and live events.

mod arrivals;
mod caption;
pub(crate) mod participant;
pub mod read;
pub mod shape;
pub(crate) mod state;

use model::{BotStatus, Timestamp};

pub(crate) use arrivals::Arrival;

/// When a bot entered its meeting for the first time.
pub fn started_at(bot: &store::Bot) -> Option<Timestamp> {
    let first = bot.status_changes.iter().find(|step| step.code == BotStatus::InCallNotRecording);
    first.map(|step| step.created_at)
}
