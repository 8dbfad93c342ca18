//! Secrets at rest: envelope encryption, bound to their place.
//!
//! Every secret gets a data key of its own; the data key is wrapped by a key of the [`KeyRing`], which has an id.
//! Both steps are AES-256-GCM, and both authenticate the format's version, the wrapping key's id and the *place*:
//! workspace, table, row and column. A ciphertext that was moved, cut, or written by another key does not open.
//!
//! ```text
//! version 1 | key id: length, text | nonce 12 | wrapped data key 32 + 16 | nonce 12 | ciphertext + 16
//! ```

mod key_file;
mod place;

use std::collections::BTreeMap;

use aws_lc_rs::aead::{AES_256_GCM, Aad, LessSafeKey, NONCE_LEN, Nonce, UnboundKey};
use model::{Entropy, Sealed, Secret};
use zeroize::Zeroizing;

pub use key_file::KeyFileError;
pub use place::Place;

const VERSION: u8 = 1;
const KEY_LEN: usize = 32;
const TAG_LEN: usize = 16;

/// The keys that wrap: the active one seals, all of them open. A rotation needs no downtime.
pub struct KeyRing {
    active: String,
    keys: BTreeMap<String, LessSafeKey>,
}

/// Why a ciphertext did not open. Which part was wrong is not said on purpose.
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
pub enum OpenError {
    /// It was sealed with a key that this ring does not hold.
    #[error("the key {0:?} is not in the key ring: restore the key file this store was made with")]
    KeyMissing(String),
    /// It is damaged, was moved from another place, or is not one of ours.
    #[error("a sealed value of {0} does not open: it was damaged or moved")]
    Refused(String),
}

impl KeyRing {
    /// The id of the key that seals.
    pub fn active_key_id(&self) -> &str {
        &self.active
    }

    /// Encrypts `secret` for `place`.
    pub fn seal(&self, place: &Place<'_>, secret: &Secret, entropy: &dyn Entropy) -> Sealed {
        let data_key = Zeroizing::new(entropy.bytes::<KEY_LEN>());
        let aad = place.authenticated(VERSION, &self.active);

        let mut bytes =
            vec![VERSION, u8::try_from(self.active.len()).expect("key ids are short: `parse` checks")];
        bytes.extend_from_slice(self.active.as_bytes());
        encrypt(&self.keys[&self.active], &aad, data_key.as_slice(), entropy, &mut bytes);
        encrypt(&key_from(data_key.as_slice()), &aad, secret.expose().as_bytes(), entropy, &mut bytes);
        Sealed(bytes)
    }

    /// Decrypts what [`KeyRing::seal`] made for the same `place`.
    pub fn open(&self, place: &Place<'_>, sealed: &Sealed) -> Result<Secret, OpenError> {
        let refused = || OpenError::Refused(place.to_string());
        let (key_id, mut rest) = split_header(&sealed.0).ok_or_else(refused)?;
        let key = self.keys.get(key_id).ok_or_else(|| OpenError::KeyMissing(key_id.to_owned()))?;
        let aad = place.authenticated(VERSION, key_id);

        let wrapped = rest.split_off(..NONCE_LEN + KEY_LEN + TAG_LEN).ok_or_else(refused)?;
        let data_key = decrypt(key, &aad, wrapped).ok_or_else(refused)?;
        let plain = decrypt(&key_from(&data_key), &aad, rest).ok_or_else(refused)?;
        std::str::from_utf8(&plain).map(Secret::new).map_err(|_| refused())
    }
}

impl std::fmt::Debug for KeyRing {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "KeyRing(active {:?} of {})", self.active, self.keys.len())
    }
}

fn key_from(bytes: &[u8]) -> LessSafeKey {
    LessSafeKey::new(UnboundKey::new(&AES_256_GCM, bytes).expect("a data key has 32 bytes"))
}

/// Appends nonce, ciphertext and tag to `out`.
fn encrypt(key: &LessSafeKey, aad: &[u8], plain: &[u8], entropy: &dyn Entropy, out: &mut Vec<u8>) {
    let nonce = entropy.bytes::<NONCE_LEN>();
    let mut buffer = Zeroizing::new(plain.to_vec());
    let tag = key
        .seal_in_place_separate_tag(Nonce::assume_unique_for_key(nonce), Aad::from(aad), &mut buffer)
        .expect("AES-GCM seals anything under 64 GiB");
    out.extend_from_slice(&nonce);
    out.extend_from_slice(&buffer);
    out.extend_from_slice(tag.as_ref());
}

fn decrypt(key: &LessSafeKey, aad: &[u8], bytes: &[u8]) -> Option<Zeroizing<Vec<u8>>> {
    let (nonce, body) = bytes.split_at_checked(NONCE_LEN)?;
    let mut buffer = Zeroizing::new(body.to_vec());
    let nonce = Nonce::try_assume_unique_for_key(nonce).ok()?;
    let length = key.open_in_place(nonce, Aad::from(aad), &mut buffer).ok()?.len();
    buffer.truncate(length);
    Some(buffer)
}

fn split_header(bytes: &[u8]) -> Option<(&str, &[u8])> {
    let (&[version, length], rest) = bytes.split_first_chunk()?;
    let (key_id, rest) = rest.split_at_checked(usize::from(length))?;
    (version == VERSION).then_some((std::str::from_utf8(key_id).ok()?, rest))
}
