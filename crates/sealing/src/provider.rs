//! Where a key ring is stored, and which changes are possible there.

use std::{
    path::{Path, PathBuf},
    sync::Arc,
};

use model::{Environment, Secret, Timestamp};
use zeroize::Zeroizing;

use crate::{
    KeyFileError, KeyRing, Keys, Transit, TransitError,
    key_file::{self, Locked},
    ring::{KeysById, key_from},
    ring_text::{NewKey, Next, RingText},
};

/// Where the text of a ring is stored.
#[derive(Debug, Clone)]
pub enum RingSource {
    /// In a file that only this server's user may read.
    File(PathBuf),
    /// In a file that an orchestrator provides, with the permissions that the orchestrator sets.
    Mounted(PathBuf),
    /// In an environment variable. A process reads it once.
    Variable(Secret),
}

/// Where a key ring is stored, and the key service that wraps its keys, if there is one.
#[derive(Debug, Clone)]
pub struct Provider {
    source: RingSource,
    transit: Option<Transit>,
}

/// A key ring cannot be used or changed. Each message says what to do.
#[derive(Debug, thiserror::Error)]
pub enum KeysError {
    /// The key file cannot be used.
    #[error(transparent)]
    File(#[from] KeyFileError),
    /// The variable's value is not a key ring.
    #[error("LATCHKEY_KEYS is not a key ring: create one with `latchkey keys create --to <file>`")]
    Malformed,
    /// A key is wrapped, and no key service is configured.
    #[error("the key {0:?} is wrapped by a key service: set keys.transit in the configuration")]
    NoService(String),
    /// The key service cannot wrap or unwrap a key.
    #[error("the key {key:?} cannot be wrapped or unwrapped: {cause}")]
    Service {
        /// The key's id.
        key: String,
        /// The cause.
        #[source]
        cause: TransitError,
    },
    /// The key service unwraps a key to something that is not the key.
    #[error(
        "the key service unwraps {0:?} to something that is not a key: restore the key file from your backup"
    )]
    NoKey(String),
    /// The ring is in the environment, which a command cannot change.
    #[error(
        "a command cannot change LATCHKEY_KEYS: name a new file with --to, and set the variable from that"
    )]
    Fixed,
    /// The last rotation is not finished.
    #[error("a rotation is under way: {key:?} begins to seal at {from}; rotate again after that")]
    Pending {
        /// The id of the next key.
        key: String,
        /// When it becomes active.
        from: Timestamp,
    },
    /// The active key and the next key cannot be retired.
    #[error("the key {0:?} is the active or the next key: it cannot be retired")]
    InUse(String),
}

/// The result of a rotation.
#[derive(Debug)]
pub struct Rotated {
    /// The id of the new key.
    pub key: String,
    /// The id of the old key, which seals until the new one becomes active.
    pub before: String,
}

/// The ids of keys that were retired.
pub type Retired = Vec<String>;

impl Provider {
    /// A ring in a file that only this server's user may read.
    pub fn file(path: impl Into<PathBuf>) -> Self {
        Self::new(RingSource::File(path.into()))
    }

    /// A ring whose keys are stored in the clear.
    pub fn new(source: RingSource) -> Self {
        Self { source, transit: None }
    }

    /// Sets the key service, which wraps new keys and unwraps wrapped ones.
    #[must_use]
    pub fn with_transit(self, transit: Option<Transit>) -> Self {
        Self { transit, ..self }
    }

    /// Whether a command can change the ring in place.
    pub fn is_changeable(&self) -> bool {
        !matches!(self.source, RingSource::Variable(_))
    }

    /// Reads the ring and unwraps its keys, which then stay in memory. So secrets can still be opened if the key service
    /// becomes unavailable later.
    pub async fn open(self, env: &Environment) -> Result<Keys, KeysError> {
        let text = self.text()?;
        let parsed = self.parse(&text)?;
        let unwrapped = self.unwrap_all(&parsed, &KeyRing::empty()).await?;
        let ring = parsed.ring(&unwrapped).ok_or_else(|| self.malformed())?;
        Ok(Keys::new(self, env, &text, ring))
    }

    /// Creates a ring with one new key, which is on the disk when this returns. An existing ring is an error, because a key
    /// is never overwritten.
    pub async fn create(self, env: &Environment) -> Result<Keys, KeysError> {
        let (RingSource::File(path) | RingSource::Mounted(path)) = &self.source else {
            return Err(KeysError::Fixed);
        };
        let new = NewKey::generate(env);
        let mut ring = RingText::begin(&new.id);
        self.put(&mut ring, &new).await?;
        key_file::create(path, &ring.render())?;
        self.open(env).await
    }

    /// Adds a key that becomes active at `from`. Until then the old key seals, so that every server has time to load the
    /// new one. The changed ring replaces the old one, or is written `to` a new file.
    pub async fn rotate(
        &self,
        from: Timestamp,
        to: Option<&Path>,
        env: &Environment,
    ) -> Result<Rotated, KeysError> {
        let (destination, mut ring) = self.change(to)?;
        ring.settle(env.now());
        if let Some(Next { key, from }) = &ring.next {
            return Err(KeysError::Pending { key: key.clone(), from: *from });
        }
        let mut new = NewKey::generate(env);
        while ring.knows(&new.id) {
            new = NewKey::generate(env);
        }
        self.put(&mut ring, &new).await?;
        ring.next = Some(Next { key: new.id.clone(), from });
        destination.write(&ring)?;
        Ok(Rotated { key: new.id.clone(), before: ring.active.clone() })
    }

    /// Removes keys from the ring. No stored secret may be sealed with them any more. The changed ring replaces the old
    /// one, or is written `to` a new file.
    pub fn retire(
        &self,
        keys: &[String],
        to: Option<&Path>,
        env: &Environment,
    ) -> Result<Retired, KeysError> {
        let (destination, mut ring) = self.change(to)?;
        ring.settle(env.now());
        let (mut retired, next) = (Retired::new(), ring.next.as_ref().map(|next| next.key.clone()));
        for key in keys {
            if *key == ring.active || Some(key) == next.as_ref() {
                return Err(KeysError::InUse(key.clone()));
            }
            if ring.keys.contains_key(key) || ring.wrapped.contains_key(key) {
                ring.retire(key, env.now());
                retired.push(key.clone());
            }
        }
        destination.write(&ring)?;
        Ok(retired)
    }

    pub(crate) fn text(&self) -> Result<Zeroizing<String>, KeysError> {
        Ok(match &self.source {
            RingSource::File(path) => key_file::read(path, true)?,
            RingSource::Mounted(path) => key_file::read(path, false)?,
            RingSource::Variable(text) => Zeroizing::new(text.expose().to_owned()),
        })
    }

    /// Unwraps the keys of `ring` that `known` lacks.
    pub(crate) async fn unwrap_all(&self, ring: &RingText, known: &KeyRing) -> Result<KeysById, KeysError> {
        let mut unwrapped = KeysById::new();
        for (id, ciphertext) in ring.wrapped_beyond(known) {
            let transit = self.transit.as_ref().ok_or_else(|| KeysError::NoService(id.to_owned()))?;
            let bytes = transit.decrypt(id, ciphertext).await;
            let bytes = bytes.map_err(|cause| KeysError::Service { key: id.to_owned(), cause })?;
            let key = key_from(&bytes).ok_or_else(|| KeysError::NoKey(id.to_owned()))?;
            unwrapped.insert(id.to_owned(), Arc::new(key));
        }
        Ok(unwrapped)
    }

    /// Adds a new key to the ring, wrapped if there is a key service.
    async fn put(&self, ring: &mut RingText, new: &NewKey) -> Result<(), KeysError> {
        let Some(transit) = &self.transit else {
            ring.put(new);
            return Ok(());
        };
        let service = |cause| KeysError::Service { key: new.id.clone(), cause };
        let wrapped = transit.encrypt(&new.id, &*new.bytes).await.map_err(service)?;
        // Secrets sealed with a key that can't be unwrapped again would be lost.
        let back = transit.decrypt(&new.id, &wrapped).await.map_err(service)?;
        if *back != *new.bytes {
            return Err(KeysError::NoKey(new.id.clone()));
        }
        ring.wrapped.insert(new.id.clone(), wrapped);
        Ok(())
    }

    /// Reads the ring for a change. Also returns where the changed ring is written.
    fn change<'a>(&self, to: Option<&'a Path>) -> Result<(Destination<'a>, RingText), KeysError> {
        let (destination, text) = match (&self.source, to) {
            (_, Some(to)) => (Destination::NewFile(to), self.text()?),
            (RingSource::Variable(_), None) => return Err(KeysError::Fixed),
            (RingSource::File(path) | RingSource::Mounted(path), None) => {
                let locked = key_file::lock(path)?;
                let text = locked.read(matches!(self.source, RingSource::File(_)))?;
                (Destination::InPlace(locked), text)
            }
        };
        Ok((destination, self.parse(&text)?))
    }

    fn parse(&self, text: &str) -> Result<RingText, KeysError> {
        RingText::parse(text).ok_or_else(|| self.malformed())
    }

    fn malformed(&self) -> KeysError {
        match &self.source {
            RingSource::File(path) | RingSource::Mounted(path) => {
                KeyFileError::Malformed(path.clone()).into()
            }
            RingSource::Variable(_) => KeysError::Malformed,
        }
    }
}

/// Where a changed ring is written.
enum Destination<'a> {
    InPlace(Locked),
    NewFile(&'a Path),
}

impl Destination<'_> {
    fn write(&self, ring: &RingText) -> Result<(), KeyFileError> {
        match self {
            Self::InPlace(locked) => locked.replace(&ring.render()),
            Self::NewFile(path) => key_file::create(path, &ring.render()),
        }
    }
}
