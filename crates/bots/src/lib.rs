//! The life of a bot: it is leased when due, signed in, followed through its meeting, and leaves.
//!
//! [`Bots::start`] makes two things of its [`Parts`]: [`Bots`], what callers do with bots, and a [`Supervisor`], which runs
//! those of this process. They share rows, and a call that wakes the workers.
//!
//! - `handle`: create, change, read and command bots; what they did, and what happened in their meetings.
//! - `supervisor`: leases bots that are due, one task each, and renews their leases.
//! - `run`: one bot, from its lease to its last step.
//! - `servers`: how many bots run here, and whether a new one would find a place. `browsers`: browsers and their pages.
//! - [`request`]: the stored request. [`meeting`]: who is in a meeting and what happens there.
//! - `log`: entries of a bot's log. [`Screenshots`]: pictures of pages, in [`PictureFiles`]. `picture`: what a bot shows.
//!
//! Imports point one way: `assemble` → `handle`, `supervisor` → `run` → `servers`, `browsers`, `meeting`, `request`, `log`,
//! `screenshots`. `handle` and `supervisor` do not know each other.

mod assemble;
mod browsers;
mod chat_message;
mod handle;
mod log;
pub mod meeting;
mod picture;
mod picture_files;
pub mod request;
mod run;
mod screenshots;
mod servers;
mod settings;
mod supervisor;
mod wake;

pub use assemble::Parts;
pub use browsers::{BrowserSharing, Browsers, WarmPages};
pub use chat_message::{LONGEST_MESSAGE, QueuedMessage, Receiver};
pub use handle::{
    Begun, BotEdit, Bots, Commands, Creator, Editor, EndpointProgress, Evidence, Logs, Media, MeetingRecord,
    Meetings, NewBot, NotChanged, NotCreated, NotLeaving, NotSent, NotShown, OpenedBot, OpenedPage, Reader,
    Recording, RecordingStatus, meeting_digest,
};
pub use log::{BotLog, Kind, Note};
pub use picture::{GivenPicture, LONGEST_BASE64, NotAPicture, Picture};
pub use picture_files::{Bucket, PictureFiles};
pub use request::{BotRequest, ZoomOptions};
pub use screenshots::{Screenshots, SweepError, Swept};
pub use servers::{CapacityRule, ExpectedCost, NoFreeBot};
pub use settings::{Retention, Timing};
pub use supervisor::Supervisor;
