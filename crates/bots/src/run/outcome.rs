//! How a join ends, and how a bot ends.

use std::time::Duration;

use model::{Failure, SubCode, Timestamp, ZoomOauthAppId};
use store::PooledAccount;
use zoom::JoinVerdict;

/// How a bot ends.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum End {
    /// The bot was in the meeting or joining, and the call is over: records `call_ended`, then `done`.
    CallEnded(SubCode, Option<String>),
    /// The call is over, and `call_ended` is recorded already: records `done`.
    Done,
    /// The bot could not join, or failed.
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
    /// The sub code of the bot's end if it can't rejoin.
    pub(super) sub_code: SubCode,
    pub(super) words: String,
}

/// The outcome of one join.
pub(super) enum Outcome {
    Over(End),
    /// The page is unusable, and the meeting may continue.
    Lost(Loss),
    Refused(JoinVerdict, String),
    /// This account of the pool is in the meeting already.
    Inside(PooledAccount, String),
    /// Zoom refused this app, or its signature.
    AppRefused(ZoomOauthAppId, String),
    /// There are no credentials yet: try again after this pause. The sub code and the words are the end if there is no time
    /// for another try.
    Later(Duration, SubCode, String),
}

/// Returns the bot's end if Zoom's refusal is final for a bot that was in the meeting.
pub(super) fn end_of_refused(verdict: JoinVerdict, words: &str) -> Option<End> {
    use JoinVerdict::{Fatal, NewApp, NewSignature, NewToken, NotStarted, Retry, Wait};
    let words = words.to_owned();
    match verdict {
        // The meeting ended while the bot was away. The next meeting with that number would be another one.
        Fatal(SubCode::MeetingEnded) | NotStarted => Some(End::CallEnded(SubCode::MeetingEnded, Some(words))),
        // This is not an error of the bot: the user who vouched for it has left.
        Fatal(left @ SubCode::ZoomObfUserLeftMeeting) => Some(End::CallEnded(left, Some(words))),
        // Zoom may still count the bot's own earlier connection, and an internal error may be limited to the page.
        Fatal(SubCode::ZoomErrorMultipleDeviceJoin | SubCode::BotErrored)
        | Retry { .. }
        | NewToken { .. }
        | NewApp { .. }
        | NewSignature { .. }
        | Wait { .. } => None,
        Fatal(sub_code) => Some(End::Fatal(sub_code, words)),
    }
}
