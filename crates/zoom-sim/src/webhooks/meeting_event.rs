//! Bodies of events about meetings (D; what is I or ours is marked).

use jiff::Timestamp;
use serde_json::{Value, json};

use super::event::{Topic, body, difference};
use crate::clock::Moment;
use crate::gate::meeting::Meeting;
use crate::gate::meeting_changes::{MeetingChange, Present};
use crate::gate::settings::SignIn;
use crate::world::user::User;

/// A meeting was created or deleted.
pub(crate) fn listed(topic: Topic, meeting: &Meeting, operator: Option<&User>, at: Moment) -> String {
    let payload = json!({
        "account_id": meeting.account_id,
        "operator": operator.map(|user| &user.email),
        "operator_id": operator.map(|user| &user.id),
        "object": object(meeting),
    });
    body(topic.name(), at.unix_ms, &payload)
}

/// A meeting's settings changed; `None` if no field of this event changed.
///
/// Both objects contain only the id and the changed fields, so no host unless it changed (O).
pub(crate) fn updated(
    before: &Value,
    meeting: &Meeting,
    operator: Option<&User>,
    at: Moment,
) -> Option<String> {
    let (old_object, object) = difference(before, &object(meeting))?;
    let payload = json!({
        "account_id": meeting.account_id,
        "operator": operator.map(|user| &user.email),
        "operator_id": operator.map(|user| &user.id),
        "scope": "all",
        "object": object,
        "old_object": old_object,
        "time_stamp": at.unix_ms,
    });
    Some(body(Topic::MeetingUpdated.name(), at.unix_ms, &payload))
}

/// An event of a running meeting. Here the id is text, unlike in the events above (D).
pub(crate) fn live(meeting: &Meeting, news: &MeetingChange, email: &str, at: Moment) -> (Topic, String) {
    let start_time = match news {
        MeetingChange::Ended { started_at } => *started_at,
        MeetingChange::Started => at.now,
        MeetingChange::Joined(_) | MeetingChange::Left(_) => meeting.started_at().unwrap_or(at.now),
    };
    let mut object = json!({
        "uuid": meeting.uuid(),
        "id": meeting.number,
        "host_id": meeting.host_id,
        "topic": meeting.settings.topic,
        "type": meeting.settings.meeting_type,
        "start_time": start_time,
        "timezone": meeting.settings.timezone,
        "duration": meeting.settings.duration,
    });
    let topic = match news {
        MeetingChange::Started => Topic::MeetingStarted,
        MeetingChange::Ended { .. } => {
            object["end_time"] = json!(at.now);
            Topic::MeetingEnded
        }
        MeetingChange::Joined(person) => {
            object["participant"] = participant(person, email, "join_time", person.joined_at);
            Topic::ParticipantJoined
        }
        MeetingChange::Left(person) => {
            object["participant"] = participant(person, email, "leave_time", at.now);
            Topic::ParticipantLeft
        }
    };
    let payload = json!({"account_id": meeting.account_id, "object": object});
    (topic, body(topic.name(), at.unix_ms, &payload))
}

/// `id` is empty for participants who are not signed in; `user_id` identifies a participant in this meeting only (D).
fn participant(person: &Present, email: &str, when: &str, time: Timestamp) -> Value {
    json!({
        "user_id": person.id.to_string(),
        "user_name": person.name,
        "id": person.user_id.as_ref().map_or("", |id| &id.0),
        "participant_uuid": person.guid,
        "email": email,
        when: time,
    })
}

/// A meeting in lists and events. The id is a number.
pub(crate) fn object(meeting: &Meeting) -> Value {
    let settings = &meeting.settings;
    json!({
        "uuid": meeting.uuid(),
        "id": meeting.number.as_number(),
        "host_id": meeting.host_id,
        "topic": settings.topic,
        "type": settings.meeting_type,
        "start_time": settings.start_time,
        "duration": settings.duration,
        "timezone": settings.timezone,
        "join_url": meeting.join_url(),
        "password": settings.passcode,
        "settings": {
            "waiting_room": settings.waiting_room,
            "join_before_host": settings.join_before_host,
            "meeting_authentication": settings.sign_in != SignIn::None,
        },
    })
}
