//! The JWT with which the Meeting SDK joins a meeting: HS256 with the app's secret.

use std::time::Duration;

use aws_lc_rs::hmac;
use base64::{Engine as _, prelude::BASE64_URL_SAFE_NO_PAD};
use model::{Secret, Timestamp};
use serde_json::json;

use crate::AppKeys;

/// How far `iat` is in the past (ours): Zoom refuses an `iat` in its future (documented), and clocks differ.
const BACKDATED: Duration = Duration::from_secs(30);
/// The lifetime of a signature (ours), within Zoom's 1800 to 172800 s (documented). A signature is for one attempt to join.
const LIFE: Duration = Duration::from_secs(7200);

/// The role of a bot.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Role {
    /// A participant.
    Join = 0,
    /// The host, who starts the meeting; needs the host's ZAK.
    Start = 1,
}

/// Signs one attempt to join `meeting_number` (digits only) with the client view or the component view.
pub fn sdk_signature(app: &AppKeys, meeting_number: &str, role: Role, now: Timestamp) -> Secret {
    let iat = now - BACKDATED;
    let exp = (iat + LIFE).as_second();
    let claims = json!({
        "appKey": app.client_id,
        // The name before SDK 5.0. Zoom's own sample still sends both.
        "sdkKey": app.client_id,
        "mn": meeting_number,
        "role": role as u8,
        "iat": iat.as_second(),
        "exp": exp,
        "tokenExp": exp,
    });
    let signed = format!("{}.{}", encoded(&json!({ "alg": "HS256", "typ": "JWT" })), encoded(&claims));
    let key = hmac::Key::new(hmac::HMAC_SHA256, app.client_secret.expose().as_bytes());
    let tag = BASE64_URL_SAFE_NO_PAD.encode(hmac::sign(&key, signed.as_bytes()));
    Secret::new(format!("{signed}.{tag}"))
}

fn encoded(part: &serde_json::Value) -> String {
    BASE64_URL_SAFE_NO_PAD.encode(part.to_string())
}

#[cfg(test)]
mod tests {
    use jsonwebtoken::{Algorithm, DecodingKey, Validation};

    use super::*;

    #[test]
    fn another_library_reads_the_signature() {
        let app = AppKeys { client_id: "app".into(), client_secret: Secret::new("planted") };
        let now: Timestamp = "2026-01-31T12:00:00.9Z".parse().unwrap();
        let signature = sdk_signature(&app, "12345678901", Role::Start, now);

        let mut validation = Validation::new(Algorithm::HS256);
        validation.validate_exp = false;
        let decoded = jsonwebtoken::decode::<serde_json::Value>(
            signature.expose(),
            &DecodingKey::from_secret(b"planted"),
            &validation,
        )
        .unwrap();
        let iat = now.as_second() - 30;
        assert_eq!(
            decoded.claims,
            json!({
                "appKey": "app", "sdkKey": "app", "mn": "12345678901", "role": 1,
                "iat": iat, "exp": iat + 7200, "tokenExp": iat + 7200,
            })
        );
    }
}
