//! Settings that the host chooses for a meeting.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use super::captions::CaptionPolicy;
use super::chat::ChatPolicy;
use crate::ids::UserId;

/// A meeting's type: `type` in REST and in events (D).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "u8", into = "u8")]
pub(crate) enum MeetingType {
    /// Started at once; lists of scheduled meetings omit it (D).
    Instant,
    /// Scheduled for a time.
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

/// The identity a joiner needs (D for the three kinds, O for their codes).
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
    /// Users of the host's account who signed in through its single sign-on (6024).
    Sso,
}

/// The step that reports that a meeting has not started (both O; which one Zoom uses is I).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum NotStarted {
    /// Step 1: the page must join again.
    #[default]
    Info,
    /// The socket: the SDK's widget polls `/wc/rs` and joins by itself.
    Socket,
}

/// The challenge for a joiner that Zoom takes for a robot. When Zoom shows one is unknown (ours: always, or never). None can
/// be passed here: a bot reports it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum BotCheck {
    #[default]
    None,
    /// A captcha page: 3110 (O).
    Captcha,
    /// Too many joins: the SDK's text for 3634 (O the text, I that the server sends it).
    FrequentJoin,
    /// Blocked by the socket, with a code that the SDK does not know (I).
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

/// A refusal for every join of a meeting, whatever its other settings: for codes that no other setting produces. When Zoom
/// sends them is unknown (ours); the SDK's reaction is O.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct FixedRefusal {
    pub(crate) at: Step,
    /// Zoom's code at this step; the SDK reports some under other numbers.
    pub(crate) code: u32,
    /// `errorMessage` of step 1. The socket sends no message.
    #[serde(default)]
    pub(crate) message: String,
}

/// A meeting's settings. The control API can change each of them at any time.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub(crate) struct Settings {
    pub(crate) topic: String,
    pub(crate) agenda: String,
    #[serde(rename = "type")]
    pub(crate) meeting_type: MeetingType,
    /// The scheduled start; `null` if no time is fixed, or the meeting started when it was created.
    pub(crate) start_time: Option<Timestamp>,
    /// Planned duration in minutes; not enforced (D).
    pub(crate) duration: u32,
    pub(crate) timezone: String,
    /// Empty: no passcode is required.
    pub(crate) passcode: String,
    pub(crate) sign_in: SignIn,
    /// Allowed domains for `sign_in: domain`.
    pub(crate) domains: Vec<String>,
    pub(crate) waiting_room: bool,
    /// The first participant who joins starts the meeting.
    pub(crate) join_before_host: bool,
    /// Most participants at once, including the waiting room (I).
    pub(crate) capacity: usize,
    pub(crate) locked: bool,
    /// Users who may also start the meeting, with their own ZAK (D).
    pub(crate) alternative_hosts: Vec<UserId>,
    /// Apps of other accounts need a ZAK or OBF token (4012) and must be published (4011) (D; default off).
    pub(crate) external_rules: bool,
    /// Removed participants may rejoin (D: a host's setting, off by default).
    pub(crate) rejoin_after_removal: bool,
    /// See [`NotStarted`].
    pub(crate) not_started: NotStarted,
    /// A joiner without a ZAK needs the `tk` of a registrant (D).
    pub(crate) registration: bool,
    /// A webinar: attendees must give an e-mail address (D). In the meeting, attendees and panelists are treated alike.
    pub(crate) webinar: bool,
    /// See [`BotCheck`].
    pub(crate) bot_check: BotCheck,
    /// See [`FixedRefusal`].
    pub(crate) refusal: Option<FixedRefusal>,
    /// Whom participants may write to.
    pub(crate) chat: ChatPolicy,
    /// Whether the meeting has captions.
    pub(crate) captions: CaptionPolicy,
    /// Participants may rename themselves.
    pub(crate) rename_allowed: bool,
    /// The SDK sends camera pictures through WebRTC (`useWBVideo`); without it, showing one takes most of a CPU core (O).
    /// The WebRTC server is not simulated.
    pub(crate) webrtc_video: bool,
    /// Overrides for the options that step 1 sends (ours), by the SDK's names such as `isEnableMeetingReactions`.
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
