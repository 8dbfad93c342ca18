//! Events of a bot, as its page reports them.

use crate::{ChatOutcome, ConsoleLine, SdkMeetingEvent, ZoomCall};

/// One event.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum PageEvent {
    /// `join` was called.
    Joining,
    /// The meeting's socket accepted the bot; it is not in the roster yet. Also after each reconnection.
    Connected,
    /// Held in the waiting room, before being admitted or later.
    WaitingRoom,
    /// In the meeting: the bot's own roster entry is there and not on hold.
    InMeeting {
        /// How many others are in the meeting.
        participants: usize,
    },
    /// Participants came or left.
    Participants {
        /// How many others are in the meeting.
        others: usize,
    },
    /// The connection was lost; the SDK reconnects by itself. Followed by `Connected`, `Refused`, `Failed` or
    /// `Ended`.
    Reconnecting {
        /// The SDK's reason: "failover", "on hold".
        reason: Option<String>,
    },
    /// Not admitted. Reported once for each join, though the SDK says it twice.
    ///
    /// After code 3008 (not started) the page may stay: call `join` again from time to time, or wait:
    /// sometimes the SDK retries by itself and `Connected` follows. Until then `join` has no effect.
    Refused {
        /// The SDK's error code.
        code: i64,
        /// The SDK's message.
        reason: String,
        /// The page to which Zoom would redirect a person, without its query.
        url: Option<String>,
    },
    /// Thrown out by an error after having been in the meeting.
    Failed {
        /// The SDK's error code.
        code: i64,
        /// The SDK's message.
        reason: String,
    },
    /// The meeting is over for the bot, which did not leave by itself.
    Ended {
        /// The SDK's reason: "kicked by host", "ended by host", …
        reason: String,
        /// Whether the bot was in the waiting room.
        on_hold: bool,
    },
    /// Out of the meeting without a reason: the SDK closed the connection.
    Dropped {
        /// How it was noticed.
        how: &'static str,
    },
    /// Left, because `leave` was called.
    Left,
    /// The bot's camera is as requested, or could not be switched in time: Zoom, the SDK or the host prevents it.
    Camera {
        /// Whether it is on.
        on: bool,
        /// Whether it should be.
        wanted: bool,
    },
    /// What came of a chat message.
    Chatted {
        /// The message's number.
        id: u32,
        /// What came of it.
        outcome: ChatOutcome,
        /// The SDK's words, if it threw something.
        reason: Option<String>,
    },
    /// The SDK or the page threw an exception. The bot goes on.
    Script {
        /// The exception's text, shortened.
        message: String,
    },
    /// The page has called Zoom. At most 60 of a join are told.
    Call(ZoomCall),
    /// A warning or an error in the page's console. At most 100 of a page are reported, each once.
    Console(ConsoleLine),
    /// What happens in the meeting, in order.
    Meeting(Vec<SdkMeetingEvent>),
    /// The page has ended. It is the last event, and repeated calls return it again.
    Gone(PageEnd),
}

/// How a page ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum PageEnd {
    /// The page crashed or was closed; its browser lives.
    PageCrashed,
    /// The browser ended.
    BrowserGone,
    /// It no longer answers, without any report that it has ended.
    PageFrozen,
}

impl std::fmt::Display for PageEnd {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Self::PageCrashed => "the bot's page crashed",
            Self::BrowserGone => "the bot's browser ended",
            Self::PageFrozen => "the bot's page is frozen",
        })
    }
}
