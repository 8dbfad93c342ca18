//! The text form of a key ring.

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::Arc,
};

use aws_lc_rs::aead::LessSafeKey;
use base64::{Engine as _, prelude::BASE64_STANDARD};
use model::{Environment, Timestamp};
use serde::{Deserialize, Serialize};
use zeroize::{Zeroize, Zeroizing};

use crate::{
    KeyRing,
    ring::{KEY_LEN, KeysById, MAX_ID_LEN, key_from},
};

/// `{"active": "k-…", "keys": {"k-…": "<32 bytes, Base64>"}}`, and the fields that a rotation adds.
#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct RingText {
    /// The id of the key that seals.
    pub(crate) active: String,
    /// The key that replaces `active`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) next: Option<Next>,
    /// Keys in the clear.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub(crate) keys: BTreeMap<String, String>,
    /// Keys that a key service has wrapped, as the service returned them.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub(crate) wrapped: BTreeMap<String, String>,
    /// When keys were retired. A cell that needs one of them is reported with this date.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub(crate) retired: BTreeMap<String, Timestamp>,
}

/// The next active key. Every server must have loaded it before the first one seals with it.
#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Next {
    pub(crate) key: String,
    pub(crate) from: Timestamp,
}

impl Drop for RingText {
    fn drop(&mut self) {
        self.keys.values_mut().for_each(Zeroize::zeroize);
    }
}

/// A new key and its id.
pub(crate) struct NewKey {
    pub(crate) id: String,
    pub(crate) bytes: Zeroizing<[u8; KEY_LEN]>,
}

impl NewKey {
    pub(crate) fn generate(env: &Environment) -> Self {
        let id = format!("k-{}", u32::from_le_bytes(env.entropy.bytes()));
        Self { id, bytes: Zeroizing::new(env.entropy.bytes()) }
    }
}

impl RingText {
    /// A ring with this active key, which the caller has to add.
    pub(crate) fn begin(active: &str) -> Self {
        Self {
            active: active.to_owned(),
            next: None,
            keys: BTreeMap::new(),
            wrapped: BTreeMap::new(),
            retired: BTreeMap::new(),
        }
    }

    /// Parses a ring; `None` if the text is not one.
    pub(crate) fn parse(text: &str) -> Option<Self> {
        let ring: Self = serde_json::from_str(text).ok()?;
        let ids: BTreeSet<_> = ring.keys.keys().chain(ring.wrapped.keys()).collect();
        let short = ids.iter().all(|id| (1..=MAX_ID_LEN).contains(&id.len()));
        let once = ids.len() == ring.keys.len() + ring.wrapped.len();
        let named = ids.contains(&ring.active) && ring.next.iter().all(|next| ids.contains(&next.key));
        let keys = ring.keys.values().all(|text| plain_key(text).is_some());
        (short && once && named && keys).then_some(ring)
    }

    pub(crate) fn render(&self) -> Zeroizing<String> {
        Zeroizing::new(serde_json::to_string_pretty(self).expect("text keys and values") + "\n")
    }

    /// Adds a key, in the clear.
    pub(crate) fn put(&mut self, key: &NewKey) {
        self.keys.insert(key.id.clone(), BASE64_STANDARD.encode(key.bytes.as_slice()));
    }

    /// Whether a key with this id is or was in this ring.
    pub(crate) fn knows(&self, id: &str) -> bool {
        self.keys.contains_key(id) || self.wrapped.contains_key(id) || self.retired.contains_key(id)
    }

    /// Makes the next key the active one, if its time has come.
    pub(crate) fn settle(&mut self, now: Timestamp) {
        if let Some(next) = self.next.take_if(|next| next.from <= now) {
            self.active = next.key;
        }
    }

    /// Retires a key.
    pub(crate) fn retire(&mut self, id: &str, now: Timestamp) {
        let mut plain = self.keys.remove(id);
        plain.zeroize();
        self.wrapped.remove(id);
        self.retired.insert(id.to_owned(), now);
    }

    /// The wrapped keys that are not in `known`, each as its id and its ciphertext.
    pub(crate) fn wrapped_beyond<'a>(
        &'a self,
        known: &'a KeyRing,
    ) -> impl Iterator<Item = (&'a str, &'a str)> {
        let unknown = |id: &str| !known.keys.contains_key(id);
        self.wrapped.iter().filter(move |(id, _)| unknown(id)).map(|(id, text)| (&**id, &**text))
    }

    /// The ring. Wrapped keys are taken from `unwrapped`; those that are missing there are left out. `None` if the active
    /// key or the next key is missing.
    pub(crate) fn ring(&self, unwrapped: &KeysById) -> Option<KeyRing> {
        let plain = self.keys.iter().filter_map(|(id, text)| Some((id.clone(), Arc::new(plain_key(text)?))));
        let wrapped = self.wrapped.keys().filter_map(|id| Some((id.clone(), unwrapped.get(id)?.clone())));
        let ring = KeyRing {
            active: self.active.clone(),
            next: self.next.as_ref().map(|next| (next.key.clone(), next.from)),
            keys: plain.chain(wrapped).collect(),
            retired: self.retired.keys().cloned().collect(),
        };
        let sealing = [Some(&ring.active), ring.next.as_ref().map(|(id, _)| id)];
        let complete = sealing.into_iter().flatten().all(|id| ring.keys.contains_key(id));
        complete.then_some(ring)
    }
}

fn plain_key(text: &str) -> Option<LessSafeKey> {
    key_from(&Zeroizing::new(BASE64_STANDARD.decode(text).ok()?))
}
