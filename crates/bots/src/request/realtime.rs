//! Real-time endpoints of a request.

use model::{RealtimeEndpointId, RealtimeState};
use serde::Deserialize;
use serde_json::{Map, Value};
use store::{Bot, RealtimeEndpoint, RealtimeProgress};

/// The events that a real-time endpoint can subscribe to.
pub const REALTIME_EVENTS: &[&str] = &[
    "participant_events.join",
    "participant_events.leave",
    "participant_events.update",
    "participant_events.speech_on",
    "participant_events.speech_off",
    "participant_events.webcam_on",
    "participant_events.webcam_off",
    "participant_events.screenshare_on",
    "participant_events.screenshare_off",
    "participant_events.chat_message",
    "transcript.data",
    "transcript.partial_data",
];

/// How an endpoint receives its events.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum EndpointKind {
    /// An HTTP request for each event.
    Webhook,
    /// Messages on a WebSocket connection.
    Websocket,
}

impl EndpointKind {
    /// The values of the field `type`.
    pub const WORDS: &[&str] = &["webhook", "websocket"];
}

/// A real-time endpoint of a request.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct EndpointConfig {
    /// The endpoint's position in the request's list, from 0.
    pub place: u8,
    /// How the endpoint receives its events.
    pub kind: EndpointKind,
    /// The endpoint's URL. Its query may contain a secret.
    pub url: String,
    /// The events that the endpoint subscribes to: some of [`REALTIME_EVENTS`].
    pub events: Vec<String>,
    /// The caller's own labels.
    pub metadata: Map<String, Value>,
}

impl EndpointConfig {
    /// Parses the endpoints in `recording_config` that receive events here. The object was validated before.
    pub(super) fn read_all(config: &Map<String, Value>) -> Vec<Self> {
        let given = config.get("realtime_endpoints").and_then(Value::as_array).into_iter().flatten();
        (0..=u8::MAX).zip(given).filter_map(|(place, given)| Self::read(place, given)).collect()
    }

    /// Returns `None` for an endpoint that receives nothing here.
    fn read(place: u8, given: &Value) -> Option<Self> {
        let kind = EndpointKind::deserialize(&given["type"]).ok()?;
        let events = given["events"].as_array()?.iter().filter_map(Value::as_str);
        let events: Vec<_> =
            events.filter(|event| REALTIME_EVENTS.contains(event)).map(str::to_owned).collect();
        if events.is_empty() {
            return None;
        }
        let metadata = given["metadata"].as_object().cloned().unwrap_or_default();
        Some(Self { place, kind, url: given["url"].as_str()?.to_owned(), events, metadata })
    }

    /// The id of this bot's endpoint.
    pub fn id(&self, bot: &Bot) -> RealtimeEndpointId {
        RealtimeEndpointId::of_bot(bot.id, self.place)
    }

    /// The endpoint's row before the first event.
    pub fn new_row(&self, bot: &Bot) -> RealtimeEndpoint {
        RealtimeEndpoint {
            id: self.id(bot),
            bot: bot.id,
            workspace: bot.workspace,
            place: self.place,
            progress: RealtimeProgress {
                state: RealtimeState::Waiting,
                told: 0,
                failures: 0,
                failing_since: None,
            },
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::{Map, json};

    use super::EndpointConfig;

    #[test]
    fn endpoints_without_effect_do_not_shift_the_positions_of_others() {
        let endpoint =
            |kind: &str, events: &[&str]| json!({ "type": kind, "url": "wss://a.test/", "events": events });
        let given = [
            endpoint("rtmp", &["video_mixed_flv.data"]),
            endpoint("websocket", &["audio_mixed_raw.data"]),
            endpoint("websocket", &["audio_mixed_raw.data", "transcript.data"]),
        ];
        let config = json!({ "realtime_endpoints": given });
        let found = EndpointConfig::read_all(config.as_object().unwrap());
        assert_eq!(found.len(), 1);
        assert_eq!((found[0].place, &found[0].events[..]), (2, &["transcript.data".to_owned()][..]));
        assert!(EndpointConfig::read_all(&Map::new()).is_empty());
    }
}
