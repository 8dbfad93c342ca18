//! What of its meeting a bot keeps: the request's `recording_config`.

use std::time::Duration;

use serde_json::{Map, Value};

const HOUR: Duration = Duration::from_secs(3600);

/// How long events are kept after the bot's end if the request says `retention: null`: long enough to deliver them.
pub const RETENTION_NULL: Duration = HOUR;

/// What a request asks for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct MeetingWish {
    /// `participant_events`. On by default, as in Recall's API; null switches it off.
    pub participant_events: bool,
    /// `transcript.provider.meeting_captions`.
    pub captions: bool,
    /// Whether a real-time endpoint wants captions that still grow.
    pub partial_captions: bool,
    /// `retention`: for how long after the bot's end, if it says so.
    pub kept_for: Option<Duration>,
}

impl MeetingWish {
    /// Reads the request's fields. What has another form than the contract's is refused before.
    pub fn of(request: &Map<String, Value>) -> Self {
        let config = request.get("recording_config").unwrap_or(&Value::Null);
        let retention = config.get("retention");
        let timed = retention.and_then(|retention| retention.get("hours")).and_then(Value::as_u64);
        let kept_for = match retention {
            Some(Value::Null) => Some(RETENTION_NULL),
            Some(retention) if retention["type"] == "timed" => {
                let hours = u32::try_from(timed.unwrap_or(168)).unwrap_or(u32::MAX);
                Some(HOUR.saturating_mul(hours))
            }
            _ => None,
        };
        let wants = |endpoint: &Value| {
            let events = endpoint["events"].as_array();
            events.is_some_and(|events| events.iter().any(|event| event == "transcript.partial_data"))
        };
        let endpoints = config["realtime_endpoints"].as_array();
        Self {
            participant_events: config.get("participant_events") != Some(&Value::Null),
            captions: config["transcript"]["provider"]["meeting_captions"].is_object(),
            partial_captions: endpoints.is_some_and(|endpoints| endpoints.iter().any(wants)),
            kept_for,
        }
    }

    /// Whether anything is kept.
    pub const fn keeps_anything(self) -> bool {
        self.participant_events || self.captions
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use serde_json::{Value, json};

    use super::{MeetingWish, RETENTION_NULL};

    fn wish(config: Value) -> MeetingWish {
        MeetingWish::of(&serde_json::Map::from_iter([("recording_config".to_owned(), config)]))
    }

    #[test]
    fn participant_events_are_kept_unless_they_are_switched_off() {
        let usual = MeetingWish::of(&serde_json::Map::new());
        assert!(usual.participant_events && !usual.captions && usual.kept_for.is_none());
        assert_eq!(wish(Value::Null), usual);
        assert_eq!(wish(json!({ "participant_events": {} })), usual);
        assert!(!wish(json!({ "participant_events": null })).keeps_anything());
    }

    #[test]
    fn captions_are_kept_if_they_are_asked_for() {
        let other = json!({ "transcript": { "provider": { "recallai_streaming": {} } } });
        assert!(!wish(other).captions);
        let config =
            json!({ "transcript": { "provider": { "meeting_captions": {} } }, "participant_events": null });
        let captions = wish(config);
        assert!(captions.captions && captions.keeps_anything() && !captions.partial_captions);
        let endpoint = json!({ "realtime_endpoints": [{ "events": ["transcript.partial_data"] }] });
        assert!(wish(endpoint).partial_captions);
    }

    #[test]
    fn retention_is_in_hours() {
        let kept_for = |retention: Value| wish(json!({ "retention": retention })).kept_for;
        assert_eq!(kept_for(json!({ "type": "timed", "hours": 2 })), Some(Duration::from_secs(7200)));
        assert_eq!(kept_for(json!({ "type": "timed" })), Some(Duration::from_secs(168 * 3600)));
        assert_eq!(kept_for(json!({ "type": "forever" })), None);
        assert_eq!(kept_for(Value::Null), Some(RETENTION_NULL));
    }
}
