//! The frames of the meeting socket, by their numbers (O).

use axum::extract::ws::Message;
use serde::Deserialize;
use serde_json::{Value, json};

/// Both directions: the server's greeting, later the client's keep-alive and its echo.
pub(crate) const READY: u32 = 0;
/// Client: its credentials, in answer to the greeting.
pub(crate) const CREDENTIALS: u32 = 4301;
/// Server: the join's result; `res` 0 means admitted.
pub(crate) const JOIN_RESULT: u32 = 4098;
/// Server: participants who joined, changed or left.
pub(crate) const ROSTER: u32 = 7937;
/// Server: settings of the meeting.
pub(crate) const SETTINGS: u32 = 7938;
/// Server: the stay has ended, with the reason.
pub(crate) const OVER: u32 = 7939;
/// Server: the receiver became host.
pub(crate) const HOST_CHANGED: u32 = 7940;
/// Server: the receiver became a co-host, or is no longer one.
pub(crate) const CO_HOST_CHANGED: u32 = 7941;
/// Server: the receiver went on hold or was admitted.
pub(crate) const HOLD_CHANGED: u32 = 7942;
/// Server: a chat message.
pub(crate) const CHAT_RECEIVED: u32 = 7944;
/// Server: the receiver must move into a breakout room, or back.
pub(crate) const BREAKOUT_COMMAND: u32 = 7949;
/// Server: the breakout rooms and their assigned participants.
pub(crate) const BREAKOUT_ROOMS: u32 = 7950;
/// Server: whether the receiver has captions.
pub(crate) const CAPTION_STATE: u32 = 7982;
/// Server: a caption, or an update of one.
pub(crate) const CAPTION: u32 = 7983;
/// Server: the answer to [`ASK_CAPTIONS`].
pub(crate) const CAPTIONS_STARTED: u32 = 7985;
/// Server: the host switched captions off, or on again.
pub(crate) const CAPTIONS_DISABLED: u32 = 8011;
/// Server: the active speakers.
pub(crate) const ACTIVE_SPEAKERS: u32 = 12_033;
/// Server: the host stops the receiver's camera.
pub(crate) const STOP_VIDEO: u32 = 16_133;
/// Server: whose screen to show.
pub(crate) const SHARED_SCREEN: u32 = 20_225;
/// Server: which bot belongs to which participant.
pub(crate) const BOT_RELATION: u32 = 8029;
/// Server: the stream number a camera may use.
pub(crate) const VIDEO_STREAM: u32 = 16131;
/// Client, host: lock the meeting.
pub(crate) const LOCK: u32 = 4099;
/// Client: rename `id`.
pub(crate) const RENAME: u32 = 4109;
/// Client, host: revoke `id`'s co-host role.
pub(crate) const REVOKE_CO_HOST: u32 = 4195;
/// Client: asks for captions.
pub(crate) const ASK_CAPTIONS: u32 = 4285;
/// Client: end for all; answered by 4102.
pub(crate) const END: u32 = 4101;
/// Client: leave; answered by 4104.
pub(crate) const LEAVE: u32 = 4103;
/// Client, host: remove `id`.
pub(crate) const REMOVE: u32 = 4107;
/// Client, host: make `id` a co-host (`bCoHost`), or else the host (the latter read in the SDK).
pub(crate) const MAKE_HOST: u32 = 4111;
/// Client, host: hold or admit `id`.
pub(crate) const HOLD: u32 = 4113;
/// Client, host: admit all participants (read in the SDK).
pub(crate) const ADMIT_ALL: u32 = 4199;
/// Client: a chat message; answered by 4136.
pub(crate) const CHAT: u32 = 4135;
/// Client: a camera is available.
pub(crate) const CAMERA: u32 = 12307;
/// Client: video on (`bOn` false!) or off.
pub(crate) const VIDEO: u32 = 12297;

/// Reason in 7939: why a stay has ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum StayEnd {
    /// "kicked by host", in the meeting or in its waiting room.
    Removed = 7,
    /// "ended by host".
    Ended = 8,
    /// "free meeting ended".
    FreeMeeting = 10,
    /// "unknown reason: 11", which the SDK's own list calls `JBHTimeout`: joined before the host, and no host came.
    HostNeverCame = 11,
    /// "unknown reason: 12", `EndBySingleStatus` there: I that it means one participant was alone for too long.
    OneLeft = 12,
    /// "archive failed".
    ArchiveFailed = 14,
    /// "duplicated session": the same user joined again.
    Duplicated = 17,
    /// "RSGW ended": Zoom's server behind the connection ended, not the meeting (I).
    Gateway = 20,
    /// "bot user kicked due to master leaving": the user who vouched for the bot has left.
    AuthoriserLeft = 21,
    /// "unknown reason: 99": a reason that the SDK has no text for (ours).
    Unnamed = 99,
}

/// Why a meeting ended for all participants.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum EndedBy {
    #[default]
    Host,
    /// The time limit of a free plan.
    FreeMeeting,
    HostNeverCame,
    OneLeft,
    ArchiveFailed,
    /// Zoom's server behind the connections restarts. The meeting continues, and participants with a socket rejoin (I).
    Gateway,
    /// A reason that the SDK has no text for.
    Unnamed,
}

impl From<EndedBy> for StayEnd {
    fn from(by: EndedBy) -> Self {
        match by {
            EndedBy::Host => Self::Ended,
            EndedBy::FreeMeeting => Self::FreeMeeting,
            EndedBy::HostNeverCame => Self::HostNeverCame,
            EndedBy::OneLeft => Self::OneLeft,
            EndedBy::ArchiveFailed => Self::ArchiveFailed,
            EndedBy::Gateway => Self::Gateway,
            EndedBy::Unnamed => Self::Unnamed,
        }
    }
}

/// A frame from the SDK.
#[derive(Debug, Deserialize)]
pub(crate) struct Incoming {
    pub(crate) evt: u32,
    #[serde(default)]
    pub(crate) seq: u64,
    #[serde(default)]
    pub(crate) body: Value,
}

/// A frame for the SDK. The socket numbers it, unless it echoes a number.
#[derive(Clone, Debug)]
pub(crate) struct Outgoing {
    evt: u32,
    echo: Option<u64>,
    body: Value,
}

impl Outgoing {
    pub(crate) fn new(evt: u32, body: Value) -> Self {
        Self { evt, echo: None, body }
    }

    /// The echo of a keep-alive: without one the SDK reconnects (read in the SDK).
    pub(crate) fn keep_alive(seq: u64) -> Self {
        Self { evt: READY, echo: Some(seq), body: Value::Null }
    }

    /// The end of a stay.
    pub(crate) fn over(reason: StayEnd) -> Self {
        Self::new(OVER, json!({"reason": reason as u32}))
    }

    /// The frame as a text message; `next` is the socket's own frame counter.
    pub(crate) fn text(&self, next: &mut u64) -> Message {
        let seq = self.echo.unwrap_or_else(|| {
            *next += 1;
            *next
        });
        let mut frame = json!({"evt": self.evt, "seq": seq});
        if !self.body.is_null() {
            frame["body"] = self.body.clone();
        }
        Message::text(frame.to_string())
    }
}
