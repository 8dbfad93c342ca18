//! The life of a bot: leased at its time, signed in, followed through its meeting, brought out again.
//!
//! - [`request`]: what a bot was asked to do, as it is kept.
//! - `supervisor`: leases bots that are due, one task each. Starting up and recovering from a crash are the same path.
//! - `runner`: one bot, from its lease to its last step; `ledger` writes its steps, `orders` bring word from outside,
//!   `sign_in` gets what it shows at the door.
//! - `life`: what an event means for a bot; `come_back`: what follows when it has lost its place. No I/O, so every case is a
//!   plain test. `best_before`: who is too late does not come.
//! - `fleet`: the browser they share.

mod best_before;
mod come_back;
mod fleet;
mod ledger;
mod life;
mod orders;
mod parts;
pub mod request;
mod runner;
mod screenshots;
mod sign_in;
mod supervisor;

pub use fleet::Fleet;
pub use parts::{Deadlines, Parts};
pub use request::{AutomaticLeave, BotRequest, EveryoneLeft, ZoomOptions};
pub use screenshots::{Screenshots, SweepError, Swept};
pub use supervisor::{NobodyRunsBots, Supervisor};
