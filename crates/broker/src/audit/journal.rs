//! Where records wait for a store that is away: on this server's disk, a file for each batch.
//!
//! A record on the disk is a record: the token may go. That is how tokens which are still good can be given while the
//! database restarts, and none without a trace.

use std::{
    fs::{self, File},
    io::{self, Write as _},
    os::unix::fs::{DirBuilderExt as _, OpenOptionsExt as _},
    path::{Path, PathBuf},
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
};

use model::Environment;
use store::AuditRecord;

/// A folder of batches that the store doesn't have yet. Processes may share it.
#[derive(Debug, Clone)]
pub struct Journal {
    folder: PathBuf,
    env: Environment,
    /// Whether the store was away when it was last asked: then nobody has to wait until it has failed once more.
    away: Arc<AtomicBool>,
}

impl Journal {
    /// Uses `folder`; makes it, for its owner only, if it is not there.
    pub fn open(folder: &Path, env: Environment) -> io::Result<Self> {
        fs::DirBuilder::new().recursive(true).mode(0o700).create(folder)?;
        Ok(Self { folder: folder.to_owned(), env, away: Arc::default() })
    }

    pub(super) fn is_in_use(&self) -> bool {
        self.away.load(Ordering::Relaxed)
    }

    pub(super) fn set_in_use(&self, away: bool) {
        self.away.store(away, Ordering::Relaxed);
    }

    /// Puts a batch on the disk; when this returns, it survives a power cut.
    pub(super) async fn append(&self, records: &[AuditRecord]) -> io::Result<()> {
        let mut text = Vec::new();
        for record in records {
            serde_json::to_writer(&mut text, record)?;
            text.push(b'\n');
        }
        // In the order of time, and random: batches of one microsecond must not overwrite each other.
        let mark = u64::from_le_bytes(self.env.entropy.bytes());
        let name = format!("{:020}-{mark:016x}.jsonl", self.env.now().as_microsecond());
        let (folder, path) = (self.folder.clone(), self.folder.join(name));
        blocking(move || {
            let aside = path.with_extension("part");
            let mut file = File::options().write(true).create_new(true).mode(0o600).open(&aside)?;
            file.write_all(&text)?;
            file.sync_all()?;
            fs::rename(&aside, &path)?;
            File::open(folder)?.sync_all()
        })
        .await?;
        self.set_in_use(true);
        Ok(())
    }

    /// The files that wait, oldest first.
    pub(super) async fn files(&self) -> io::Result<Vec<PathBuf>> {
        let folder = self.folder.clone();
        blocking(move || {
            let entries = fs::read_dir(folder)?.map(|entry| entry.map(|entry| entry.path()));
            let mut files: Vec<_> = entries.collect::<Result<_, _>>()?;
            files.retain(|path| path.extension().is_some_and(|extension| extension == "jsonl"));
            files.sort_unstable();
            Ok(files)
        })
        .await
    }

    /// The batch of a file; an empty one when another process has settled it.
    pub(super) async fn read(&self, path: &Path) -> io::Result<Vec<AuditRecord>> {
        let path = path.to_owned();
        let read = blocking(move || {
            let text = fs::read(path)?;
            let lines = text.split(|byte| *byte == b'\n').filter(|line| !line.is_empty());
            lines.map(|line| serde_json::from_slice(line).map_err(io::Error::from)).collect()
        });
        gone_is_done(read.await)
    }

    /// Takes a batch off the disk: the store has it.
    pub(super) async fn remove(&self, path: &Path) -> io::Result<()> {
        let path = path.to_owned();
        gone_is_done(blocking(move || fs::remove_file(path)).await)
    }
}

fn gone_is_done<T: Default>(done: io::Result<T>) -> io::Result<T> {
    match done {
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(T::default()),
        done => done,
    }
}

async fn blocking<T: Send + 'static>(work: impl FnOnce() -> io::Result<T> + Send + 'static) -> io::Result<T> {
    tokio::task::spawn_blocking(work).await.unwrap_or_else(|panic| Err(io::Error::other(panic)))
}
