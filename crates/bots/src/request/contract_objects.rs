//! Objects of Recall's API in a request, such as `chat`: as they were given, and parsed.

use serde::{Deserialize, Serialize, Serializer};
use serde_json::{Map, Value};

use super::{greetings::Greetings, realtime::EndpointConfig, recording_config::RecordingConfig};

/// Objects of Recall's API by their names, such as `chat` and `recording_config`.
///
/// Rows and responses contain them as they were given. They are parsed once, when a request arrives or its row is opened.
#[derive(Clone, Default, Deserialize)]
#[serde(from = "Map<String, Value>")]
pub struct ContractObjects {
    given: Map<String, Value>,
    /// The chat messages that the bot writes by itself.
    pub greetings: Greetings,
    /// Which events of the meeting are stored, and for how long.
    pub recording: RecordingConfig,
    /// Endpoints that receive the meeting's events in real time.
    pub realtime_endpoints: Vec<EndpointConfig>,
}

impl ContractObjects {
    /// The objects as they were given.
    pub fn into_given(self) -> Map<String, Value> {
        self.given
    }
}

/// Parses objects that were validated before.
impl From<Map<String, Value>> for ContractObjects {
    fn from(given: Map<String, Value>) -> Self {
        let object = |name: &str| given.get(name).and_then(Value::as_object);
        let config = object("recording_config");
        Self {
            greetings: object("chat").map(Greetings::read).unwrap_or_default(),
            recording: config.map(RecordingConfig::read).unwrap_or_default(),
            realtime_endpoints: config.map(EndpointConfig::read_all).unwrap_or_default(),
            given,
        }
    }
}

impl Serialize for ContractObjects {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        self.given.serialize(serializer)
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use serde_json::{Map, Value, json};

    use crate::{
        chat_message::Receiver,
        request::{
            BotRequest, ContractObjects, EndpointKind, Greeting, Greetings, ParticipantGreeting,
            RecordingConfig,
        },
    };

    /// A row as it was stored in November 2026. Later versions must be able to read it.
    fn stored(objects: &Value) -> Value {
        let mut stored = json!({
            "meeting_url": "https://zoom.us/j/98765432101", "bot_name": "Notes",
            "zoom": { "zak_url": null, "user_email": null, "credential": null, "join_token_url": null },
            "automatic_leave": {
                "waiting_room_timeout": 1200, "noone_joined_timeout": 1200, "in_call_not_recording_timeout": 3600,
                "everyone_left_timeout": { "timeout": 2, "activate_after": null },
            },
            "ignored": ["webex"],
        });
        stored.as_object_mut().unwrap().extend(objects.as_object().unwrap().clone());
        stored
    }

    #[test]
    fn a_stored_request_keeps_its_effect_and_its_exact_content() {
        let given = json!({
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
        let request: BotRequest = serde_json::from_value(stored(&given)).unwrap();
        let ContractObjects { greetings, recording, realtime_endpoints, .. } = &request.objects;
        let message = "Hello 👋 <b>you</b>".to_owned();
        let expected = Greetings {
            on_bot_join: Some(Greeting { send_to: Receiver::EveryoneExceptHost, message }),
            on_participant_join: Some(ParticipantGreeting { message: "Welcome".into(), exclude_host: true }),
        };
        assert_eq!(*greetings, expected);
        let expected = RecordingConfig {
            participant_events: false,
            captions: true,
            partial_captions: true,
            retention: Some(Duration::from_secs(7200)),
        };
        assert_eq!(*recording, expected);
        let [endpoint] = &realtime_endpoints[..] else { panic!("expected one endpoint") };
        assert_eq!((endpoint.place, endpoint.kind), (1, EndpointKind::Webhook));
        assert_eq!(endpoint.url, "https://a.test/?key=planted");
        assert_eq!(endpoint.metadata["customer"], "42");

        let again = serde_json::to_value(&request).unwrap();
        for (name, object) in given.as_object().unwrap() {
            assert_eq!(again[name], *object, "as it was given");
        }
        assert_eq!(again["ignored"], json!(["webex"]));
        assert_eq!(Value::Object(request.objects.into_given()), given);
    }

    #[test]
    fn a_request_without_these_objects_has_the_defaults() {
        let request: BotRequest = serde_json::from_value(stored(&json!({}))).unwrap();
        assert_eq!(request.objects.greetings, Greetings::default());
        assert_eq!(request.objects.recording, RecordingConfig::default());
        assert!(request.objects.realtime_endpoints.is_empty());
        assert_eq!(ContractObjects::from(Map::new()).recording, RecordingConfig::default());
    }
}
