//! Each type of event, in Recall's shape.

use bots::request::REALTIME_EVENTS;
use model::{ChatReceiver, MeetingEventKind};
use serde_json::{Value, json};

use super::{Receiver, Running, app, endpoint, person, until_numbers};

/// The schema of a message of this type.
fn schema(kind: &str) -> Value {
    let object = |fields: Value| {
        let required: Vec<_> = fields.as_object().unwrap().keys().cloned().collect();
        json!({ "type": "object", "properties": fields, "required": required, "additionalProperties": false })
    };
    let text = json!({ "type": "string" });
    let labelled =
        object(json!({ "id": { "type": "string", "format": "uuid" }, "metadata": { "type": "object" } }));
    let moment = object(json!({ "absolute": { "type": "string", "format": "date-time" },
                                "relative": { "type": "number", "minimum": 0 } }));
    let participant = object(json!({
        "id": { "type": "integer" }, "name": { "type": ["string", "null"] }, "is_host": { "type": "boolean" },
        "platform": { "enum": ["unknown", "dial-in"] }, "email": { "type": ["string", "null"] },
        "extra_data": object(json!({ "zoom": { "type": "object" } })),
    }));
    let (artifact, data) = if kind.starts_with("transcript.") {
        let words = object(json!({ "text": text, "start_timestamp": moment, "end_timestamp": moment }));
        let words = json!({ "type": "array", "items": words, "minItems": 1, "maxItems": 1 });
        let language = json!({ "type": ["string", "null"] });
        let caption = json!({ "participant": participant, "language_code": language, "words": words });
        ("transcript", object(caption))
    } else {
        let said = if kind == "participant_events.chat_message" {
            object(json!({ "text": text, "to": { "const": "everyone" } }))
        } else {
            json!({ "type": "null" })
        };
        let event = json!({ "participant": participant, "timestamp": moment, "data": said });
        ("participant_events", object(event))
    };
    let about = json!({ "data": data, artifact: labelled, "realtime_endpoint": labelled, "recording": labelled,
                        "bot": labelled });
    let number = json!({ "type": "integer", "minimum": 1 });
    object(json!({ "event": { "const": kind }, "latchkey_sequence": number, "data": object(about) }))
}

#[tokio::test]
async fn each_type_of_event_has_its_shape() {
    let app = app().await;
    for kind in ["webhook", "websocket"] {
        let (receiver, host) = Receiver::start().await;
        let mut running = Running::start(&app, json!([endpoint(kind, &host, REALTIME_EVENTS)])).await;
        let (participant, began_at) = (person(7, "Zoë"), app.env.now());
        let caption = |is_final| MeetingEventKind::Caption {
            participant: participant.clone(),
            caption: "C1".into(),
            text: "Good morning".into(),
            language: 0,
            began_at,
            is_final,
        };
        let who = || participant.clone();
        let happened = [
            MeetingEventKind::Join { participant: who() },
            MeetingEventKind::Update { participant: who() },
            MeetingEventKind::SpeechOn { participant: who() },
            MeetingEventKind::SpeechOff { participant: who() },
            MeetingEventKind::WebcamOn { participant: who() },
            MeetingEventKind::WebcamOff { participant: who() },
            MeetingEventKind::ScreenshareOn { participant: who() },
            MeetingEventKind::ScreenshareOff { participant: who() },
            MeetingEventKind::ChatMessage {
                participant: who(),
                to: ChatReceiver::Everyone,
                text: "hello".into(),
                message: "M1".into(),
            },
            caption(false),
            caption(true),
            MeetingEventKind::Leave { participant: who() },
        ];
        let numbers: Vec<u64> = (1..=happened.len() as u64).collect();
        running.happens(happened).await;
        until_numbers(&app, &receiver, &numbers).await;
        let bodies = receiver.bodies();
        let mut told: Vec<_> = bodies.iter().map(|body| body["event"].as_str().unwrap()).collect();
        for body in &bodies {
            let schema = schema(body["event"].as_str().unwrap());
            let schema = jsonschema::options().should_validate_formats(true).build(&schema).unwrap();
            let errors: Vec<_> = schema.iter_errors(body).map(|error| error.to_string()).collect();
            assert!(errors.is_empty(), "{body}: {errors:?}");
        }
        let mut all = REALTIME_EVENTS.to_vec();
        told.sort_unstable();
        all.sort_unstable();
        assert_eq!(told, all, "each type occurs once");
        running.ends().await;
    }
}
