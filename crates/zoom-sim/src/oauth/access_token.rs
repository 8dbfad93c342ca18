//! Access tokens: opaque to clients, but JWTs in form (D).

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::ids::{AccountId, ClientId, GrantId, UserId};
use crate::jwt;
use crate::world::World;
use crate::world::grant::Owner;

/// Claims of an access token. The names follow older real tokens (O); `grant` is ours.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct Claims {
    ver: u8,
    iss: String,
    aud: String,
    #[serde(rename = "clientId")]
    pub(crate) client_id: ClientId,
    #[serde(rename = "userId")]
    user_id: Option<UserId>,
    #[serde(rename = "accountId")]
    account_id: Option<AccountId>,
    nbf: i64,
    iat: i64,
    pub(crate) exp: i64,
    pub(crate) jti: String,
    #[serde(rename = "tokenType")]
    token_type: String,
    pub(crate) grant: GrantId,
}

/// Issues an access token for an active grant and records it as the grant's newest.
pub(crate) fn issue(world: &mut World, id: &GrantId, now: Timestamp) -> Option<String> {
    let jti = world.entropy.id();
    let grant = world.grants.get_mut(id)?;
    grant.newest_access = Some(jti.clone());
    let (user_id, account_id) = match &grant.owner {
        Owner::User(user) => (Some(user.clone()), None),
        Owner::Account(account) => (None, Some(account.clone())),
    };
    let exp = now.as_second().saturating_add(world.switches.access_token_seconds);
    let claims = Claims {
        ver: 8,
        iss: format!("urn:zoom:connect:clientid:{}", grant.client_id),
        aud: "https://oauth.zoom.us".to_owned(),
        client_id: grant.client_id.clone(),
        user_id,
        account_id,
        nbf: now.as_second(),
        iat: now.as_second(),
        exp,
        jti,
        token_type: "access_token".to_owned(),
        grant: id.clone(),
    };
    Some(jwt::sign(&claims, &world.signing_key))
}
