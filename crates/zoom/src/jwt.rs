//! What a token of Zoom's says of itself. Read without verifying: the key that signed it is Zoom's.

use base64::{Engine as _, prelude::BASE64_URL_SAFE_NO_PAD};
use model::{Secret, Timestamp};
use serde::Deserialize;

/// Claims that we look at.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Claims {
    /// When it ends.
    pub expires_at: Option<Timestamp>,
    /// The app it was given to (observed in access tokens).
    pub client_id: Option<String>,
}

/// The claims of `token`; none for what is no JWT.
pub fn unverified_claims(token: &Secret) -> Claims {
    #[derive(Deserialize)]
    struct Written {
        exp: Option<i64>,
        #[serde(rename = "clientId", alias = "client_id")]
        client_id: Option<String>,
    }
    let payload = token.expose().split('.').nth(1).and_then(|part| BASE64_URL_SAFE_NO_PAD.decode(part).ok());
    let written = payload.and_then(|payload| serde_json::from_slice::<Written>(&payload).ok());
    written.map_or_else(Claims::default, |written| Claims {
        expires_at: written.exp.map(Timestamp::from_second),
        client_id: written.client_id,
    })
}
