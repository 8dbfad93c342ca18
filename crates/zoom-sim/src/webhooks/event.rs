//! Names and bodies of events. Compact JSON: Zoom's own library verifies a re-serialised body (O).

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use crate::ids::{AccountId, ClientId, UserId};
use crate::world::user::User;

/// What an app can be told.
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
    /// With the fields that changed, and those before (D).
    #[serde(rename = "user.updated")]
    UserUpdated,
}

impl Topic {
    /// All that can be subscribed.
    pub(crate) const SUBSCRIBABLE: [Self; 4] =
        [Self::UserActivated, Self::UserDeactivated, Self::UserDeleted, Self::UserUpdated];

    /// As it stands in the body.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::AppDeauthorized => "app_deauthorized",
            Self::UserActivated => "user.activated",
            Self::UserDeactivated => "user.deactivated",
            Self::UserDeleted => "user.deleted",
            Self::UserUpdated => "user.updated",
        }
    }
}

/// The event by which an address proves that it knows the secret token (D).
pub(crate) const URL_VALIDATION: &str = "endpoint.url_validation";

fn body(event: &str, event_ts: i64, payload: &Value) -> String {
    json!({"event": event, "event_ts": event_ts, "payload": payload}).to_string()
}

/// The body of a validation.
pub(crate) fn url_validation(plain_token: &str, event_ts: i64) -> String {
    body(URL_VALIDATION, event_ts, &json!({"plainToken": plain_token}))
}

/// A user removed an app. `signature` is some text of Zoom's that nobody can check any more (I).
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

/// Something happened to a user: the whole of them, as it was at that time.
pub(crate) fn user_event(topic: Topic, user: &User, event_ts: i64) -> String {
    body(topic.name(), event_ts, &json!({"account_id": user.account_id, "object": object(user)}))
}

/// A user changed; `None` when nothing that this event tells of did.
pub(crate) fn user_updated(before: &User, after: &User, event_ts: i64) -> Option<String> {
    let (old, new) = (object(before), object(after));
    let differs = |field: &&String| **field == "id" || old[*field] != new[*field];
    let fields: Vec<&String> = new.as_object()?.keys().filter(differs).collect();
    if fields.len() < 2 {
        return None;
    }
    let part = |of: &Value| -> Value {
        fields
            .iter()
            .map(|field| ((*field).clone(), of[*field].clone()))
            .collect::<serde_json::Map<_, _>>()
            .into()
    };
    let payload = json!({"account_id": after.account_id, "object": part(&new), "old_object": part(&old)});
    Some(body(Topic::UserUpdated.name(), event_ts, &payload))
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
