//! ZAKs: minted by REST, believed by the meeting gate.

use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};

use crate::ids::{AccountId, UserId};
use crate::jwt;
use crate::world::World;
use crate::world::user::User;

/// Claims of a ZAK: an HS256 JWT (O).
///
/// `sk` is opaque at Zoom; here it holds the number of sign-outs before it was minted (ours).
#[derive(Clone, Debug, Serialize, Deserialize)]
struct Claims {
    aud: String,
    uid: UserId,
    iss: String,
    sk: String,
    sty: u8,
    wcd: String,
    clt: u8,
    exp: i64,
    iat: i64,
    /// The user's account (I).
    aid: AccountId,
    cid: String,
}

/// Seconds that a ZAK works when nothing else is asked, and one of a user that was made over REST (D).
const USUAL: i64 = 7_200;
const USUAL_OF_API_CREATED: i64 = 7_776_000;

/// How long a ZAK of this user works when nothing else is asked.
pub(crate) fn usual_life(user: &User) -> SignedDuration {
    SignedDuration::from_secs(if user.api_created { USUAL_OF_API_CREATED } else { USUAL })
}

/// A ZAK that an app asked for.
pub(crate) fn mint(world: &mut World, user: &User, life: SignedDuration, now: Timestamp) -> String {
    world.history.stats.zak_mints += 1;
    make(world, user, life, now)
}

/// A ZAK that comes with something else.
pub(crate) fn enclose(world: &mut World, user: &User, now: Timestamp) -> String {
    make(world, user, usual_life(user), now)
}

/// A ZAK of `user` that works for `life`.
fn make(world: &mut World, user: &User, life: SignedDuration, now: Timestamp) -> String {
    let claims = Claims {
        aud: "clientsm".to_owned(),
        uid: user.id.clone(),
        iss: "web".to_owned(),
        sk: user.sign_outs.to_string(),
        sty: 1,
        wcd: "sim".to_owned(),
        clt: 0,
        exp: (now + life).as_second(),
        iat: now.as_second(),
        aid: user.account_id.clone(),
        cid: world.entropy.id(),
    };
    let zak = jwt::sign(&claims, &world.signing_key);
    world.history.issue("zak", &zak);
    zak
}

/// The user a ZAK belongs to; `None` for one that is forged, expired or void: its user signed out
/// everywhere since (D), or is deactivated (ours).
pub(crate) fn holder<'w>(world: &'w World, zak: &str, now: Timestamp) -> Option<&'w User> {
    let claims: Claims = jwt::read(zak, &world.signing_key)?;
    let user = world.user(&claims.uid)?;
    let fresh = now.as_second() < claims.exp;
    (claims.aud == "clientsm" && fresh && user.active && claims.sk == user.sign_outs.to_string())
        .then_some(user)
}
