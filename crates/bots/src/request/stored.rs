//! A request as its row holds it, also as an older version of Latchkey stored it.
//!
//! Until November 2026, what the objects `chat` and `recording_config` do was read from what the answer echoes of them.

use serde::Deserialize;
use serde_json::{Map, Value};

use super::{AutomaticLeave, BotRequest, EndpointConfig, Greetings, RecordingConfig, ZoomOptions};

#[derive(Deserialize)]
pub(super) struct StoredRequest {
    meeting_url: String,
    bot_name: String,
    zoom: ZoomOptions,
    automatic_leave: AutomaticLeave,
    greetings: Option<Greetings>,
    recording: Option<RecordingConfig>,
    realtime_endpoints: Option<Vec<EndpointConfig>>,
    #[serde(flatten)]
    echoed: Map<String, Value>,
    #[serde(default)]
    ignored: Vec<String>,
}

impl From<StoredRequest> for BotRequest {
    fn from(stored: StoredRequest) -> Self {
        let StoredRequest { meeting_url, bot_name, zoom, automatic_leave, echoed, ignored, .. } = stored;
        let object = |name: &str| echoed.get(name).and_then(Value::as_object);
        let older = Map::new();
        let config = object("recording_config").unwrap_or(&older);
        Self {
            meeting_url,
            bot_name,
            zoom,
            automatic_leave,
            greetings: stored
                .greetings
                .unwrap_or_else(|| object("chat").map(Greetings::read).unwrap_or_default()),
            recording: stored.recording.unwrap_or_else(|| RecordingConfig::read(config)),
            realtime_endpoints: stored.realtime_endpoints.unwrap_or_else(|| EndpointConfig::read_all(config)),
            echoed,
            ignored,
        }
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use serde_json::{Value, json};

    use crate::{
        chat_message::Receiver,
        request::{BotRequest, EndpointKind, Greeting, ParticipantGreeting, RecordingConfig},
    };

    /// As the version before stored it.
    fn older(others: Value) -> BotRequest {
        let mut stored = json!({
            "meeting_url": "https://zoom.us/j/98765432101", "bot_name": "Notes",
            "zoom": { "zak_url": null, "user_email": null, "credential": null, "join_token_url": null },
            "automatic_leave": {
                "waiting_room_timeout": 1200, "noone_joined_timeout": 1200, "in_call_not_recording_timeout": 3600,
                "everyone_left_timeout": { "timeout": 2, "activate_after": null },
            },
            "ignored": ["webex"],
        });
        stored.as_object_mut().unwrap().extend(others.as_object().unwrap().clone());
        serde_json::from_value(stored).unwrap()
    }

    fn sent_again(request: &BotRequest) -> BotRequest {
        serde_json::from_str(&serde_json::to_string(request).unwrap()).unwrap()
    }

    #[test]
    fn a_request_that_an_older_version_stored_keeps_its_effect() {
        let others = json!({
            "chat": {
                "on_bot_join": { "send_to": "everyone_except_host", "message": "Hello 👋 <b>you</b>", "pin": true },
                "on_participant_join": { "message": "Welcome", "exclude_host": "true" },
            },
            "recording_config": {
                "participant_events": null,
                "transcript": { "provider": { "meeting_captions": {} } },
                "retention": { "type": "timed", "hours": 2 },
                "realtime_endpoints": [
                    { "type": "rtmp", "url": "rtmp://a.test/", "events": ["video_mixed_flv.data"] },
                    { "type": "webhook", "url": "https://a.test/?key=planted", "events": ["transcript.partial_data"],
                      "metadata": { "customer": "42" } },
                ],
            },
            "webex": {},
        });
        let request = older(others.clone());
        for request in [&request, &sent_again(&request)] {
            let message = "Hello 👋 <b>you</b>".to_owned();
            let greeting = Greeting { send_to: Receiver::EveryoneExceptHost, message };
            let welcome = ParticipantGreeting { message: "Welcome".to_owned(), exclude_host: true };
            assert_eq!(request.greetings.on_bot_join, Some(greeting));
            assert_eq!(request.greetings.on_participant_join, Some(welcome));
            let RecordingConfig { participant_events, captions, partial_captions, .. } = request.recording;
            assert_eq!((participant_events, captions, partial_captions), (false, true, true));
            assert_eq!(request.recording.retention(), Some(Duration::from_secs(7200)));
            let [endpoint] = &request.realtime_endpoints[..] else { panic!("one endpoint") };
            assert_eq!((endpoint.place, endpoint.kind), (1, EndpointKind::Webhook));
            assert_eq!(endpoint.url, "https://a.test/?key=planted");
            assert_eq!(endpoint.metadata["customer"], "42");
            assert_eq!(Value::Object(request.echoed.clone()), others, "it is echoed as it was given");
            assert_eq!(request.ignored, ["webex"]);
        }
    }

    #[test]
    fn an_older_request_without_these_objects_has_the_defaults() {
        let request = older(json!({}));
        assert_eq!(request.recording, RecordingConfig::default());
        assert!(request.greetings == super::Greetings::default() && request.realtime_endpoints.is_empty());
    }

    /// What a request echoes has no effect once it is stored with its effect.
    #[test]
    fn what_is_only_echoed_has_no_effect() {
        let mut request = older(json!({}));
        let config = json!({ "participant_events": null, "realtime_endpoints": [
            { "type": "webhook", "url": "https://a.test/", "events": ["transcript.data"] },
        ] });
        request.echoed.insert("recording_config".to_owned(), config);
        let request = sent_again(&request);
        assert_eq!(request.recording, RecordingConfig::default());
        assert!(request.realtime_endpoints.is_empty());
    }
}
