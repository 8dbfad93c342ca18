//! The file that contains a key ring: readable by its owner only, created once, and replaced as a whole.

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
    /// The file is missing, and the store already contains sealed secrets.
    #[error("the key file {0} is missing, and the store was sealed with it: restore it from your backup")]
    Missing(PathBuf),
    /// Other users can read or write the file.
    #[error("the key file {0} can be read by others: run `chmod 600 {0}`")]
    TooOpen(PathBuf),
    /// Another command is changing the file.
    #[error("the key file {0} is being changed by another command: wait until it has finished")]
    Busy(PathBuf),
    /// The operating system refuses an operation on the file.
    #[error("the key file {path} cannot be {action}: {cause}; give it to the user that runs latchkey")]
    Io {
        /// The file.
        path: PathBuf,
        /// The operation, as a participle: `read`.
        action: &'static str,
        /// The system's error.
        #[source]
        cause: io::Error,
    },
    /// The file's content is not a key ring.
    #[error("the key file {0} is not a key ring: restore it from your backup")]
    Malformed(PathBuf),
}

/// Reads the file. If `private` is set, it must be readable by its owner only.
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

/// Creates the file with mode 0600, and returns once it is on the disk. An existing file is an error, because a key is
/// never overwritten.
pub(crate) fn create(path: &Path, text: &str) -> Result<(), KeyFileError> {
    let io = |cause| KeyFileError::Io { path: path.to_owned(), action: "written", cause };
    fs::create_dir_all(folder(path)).map_err(io)?;
    // A temporary file is written and then linked, so a crash leaves either no key file or a complete one.
    let (aside, _) = write_aside(path, text).map_err(io)?;
    fs::hard_link(&aside, path).and_then(|()| fs::remove_file(&aside)).map_err(io)?;
    sync_folder(path).map_err(io)
}

/// A key file under an exclusive lock. Readers need no lock: they see the old file or the new one.
pub(crate) struct Locked {
    path: PathBuf,
    /// The lock is on the folder, because each change replaces the file.
    _lock: File,
}

/// Locks the file for a change.
pub(crate) fn lock(path: &Path) -> Result<Locked, KeyFileError> {
    let io = |cause| KeyFileError::Io { path: path.to_owned(), action: "changed", cause };
    // A symbolic link is resolved, because replacing the link would leave its target unchanged.
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
    /// Reads the file's content.
    pub(crate) fn read(&self, private: bool) -> Result<Zeroizing<String>, KeyFileError> {
        read(&self.path, private)
    }

    /// Replaces the file's content with `text`, and returns once it is on the disk. A crash leaves the old file or the new
    /// one. Owner and mode stay the same, so that the server can still read the file if root rotates the key.
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

/// Writes a temporary file next to `path`, and returns once it is on the disk. Replaces one that a crash left there.
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
