//! The conditions on which a bot leaves by itself: `automatic_leave` of Recall's API.

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

/// After how many seconds a bot leaves by itself, for each condition.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct AutomaticLeave {
    /// The bot is in the waiting room, or waits for the host to start the meeting.
    pub waiting_room_timeout: u32,
    /// No other participant has joined.
    pub noone_joined_timeout: u32,
    /// All other participants have left.
    pub everyone_left_timeout: EveryoneLeft,
    /// The bot is in the call and does not record.
    pub in_call_not_recording_timeout: u32,
    /// Nobody speaks.
    #[serde(default)]
    pub silence_detection: SilenceDetection,
    /// All other participants are bots.
    #[serde(default)]
    pub bot_detection: BotDetection,
    /// Conditions without effect here, returned as they were given.
    #[serde(flatten)]
    pub echoed: Map<String, Value>,
}

/// The condition that all other participants have left.
#[derive(Debug, Clone, Copy, Serialize, Deserialize)]
pub struct EveryoneLeft {
    /// How many seconds the bot stays alone.
    pub timeout: u32,
    /// How many seconds the bot must have been in the call before the timeout starts to count.
    pub activate_after: Option<u32>,
}

/// The condition that nobody speaks, detected by active speakers and captions.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct SilenceDetection {
    /// How many seconds of silence the bot waits.
    pub timeout: u32,
    /// How many seconds the bot must have been in the call before the timeout starts to count.
    pub activate_after: u32,
}

/// The condition that all other participants are bots.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct BotDetection {
    /// Detects bots by what they do.
    pub using_participant_events: BotsByEvents,
    /// Detects bots by their names; off unless given.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub using_participant_names: Option<BotsByNames>,
}

/// Counts a participant who has never spoken or shared a screen as a bot.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct BotsByEvents {
    /// How many seconds the bot stays among bots.
    pub timeout: u32,
    /// How many seconds the bot must have been in the call before the timeout starts to count.
    pub activate_after: u32,
}

/// Counts a participant whose name contains one of the given texts as a bot.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct BotsByNames {
    /// How many seconds the bot stays among bots.
    pub timeout: u32,
    /// How many seconds the bot must have been in the call before the timeout starts to count.
    pub activate_after: u32,
    /// Parts of names, compared without regard to case.
    pub matches: Vec<String>,
}

impl AutomaticLeave {
    /// Parts of names: a participant whose name contains one of them counts as a bot.
    pub(crate) fn bot_names(&self) -> &[String] {
        self.bot_detection.using_participant_names.as_ref().map_or(&[], |rule| &rule.matches)
    }
}

impl Default for AutomaticLeave {
    fn default() -> Self {
        Self {
            waiting_room_timeout: 1200,
            noone_joined_timeout: 1200,
            everyone_left_timeout: EveryoneLeft { timeout: 2, activate_after: None },
            in_call_not_recording_timeout: 3600,
            silence_detection: SilenceDetection::default(),
            bot_detection: BotDetection::default(),
            echoed: Map::new(),
        }
    }
}

impl Default for SilenceDetection {
    fn default() -> Self {
        Self { timeout: 3600, activate_after: 1200 }
    }
}

impl Default for BotsByEvents {
    fn default() -> Self {
        Self { timeout: 600, activate_after: 1200 }
    }
}
