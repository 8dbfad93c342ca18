//! Recovers the journal files of processes that have ended.

use std::{
    fs, io,
    path::{Path, PathBuf},
    time::Duration,
};

use model::{Environment, chain};
use store::{AuditBatch, AuditRecord, Audits};

use super::{
    journal::{
        blocking,
        file::{self, Orphan, ignore_missing},
        frame::{self, Contents},
        records,
    },
    old_segments,
};

/// The timeout of the store for one step.
const STORE_TIMEOUT: Duration = Duration::from_secs(5);
/// Batches in one transaction.
const MAX_AT_ONCE: usize = 128;
/// The extension of the files of the oldest versions: one for each batch, with one record per line.
const LINES: &str = "jsonl";

/// Moves the records that ended processes left in `folder` into the store, and deletes their files. Files of a running
/// process stay. Returns the number of records.
pub async fn recover_journal(folder: &Path, store: &dyn Audits, env: &Environment) -> io::Result<usize> {
    let mut brought = 0;
    for path in files(folder).await? {
        let kind = path.extension().and_then(|extension| extension.to_str()).unwrap_or_default();
        let done = match kind {
            file::EXTENSION => recover_file(&path, frame::read, store, env).await,
            old_segments::EXTENSION => recover_file(&path, old_segments::read, store, env).await,
            old_segments::UNFINISHED => blocking(move || sweep(&path).map(|()| 0)).await,
            LINES => recover_lines(&path, store, env).await,
            _ => Ok(0),
        };
        brought += done?;
    }
    Ok(brought)
}

async fn recover_file(
    path: &Path,
    read: fn(&[u8]) -> Contents<'_>,
    store: &dyn Audits,
    env: &Environment,
) -> io::Result<usize> {
    let path = path.to_owned();
    let claimed = blocking({
        let path = path.clone();
        move || Orphan::claim(&path, read)
    });
    let Some(orphan) = claimed.await? else { return Ok(0) };
    for batches in orphan.batches.chunks(MAX_AT_ONCE) {
        append(batches, store, env).await?;
    }
    let brought = records(&orphan.batches);
    if orphan.is_damaged {
        let path = path.display();
        tracing::error!(%path, brought, "a file of the audit's journal is damaged: records may be missing");
    }
    blocking(move || orphan.settle()).await?;
    Ok(brought)
}

async fn recover_lines(path: &Path, store: &dyn Audits, env: &Environment) -> io::Result<usize> {
    let path = path.to_owned();
    let read = blocking({
        let path = path.clone();
        move || ignore_missing(fs::read(path))
    });
    let text = read.await?;
    let lines = text.split(|byte| *byte == b'\n').filter(|line| !line.is_empty());
    let read: Result<Vec<AuditRecord>, _> = lines.map(serde_json::from_slice).collect();
    let records = match read {
        Ok(records) => records,
        Err(error) => {
            tracing::error!(path = %path.display(), error = %chain(&error), "a file of the audit's journal is unreadable");
            return Ok(0);
        }
    };
    append(&AuditBatch::pack(&records), store, env).await?;
    blocking(move || ignore_missing(fs::remove_file(path))).await?;
    Ok(records.len())
}

/// Deletes an unfinished segment, unless its process is still writing it.
fn sweep(path: &Path) -> io::Result<()> {
    match file::lock(path)? {
        Some(_lock) => ignore_missing(fs::remove_file(path)),
        None => Ok(()),
    }
}

async fn append(batches: &[AuditBatch], store: &dyn Audits, env: &Environment) -> io::Result<()> {
    let work = store.append_audit_batches(batches);
    match env.clock.timeout(STORE_TIMEOUT, work).await {
        Some(stored) => stored.map_err(io::Error::other),
        None => Err(io::Error::new(io::ErrorKind::TimedOut, "the store does not answer")),
    }
}

/// The files in the folder, oldest first.
async fn files(folder: &Path) -> io::Result<Vec<PathBuf>> {
    let folder = folder.to_owned();
    blocking(move || {
        let entries = match fs::read_dir(folder) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
            entries => entries?,
        };
        let mut files: Vec<_> =
            entries.map(|entry| entry.map(|entry| entry.path())).collect::<Result<_, _>>()?;
        files.sort_unstable();
        Ok(files)
    })
    .await
}
