//! The journal's files of one process: the one being written, and full ones that the store does not have yet.

use std::{
    collections::VecDeque,
    fs, io, mem,
    path::{Path, PathBuf},
};

use model::Environment;

use super::file::{EXTENSION, JournalFile};

/// The size at which a file is full: about a thousand batches of forty records each.
const FULL: u64 = 4 * 1024 * 1024;
/// The maximum size of all processes' files in the folder, in bytes.
const MAX_BYTES: u64 = 256 * 1024 * 1024;

#[derive(Debug)]
pub(super) struct JournalFiles {
    folder: PathBuf,
    env: Environment,
    full_at: u64,
    max_bytes: u64,
    current: Option<Numbered>,
    /// The full files before it, oldest first.
    full: VecDeque<Numbered>,
    /// The number of the next file.
    next: u64,
}

/// A file and its number. Numbers increase, so the store has all files below the first needed number.
#[derive(Debug)]
struct Numbered {
    number: u64,
    file: JournalFile,
}

impl JournalFiles {
    pub(super) fn new(folder: &Path, env: Environment) -> Self {
        let folder = folder.to_owned();
        Self {
            folder,
            env,
            full_at: FULL,
            max_bytes: MAX_BYTES,
            current: None,
            full: VecDeque::new(),
            next: 1,
        }
    }

    /// Uses smaller files, and fewer of them.
    #[cfg(test)]
    pub(super) fn with_bounds(self, full_at: u64, max_bytes: u64) -> Self {
        Self { full_at, max_bytes, ..self }
    }

    /// Creates the first file.
    pub(super) fn prepare(&mut self) -> io::Result<()> {
        self.current(u64::MAX).map(drop)
    }

    /// Appends an entry, as [`JournalFile::append`] does, and returns the number of its file. The store has all records of
    /// the files below `needed`.
    pub(super) fn append(&mut self, content: &[u8], needed: u64) -> io::Result<u64> {
        let current = self.current(needed)?;
        let number = current.number;
        if let Err(error) = current.file.append(content) {
            // The state of the file's end is unknown, so no more entries are appended to it.
            self.full.extend(self.current.take());
            return Err(error);
        }
        Ok(number)
    }

    /// The file being written; a new one if it is full.
    fn current(&mut self, needed: u64) -> io::Result<&mut Numbered> {
        let full_at = self.full_at;
        if let Some(full) = self.current.take_if(|current| current.file.length() >= full_at) {
            self.full.push_back(full);
        }
        if self.current.is_none() {
            while let Some(stored) = self.full.pop_front_if(|full| full.number < needed) {
                stored.file.remove()?;
            }
            let file = self.create()?;
            self.current = Some(Numbered { number: self.next, file });
            self.next += 1;
        }
        Ok(self.current.as_mut().expect("it was created above if it was missing"))
    }

    fn create(&self) -> io::Result<JournalFile> {
        let mut bytes = 0;
        for entry in fs::read_dir(&self.folder)? {
            let entry = entry?;
            if entry.path().extension().is_some_and(|extension| extension == EXTENSION) {
                bytes += entry.metadata()?.len();
            }
        }
        if bytes >= self.max_bytes {
            return Err(io::Error::new(
                io::ErrorKind::StorageFull,
                format!("the audit's journal has {bytes} bytes"),
            ));
        }
        // The name sorts by time and has a random part, because processes share the folder.
        let mark = u64::from_le_bytes(self.env.entropy.bytes());
        let name = format!("{:020}-{mark:016x}", self.env.now().as_microsecond());
        JournalFile::create(&self.folder, &name, self.full_at)
    }

    /// Deletes all of them.
    pub(super) fn clear(&mut self) -> io::Result<()> {
        let mut all = mem::take(&mut self.full).into_iter().chain(self.current.take());
        all.try_for_each(|numbered| numbered.file.remove())
    }
}
