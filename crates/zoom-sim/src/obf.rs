//! On-behalf-of tokens: a bot attends because somebody in the meeting vouches for it.

use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};

use crate::ids::{MeetingNumber, UserId};
use crate::jwt;
use crate::world::World;
use crate::world::user::User;

/// Two hours (D).
const LIFE: SignedDuration = SignedDuration::from_hours(2);

/// Claims; the form is ours, Zoom's is unknown.
#[derive(Clone, Debug, Serialize, Deserialize)]
struct Claims {
    aud: String,
    uid: UserId,
    /// The one meeting it is good for; absent = any (ours).
    mn: Option<MeetingNumber>,
    exp: i64,
    jti: String,
}

/// What a token that is genuine and unused says.
#[derive(Debug)]
pub(crate) struct Authorisation {
    pub(crate) user_id: UserId,
    pub(crate) meeting: Option<MeetingNumber>,
    /// Goes into [`World::spent_obf`] when it lets somebody in.
    pub(crate) jti: String,
}

/// An OBF token of `user`, bound to a meeting when one is named (D).
pub(crate) fn mint(world: &mut World, user: &User, meeting: Option<&str>, now: Timestamp) -> String {
    let claims = Claims {
        aud: "onbehalf".to_owned(),
        uid: user.id.clone(),
        mn: meeting.map(|number| MeetingNumber(number.to_owned())),
        exp: (now + LIFE).as_second(),
        jti: world.entropy.id(),
    };
    world.ledger.stats.obf_mints += 1;
    jwt::sign(&claims, &world.signing_key)
}

/// Reads a token; `None` when it is forged, expired, or was used before (single use: D in Zoom's blog).
pub(crate) fn read(world: &World, token: &str, now: Timestamp) -> Option<Authorisation> {
    let claims: Claims = jwt::read(token, &world.signing_key)?;
    let good =
        claims.aud == "onbehalf" && now.as_second() < claims.exp && !world.spent_obf.contains(&claims.jti);
    good.then_some(Authorisation { user_id: claims.uid, meeting: claims.mn, jti: claims.jti })
}
