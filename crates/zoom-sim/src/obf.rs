//! On-behalf-of (OBF) tokens: a user in the meeting vouches for a bot.

use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};

use crate::ids::{MeetingNumber, UserId};
use crate::jwt;
use crate::world::World;
use crate::world::user::User;

/// Claims; the form is ours, Zoom's is unknown.
#[derive(Clone, Debug, Serialize, Deserialize)]
struct Claims {
    aud: String,
    uid: UserId,
    /// The meeting that the token is valid for; if absent, any (ours).
    mn: Option<MeetingNumber>,
    exp: i64,
    jti: String,
}

/// The authorisation from a genuine, unused token.
#[derive(Debug)]
pub(crate) struct Authorisation {
    pub(crate) user_id: UserId,
    pub(crate) meeting: Option<MeetingNumber>,
    /// Added to [`World::spent_tokens`] when the token admits a bot.
    pub(crate) jti: String,
}

/// Mints an OBF token of `user` that is valid for `life`, bound to a meeting if one is given (D).
pub(crate) fn mint(
    world: &mut World,
    user: &User,
    meeting: Option<&str>,
    life: SignedDuration,
    now: Timestamp,
) -> String {
    let claims = Claims {
        aud: "onbehalf".to_owned(),
        uid: user.id.clone(),
        mn: meeting.map(|number| MeetingNumber(number.to_owned())),
        exp: (now + life).as_second(),
        jti: world.entropy.id(),
    };
    world.history.stats.obf_mints += 1;
    let token = jwt::sign(&claims, &world.signing_key);
    world.history.issue("obf", &token);
    token
}

/// Reads a token; `None` if it is forged or expired, was used before (D in Zoom's blog; a switch), or its user is deleted
/// or deactivated (ours).
pub(crate) fn read(
    world: &World,
    token: &str,
    rejoins: Option<&str>,
    now: Timestamp,
) -> Option<Authorisation> {
    let claims: Claims = jwt::read(token, &world.signing_key)?;
    let spent = world.switches.obf_single_use && world.spent_tokens.contains_key(&claims.jti);
    let fresh = now.as_second() < claims.exp && !spent;
    let good = claims.aud == "onbehalf"
        && (fresh || world.brought_in(&claims.jti, rejoins))
        && world.user(&claims.uid).is_some_and(|user| user.active);
    good.then_some(Authorisation { user_id: claims.uid, meeting: claims.mn, jti: claims.jti })
}
