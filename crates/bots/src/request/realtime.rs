//! Real-time endpoints, as a request asks for them.

use model::{RealtimeEndpointId, RealtimeState};
use serde::Deserialize;
use serde_json::{Map, Value};
use store::{Bot, RealtimeEndpoint, RealtimeProgress};

/// The events that a real-time endpoint can listen to.
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

/// How an endpoint gets its events.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum EndpointKind {
    /// By a request for each event.
    Webhook,
    /// Through a connection.
    Websocket,
}

impl EndpointKind {
    /// The contract's words.
    pub const WORDS: &[&str] = &["webhook", "websocket"];
}

/// A real-time endpoint of a request.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct EndpointConfig {
    /// Its place in the request's list.
    pub place: u8,
    /// How it gets its events.
    pub kind: EndpointKind,
    /// Where. Its query may hold a secret.
    pub url: String,
    /// What it listens to: some of [`REALTIME_EVENTS`].
    pub events: Vec<String>,
    /// The caller's own labels.
    pub metadata: Map<String, Value>,
}

impl EndpointConfig {
    /// Reads those of the contract's object `recording_config` that get events here. What has another form than the
    /// contract's is refused before.
    pub(super) fn read_all(config: &Map<String, Value>) -> Vec<Self> {
        let given = config.get("realtime_endpoints").and_then(Value::as_array).into_iter().flatten();
        (0..=u8::MAX).zip(given).filter_map(|(place, given)| Self::read(place, given)).collect()
    }

    /// `None` for an endpoint that gets nothing here.
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

    /// Its id, as an endpoint of this bot.
    pub fn id(&self, bot: &Bot) -> RealtimeEndpointId {
        RealtimeEndpointId::of_bot(bot.id, self.place)
    }

    /// Its row before the first event.
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
    fn endpoints_keep_their_place_beside_those_that_have_no_effect() {
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
