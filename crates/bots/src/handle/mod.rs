//! The API for callers, in parts that each name their own dependencies.
//!
//! - [`Creator`]: creates bots. `request_check` and `workspace_limit`: refuse invalid requests and enforce the limit.
//! - [`Editor`]: changes and cancels bots that have not started to join.
//! - [`Reader`]: reads bots. [`Meetings`]: reads the events of their meetings. [`Logs`]: reads their logs.
//! - [`Commands`]: leave, show a picture, send a chat message.
//! - [`Evidence`]: exports everything that is known about a bot. [`Media`]: erases the stored data of a bot's meeting.

mod commands;
mod creator;
mod editor;
mod evidence;
mod logs;
mod media;
mod meetings;
mod new_bot;
mod reader;
mod request_check;
mod workspace_limit;

pub use commands::{Commands, NotLeaving, NotSent, NotShown};
pub use creator::Creator;
pub use editor::{Begun, BotEdit, Editor, NotChanged};
pub use evidence::Evidence;
pub use logs::Logs;
pub use media::Media;
pub use meetings::{EndpointProgress, MeetingRecord, Meetings, Recording, RecordingStatus};
pub use new_bot::{NewBot, NotCreated};
pub use reader::{OpenedBot, OpenedPage, Reader, meeting_digest};
pub(crate) use request_check::RequestCheck;
pub(crate) use workspace_limit::WorkspaceLimit;

use crate::screenshots::Screenshots;

/// The API for callers. All servers share the store's rows, so a bot may run on another server.
pub struct Bots {
    /// Creates bots.
    pub creator: Creator,
    /// Changes and cancels bots that have not started to join.
    pub editor: Editor,
    /// Reads bots.
    pub reader: Reader,
    /// Sends commands to bots.
    pub commands: Commands,
    /// Reads the stored events of bots' meetings.
    pub meetings: Meetings,
    /// Reads the logs of bots.
    pub logs: Logs,
    /// Stores and reads pictures of bots' pages.
    pub screenshots: Screenshots,
    /// Exports everything that is known about a bot in one file.
    pub evidence: Evidence,
    /// Erases the stored data of a bot's meeting.
    pub media: Media,
}
