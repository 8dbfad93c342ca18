//! Real-time endpoints, as a request asks for them.

use model::{RealtimeEndpointId, RealtimeState};
use serde_json::{Map, Value, json};
use store::{Bot, RealtimeEndpoint, RealtimeProgress};

/// What a bot can tell while it happens.
pub const LIVE_EVENTS: &[&str] = &[
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

/// How an endpoint is told.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum LiveKind {
    /// By a request for each event.
    Webhook,
    /// Through a connection.
    Websocket,
}

impl LiveKind {
    /// The contract's words.
    pub const WORDS: &[&str] = &["webhook", "websocket"];
}

/// An endpoint of a request.
pub struct LiveEndpoint {
    /// Its place in the request's list.
    pub place: u8,
    /// How it is told.
    pub kind: LiveKind,
    /// Where. Its query may hold a secret.
    pub url: String,
    /// Of what.
    pub events: Vec<String>,
    /// The caller's own labels.
    pub metadata: Value,
}

/// The endpoints of a request that are told of something. What has another form than the contract's is refused before.
pub fn live_endpoints(request: &Map<String, Value>) -> Vec<LiveEndpoint> {
    let config = request.get("recording_config").unwrap_or(&Value::Null);
    let given = config["realtime_endpoints"].as_array().into_iter().flatten();
    let read = |(place, given): (u8, &Value)| {
        let kind = match given["type"].as_str()? {
            "webhook" => LiveKind::Webhook,
            "websocket" => LiveKind::Websocket,
            _ => return None,
        };
        let events = given["events"].as_array()?.iter().filter_map(Value::as_str);
        let events: Vec<_> = events.filter(|event| LIVE_EVENTS.contains(event)).map(str::to_owned).collect();
        let metadata = given.get("metadata").filter(|given| given.is_object()).cloned();
        Some(LiveEndpoint {
            place,
            kind,
            url: given["url"].as_str()?.to_owned(),
            events,
            metadata: metadata.unwrap_or_else(|| json!({})),
        })
    };
    (0..=u8::MAX).zip(given).filter_map(read).filter(|endpoint| !endpoint.events.is_empty()).collect()
}

/// The rows of a bot's endpoints, before the first event.
pub fn live_rows(bot: &Bot, request: &Map<String, Value>) -> Vec<RealtimeEndpoint> {
    let row = |endpoint: LiveEndpoint| RealtimeEndpoint {
        id: RealtimeEndpointId::of_bot(bot.id, endpoint.place),
        bot: bot.id,
        workspace: bot.workspace,
        place: endpoint.place,
        progress: RealtimeProgress {
            state: RealtimeState::Waiting,
            told: 0,
            failures: 0,
            failing_since: None,
        },
    };
    live_endpoints(request).into_iter().map(row).collect()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::live_endpoints;

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
        let found = live_endpoints(&serde_json::Map::from_iter([("recording_config".to_owned(), config)]));
        assert_eq!(found.len(), 1);
        assert_eq!((found[0].place, &found[0].events[..]), (2, &["transcript.data".to_owned()][..]));
        assert!(live_endpoints(&serde_json::Map::new()).is_empty());
    }
}
