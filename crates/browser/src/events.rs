//! What happens to a bot, as its page sees it.

/// One thing that happened.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum PageEvent {
    /// `join` was called.
    Joining,
    /// The meeting's socket accepted the bot; it is not in the roster yet. Also after each reconnection.
    Connected,
    /// Held in the waiting room, before being admitted or again later.
    WaitingRoom,
    /// Really in: the bot's own roster entry is there and not on hold.
    InMeeting {
        /// How many others are in the meeting.
        participants: usize,
    },
    /// People came or went.
    Participants {
        /// How many others are in the meeting.
        others: usize,
    },
    /// The socket was lost; the SDK tries again by itself. Followed by `Connected`, `Refused`, `Failed` or `Ended`.
    Reconnecting {
        /// As the SDK says it: "failover", "on hold".
        reason: Option<String>,
    },
    /// Not let in. Told once for each join, though the SDK says it twice.
    ///
    /// With code 3008 (not started) the bot may stay: call `join` again from time to time, or wait: sometimes the
    /// SDK asks by itself and `Connected` follows. `join` does nothing while it does.
    Refused {
        /// The SDK's error code.
        code: i64,
        /// The SDK's words.
        reason: String,
        /// The page that Zoom would send a person to, without its query.
        url: Option<String>,
    },
    /// Thrown out by an error after having been in.
    Failed {
        /// The SDK's error code.
        code: i64,
        /// The SDK's words.
        reason: String,
    },
    /// The meeting is over for the bot, and it did not leave by itself.
    Ended {
        /// As the SDK says it: "kicked by host", "ended by host", …
        reason: String,
        /// Whether the bot was in the waiting room.
        on_hold: bool,
    },
    /// Out of the meeting, and nobody said why: the SDK has closed the connection without a reason.
    Dropped {
        /// How it showed.
        how: &'static str,
    },
    /// Left, because `leave` was called.
    Left,
    /// The SDK or the page threw something. The bot goes on.
    Script {
        /// What was thrown, shortened.
        message: String,
    },
    /// The end of the page. Nothing else follows, and asking again gives the same.
    Gone(Gone),
}

/// How a page ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Gone {
    /// The page crashed or was closed; its browser lives.
    PageCrashed,
    /// The browser ended.
    BrowserGone,
    /// It answers nothing more, though nothing says that it has ended.
    PageFrozen,
}

impl std::fmt::Display for Gone {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Self::PageCrashed => "the bot's page crashed",
            Self::BrowserGone => "the bot's browser ended",
            Self::PageFrozen => "the bot's page is frozen",
        })
    }
}
