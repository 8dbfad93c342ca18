//! When a bot leaves by itself, as its request says.

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

/// After how many seconds a bot leaves by itself, for each condition.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct AutomaticLeave {
    /// In the waiting room, and waiting for the host.
    pub waiting_room_timeout: u32,
    /// No other participant ever came.
    pub noone_joined_timeout: u32,
    /// All other participants have left.
    pub everyone_left_timeout: EveryoneLeft,
    /// In the call, not recording.
    pub in_call_not_recording_timeout: u32,
    /// Nobody speaks.
    #[serde(default)]
    pub silence_detection: SilenceDetection,
    /// Only bots are left.
    #[serde(default)]
    pub bot_detection: BotDetection,
    /// Conditions without effect here, echoed as given.
    #[serde(flatten)]
    pub echoed: Map<String, Value>,
}

/// The condition that all other participants have left.
#[derive(Debug, Clone, Copy, Serialize, Deserialize)]
pub struct EveryoneLeft {
    /// Seconds alone.
    pub timeout: u32,
    /// Seconds in the call before this counts.
    pub activate_after: Option<u32>,
}

/// The condition that nobody speaks, by active speakers and captions.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct SilenceDetection {
    /// Seconds of silence.
    pub timeout: u32,
    /// Seconds in the call before this counts.
    pub activate_after: u32,
}

/// The condition that all other participants are bots.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct BotDetection {
    /// By what they do.
    pub using_participant_events: BotsByEvents,
    /// By their names; off unless given.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub using_participant_names: Option<BotsByNames>,
}

/// A participant who has never spoken or shared a screen is a bot.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct BotsByEvents {
    /// Seconds among bots.
    pub timeout: u32,
    /// Seconds in the call before this counts.
    pub activate_after: u32,
}

/// A participant whose name contains one of these is a bot.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct BotsByNames {
    /// Seconds among bots.
    pub timeout: u32,
    /// Seconds in the call before this counts.
    pub activate_after: u32,
    /// Parts of names, in any case.
    pub matches: Vec<String>,
}

impl AutomaticLeave {
    /// Parts of names that make a participant a bot.
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
