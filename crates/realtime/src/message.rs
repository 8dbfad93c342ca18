//! Messages: events in the format of Recall's API, with a number by which a receiver recognises repeated messages.

use bots::{
    meeting::shape::{self, ShownTime},
    request::EndpointConfig,
};
use model::{
    ArtifactId, EventId, MeetingEvent, MeetingEventKind, RealtimeEndpointId, RealtimeState, RecordingId,
    Timestamp, realtime_event_type,
};
use serde_json::{Map, Value, json};
use store::{
    Bot, NewEvent,
    event_bodies::{
        BotOfEvent, RealtimeEndpointError, RealtimeEndpointEvent, RealtimeEndpointOfEvent,
        RealtimeEndpointStateChange, RecordingOfEvent, StateChange,
    },
};

/// An event in the format that an endpoint receives.
pub(crate) struct Message {
    /// The number of the event. The numbers of an endpoint's messages increase.
    pub(crate) number: u64,
    /// The body, as JSON.
    pub(crate) body: String,
}

/// The message for an event. `None` if the endpoint does not subscribe to its kind.
pub(crate) fn message(
    bot: &Bot,
    id: RealtimeEndpointId,
    endpoint: &EndpointConfig,
    started_at: Timestamp,
    event: &MeetingEvent,
) -> Option<Message> {
    let (kind, data, artifact) = if let MeetingEventKind::Caption { is_final, .. } = event.what {
        let kind = if is_final { "transcript.data" } else { "transcript.partial_data" };
        let data = json!(shape::caption(event, started_at)?);
        (kind.to_owned(), data, ("transcript", ArtifactId::transcript(bot.id)))
    } else {
        let shown = shape::event(event, started_at)?;
        let data = json!({
            "participant": shown.participant, "timestamp": ShownTime::new(event.at, started_at),
            "data": shown.data,
        });
        let artifact = ("participant_events", ArtifactId::participant_events(bot.id));
        (format!("participant_events.{}", shown.action), data, artifact)
    };
    if !endpoint.events.contains(&kind) {
        return None;
    }
    let (artifact, artifact_id) = artifact;
    let mut payload = payload(bot, id, endpoint, &data);
    payload[artifact] = json!({ "id": artifact_id, "metadata": {} });
    let body = json!({ "event": kind, "data": payload, "latchkey_sequence": event.number });
    Some(Message { number: event.number, body: body.to_string() })
}

fn payload(bot: &Bot, id: RealtimeEndpointId, endpoint: &EndpointConfig, data: &Value) -> Value {
    json!({
        "data": data,
        "realtime_endpoint": { "id": id, "metadata": endpoint.metadata },
        "recording": { "id": RecordingId::of_bot(bot.id), "metadata": {} },
        "bot": { "id": bot.id, "metadata": bot.metadata },
    })
}

/// The event about a new state of an endpoint. `error` says why the endpoint receives no more events.
pub(crate) fn state_changed(
    bot: &Bot,
    (id, endpoint): (RealtimeEndpointId, &EndpointConfig),
    (event, at): (EventId, Timestamp),
    state: RealtimeState,
    error: Option<&str>,
) -> NewEvent {
    let sub_code = error.map(|_| "unreachable");
    let data = RealtimeEndpointEvent {
        data: RealtimeEndpointStateChange {
            became: StateChange { code: state.as_str(), sub_code, updated_at: at },
            error: error.map(|message| RealtimeEndpointError { code: "UNREACHABLE", message }),
        },
        realtime_endpoint: RealtimeEndpointOfEvent { id, metadata: &endpoint.metadata },
        recording: RecordingOfEvent { id: RecordingId::of_bot(bot.id), metadata: Map::new() },
        bot: BotOfEvent { id: bot.id, metadata: &bot.metadata },
    };
    NewEvent::other(event, bot.workspace, (&realtime_event_type(state), &bot.id), &data, at)
}
