//! The signing secrets of an endpoint. Each message is signed with all valid secrets, so that a receiver may use any of
//! them.

use base64::{Engine as _, prelude::BASE64_STANDARD};
use model::{Code, Environment, Failure, Secret, Timestamp};
use outbound::signature::SigningKey;

/// The most secrets of an endpoint that are valid at once.
const MAX_SECRETS: usize = 5;
/// The length of a key in bytes, as in the specification of Standard Webhooks.
const KEY_BYTES: std::ops::RangeInclusive<usize> = 24..=64;

/// The valid secrets, newest first, and when each of them expires.
#[derive(Debug, Clone)]
pub struct Secrets(Vec<(Secret, Option<Timestamp>)>);

/// The secret that a caller gave is invalid.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("It must be whsec_ and the Base64 of 24 to 64 random bytes.")]
pub struct NotASecret;

/// Checks the format of a caller's own secret.
pub fn check_secret(secret: &Secret) -> Result<(), NotASecret> {
    let text = secret.expose().strip_prefix("whsec_").ok_or(NotASecret)?;
    let bytes = BASE64_STANDARD.decode(text).map_err(|_| NotASecret)?;
    if KEY_BYTES.contains(&bytes.len()) { Ok(()) } else { Err(NotASecret) }
}

pub(crate) fn generate(env: &Environment) -> Secret {
    Secret::new(format!("whsec_{}", BASE64_STANDARD.encode(env.entropy.bytes::<32>())))
}

impl Secrets {
    pub(crate) fn one(secret: Secret) -> Self {
        Self(vec![(secret, None)])
    }

    /// The newest secret, which receivers should use.
    pub fn current(&self) -> &Secret {
        &self.0[0].0
    }

    /// When each former secret expires, newest first.
    pub fn former_end_at(&self) -> impl Iterator<Item = Timestamp> {
        self.0.iter().filter_map(|(_, ends_at)| *ends_at)
    }

    /// Whether one more secret may be valid in addition to them.
    pub(crate) fn has_room(&self) -> bool {
        self.0.len() < MAX_SECRETS
    }

    /// Adds a new secret. The former ones expire at `ends_at` at the latest, or at once if it is `None`.
    pub(crate) fn succeeded_by(&self, secret: Secret, ends_at: Option<Timestamp>) -> Self {
        let former = self.0.iter().filter_map(|(secret, known)| {
            let end = ends_at?;
            Some((secret.clone(), Some(known.map_or(end, |known| known.min(end)))))
        });
        Self([(secret, None)].into_iter().chain(former).collect())
    }

    /// The signing keys, newest first.
    pub(crate) fn keys(&self) -> Result<Vec<SigningKey>, Failure> {
        let keys: Option<Vec<_>> = self.0.iter().map(|(secret, _)| SigningKey::parse(secret)).collect();
        keys.ok_or_else(unreadable)
    }

    /// Removes every secret from a text, because a receiver may repeat one in its response.
    pub(crate) fn removed_from(&self, text: &str) -> String {
        self.0.iter().fold(text.to_owned(), |text, (secret, _)| {
            let bare = secret.expose().trim_start_matches("whsec_");
            text.replace(bare, "********")
        })
    }

    /// The text to be sealed: one line with each secret and its expiry.
    pub(crate) fn to_text(&self) -> Secret {
        let line = |(secret, ends_at): &(Secret, Option<Timestamp>)| {
            let end = ends_at.map_or(String::new(), |end| end.as_microsecond().to_string());
            format!("{} {end}\n", secret.expose())
        };
        Secret::new(self.0.iter().map(line).collect::<String>())
    }

    /// Parses the text, and returns the secrets that are valid at `now`.
    pub(crate) fn from_text(text: &Secret, now: Timestamp) -> Result<Self, Failure> {
        let mut secrets = Vec::new();
        for line in text.expose().lines() {
            let (secret, end) = line.split_once(' ').ok_or_else(unreadable)?;
            let ends_at = match end {
                "" => None,
                end => Some(Timestamp::from_microsecond(end.parse().map_err(|_| unreadable())?)),
            };
            if ends_at.is_none_or(|end| end > now) {
                secrets.push((Secret::new(secret), ends_at));
            }
        }
        if secrets.is_empty() { Err(unreadable()) } else { Ok(Self(secrets)) }
    }
}

fn unreadable() -> Failure {
    Failure::new(Code::Internal, "the stored secrets of an endpoint could not be parsed")
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    const NOW: Timestamp = Timestamp::from_second(1_800_000_000);

    fn secret(byte: u8) -> Secret {
        Secret::new(format!("whsec_{}", BASE64_STANDARD.encode([byte; 24])))
    }

    fn shown(secrets: &Secrets) -> Vec<String> {
        secrets.0.iter().map(|(secret, _)| secret.expose().to_owned()).collect()
    }

    #[test]
    fn former_secrets_are_valid_until_they_expire() {
        let day = Duration::from_secs(24 * 3600);
        let first = Secrets::one(secret(1));
        let second = first.succeeded_by(secret(2), Some(NOW + day));
        let third = second.succeeded_by(secret(3), Some(NOW + 2 * day));
        let read = |at| Secrets::from_text(&third.to_text(), at).unwrap();
        assert_eq!(shown(&read(NOW)).len(), 3);
        assert_eq!(shown(&read(NOW + day)), [secret(3), secret(2)].map(|secret| secret.expose().to_owned()));
        assert_eq!(shown(&read(NOW + 9 * day)).len(), 1);
        assert_eq!(shown(&third.succeeded_by(secret(4), None)).len(), 1, "former secrets expire at once");
        assert_eq!(third.keys().unwrap().len(), 3);
        assert_eq!(third.removed_from(&format!("a {} b", secret(1).expose())), "a whsec_******** b");
    }

    #[test]
    fn a_secret_has_enough_random_bytes() {
        assert_eq!(check_secret(&secret(1)), Ok(()));
        let short = Secret::new(format!("whsec_{}", BASE64_STANDARD.encode([1; 23])));
        for wrong in [short, Secret::new("whsec_"), Secret::new("secret"), Secret::new("whsec_!")] {
            assert_eq!(check_secret(&wrong), Err(NotASecret));
        }
    }
}
