//! How a join ends, and how a bot ends.

use std::time::Duration;

use model::{Failure, SubCode, Timestamp, ZoomOauthAppId};
use store::PooledAccount;
use zoom::JoinVerdict;

/// How a bot ends.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum End {
    /// It was in, or joining, and the call is over: `call_ended`, then `done`.
    CallEnded(SubCode, Option<String>),
    /// The call was over and that is recorded: `done`.
    Done,
    /// It could not join, or failed.
    Fatal(SubCode, String),
}

impl From<Failure> for End {
    fn from(failure: Failure) -> Self {
        Self::Fatal(SubCode::BotErrored, failure.to_string())
    }
}

/// A place in a meeting, or a join, that was lost through a failure and not by a decision.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Loss {
    pub(super) since: Timestamp,
    /// The bot's end if it can't return.
    pub(super) sub_code: SubCode,
    pub(super) words: String,
}

/// The outcome of one join.
pub(super) enum Outcome {
    Over(End),
    /// The page is useless, and the meeting may go on.
    Lost(Loss),
    Refused(JoinVerdict, String),
    /// This account of the pool is in the meeting already.
    Inside(PooledAccount, String),
    /// Zoom refused this app, or its signature.
    AppRefused(ZoomOauthAppId, String),
    /// No credentials: try again after this pause. The rest is the end if there is no time for it.
    Later(Duration, SubCode, String),
}

/// Whether Zoom's refusal is final for a bot that was in, and the end that follows.
pub(super) fn end_of_refused(verdict: JoinVerdict, words: &str) -> Option<End> {
    use JoinVerdict::{Fatal, NewApp, NewSignature, NewToken, NotStarted, Retry, Wait};
    let words = words.to_owned();
    match verdict {
        // The meeting ended while it was away. Waiting for the next one of that number would be another
        // meeting.
        Fatal(SubCode::MeetingEnded) | NotStarted => Some(End::CallEnded(SubCode::MeetingEnded, Some(words))),
        // The bot did nothing wrong: the user who vouched for it has left.
        Fatal(left @ SubCode::ZoomObfUserLeftMeeting) => Some(End::CallEnded(left, Some(words))),
        // Zoom may still count the bot's own former place; an error of ours may be the page's.
        Fatal(SubCode::ZoomErrorMultipleDeviceJoin | SubCode::BotErrored)
        | Retry { .. }
        | NewToken { .. }
        | NewApp { .. }
        | NewSignature { .. }
        | Wait { .. } => None,
        Fatal(sub_code) => Some(End::Fatal(sub_code, words)),
    }
}
