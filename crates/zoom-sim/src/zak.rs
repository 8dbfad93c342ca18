//! ZAKs: minted by REST, accepted by the meeting gate.

use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};

use crate::ids::{AccountId, UserId};
use crate::jwt;
use crate::world::World;
use crate::world::user::User;

/// Claims of a ZAK: an HS256 JWT (O).
///
/// `sk` is opaque at Zoom; here it is the number of sign-outs before the ZAK was minted (ours).
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

/// Default lifetime of a ZAK in seconds, and that of a user created over REST (D).
const USUAL: i64 = 7_200;
const USUAL_OF_API_CREATED: i64 = 7_776_000;

/// Default lifetime of this user's ZAKs.
pub(crate) fn usual_life(user: &User) -> SignedDuration {
    SignedDuration::from_secs(if user.api_created { USUAL_OF_API_CREATED } else { USUAL })
}

/// Mints a ZAK that an app requested, and counts it.
pub(crate) fn mint(world: &mut World, user: &User, life: SignedDuration, now: Timestamp) -> String {
    world.history.stats.zak_mints += 1;
    make(world, user, life, now)
}

/// Mints a ZAK that is part of another answer.
pub(crate) fn enclose(world: &mut World, user: &User, now: Timestamp) -> String {
    make(world, user, usual_life(user), now)
}

/// Creates a ZAK of `user` that is valid for `life`.
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

/// The user that a ZAK belongs to; `None` if it is forged, expired or invalidated: its user has since signed out everywhere
/// (D), or is deactivated (ours).
pub(crate) fn holder<'w>(world: &'w World, zak: &str, now: Timestamp) -> Option<&'w User> {
    let claims: Claims = jwt::read(zak, &world.signing_key)?;
    let user = world.user(&claims.uid)?;
    let fresh = now.as_second() < claims.exp;
    (claims.aud == "clientsm" && fresh && user.active && claims.sk == user.sign_outs.to_string())
        .then_some(user)
}
