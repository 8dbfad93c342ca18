//! The file a key ring lies in: readable by its owner only, made once, and replaced as a whole.

use std::{
    fs::{self, File, OpenOptions, TryLockError},
    io::{self, Read as _, Write as _},
    os::unix::fs::{MetadataExt as _, OpenOptionsExt as _, fchown},
    path::{Path, PathBuf},
};

use zeroize::Zeroizing;

/// The key file cannot be used. Each message says what to do.
#[derive(Debug, thiserror::Error)]
pub enum KeyFileError {
    /// It is not there, and the store already holds sealed secrets.
    #[error("the key file {0} is missing, and the store was sealed with it: restore it from your backup")]
    Missing(PathBuf),
    /// Someone else could read or write it.
    #[error("the key file {0} can be read by others: run `chmod 600 {0}`")]
    TooOpen(PathBuf),
    /// Another command is changing it.
    #[error("the key file {0} is being changed by another command: wait for that")]
    Busy(PathBuf),
    /// The operating system refuses.
    #[error("the key file {path} cannot be {action}: {cause}; give it to the user that runs latchkey")]
    Io {
        /// Which file.
        path: PathBuf,
        /// What was tried.
        action: &'static str,
        /// What the system said.
        #[source]
        cause: io::Error,
    },
    /// It holds something else.
    #[error("the key file {0} is not a key ring: restore it from your backup")]
    Malformed(PathBuf),
}

/// Reads the file. A `private` one must be readable by its owner only.
pub(crate) fn read(path: &Path, private: bool) -> Result<Zeroizing<String>, KeyFileError> {
    let io = |cause| KeyFileError::Io { path: path.to_owned(), action: "read", cause };
    let mut file = File::open(path).map_err(|cause| match cause.kind() {
        io::ErrorKind::NotFound => KeyFileError::Missing(path.to_owned()),
        _ => io(cause),
    })?;
    if private && file.metadata().map_err(io)?.mode() & 0o077 != 0 {
        return Err(KeyFileError::TooOpen(path.to_owned()));
    }
    let mut text = Zeroizing::new(String::new());
    file.read_to_string(&mut text).map_err(io)?;
    Ok(text)
}

/// Makes the file, mode 0600, and returns once it is on the disk. An existing file is an error: a key is never
/// overwritten.
pub(crate) fn create(path: &Path, text: &str) -> Result<(), KeyFileError> {
    let io = |cause| KeyFileError::Io { path: path.to_owned(), action: "written", cause };
    fs::create_dir_all(folder(path)).map_err(io)?;
    // Written aside and linked into place: a crash leaves either no key file or a whole one.
    let (aside, _) = write_aside(path, text).map_err(io)?;
    fs::hard_link(&aside, path).and_then(|()| fs::remove_file(&aside)).map_err(io)?;
    sync_folder(path).map_err(io)
}

/// A key file under an exclusive lock. Readers need no lock: they see the old file or the new one.
pub(crate) struct Locked {
    path: PathBuf,
    /// Of the folder: the file itself is another one after each change.
    _lock: File,
}

/// Reserves the file for a change.
pub(crate) fn lock(path: &Path) -> Result<Locked, KeyFileError> {
    let io = |cause| KeyFileError::Io { path: path.to_owned(), action: "changed", cause };
    // Where a link leads: replacing the link would leave the file behind as it was.
    let target = fs::canonicalize(path).map_err(|cause| match cause.kind() {
        io::ErrorKind::NotFound => KeyFileError::Missing(path.to_owned()),
        _ => io(cause),
    })?;
    let lock = File::open(folder(&target)).map_err(io)?;
    match lock.try_lock() {
        Ok(()) => Ok(Locked { path: target, _lock: lock }),
        Err(TryLockError::WouldBlock) => Err(KeyFileError::Busy(path.to_owned())),
        Err(TryLockError::Error(cause)) => Err(io(cause)),
    }
}

impl Locked {
    /// What is in the file.
    pub(crate) fn read(&self, private: bool) -> Result<Zeroizing<String>, KeyFileError> {
        read(&self.path, private)
    }

    /// Puts `text` in the file's place and returns once it is on the disk. A crash leaves the old file or the new one.
    /// It keeps its owner and mode, so that its readers still can read it: root may rotate for a server that is not.
    pub(crate) fn replace(&self, text: &str) -> Result<(), KeyFileError> {
        let io = |cause| KeyFileError::Io { path: self.path.clone(), action: "replaced", cause };
        let old = fs::metadata(&self.path).map_err(io)?;
        let (aside, file) = write_aside(&self.path, text).map_err(io)?;
        let new = file.metadata().map_err(io)?;
        if (new.uid(), new.gid()) != (old.uid(), old.gid()) {
            fchown(&file, Some(old.uid()), Some(old.gid())).map_err(io)?;
        }
        file.set_permissions(old.permissions()).map_err(io)?;
        file.sync_all().and_then(|()| fs::rename(&aside, &self.path)).map_err(io)?;
        sync_folder(&self.path).map_err(io)
    }
}

/// A whole file beside `path`, on the disk. One that a crash left there is replaced.
fn write_aside(path: &Path, text: &str) -> io::Result<(PathBuf, File)> {
    let aside = path.with_extension("new");
    drop(fs::remove_file(&aside));
    let mut file = OpenOptions::new().write(true).create_new(true).mode(0o600).open(&aside)?;
    file.write_all(text.as_bytes())?;
    file.sync_all()?;
    Ok((aside, file))
}

fn sync_folder(path: &Path) -> io::Result<()> {
    File::open(folder(path))?.sync_all()
}

fn folder(path: &Path) -> &Path {
    path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."))
}
