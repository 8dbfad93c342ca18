//! Sealing and opening with a ring of keys.

use std::{collections::BTreeMap, sync::Arc};

use aws_lc_rs::aead::{AES_256_GCM, Aad, LessSafeKey, NONCE_LEN, Nonce, UnboundKey};
use model::{Entropy, Sealed, Secret, Timestamp};
use zeroize::Zeroizing;

use crate::CellAddress;

const VERSION: u8 = 1;
pub(crate) const KEY_LEN: usize = 32;
pub(crate) const MAX_ID_LEN: usize = 64;
const TAG_LEN: usize = 16;

/// The first bytes of a ciphertext that always contain the id of its key: see [`key_id`].
pub const HEAD_LEN: usize = 2 + MAX_ID_LEN;

/// Keys by id; AWS-LC wipes each when it is dropped.
pub(crate) type KeysById = BTreeMap<String, Arc<LessSafeKey>>;

/// The keys that wrap data keys. The active one seals; all of them can open. A ring never changes;
/// [`Keys`](crate::Keys) replaces its ring when the file changes.
pub struct KeyRing {
    pub(crate) active: String,
    /// The id of the next active key, and when it becomes active.
    pub(crate) next: Option<(String, Timestamp)>,
    pub(crate) keys: KeysById,
    /// The ids of retired keys.
    pub(crate) retired: Vec<String>,
}

/// Why a ciphertext could not be opened. It intentionally doesn't say which part was wrong.
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
pub enum OpenError {
    /// It was sealed with a key that is not in this ring.
    #[error("the key {0:?} is not in the key ring: restore the key file this store was made with")]
    KeyMissing(String),
    /// It was sealed with a key that was retired from this ring.
    #[error("the key {0:?} was retired from this key ring: restore it from a backup of the key file")]
    KeyRetired(String),
    /// It is damaged, was moved from another cell, or was not made by this crate.
    #[error("a sealed value of {0} cannot be opened: it was damaged or moved")]
    Refused(String),
}

impl KeyRing {
    /// A ring without keys, which can neither seal nor open.
    pub(crate) fn empty() -> Self {
        Self { active: String::new(), next: None, keys: KeysById::new(), retired: Vec::new() }
    }

    /// The id of the key that seals at `now`.
    pub fn active_key_id(&self, now: Timestamp) -> &str {
        match &self.next {
            Some((id, from)) if *from <= now => id,
            _ => &self.active,
        }
    }

    /// The id of the next active key, and when it becomes active.
    pub fn next_key(&self, now: Timestamp) -> Option<(&str, Timestamp)> {
        self.next.as_ref().filter(|(_, from)| now < *from).map(|(id, from)| (&**id, *from))
    }

    /// When the active key became active. `None` if the ring does not say, for example because it was never rotated.
    pub fn active_since(&self, now: Timestamp) -> Option<Timestamp> {
        self.next.as_ref().map(|(_, from)| *from).filter(|from| *from <= now)
    }

    /// The ids of all keys.
    pub fn key_ids(&self) -> impl Iterator<Item = &str> {
        self.keys.keys().map(String::as_str)
    }

    /// Encrypts `secret` for the cell `place`, with the key that is active at `now`.
    pub fn seal(
        &self,
        place: &CellAddress<'_>,
        secret: &Secret,
        now: Timestamp,
        entropy: &dyn Entropy,
    ) -> Sealed {
        let active = self.active_key_id(now);
        let data_key = Zeroizing::new(entropy.bytes::<KEY_LEN>());
        let aad = place.authenticated(VERSION, active);

        let mut bytes = vec![VERSION, u8::try_from(active.len()).expect("key ids are short: `parse` checks")];
        bytes.extend_from_slice(active.as_bytes());
        encrypt(&self.keys[active], &aad, data_key.as_slice(), entropy, &mut bytes);
        let data_key = key_from(data_key.as_slice()).expect("a data key has 32 bytes");
        encrypt(&data_key, &aad, secret.expose().as_bytes(), entropy, &mut bytes);
        Sealed(bytes)
    }

    /// Decrypts what [`KeyRing::seal`] encrypted for the same `place`.
    pub fn open(&self, place: &CellAddress<'_>, sealed: &Sealed) -> Result<Secret, OpenError> {
        let refused = || OpenError::Refused(place.to_string());
        let (key_id, mut rest) = split_header(&sealed.0).ok_or_else(refused)?;
        let key = self.keys.get(key_id).ok_or_else(|| self.lacks(key_id))?;
        let aad = place.authenticated(VERSION, key_id);

        let wrapped = rest.split_off(..NONCE_LEN + KEY_LEN + TAG_LEN).ok_or_else(refused)?;
        let data_key = decrypt(key, &aad, wrapped).ok_or_else(refused)?;
        let data_key = key_from(&data_key).ok_or_else(refused)?;
        let plain = decrypt(&data_key, &aad, rest).ok_or_else(refused)?;
        std::str::from_utf8(&plain).map(Secret::new).map_err(|_| refused())
    }

    fn lacks(&self, key_id: &str) -> OpenError {
        let retired = self.retired.iter().any(|retired| retired == key_id);
        let error = if retired { OpenError::KeyRetired } else { OpenError::KeyMissing };
        error(key_id.to_owned())
    }
}

impl std::fmt::Debug for KeyRing {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "KeyRing(active {:?}, next {:?}, {} in all)", self.active, self.next, self.keys.len())
    }
}

/// The id of the key that wraps a ciphertext. The first [`HEAD_LEN`] bytes are enough. The id is authenticated only when
/// the ciphertext is opened.
pub fn key_id(head: &[u8]) -> Option<&str> {
    split_header(head).map(|(key_id, _)| key_id)
}

/// An AES-256 key; `None` when it is not 32 bytes.
pub(crate) fn key_from(bytes: &[u8]) -> Option<LessSafeKey> {
    UnboundKey::new(&AES_256_GCM, bytes).ok().map(LessSafeKey::new)
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
