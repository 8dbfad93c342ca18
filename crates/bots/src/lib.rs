//! The life of a bot: it is leased when due, signed in, followed through its meeting, and leaves.
//!
//! - [`request`]: the stored request. `create`: the checks before it is stored, and the row of a new bot.
//!   `read`: bots that exist. `at_stake`: bots that an account's state affects. `leave`: a bot that is told to leave.
//!   `change`: what becomes of a bot that is changed or cancelled before its first step.
//! - `supervisor`: leases bots that are due, one task each. Starting up and recovering from a crash are the same path.
//!   `lease`: renews the lease of a running bot and passes on `commands`.
//!   `capacity`: how many bots run here, by what `machine` has; `presence` tells the other servers. `place`: whether a
//!   new bot would find one.
//! - `runner`: one bot, from its lease to its last step; `bot_record` writes its steps, `sign_in` gets the credentials of its join.
//!   `ahead`: what is made ready while a scheduled bot waits for its time.
//! - `life`: what each event means for a bot; `rejoin`: rejoining after it lost its place. No I/O, so every case is a
//!   plain test. `best_before`: a bot that is too late does not join.
//! - `log`: what a bot did and why. `evidence`: all that is known of a bot, in one file.
//! - `outputs`: what a bot shows (`picture`) and says (`chat`).
//! - `browsers`: the browsers and their pages. [`Screenshots`]: pictures of pages, in [`PictureFiles`]. `retention`: how long rows and pictures are kept.

mod ahead;
mod at_stake;
mod automatic_leave;
mod best_before;
mod bot_record;
mod browsers;
mod capacity;
mod change;
mod chat;
mod commands;
mod create;
mod evidence;
mod lease;
mod leave;
#[cfg(test)]
mod legal_steps;
mod life;
mod log;
mod machine;
pub mod meeting;
mod outputs;
mod parts;
mod picture;
mod picture_files;
mod place;
mod presence;
mod read;
mod rejoin;
pub mod request;
mod retention;
mod runner;
mod screenshots;
mod show;
mod sign_in;
mod supervisor;

pub use at_stake::{AtStake, ScheduledBot, at_stake};
pub use automatic_leave::{
    AutomaticLeave, BotDetection, BotsByEvents, BotsByNames, EveryoneLeft, SilenceDetection,
};
pub use browsers::{BrowserSharing, Browsers, WarmPages};
pub use capacity::{CapacityRule, Reckoning};
pub use change::{Begun, BotEdit, NotChanged};
pub use chat::{LONGEST_MESSAGE, NotSaid, QueuedMessage, Receiver};
pub use create::{NewBot, NotCreated, meeting_digest};
pub use leave::NotLeaving;
pub use log::{BotLog, Kind, Note};
pub use parts::{Parts, Retention, Timing};
pub use picture::{GivenPicture, LONGEST_BASE64, NotAPicture, Picture};
pub use picture_files::{Bucket, PictureFiles};
pub use place::NoFreeBot;
pub use read::{OpenedBot, OpenedPage};
pub use request::{BotRequest, ZoomOptions};
pub use screenshots::{Screenshots, SweepError, Swept};
pub use show::NotShown;
pub use supervisor::Supervisor;
