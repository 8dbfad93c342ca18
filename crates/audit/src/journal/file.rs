//! A file of the journal, and its owner.
//!
//! Entries are appended, each with an `fdatasync`. The owner holds a lock on the file. A file without a lock
//! was left by a process that has ended; the next process that gets the lock may take it.
//!
//! A new file is filled with zeros: if the file doesn't grow, an `fdatasync` writes no metadata and takes less
//! than half the time.

use std::{
    fs::{self, File, TryLockError},
    io::{self, Read as _},
    os::unix::fs::{FileExt as _, MetadataExt as _, OpenOptionsExt as _},
    path::{Path, PathBuf},
};

use store::{AuditBatch, unbundle};

use super::frame::{self, Contents};

/// The extension of a journal's file.
pub(crate) const EXTENSION: &str = "journal";
/// The extension of a file that could not be read to its end. A person has to inspect it.
const DAMAGED: &str = "damaged";

/// A file that this process writes.
#[derive(Debug)]
pub(super) struct JournalFile {
    /// The file, which is locked.
    file: File,
    path: PathBuf,
    /// The position of the next entry.
    length: u64,
}

impl JournalFile {
    /// Creates a file of `size` zero bytes, accessible for its owner only, with a name that no other file has.
    pub(super) fn create(folder: &Path, name: &str, size: u64) -> io::Result<Self> {
        let path = folder.join(name).with_extension(EXTENSION);
        let file = File::options().write(true).create_new(true).mode(0o600).open(&path)?;
        file.try_lock()?;
        if let Err(error) = io::copy(&mut io::repeat(0).take(size), &mut &file).and_then(|_| file.sync_all())
        {
            // A partly filled file would use up space for records.
            fs::remove_file(&path)?;
            return Err(error);
        }
        // Another process may have taken it for an orphan in between, and deleted it.
        if file.metadata()?.nlink() == 0 {
            return Err(io::Error::new(io::ErrorKind::ResourceBusy, "another process deleted the new file"));
        }
        File::open(folder)?.sync_all()?;
        Ok(Self { file, path, length: 0 })
    }

    /// Appends an entry; when this returns, it survives a power cut. After an error the content of the disk
    /// is unknown.
    pub(super) fn append(&mut self, content: &[u8]) -> io::Result<()> {
        let entry = frame::entry(self.length, content);
        self.file.write_all_at(&entry, self.length)?;
        self.file.sync_data()?;
        self.length += entry.len() as u64;
        Ok(())
    }

    /// The length of its entries, in bytes.
    pub(super) fn length(&self) -> u64 {
        self.length
    }

    /// Deletes it.
    pub(super) fn remove(self) -> io::Result<()> {
        ignore_missing(fs::remove_file(self.path))
    }
}

/// A file of a process that has ended. While this value exists, no other process can claim the file.
#[derive(Debug)]
pub(crate) struct Orphan {
    path: PathBuf,
    _lock: File,
    /// Its batches, in order.
    pub(crate) batches: Vec<AuditBatch>,
    /// Whether a part of it is unreadable.
    pub(crate) is_damaged: bool,
}

impl Orphan {
    /// Claims a file without a lock, and reads its content with `read`. `None` when it is locked or gone.
    pub(crate) fn claim(path: &Path, read: fn(&[u8]) -> Contents<'_>) -> io::Result<Option<Self>> {
        let Some(mut file) = lock(path)? else { return Ok(None) };
        let mut bytes = Vec::new();
        file.read_to_end(&mut bytes)?;
        let Contents { entries, mut is_damaged } = read(&bytes);
        let mut batches = Vec::new();
        for entry in entries {
            match unbundle(entry) {
                Ok(found) => batches.extend(found),
                Err(_) => is_damaged = true,
            }
        }
        Ok(Some(Self { path: path.to_owned(), _lock: file, batches, is_damaged }))
    }

    /// Deletes the file, because the store has its readable records. A damaged file is renamed instead.
    pub(crate) fn settle(self) -> io::Result<()> {
        ignore_missing(if self.is_damaged {
            fs::rename(&self.path, self.path.with_extension(DAMAGED))
        } else {
            fs::remove_file(&self.path)
        })
    }
}

/// Opens a file and locks it. `None` when another process has the lock, or the file is gone.
pub(crate) fn lock(path: &Path) -> io::Result<Option<File>> {
    let file = match File::options().read(true).write(true).open(path) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
        file => file?,
    };
    match file.try_lock() {
        Ok(()) => Ok(Some(file)),
        Err(TryLockError::WouldBlock) => Ok(None),
        Err(TryLockError::Error(error)) => Err(error),
    }
}

/// Ignores that a file is missing, because another process has already deleted it.
pub(crate) fn ignore_missing<T: Default>(done: io::Result<T>) -> io::Result<T> {
    match done {
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(T::default()),
        done => done,
    }
}
