//! The key ring's file: made on first start, readable by its owner only.

use std::{
    collections::BTreeMap,
    fs::{File, OpenOptions},
    io::{self, Read, Write},
    os::unix::fs::{MetadataExt, OpenOptionsExt},
    path::{Path, PathBuf},
};

use aws_lc_rs::aead::{AES_256_GCM, LessSafeKey, UnboundKey};
use base64::{Engine as _, prelude::BASE64_STANDARD};
use model::{Entropy, Environment};
use serde::{Deserialize, Serialize};
use zeroize::{Zeroize, Zeroizing};

use crate::{KEY_LEN, KeyRing};

/// `{"active": "k-…", "keys": {"k-…": "<32 bytes, Base64>"}}`
#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct KeyFile {
    active: String,
    keys: BTreeMap<String, String>,
}

impl Drop for KeyFile {
    fn drop(&mut self) {
        self.keys.values_mut().for_each(Zeroize::zeroize);
    }
}

/// The key file cannot be used. Each message says what to do.
#[derive(Debug, thiserror::Error)]
pub enum KeyFileError {
    /// It is not there, and the store already holds sealed secrets.
    #[error("the key file {0} is missing, and the store was sealed with it: restore it from your backup")]
    Missing(PathBuf),
    /// Someone else could read or write it.
    #[error("the key file {0} can be read by others: run `chmod 600 {0}`")]
    TooOpen(PathBuf),
    /// The operating system refuses.
    #[error("the key file {path} cannot be {action}: {cause}; give it to the user that runs latchkey")]
    Io {
        /// Which file.
        path: PathBuf,
        /// What was tried.
        action: &'static str,
        /// What the system said.
        cause: io::Error,
    },
    /// It holds something else.
    #[error("the key file {0} is not a key ring: restore it from your backup")]
    Malformed(PathBuf),
}

impl KeyRing {
    /// Reads the ring at `path`.
    pub fn read(path: &Path) -> Result<Self, KeyFileError> {
        let io = |action| move |cause| KeyFileError::Io { path: path.to_owned(), action, cause };
        let mut file = File::open(path).map_err(|cause| match cause.kind() {
            io::ErrorKind::NotFound => KeyFileError::Missing(path.to_owned()),
            _ => KeyFileError::Io { path: path.to_owned(), action: "read", cause },
        })?;
        if file.metadata().map_err(io("read"))?.mode() & 0o077 != 0 {
            return Err(KeyFileError::TooOpen(path.to_owned()));
        }
        let mut text = Zeroizing::new(String::new());
        file.read_to_string(&mut text).map_err(io("read"))?;
        let contents: KeyFile =
            serde_json::from_str(&text).map_err(|_| KeyFileError::Malformed(path.to_owned()))?;
        contents.ring().ok_or_else(|| KeyFileError::Malformed(path.to_owned()))
    }

    /// Makes a ring with one new key at `path`, mode 0600, and returns once it is on the disk. An existing file is an
    /// error: a key is never overwritten.
    pub fn create(path: &Path, env: &Environment) -> Result<Self, KeyFileError> {
        let io = |cause| KeyFileError::Io { path: path.to_owned(), action: "written", cause };
        let contents = KeyFile::generate(&*env.entropy);
        let text = Zeroizing::new(serde_json::to_string(&contents).expect("text keys and values"));
        if let Some(parent) = path.parent() {
            std::fs::create_dir_all(parent).map_err(io)?;
        }
        // Written aside and linked into place: a crash leaves either no key file or a whole one.
        let aside = path.with_extension("new");
        drop(std::fs::remove_file(&aside));
        let mut file =
            OpenOptions::new().write(true).create_new(true).mode(0o600).open(&aside).map_err(io)?;
        file.write_all(text.as_bytes()).and_then(|()| file.sync_all()).map_err(io)?;
        std::fs::hard_link(&aside, path).map_err(io)?;
        std::fs::remove_file(&aside).map_err(io)?;
        File::open(path.parent().unwrap_or(Path::new("."))).and_then(|dir| dir.sync_all()).map_err(io)?;
        contents.ring().ok_or_else(|| KeyFileError::Malformed(path.to_owned()))
    }
}

impl KeyFile {
    fn generate(entropy: &dyn Entropy) -> Self {
        let id = format!("k-{}", u32::from_le_bytes(entropy.bytes()));
        let key = BASE64_STANDARD.encode(Zeroizing::new(entropy.bytes::<KEY_LEN>()).as_slice());
        Self { active: id.clone(), keys: BTreeMap::from([(id, key)]) }
    }

    fn ring(&self) -> Option<KeyRing> {
        let key = |text: &String| {
            let bytes = Zeroizing::new(BASE64_STANDARD.decode(text).ok()?);
            Some(LessSafeKey::new(UnboundKey::new(&AES_256_GCM, &bytes).ok()?))
        };
        let keys: BTreeMap<_, _> =
            self.keys.iter().map(|(id, text)| Some((id.clone(), key(text)?))).collect::<Option<_>>()?;
        let short = keys.keys().all(|id| (1..=64).contains(&id.len()));
        (short && keys.contains_key(&self.active)).then(|| KeyRing { active: self.active.clone(), keys })
    }
}
