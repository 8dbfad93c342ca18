//! Stores refreshed grants on disk until the store has them.
//!
//! Between Zoom's answer and the commit, the new refresh token exists only in this process, and the old one
//! is dead. So it is first written to this machine's disk, sealed for its cell in the store, in its own file.
//! The file is deleted after the commit. Files that remain after a crash or while the store is unavailable are
//! replayed at the next start, and by a task.

mod keys;

use std::{
    fs::{self, File},
    io::{self, Write as _},
    os::unix::fs::{DirBuilderExt as _, OpenOptionsExt as _},
    path::{Path, PathBuf},
};

use base64::{Engine as _, prelude::BASE64_STANDARD};
use model::{
    Code, CredentialId, Environment, Failure, KillPoint, Sealed, Timestamp, WorkspaceId, ZoomOauthAppId,
};
use serde::{Deserialize, Serialize};
use store::Grant;

/// The size of a probe: about that of a deposit.
const PROBE_BYTES: usize = 8192;

/// A folder of grants that may be missing in the store.
#[derive(Debug, Clone)]
pub struct Escrow {
    folder: PathBuf,
    env: Environment,
}

/// A grant, and the generation it replaces.
#[derive(Debug, Clone)]
pub(crate) struct Deposit {
    pub(crate) credential: CredentialId,
    pub(crate) generation: i64,
    pub(crate) granted_at: Timestamp,
    pub(crate) refresh_at: Option<Timestamp>,
    pub(crate) grant: Grant,
    /// Set for an imported grant: it has no account yet, and `credential` only says for which cell it is sealed.
    pub(crate) brought: Option<ImportTarget>,
}

/// The app of an imported grant.
#[derive(Debug, Clone, Copy, Serialize, Deserialize)]
pub(crate) struct ImportTarget {
    pub(crate) workspace: WorkspaceId,
    pub(crate) app: ZoomOauthAppId,
}

/// The content of a deposit's file. Its secrets are sealed with the key ring.
#[derive(Serialize, Deserialize)]
struct Written {
    credential: CredentialId,
    generation: i64,
    granted_at: Timestamp,
    refresh_at: Option<Timestamp>,
    access_token: Option<String>,
    access_expires_at: Timestamp,
    refresh_token: Option<String>,
    scopes: Option<Vec<String>>,
    api_url: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    brought: Option<ImportTarget>,
}

/// A file in escrow.
#[derive(Debug)]
pub(crate) struct Receipt(PathBuf);

impl Escrow {
    /// Opens `folder`; creates it, accessible to its owner only, if it is missing.
    pub fn open(folder: &Path, env: Environment) -> io::Result<Self> {
        fs::DirBuilder::new().recursive(true).mode(0o700).create(folder)?;
        Ok(Self { folder: folder.to_owned(), env })
    }

    /// Writes a grant to the disk. When this returns, it survives a power failure.
    pub(crate) async fn deposit(&self, deposit: &Deposit) -> io::Result<Receipt> {
        let (escrow, written) = (self.clone(), Written::from(deposit));
        blocking(move || escrow.write(&written)).await
    }

    /// Deletes a grant, because the store has it or a newer one.
    pub(crate) async fn withdraw(&self, receipt: &Receipt) -> io::Result<()> {
        let path = receipt.0.clone();
        // Another process that uses this folder may have deleted it.
        blocking(move || ignore_not_found(fs::remove_file(path))).await
    }

    /// All deposits. An unreadable file is left in place and reported.
    pub(crate) async fn deposits(&self) -> io::Result<Vec<(Receipt, Deposit)>> {
        let folder = self.folder.clone();
        blocking(move || {
            let mut found = Vec::new();
            for entry in fs::read_dir(folder)? {
                let path = entry?.path();
                if path.extension().is_none_or(|extension| extension != "json") {
                    continue;
                }
                match fs::read(&path).map(|text| Deposit::read(&text)) {
                    Ok(Some(deposit)) => found.push((Receipt(path), deposit)),
                    Ok(None) => tracing::error!(path = %path.display(), "a file in escrow is not a grant"),
                    // Another process may have deleted it in the meantime.
                    Err(error) if error.kind() == io::ErrorKind::NotFound => {}
                    Err(error) => return Err(error),
                }
            }
            Ok(found)
        })
        .await
    }

    /// Handles files that a crash left without their final name: a complete one is renamed, a torn one is
    /// deleted. Call it only while no process writes here.
    pub(super) async fn adopt(&self) -> io::Result<()> {
        let folder = self.folder.clone();
        blocking(move || {
            for entry in fs::read_dir(folder)? {
                let path = entry?.path();
                let adopted = match path.extension().and_then(|extension| extension.to_str()) {
                    Some("part") => adopt_file(&path),
                    Some("probe") => fs::remove_file(&path),
                    _ => Ok(()),
                };
                match adopted {
                    // Its writer is still running and has renamed it.
                    Err(error) if error.kind() == io::ErrorKind::NotFound => {}
                    adopted => adopted?,
                }
            }
            Ok(())
        })
        .await
    }

    /// How many grants are in escrow.
    pub(crate) async fn waiting(&self) -> io::Result<usize> {
        let folder = self.folder.clone();
        blocking(move || {
            let entries = fs::read_dir(folder)?;
            Ok(entries
                .flatten()
                .filter(|entry| entry.path().extension().is_some_and(|it| it == "json"))
                .count())
        })
        .await
    }

    /// Writes and deletes a file like a deposit. Returns the free space in bytes.
    pub(crate) async fn probe(&self) -> io::Result<u64> {
        Self::probe_folder(&self.env, self.folder.clone()).await
    }

    /// Does the same in any folder.
    pub(crate) async fn probe_folder(env: &Environment, folder: PathBuf) -> io::Result<u64> {
        let mark = u64::from_le_bytes(env.entropy.bytes());
        blocking(move || {
            let path = folder.join(format!("{mark:016x}.probe"));
            let written =
                File::options().write(true).create_new(true).mode(0o600).open(&path).and_then(|mut file| {
                    file.write_all(&[1; PROBE_BYTES])?;
                    file.sync_all()
                });
            // A failed write may also have left a file.
            ignore_not_found(fs::remove_file(&path))?;
            written?;
            let disk = rustix::fs::statvfs(&folder)?;
            Ok(disk.f_bavail.saturating_mul(disk.f_frsize))
        })
        .await
    }

    fn write(&self, written: &Written) -> io::Result<Receipt> {
        let Written { credential, generation, .. } = written;
        // The name has a random part: two late answers for one generation must not overwrite each other, because
        // only one of them is valid.
        let mark = u64::from_le_bytes(self.env.entropy.bytes());
        let path = self.folder.join(format!("{credential}-{generation}-{mark:016x}.json"));
        let aside = path.with_extension("part");
        let mut file = File::options().write(true).create_new(true).mode(0o600).open(&aside)?;
        let text = serde_json::to_vec(written)?;
        let (first, second) = text.split_at(text.len() / 2);
        file.write_all(first)?;
        KillPoint::HalfEscrow.reach();
        file.write_all(second)?;
        file.sync_all()?;
        KillPoint::BeforeRename.reach();
        fs::rename(&aside, &path)?;
        File::open(&self.folder)?.sync_all()?;
        Ok(Receipt(path))
    }
}

impl From<&Deposit> for Written {
    fn from(deposit: &Deposit) -> Self {
        let Grant { access_token, access_expires_at, refresh_token, scopes, api_url } = &deposit.grant;
        let text = |sealed: &Option<Sealed>| sealed.as_ref().map(|sealed| BASE64_STANDARD.encode(&sealed.0));
        Self {
            credential: deposit.credential,
            generation: deposit.generation,
            granted_at: deposit.granted_at,
            refresh_at: deposit.refresh_at,
            access_token: text(access_token),
            access_expires_at: *access_expires_at,
            refresh_token: text(refresh_token),
            scopes: scopes.clone(),
            api_url: api_url.clone(),
            brought: deposit.brought,
        }
    }
}

impl Deposit {
    fn read(text: &[u8]) -> Option<Self> {
        let written: Written = serde_json::from_slice(text).ok()?;
        let sealed = |text: Option<String>| match text.map(|text| BASE64_STANDARD.decode(text)).transpose() {
            Ok(bytes) => Some(bytes.map(Sealed)),
            Err(_) => None,
        };
        Some(Self {
            credential: written.credential,
            generation: written.generation,
            granted_at: written.granted_at,
            refresh_at: written.refresh_at,
            grant: Grant {
                access_token: sealed(written.access_token)?,
                access_expires_at: written.access_expires_at,
                refresh_token: sealed(written.refresh_token)?,
                scopes: written.scopes,
                api_url: written.api_url,
            },
            brought: written.brought,
        })
    }
}

fn adopt_file(path: &Path) -> io::Result<()> {
    if Deposit::read(&fs::read(path)?).is_some() {
        return fs::rename(path, path.with_extension("json"));
    }
    tracing::error!(path = %path.display(), "a crash interrupted the write of a grant into escrow; its file is incomplete");
    fs::remove_file(path)
}

fn ignore_not_found(removed: io::Result<()>) -> io::Result<()> {
    match removed {
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(()),
        removed => removed,
    }
}

pub(crate) fn unreadable(error: io::Error) -> Failure {
    Failure::new(Code::Internal, format!("the escrow cannot be read: {error}")).caused_by(error)
}

async fn blocking<T: Send + 'static>(work: impl FnOnce() -> io::Result<T> + Send + 'static) -> io::Result<T> {
    tokio::task::spawn_blocking(work).await.unwrap_or_else(|panic| Err(io::Error::other(panic)))
}
