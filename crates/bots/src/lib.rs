//! Runs bots: a bot is leased when it is due, signs in, joins its meeting, follows it, and leaves.
//!
//! [`Bots::start`] builds two objects from its [`Parts`]: [`Bots`], the API for callers, and a [`Supervisor`], which runs
//! the bots of this process. They share the store's rows and the handle that wakes the workers.
//!
//! - `handle`: creates, changes, reads and commands bots; reads their logs and the events of their meetings.
//! - `supervisor`: leases bots that are due, runs each as a task, and renews their leases.
//! - `run`: one bot, from its lease to its last step.
//! - `servers`: how many bots can run here, and whether a new bot would find a free slot.
//! - `browsers`: browsers and their pages.
//! - [`request`]: the stored request. [`meeting`]: who is in a meeting and what happens there.
//! - `log`: entries of a bot's log. [`Screenshots`]: pictures of bots' pages, stored in [`ScreenshotFiles`].
//! - `picture`: the picture that a bot shows in its video.
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
pub mod request;
mod run;
mod screenshot_files;
mod screenshots;
mod servers;
mod settings;
mod supervisor;
mod wake;

pub use assemble::Parts;
pub use browsers::{BrowserSharing, Browsers, WarmPages};
pub use chat_message::{MAX_MESSAGE_LEN, QueuedMessage, Receiver};
pub use handle::{
    Begun, BotEdit, Bots, Commands, Creator, Editor, EndpointProgress, Evidence, Logs, Media, MeetingRecord,
    Meetings, NewBot, NotChanged, NotCreated, NotLeaving, NotSent, NotShown, OpenedBot, OpenedPage, Reader,
    Recording, RecordingStatus, meeting_digest,
};
pub use log::{BotLog, LogEntryKind, NewLogEntry};
pub use picture::{GivenPicture, MAX_BASE64_LEN, NotAPicture, Picture};
pub use request::{BotRequest, ZoomOptions};
pub use screenshot_files::{Bucket, ScreenshotFiles};
pub use screenshots::{Screenshots, SweepError, Swept};
pub use servers::{CapacityRule, ExpectedCost, NoFreeSlot};
pub use settings::{Retention, Timing};
pub use supervisor::Supervisor;
