//! What callers do with bots, in parts that each name what they need.
//!
//! - [`Creator`]: new bots. `request_check` and `workspace_limit`: what is refused before.
//! - [`Editor`]: changes to bots that have not begun.
//! - [`Reader`]: bots that exist. [`Meetings`]: what happened in their meetings. [`Logs`]: what they did, and why.
//! - [`Commands`]: leave, show a picture, write in the chat.
//! - [`Evidence`]: all that is known of a bot, in one file. [`Media`]: erases what is kept of a bot's meeting.

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

/// What callers do with bots. The rows are shared by all servers: a bot may run on another one.
pub struct Bots {
    /// Makes bots.
    pub creator: Creator,
    /// Changes and cancels bots that have not begun.
    pub editor: Editor,
    /// Reads bots.
    pub reader: Reader,
    /// Tells bots what to do.
    pub commands: Commands,
    /// What happened in the meetings of bots.
    pub meetings: Meetings,
    /// What bots did, and why.
    pub logs: Logs,
    /// Pictures of bots' pages.
    pub screenshots: Screenshots,
    /// All that is known of a bot, in one file.
    pub evidence: Evidence,
    /// Erases what is kept of a bot's meeting.
    pub media: Media,
}
