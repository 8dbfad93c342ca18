//! Reads the claims of Zoom's tokens. They are not verified, because only Zoom has the signing key.

use std::time::Duration;

use base64::{Engine as _, prelude::BASE64_URL_SAFE_NO_PAD};
use model::{Secret, Timestamp};

use crate::fields::Fields;

/// The claims that are used here.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Claims {
    /// When the token expires.
    pub expires_at: Option<Timestamp>,
    /// How long it is valid from its issue on, by whichever clock it was issued.
    pub life: Option<Duration>,
    /// The app it was issued to (observed in access tokens).
    pub client_id: Option<String>,
}

/// The claims of `token`; none if it is not a JWT.
pub fn unverified_claims(token: &Secret) -> Claims {
    let payload = token.expose().split('.').nth(1).and_then(|part| BASE64_URL_SAFE_NO_PAD.decode(part).ok());
    let Some(written) = payload.and_then(|payload| Fields::of(&payload)) else { return Claims::default() };
    let end = written.whole("exp");
    let life = end.zip(written.whole("iat")).map(|(end, made)| end.saturating_sub(made));
    Claims {
        expires_at: end.map(Timestamp::from_second),
        life: life.and_then(|life| u64::try_from(life).ok()).map(Duration::from_secs),
        client_id: written.text("clientId").or_else(|| written.text("client_id")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn claims(payload: &str) -> Claims {
        unverified_claims(&Secret::new(format!("e30.{}.s", BASE64_URL_SAFE_NO_PAD.encode(payload))))
    }

    #[test]
    fn an_odd_claim_does_not_affect_others() {
        let end = Some(Timestamp::from_second(1_800_003_600));
        let whole = claims(r#"{"iat": 1800000000, "exp": 1800003600, "clientId": "app"}"#);
        assert_eq!(
            whole,
            Claims { expires_at: end, life: Some(Duration::from_secs(3600)), client_id: Some("app".into()) }
        );
        for odd in ["null", "7", "[]", "{}", "1e400", r#""""#] {
            let read = claims(&format!(r#"{{"iat": {odd}, "exp": "1800003600.5", "clientId": {odd}}}"#));
            assert_eq!((read.expires_at, read.client_id), (end, None), "{odd}");
        }
        let far = claims(r#"{"iat": -9223372036854775808, "exp": 9223372036854775807}"#);
        assert_eq!(far.expires_at, Some(Timestamp::MAX));
        assert_eq!(claims("[]"), Claims::default());
    }
}
