//! Events of a bot, as its page reports them.

use crate::{ChatOutcome, ConsoleLine, SdkMeetingEvent, ZoomCall};

/// One event.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum PageEvent {
    /// `join` was called.
    Joining,
    /// Zoom accepted the meeting's socket, also after each reconnect. The bot is not in the roster yet.
    Connected,
    /// The bot is in the waiting room, before it is admitted or later.
    WaitingRoom,
    /// The bot is in the meeting: it is in the roster and not on hold.
    InMeeting {
        /// How many others are in the meeting.
        participants: usize,
    },
    /// The number of participants changed.
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
    /// Zoom refused the join. Reported once for each join, although the SDK reports it twice.
    ///
    /// After code 3008 (the meeting has not started) the page can be used further: call `join` again from time to time.
    /// Sometimes the SDK retries by itself. Then `join` has no effect, and `Connected` follows.
    Refused {
        /// The SDK's error code.
        code: i64,
        /// The SDK's message.
        reason: String,
        /// The page to which Zoom would redirect a person, without its query.
        url: Option<String>,
    },
    /// The bot lost its place through an error after it had been in the meeting.
    Failed {
        /// The SDK's error code.
        code: i64,
        /// The SDK's message.
        reason: String,
    },
    /// Zoom ended the call for the bot.
    Ended {
        /// The SDK's reason: "kicked by host", "ended by host", …
        reason: String,
        /// Whether the bot was in the waiting room.
        on_hold: bool,
    },
    /// The SDK closed the connection without a reason.
    Dropped {
        /// How it was detected.
        how: &'static str,
    },
    /// The bot left because `leave` was called.
    Left,
    /// The bot's camera is as requested, or could not be switched in time: Zoom, the SDK or the host prevents it.
    Camera {
        /// Whether the camera is on.
        on: bool,
        /// Whether the camera should be on.
        wanted: bool,
    },
    /// The result of sending a chat message.
    Chatted {
        /// The message's number.
        id: u32,
        /// The result.
        outcome: ChatOutcome,
        /// The SDK's message, if it threw an exception.
        reason: Option<String>,
    },
    /// The SDK or the page threw an exception. The bot continues.
    Script {
        /// The exception's text, shortened.
        message: String,
    },
    /// A call from the page to Zoom has ended. At most 60 calls of a join are reported.
    Call(ZoomCall),
    /// A warning or an error in the page's console. At most 100 of a page are reported, each once.
    Console(ConsoleLine),
    /// Events of the meeting, in order.
    Meeting(Vec<SdkMeetingEvent>),
    /// The page has ended. This is the last event; further calls return it again.
    Gone(PageEnd),
}

/// How a page ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum PageEnd {
    /// The page crashed or was closed; its browser still runs.
    PageCrashed,
    /// The browser ended.
    BrowserGone,
    /// The page no longer responds, although it has not ended.
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
