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

/// A ZAK of `user` that works for `life`.
pub(crate) fn mint(world: &mut World, user: &User, life: SignedDuration, now: Timestamp) -> String {
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
    world.ledger.stats.zak_mints += 1;
    let zak = jwt::sign(&claims, &world.signing_key);
    world.ledger.issue("zak", &zak);
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
