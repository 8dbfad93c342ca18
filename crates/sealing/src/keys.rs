//! The key ring of a running process. It is reloaded when the ring's file changes, and reads never fail meanwhile.

use std::{
    convert::Infallible,
    sync::{Arc, PoisonError, RwLock, RwLockReadGuard, RwLockWriteGuard},
    time::Duration,
};

use aws_lc_rs::digest::{SHA256, digest};
use model::{Environment, Sealed, Secret, Timestamp, chain};

use crate::{CellAddress, KeyRing, OpenError, Provider, ring::KeysById, ring_text::RingText};

/// The longest time since the last check of the file when a secret is sealed.
const POLL_INTERVAL: Duration = Duration::from_secs(2);
/// How long a replaced ring can still open secrets: longer than this process takes to open a ciphertext that it has read
/// from the store before the rotation.
const FORMER_RING_TTL: Duration = Duration::from_secs(600);

type Fingerprint = [u8; 32];

/// A key ring that may be rotated while it is used. Sealing and opening use the ring in memory. The ring's file is read
/// again at most every two seconds, and when a ciphertext needs a key that is not in memory.
pub struct Keys {
    provider: Provider,
    env: Environment,
    held: RwLock<Held>,
}

struct Held {
    ring: Arc<KeyRing>,
    /// The fingerprint of the text that was evaluated last, so that the same text is evaluated once.
    seen: Fingerprint,
    looked_at: Timestamp,
    /// Rings that were replaced, and when.
    former: Vec<(Timestamp, Arc<KeyRing>)>,
}

impl Keys {
    pub(crate) fn new(provider: Provider, env: &Environment, text: &str, ring: KeyRing) -> Self {
        let held =
            Held { ring: Arc::new(ring), seen: fingerprint(text), looked_at: env.now(), former: Vec::new() };
        Self { provider, env: env.clone(), held: RwLock::new(held) }
    }

    /// The current ring.
    pub fn ring(&self) -> Arc<KeyRing> {
        Arc::clone(&self.held().ring)
    }

    /// The id of the key that seals.
    pub fn active_key_id(&self) -> String {
        self.ring().active_key_id(self.env.now()).to_owned()
    }

    /// Where the ring comes from.
    pub fn provider(&self) -> &Provider {
        &self.provider
    }

    /// Encrypts `secret` for the cell `place`.
    pub fn seal(&self, place: &CellAddress<'_>, secret: &Secret) -> Sealed {
        let now = self.env.now();
        let looked_at = self.held().looked_at;
        // If the clock was set back, the age is unknown, so the file is checked as well.
        if now < looked_at || now.since(looked_at) >= POLL_INTERVAL {
            self.look();
        }
        self.ring().seal(place, secret, now, &*self.env.entropy)
    }

    /// Decrypts a secret that was sealed for the same `place`, by this process or by another one with a newer ring.
    pub fn open(&self, place: &CellAddress<'_>, sealed: &Sealed) -> Result<Secret, OpenError> {
        let unknown = |opened: &Result<_, _>| {
            matches!(opened, Err(OpenError::KeyMissing(_) | OpenError::KeyRetired(_)))
        };
        let opened = self.ring().open(place, sealed);
        if !unknown(&opened) {
            return opened;
        }
        self.look();
        let opened = self.ring().open(place, sealed);
        if !unknown(&opened) {
            return opened;
        }
        // The ciphertext was read from the store before the last cell was rewrapped and the old key retired.
        let now = self.env.now();
        let former: Vec<_> = self.held().former.clone();
        let mut young = former.iter().filter(|(replaced_at, _)| now.since(*replaced_at) < FORMER_RING_TTL);
        young.find_map(|(_, ring)| ring.open(place, sealed).ok()).map_or(opened, Ok)
    }

    /// Reloads a changed ring, for as long as it is polled. New keys that the key service has to unwrap are fetched here,
    /// so that sealing and opening never wait for it.
    pub async fn run_reload_worker(&self) -> Infallible {
        loop {
            self.env.clock.sleep(POLL_INTERVAL).await;
            self.catch_up().await;
        }
    }

    /// One iteration of [`Keys::run_reload_worker`].
    pub async fn catch_up(&self) {
        let Some(text) = self.changed() else { return };
        let known = self.ring();
        match self.provider.unwrap_all(&text.1, &known).await {
            Ok(unwrapped) => self.take_up(&text, &unwrapped),
            Err(error) => {
                tracing::error!(error = %chain(&error), "a key of the changed key ring cannot be unwrapped; trying again");
            }
        }
    }

    /// Loads a changed ring, if that needs no call to a key service.
    fn look(&self) {
        let Some(text) = self.changed() else { return };
        if text.1.wrapped_beyond(&self.ring()).next().is_none() {
            self.take_up(&text, &KeysById::new());
        }
    }

    /// The ring's text, if it has changed. Errors are logged and the file is read again later, because the ring in memory
    /// still works.
    fn changed(&self) -> Option<(Fingerprint, RingText)> {
        self.held_mut().looked_at = self.env.now();
        let text = match self.provider.text() {
            Ok(text) => text,
            Err(error) => {
                tracing::error!(error = %chain(&error), "the key ring cannot be reloaded; the one in memory is used");
                return None;
            }
        };
        let seen = fingerprint(&text);
        if seen == self.held().seen {
            return None;
        }
        let Some(parsed) = RingText::parse(&text) else {
            // Another program may still be copying the file.
            tracing::warn!("the changed key file is not a key ring; the one in memory is used");
            return None;
        };
        Some((seen, parsed))
    }

    fn take_up(&self, (seen, text): &(Fingerprint, RingText), unwrapped: &KeysById) {
        let now = self.env.now();
        let mut held = self.held_mut();
        let mut keys = held.ring.keys.clone();
        keys.extend(unwrapped.iter().map(|(id, key)| (id.clone(), Arc::clone(key))));
        let Some(ring) = text.ring(&keys) else { return };
        held.seen = *seen;
        // Another installation's file, put here by mistake, would seal secrets that can't be opened later.
        let ours = held.ring.active_key_id(now);
        if !ring.keys.contains_key(ours) && !ring.retired.iter().any(|id| id == ours) {
            tracing::error!(key = ours, "the changed key ring lacks the active key: restore the key file");
            return;
        }
        tracing::info!(?ring, "the key ring has changed");
        held.former.retain(|(replaced_at, _)| now.since(*replaced_at) < FORMER_RING_TTL);
        let former = std::mem::replace(&mut held.ring, Arc::new(ring));
        held.former.push((now, former));
    }

    fn held(&self) -> RwLockReadGuard<'_, Held> {
        self.held.read().unwrap_or_else(PoisonError::into_inner)
    }

    fn held_mut(&self) -> RwLockWriteGuard<'_, Held> {
        self.held.write().unwrap_or_else(PoisonError::into_inner)
    }
}

impl std::fmt::Debug for Keys {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Keys").field("ring", &self.ring()).finish_non_exhaustive()
    }
}

fn fingerprint(text: &str) -> Fingerprint {
    let mut bytes = [0; 32];
    bytes.copy_from_slice(digest(&SHA256, text.as_bytes()).as_ref());
    bytes
}
