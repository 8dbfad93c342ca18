//! Messages: Recall's shapes of real-time events, with a number by which a receiver recognises a repeated one.

use bots::{
    meeting::shape::{self, ShownTime},
    request::EndpointConfig,
};
use model::{
    ArtifactId, EventId, Happening, MeetingEvent, RealtimeEndpointId, RealtimeState, RecordingId, Timestamp,
    realtime_event_type,
};
use serde_json::{Map, Value, json};
use store::{
    Bot, NewEvent,
    event_bodies::{
        Became, BotOfEvent, RealtimeEndpointBecame, RealtimeEndpointError, RealtimeEndpointEvent,
        RealtimeEndpointOfEvent, RecordingOfEvent,
    },
};

/// An event as an endpoint is told of it.
pub(crate) struct Message {
    /// Its number: one endpoint is told of growing ones.
    pub(crate) number: u64,
    /// JSON.
    pub(crate) body: String,
}

/// What is told of an event; `None` when the endpoint does not listen to its kind.
pub(crate) fn message(
    bot: &Bot,
    id: RealtimeEndpointId,
    endpoint: &EndpointConfig,
    started_at: Timestamp,
    event: &MeetingEvent,
) -> Option<Message> {
    let (kind, data, artifact) = if let Happening::Caption { is_final, .. } = event.what {
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
    let mut about = about(bot, id, endpoint, &data);
    about[artifact] = json!({ "id": artifact_id, "metadata": {} });
    let body = json!({ "event": kind, "data": about, "latchkey_sequence": event.number });
    Some(Message { number: event.number, body: body.to_string() })
}

fn about(bot: &Bot, id: RealtimeEndpointId, endpoint: &EndpointConfig, data: &Value) -> Value {
    json!({
        "data": data,
        "realtime_endpoint": { "id": id, "metadata": endpoint.metadata },
        "recording": { "id": RecordingId::of_bot(bot.id), "metadata": {} },
        "bot": { "id": bot.id, "metadata": bot.metadata },
    })
}

/// That an endpoint has come into another state, for the workspace's stream of events. `error` says why it was given up.
pub(crate) fn state_changed(
    bot: &Bot,
    (id, endpoint): (RealtimeEndpointId, &EndpointConfig),
    (event, at): (EventId, Timestamp),
    state: RealtimeState,
    error: Option<&str>,
) -> NewEvent {
    let sub_code = error.map(|_| "unreachable");
    let data = RealtimeEndpointEvent {
        data: RealtimeEndpointBecame {
            became: Became { code: state.as_str(), sub_code, updated_at: at },
            error: error.map(|message| RealtimeEndpointError { code: "UNREACHABLE", message }),
        },
        realtime_endpoint: RealtimeEndpointOfEvent { id, metadata: &endpoint.metadata },
        recording: RecordingOfEvent { id: RecordingId::of_bot(bot.id), metadata: Map::new() },
        bot: BotOfEvent { id: bot.id, metadata: &bot.metadata },
    };
    NewEvent::other(event, bot.workspace, (&realtime_event_type(state), &bot.id), &data, at)
}
