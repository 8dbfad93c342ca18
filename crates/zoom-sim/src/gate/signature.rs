//! The SDK signature: which app sends the bot, to which meeting, and in which role.

use jiff::Timestamp;
use serde::{Deserialize, Deserializer, Serialize};
use serde_json::Value;

use super::refusal::Refusal;
use crate::ids::{ClientId, MeetingNumber};
use crate::jwt;
use crate::world::World;

/// Bounds of `exp - iat`, in seconds (D).
const LIFE: std::ops::RangeInclusive<i64> = 1_800..=172_800;

/// Claims of a signature (D; O for `mn`, which arrives as number or text).
#[derive(Clone, Debug, Deserialize, Serialize)]
pub(crate) struct Claims {
    /// Required since SDK 5.0.0 (D); `sdkKey` has the same value.
    #[serde(rename = "appKey")]
    pub(crate) app_key: ClientId,
    #[serde(deserialize_with = "number_or_text")]
    mn: MeetingNumber,
    pub(crate) role: u8,
    iat: i64,
    exp: i64,
}

impl Claims {
    /// Role 1 starts the meeting (D).
    pub(crate) fn wants_to_host(&self) -> bool {
        self.role == 1
    }
}

fn number_or_text<'de, D: Deserializer<'de>>(deserializer: D) -> Result<MeetingNumber, D::Error> {
    Ok(MeetingNumber(match Value::deserialize(deserializer)? {
        Value::String(text) => text,
        other => other.to_string(),
    }))
}

/// The claims of a signature, unverified.
pub(crate) fn peek(signature: &str) -> Option<Claims> {
    jwt::peek(signature)
}

/// Verifies a signature for a meeting (D for the rules; their order is ours).
pub(crate) fn verify(
    world: &World,
    signature: &str,
    number: &MeetingNumber,
    now: Timestamp,
) -> Result<(), Refusal> {
    let claimed = peek(signature).ok_or(Refusal::SignatureInvalid)?;
    let app = world.app(&claimed.app_key).filter(|app| app.sdk && !app.disabled);
    let app = app.ok_or(Refusal::AppKeyWrong)?;
    let claims: Claims = jwt::read(signature, &app.client_secret).ok_or(Refusal::SignatureInvalid)?;
    let now = now.as_second();
    if now >= claims.exp {
        return Err(Refusal::SignatureExpired);
    }
    let lives = LIFE.contains(&(claims.exp - claims.iat));
    if lives && claims.iat <= now && claims.mn == *number && claims.role <= 1 {
        Ok(())
    } else {
        Err(Refusal::SignatureInvalid)
    }
}
