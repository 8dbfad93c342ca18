//! The life of a bot: leased at its time, signed in, followed through its meeting, brought out again.
//!
//! - [`request`]: what a bot was asked to do, as it is kept. `create`: what is refused before, and the row of a new bot.
//! - `supervisor`: leases bots that are due, one task each. Starting up and recovering from a crash are the same path.
//!   `lease`: a bot that runs here keeps its lease, and hears `commands`.
//! - `runner`: one bot, from its lease to its last step; `ledger` writes its steps, `sign_in` gets the credentials of its join.
//! - `life`: what an event means for a bot; `come_back`: what follows when it has lost its place. No I/O, so every case is a
//!   plain test. `best_before`: a bot that is too late does not come.
//! - `fleet`: the browser they share. [`Screenshots`]: what their pages showed. `retention`: how long both rows stay.

mod best_before;
mod come_back;
mod commands;
mod create;
mod fleet;
mod lease;
mod ledger;
mod life;
mod parts;
pub mod request;
mod retention;
mod runner;
mod screenshots;
mod sign_in;
mod supervisor;

pub use create::{NewBot, NotCreated, meeting_digest};
pub use fleet::Fleet;
pub use parts::{Parts, Retention, Timing};
pub use request::{AutomaticLeave, BotRequest, EveryoneLeft, ZoomOptions};
pub use screenshots::{Screenshots, SweepError, Swept};
pub use supervisor::{NobodyRunsBots, Supervisor};
