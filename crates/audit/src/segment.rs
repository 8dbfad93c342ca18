//! A file of the journal, and whose it is.
//!
//! It has all its bytes from the start and is written in place: the file system has nothing to note then, and what makes
//! an entry durable is one write of the disk. Its owner holds a lock on it. One that nobody holds was left by a process
//! that is no more, and whoever gets the lock may take it.

use std::{
    fs::{self, File, TryLockError},
    io::{self, Read as _, Write as _},
    os::unix::fs::OpenOptionsExt as _,
    path::{Path, PathBuf},
};

use store::{AuditBatch, unbundle};

use super::{
    direct_io::{AlignedBuffer, DirectFile},
    frame::{self, FRONT, START},
};

/// A segment's name ends in this.
pub(super) const EXTENSION: &str = "segment";
/// One that is being made, and never was a segment if nobody holds it.
pub(super) const UNFINISHED: &str = "unfinished";
/// One that could not be read to its end; for a person to look at.
const DAMAGED: &str = "damaged";

/// How long a segment is: a thousand batches of some forty records.
pub(super) const LENGTH: usize = 4 * 1024 * 1024;

/// A segment of this process.
#[derive(Debug)]
pub(super) struct Segment {
    direct: DirectFile,
    _lock: File,
    path: PathBuf,
    round: u64,
    /// Where the next entry goes.
    end: usize,
}

impl Segment {
    /// Makes one, for its owner only, under a name that nobody has.
    pub(super) fn create(folder: &Path, name: &str) -> io::Result<Self> {
        let path = folder.join(name).with_extension(EXTENSION);
        let aside = path.with_extension(UNFINISHED);
        let mut file = File::options().read(true).write(true).create_new(true).mode(0o600).open(&aside)?;
        file.try_lock()?;
        let made = (|| {
            file.write_all(&vec![0; LENGTH])?;
            file.sync_all()?;
            let direct = DirectFile::open(&aside, &mut title(1))?;
            fs::rename(&aside, &path)?;
            File::open(folder)?.sync_all()?;
            Ok(direct)
        })();
        match made {
            Ok(direct) => Ok(Self { direct, _lock: file, path, round: 1, end: START }),
            Err(error) => {
                // A disk that is full is not to be filled further.
                drop(fs::remove_file(&aside));
                Err(error)
            }
        }
    }

    /// Whether an entry with so much content fits in.
    pub(super) fn has_room(&self, content: usize) -> bool {
        FRONT + content <= LENGTH - self.end
    }

    /// Writes an entry; when this returns, it survives a power cut.
    pub(super) fn append(&mut self, content: &[u8]) -> io::Result<()> {
        debug_assert!(self.has_room(content.len()), "looked at before");
        let length = FRONT + content.len();
        let mut buffer = AlignedBuffer::blank(length);
        let entry = &mut buffer.bytes()[..length];
        entry[FRONT..].copy_from_slice(content);
        frame::seal(entry, self.round, self.end);
        self.direct.write(&mut buffer, self.end)?;
        self.end = frame::after(self.end, length);
        Ok(())
    }

    /// Begins the next round: what is in it is an entry no more. The store has it.
    pub(super) fn rewind(&mut self) -> io::Result<()> {
        self.direct.write(&mut title(self.round + 1), 0)?;
        (self.round, self.end) = (self.round + 1, START);
        Ok(())
    }

    /// Takes it off the disk.
    pub(super) fn remove(self) -> io::Result<()> {
        gone_is_done(fs::remove_file(self.path))
    }
}

/// A segment of a process that is no more. While this is held, nobody else takes it.
#[derive(Debug)]
pub(super) struct Orphan {
    path: PathBuf,
    _lock: File,
    /// What is in it, in order.
    pub(super) batches: Vec<AuditBatch>,
    /// Whether something in it cannot be read.
    pub(super) is_damaged: bool,
}

impl Orphan {
    /// Takes a segment that nobody holds. `None`: somebody does, or it has gone.
    pub(super) fn claim(path: &Path) -> io::Result<Option<Self>> {
        let Some(mut file) = lock(path)? else { return Ok(None) };
        let mut bytes = Vec::with_capacity(LENGTH + 1);
        file.read_to_end(&mut bytes)?;
        let (mut batches, mut is_damaged) = (Vec::new(), true);
        if let Some(contents) = frame::read(&bytes) {
            is_damaged = contents.damaged;
            for entry in contents.entries {
                match unbundle(entry) {
                    Ok(found) => batches.extend(found),
                    Err(_) => is_damaged = true,
                }
            }
        }
        Ok(Some(Self { path: path.to_owned(), _lock: file, batches, is_damaged }))
    }

    /// The store has what could be read of it. What is damaged stays, under another name.
    pub(super) fn settle(self) -> io::Result<()> {
        gone_is_done(if self.is_damaged {
            fs::rename(&self.path, self.path.with_extension(DAMAGED))
        } else {
            fs::remove_file(&self.path)
        })
    }
}

fn title(round: u64) -> AlignedBuffer {
    let title = frame::title(round);
    let mut buffer = AlignedBuffer::blank(START);
    buffer.bytes()[..title.len()].copy_from_slice(&title);
    buffer
}

/// Takes what is left of a segment that was never finished, if nobody is at it.
pub(super) fn sweep(path: &Path) -> io::Result<()> {
    match lock(path)? {
        Some(_lock) => gone_is_done(fs::remove_file(path)),
        None => Ok(()),
    }
}

fn lock(path: &Path) -> io::Result<Option<File>> {
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

/// Another process was quicker.
pub(super) fn gone_is_done<T: Default>(done: io::Result<T>) -> io::Result<T> {
    match done {
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(T::default()),
        done => done,
    }
}
