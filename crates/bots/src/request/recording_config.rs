//! Which events of a bot's meeting are stored: the fields of Recall's `recording_config` that have an effect here.

use std::time::Duration;

use serde_json::{Map, Value};

const HOUR: Duration = Duration::from_secs(3600);
/// How long events are stored after the bot's end if the request says `retention: null`: long enough to deliver them.
const RETENTION_NULL: Duration = HOUR;
/// The default of `retention.hours` in Recall's API.
const DEFAULT_HOURS: u64 = 168;

/// Which events of a bot's meeting are stored, and for how long.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct RecordingConfig {
    /// Whether events of participants are stored: `participant_events`. On by default, as in Recall's API; null disables it.
    pub participant_events: bool,
    /// Whether captions are stored: `transcript.provider.meeting_captions`.
    pub captions: bool,
    /// Whether a real-time endpoint subscribes to captions that are not final yet.
    pub partial_captions: bool,
    /// How long events are stored after the bot's end, if the request says so: `retention`.
    pub retention: Option<Duration>,
}

impl Default for RecordingConfig {
    fn default() -> Self {
        Self { participant_events: true, captions: false, partial_captions: false, retention: None }
    }
}

impl RecordingConfig {
    /// Parses the object `recording_config`, which was validated before.
    pub(super) fn read(config: &Map<String, Value>) -> Self {
        let retention = match config.get("retention") {
            Some(Value::Null) => Some(RETENTION_NULL),
            Some(retention) if retention["type"] == "timed" => {
                let hours = retention["hours"].as_u64().unwrap_or(DEFAULT_HOURS);
                Some(HOUR.saturating_mul(u32::try_from(hours).unwrap_or(u32::MAX)))
            }
            _ => None,
        };
        let wants_partial = |endpoint: &Value| {
            let events = endpoint["events"].as_array();
            events.is_some_and(|events| events.iter().any(|event| event == "transcript.partial_data"))
        };
        let endpoints = config.get("realtime_endpoints").and_then(Value::as_array);
        let provider = config.get("transcript").map(|transcript| &transcript["provider"]);
        Self {
            participant_events: config.get("participant_events") != Some(&Value::Null),
            captions: provider.is_some_and(|provider| provider["meeting_captions"].is_object()),
            partial_captions: endpoints.is_some_and(|endpoints| endpoints.iter().any(wants_partial)),
            retention,
        }
    }

    /// Whether any events are stored.
    pub const fn keeps_anything(self) -> bool {
        self.participant_events || self.captions
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use serde_json::{Map, Value, json};

    use super::RecordingConfig;

    fn read(config: &Value) -> RecordingConfig {
        RecordingConfig::read(config.as_object().unwrap())
    }

    #[test]
    fn participant_events_are_stored_unless_they_are_switched_off() {
        let usual = RecordingConfig::read(&Map::new());
        assert!(usual.participant_events && !usual.captions && usual.retention.is_none());
        assert_eq!(usual, RecordingConfig::default());
        assert_eq!(read(&json!({ "participant_events": {} })), usual);
        assert!(!read(&json!({ "participant_events": null })).keeps_anything());
    }

    #[test]
    fn captions_are_stored_if_they_are_requested() {
        let other = json!({ "transcript": { "provider": { "recallai_streaming": {} } } });
        assert!(!read(&other).captions);
        let config =
            json!({ "transcript": { "provider": { "meeting_captions": {} } }, "participant_events": null });
        let captions = read(&config);
        assert!(captions.captions && captions.keeps_anything() && !captions.partial_captions);
        let endpoint = json!({ "realtime_endpoints": [{ "events": ["transcript.partial_data"] }] });
        assert!(read(&endpoint).partial_captions);
    }

    #[test]
    fn retention_is_in_hours() {
        let retention = |retention: Value| read(&json!({ "retention": retention })).retention;
        let hours = |hours: u64| Some(Duration::from_secs(hours * 3600));
        assert_eq!(retention(json!({ "type": "timed", "hours": 2 })), hours(2));
        assert_eq!(retention(json!({ "type": "timed" })), hours(168));
        assert_eq!(retention(json!({ "type": "forever" })), None);
        assert_eq!(retention(Value::Null), hours(1), "long enough to deliver them");
    }
}
