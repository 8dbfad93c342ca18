//! Standard Webhooks signatures: what our bots send when they fetch a token, and what token links demand.
//!
//! Signed is `id.timestamp.body` with HMAC-SHA256, the key being the Base64 behind `whsec_`. URL, query and method are
//! *not* covered (documented by Recall): a captured signature fits every address of the workspace, which is why a token
//! link's own secret is always needed as well, and why ids are remembered.

use std::time::Duration;

use aws_lc_rs::hmac;
use base64::{Engine as _, prelude::BASE64_STANDARD};
use model::{Code, Failure, Secret, Timestamp};

/// How far a signature's time may be from ours, either way.
pub const TOLERANCE: Duration = Duration::from_secs(300);

/// The key inside a `whsec_…` secret.
#[derive(Clone)]
pub struct SigningKey(hmac::Key);

/// The three headers, in either spelling.
#[derive(Debug, Clone, Copy)]
pub struct SignatureHeaders<'a> {
    /// `webhook-id` or `svix-id`.
    pub id: &'a str,
    /// `webhook-timestamp` or `svix-timestamp`: Unix seconds.
    pub timestamp: &'a str,
    /// `webhook-signature` or `svix-signature`: a list, separated by spaces.
    pub signature: &'a str,
}

impl SigningKey {
    /// Reads `whsec_` and standard Base64 of 16 to 128 bytes. `None` for anything else.
    pub fn parse(secret: &Secret) -> Option<Self> {
        let bytes = BASE64_STANDARD.decode(secret.expose().strip_prefix("whsec_")?).ok()?;
        (16..=128).contains(&bytes.len()).then(|| Self(hmac::Key::new(hmac::HMAC_SHA256, &bytes)))
    }

    /// The signature header's value.
    pub fn sign(&self, id: &str, timestamp: Timestamp, body: &[u8]) -> String {
        let seconds = timestamp.as_second().to_string();
        format!("v1,{}", BASE64_STANDARD.encode(self.tag(id, &seconds, body)))
    }

    fn tag(&self, id: &str, timestamp: &str, body: &[u8]) -> hmac::Tag {
        let mut context = hmac::Context::with_key(&self.0);
        for part in [id.as_bytes(), b".", timestamp.as_bytes(), b".", body] {
            context.update(part);
        }
        context.sign()
    }
}

/// Checks the headers against every key (several live ones while a secret is rotated), and the time against ours.
pub fn verify(
    keys: &[SigningKey],
    headers: SignatureHeaders<'_>,
    body: &[u8],
    now: Timestamp,
) -> Result<(), Failure> {
    let invalid = || Failure::new(Code::SignatureInvalid, "no signature in the header matches");
    // Digits only: a sign or a space would let two texts stand for one time.
    let seconds = (headers.timestamp.len() <= 12 && headers.timestamp.bytes().all(|b| b.is_ascii_digit()))
        .then(|| headers.timestamp.parse().ok())
        .flatten()
        .ok_or_else(invalid)?;
    let expected: Vec<_> = keys.iter().map(|key| key.tag(headers.id, headers.timestamp, body)).collect();
    let genuine = headers
        .signature
        .split(' ')
        .filter_map(|entry| BASE64_STANDARD.decode(entry.strip_prefix("v1,")?).ok())
        .any(|given| {
            expected
                .iter()
                .any(|tag| aws_lc_rs::constant_time::verify_slices_are_equal(tag.as_ref(), &given).is_ok())
        });
    if !genuine {
        return Err(invalid());
    }
    let signed_at = Timestamp::from_second(seconds);
    if now.since(signed_at) > TOLERANCE || signed_at.since(now) > TOLERANCE {
        return Err(Failure::new(
            Code::SignatureStale,
            "the signature's time is more than 5 minutes from ours",
        ));
    }
    Ok(())
}

impl std::fmt::Debug for SigningKey {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("SigningKey(…)")
    }
}
