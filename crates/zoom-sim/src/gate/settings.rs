//! What a host chooses for a meeting.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use super::captions::CaptionPolicy;
use super::chat::ChatPolicy;
use crate::ids::UserId;

/// How a meeting came about: the `type` of REST and of events (D).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "u8", into = "u8")]
pub(crate) enum MeetingType {
    /// Begun on the spot; lists of scheduled meetings leave it out (D).
    Instant,
    /// For a time.
    #[default]
    Scheduled,
    /// Recurring, without fixed times.
    Recurring,
    /// Recurring, at fixed times. Its occurrences are not simulated.
    RecurringFixed,
}

impl From<MeetingType> for u8 {
    fn from(meeting_type: MeetingType) -> Self {
        match meeting_type {
            MeetingType::Instant => 1,
            MeetingType::Scheduled => 2,
            MeetingType::Recurring => 3,
            MeetingType::RecurringFixed => 8,
        }
    }
}

impl TryFrom<u8> for MeetingType {
    type Error = &'static str;

    fn try_from(number: u8) -> Result<Self, Self::Error> {
        match number {
            1 => Ok(Self::Instant),
            2 => Ok(Self::Scheduled),
            3 => Ok(Self::Recurring),
            8 => Ok(Self::RecurringFixed),
            _ => Err("type must be 1 (instant), 2 (scheduled), 3 or 8 (recurring)"),
        }
    }
}

/// Who may come in by identity (D for the three kinds, O for their codes).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum SignIn {
    /// Everyone.
    #[default]
    None,
    /// Any signed-in Zoom user, of any account (3051).
    Any,
    /// Users of the host's account (3052).
    Account,
    /// Users with an e-mail address of the listed domains (3052).
    Domain,
    /// Users of the host's account who came through its single sign-on (6024).
    Sso,
}

/// Which step says that a meeting has not started (both O; which one Zoom takes is I).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum NotStarted {
    /// Step 1: the page must join again.
    #[default]
    Info,
    /// The socket: the SDK's widget polls `/wc/rs` and joins by itself.
    Socket,
}

/// What Zoom puts before a newcomer that looks like a robot to it. When it does is unknown (ours: always, or never). Nothing
/// here can be passed: a bot reports it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum BotCheck {
    #[default]
    None,
    /// A captcha's page: 3110 (O).
    Captcha,
    /// Too many joins: the SDK's text for 3634 (O the text, I that the server says it).
    FrequentJoin,
    /// Blocked, by the socket, with a code that the SDK does not know (I).
    Blocked,
}

/// A step of a join.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Step {
    /// `POST /api/v1/wc/info`.
    Info,
    /// The WebSocket's 4098.
    Socket,
}

/// What each join of a meeting is answered with, whatever else is chosen: for codes that no other setting leads to. When Zoom
/// says them is unknown (ours); what the SDK makes of them is O.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct FixedRefusal {
    pub(crate) at: Step,
    /// Zoom's code at this step; the SDK shows some under other numbers.
    pub(crate) code: u32,
    /// `errorMessage` of step 1. The socket has none.
    #[serde(default)]
    pub(crate) message: String,
}

/// What the host has chosen; the control API changes each of them at any time.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub(crate) struct Settings {
    pub(crate) topic: String,
    pub(crate) agenda: String,
    #[serde(rename = "type")]
    pub(crate) meeting_type: MeetingType,
    /// When it is to begin; null where no time is fixed, or it began when it was made.
    pub(crate) start_time: Option<Timestamp>,
    /// Minutes; binds nobody (D).
    pub(crate) duration: u32,
    pub(crate) timezone: String,
    /// Empty = none.
    pub(crate) passcode: String,
    pub(crate) sign_in: SignIn,
    /// For `sign_in: domain`.
    pub(crate) domains: Vec<String>,
    pub(crate) waiting_room: bool,
    /// The first to come starts the meeting.
    pub(crate) join_before_host: bool,
    /// Most people at once, those in the waiting room included (I).
    pub(crate) capacity: usize,
    pub(crate) locked: bool,
    /// They may start it too, with their own ZAK (D).
    pub(crate) alternative_hosts: Vec<UserId>,
    /// Apps of other accounts need ZAK or OBF (4012) and must be published (4011) (D; default off).
    pub(crate) external_rules: bool,
    /// Removed participants may come again (D: a host's setting, off at first).
    pub(crate) rejoin_after_removal: bool,
    /// See [`NotStarted`].
    pub(crate) not_started: NotStarted,
    /// A newcomer without a ZAK brings the `tk` of a registrant (D).
    pub(crate) registration: bool,
    /// A webinar: attendees tell an e-mail address (D). Attendees are not kept apart from panelists once they are in.
    pub(crate) webinar: bool,
    /// See [`BotCheck`].
    pub(crate) bot_check: BotCheck,
    /// See [`FixedRefusal`].
    pub(crate) refusal: Option<FixedRefusal>,
    /// Whom participants may write to.
    pub(crate) chat: ChatPolicy,
    /// Whether there are captions.
    pub(crate) captions: CaptionPolicy,
    /// Participants may rename themselves.
    pub(crate) rename_allowed: bool,
    /// The SDK sends a camera's picture through WebRTC (`useWBVideo`); without it, showing one takes most of a core (O). The
    /// other end of it is not simulated.
    pub(crate) webrtc_video: bool,
    /// Laid over the options that step 1 tells (ours); their names are the SDK's, `isEnableMeetingReactions` and its like.
    pub(crate) options: Map<String, Value>,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            topic: "Simulated meeting".to_owned(),
            agenda: String::new(),
            meeting_type: MeetingType::default(),
            start_time: None,
            duration: 60,
            timezone: "UTC".to_owned(),
            passcode: String::new(),
            sign_in: SignIn::default(),
            domains: Vec::new(),
            waiting_room: false,
            join_before_host: false,
            capacity: 100,
            locked: false,
            alternative_hosts: Vec::new(),
            external_rules: false,
            rejoin_after_removal: false,
            not_started: NotStarted::default(),
            registration: false,
            webinar: false,
            bot_check: BotCheck::default(),
            refusal: None,
            chat: ChatPolicy::default(),
            captions: CaptionPolicy::default(),
            rename_allowed: true,
            webrtc_video: false,
            options: Map::new(),
        }
    }
}
