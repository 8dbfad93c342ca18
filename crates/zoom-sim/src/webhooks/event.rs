//! Names and bodies of events. The JSON is compact, because Zoom's own library verifies a re-serialised body (O).

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use crate::ids::{AccountId, ClientId, UserId};
use crate::world::user::User;

/// Event types.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) enum Topic {
    /// A user removed the app. Needs no subscription; published apps only (D).
    #[serde(rename = "app_deauthorized")]
    AppDeauthorized,
    #[serde(rename = "user.activated")]
    UserActivated,
    #[serde(rename = "user.deactivated")]
    UserDeactivated,
    #[serde(rename = "user.deleted")]
    UserDeleted,
    #[serde(rename = "user.created")]
    UserCreated,
    /// With the fields that changed, and those before (D).
    #[serde(rename = "user.updated")]
    UserUpdated,
    #[serde(rename = "meeting.created")]
    MeetingCreated,
    /// With the fields that changed, and those before (D).
    #[serde(rename = "meeting.updated")]
    MeetingUpdated,
    #[serde(rename = "meeting.deleted")]
    MeetingDeleted,
    #[serde(rename = "meeting.started")]
    MeetingStarted,
    #[serde(rename = "meeting.ended")]
    MeetingEnded,
    #[serde(rename = "meeting.participant_joined")]
    ParticipantJoined,
    #[serde(rename = "meeting.participant_left")]
    ParticipantLeft,
}

impl Topic {
    /// All events that can be subscribed.
    pub(crate) const SUBSCRIBABLE: [Self; 12] = [
        Self::UserCreated,
        Self::UserActivated,
        Self::UserDeactivated,
        Self::UserDeleted,
        Self::UserUpdated,
        Self::MeetingCreated,
        Self::MeetingUpdated,
        Self::MeetingDeleted,
        Self::MeetingStarted,
        Self::MeetingEnded,
        Self::ParticipantJoined,
        Self::ParticipantLeft,
    ];

    /// The name in the body.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::AppDeauthorized => "app_deauthorized",
            Self::UserActivated => "user.activated",
            Self::UserDeactivated => "user.deactivated",
            Self::UserDeleted => "user.deleted",
            Self::UserCreated => "user.created",
            Self::UserUpdated => "user.updated",
            Self::MeetingCreated => "meeting.created",
            Self::MeetingUpdated => "meeting.updated",
            Self::MeetingDeleted => "meeting.deleted",
            Self::MeetingStarted => "meeting.started",
            Self::MeetingEnded => "meeting.ended",
            Self::ParticipantJoined => "meeting.participant_joined",
            Self::ParticipantLeft => "meeting.participant_left",
        }
    }
}

/// The event with which a URL proves that it knows the secret token (D).
pub(crate) const URL_VALIDATION: &str = "endpoint.url_validation";

pub(super) fn body(event: &str, event_ts: i64, payload: &Value) -> String {
    json!({"event": event, "event_ts": event_ts, "payload": payload}).to_string()
}

/// The body of a validation request.
pub(crate) fn url_validation(plain_token: &str, event_ts: i64) -> String {
    body(URL_VALIDATION, event_ts, &json!({"plainToken": plain_token}))
}

/// A user removed an app. `signature` is a text of Zoom's that can no longer be verified (I).
pub(crate) fn app_deauthorized(
    account_id: &AccountId,
    user_id: &UserId,
    client_id: &ClientId,
    signature: &str,
    event_ts: i64,
) -> String {
    let time = Timestamp::from_millisecond(event_ts).unwrap_or(Timestamp::MAX);
    let payload = json!({
        "account_id": account_id,
        "user_id": user_id,
        "signature": signature,
        "deauthorization_time": format!("{time:.3}"),
        "client_id": client_id,
    });
    body(Topic::AppDeauthorized.name(), event_ts, &payload)
}

/// An event about a user, with the whole user at that time.
pub(crate) fn user_event(topic: Topic, user: &User, event_ts: i64) -> String {
    body(topic.name(), event_ts, &json!({"account_id": user.account_id, "object": object(user)}))
}

/// A user changed; `None` if no field of this event changed.
pub(crate) fn user_updated(before: &User, after: &User, event_ts: i64) -> Option<String> {
    let (old_object, object) = difference(&object(before), &object(after))?;
    let payload = json!({"account_id": after.account_id, "object": object, "old_object": old_object});
    Some(body(Topic::UserUpdated.name(), event_ts, &payload))
}

/// The id and the changed fields, before and after; `None` if none changed.
pub(super) fn difference(before: &Value, after: &Value) -> Option<(Value, Value)> {
    let differs = |field: &&String| **field == "id" || before[*field] != after[*field];
    let fields: Vec<&String> = after.as_object()?.keys().filter(differs).collect();
    let part = |of: &Value| -> Value {
        fields
            .iter()
            .map(|field| ((*field).clone(), of[*field].clone()))
            .collect::<serde_json::Map<_, _>>()
            .into()
    };
    (fields.len() > 1).then(|| (part(before), part(after)))
}

fn object(user: &User) -> Value {
    json!({
        "id": user.id,
        "email": user.email,
        "display_name": user.display_name,
        "first_name": user.first_name,
        "last_name": user.last_name,
        "type": user.plan.user_type(),
        "pmi": user.pmi,
    })
}
