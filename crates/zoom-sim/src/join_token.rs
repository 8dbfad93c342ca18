//! Join tokens: a meeting's host lets a bot record, stream or archive it.

use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};

use crate::ids::{MeetingNumber, UserId};
use crate::jwt;
use crate::world::World;

/// Lifetime of a join token (D).
pub(crate) const LIFE: SignedDuration = SignedDuration::from_secs(120);

/// What the bot may do: the last segment of the path (D).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Privilege {
    LocalRecording,
    LiveStreaming,
    LocalArchiving,
}

/// Claims; the form is ours, Zoom's is unknown.
#[derive(Clone, Debug, Serialize, Deserialize)]
struct Claims {
    aud: String,
    mn: MeetingNumber,
    /// The meeting's host when the token was minted.
    uid: UserId,
    privilege: Privilege,
    bypass_waiting_room: bool,
    exp: i64,
    jti: String,
}

/// The permission from a token that is valid for a meeting.
#[derive(Clone, Debug)]
pub(crate) struct Permit {
    pub(crate) privilege: Privilege,
    /// Skips the waiting room, if a ZAK or OBF token is sent too (D).
    pub(crate) bypass_waiting_room: bool,
    /// Added to [`World::spent_tokens`] when the token admits a bot.
    pub(crate) jti: String,
}

/// Mints a join token for a meeting.
pub(crate) fn mint(
    world: &mut World,
    number: &MeetingNumber,
    host_id: &UserId,
    privilege: Privilege,
    bypass_waiting_room: bool,
    now: Timestamp,
) -> String {
    let claims = Claims {
        aud: "join".to_owned(),
        mn: number.clone(),
        uid: host_id.clone(),
        privilege,
        bypass_waiting_room,
        exp: (now + LIFE).as_second(),
        jti: world.entropy.id(),
    };
    world.history.stats.join_token_mints += 1;
    let token = jwt::sign(&claims, &world.signing_key);
    world.history.issue("join_token", &token);
    token
}

/// Reads a token; `None` if it is forged, expired, for another meeting, or was used before (O).
pub(crate) fn read(
    world: &World,
    token: &str,
    number: &MeetingNumber,
    rejoins: Option<&str>,
    now: Timestamp,
) -> Option<Permit> {
    let claims: Claims = jwt::read(token, &world.signing_key)?;
    let fresh = now.as_second() < claims.exp && !world.spent_tokens.contains_key(&claims.jti);
    let good = claims.aud == "join"
        && claims.mn == *number
        && (fresh || world.brought_in(&claims.jti, rejoins))
        && world.user(&claims.uid).is_some_and(|host| host.active);
    good.then_some(Permit {
        privilege: claims.privilege,
        bypass_waiting_room: claims.bypass_waiting_room,
        jti: claims.jti,
    })
}
