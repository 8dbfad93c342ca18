//! Permissions of the data folder and of all files that this process writes: only their owner may read them. Database, keys,
//! escrow and audit give access to accounts, screenshots show meetings, and browser profiles contain both.

use std::{
    fs::{self, DirBuilder},
    os::unix::fs::{DirBuilderExt as _, MetadataExt as _},
    path::Path,
};

use anyhow::{anyhow, bail};
use rustix::{fs::Mode, process::umask};

/// Sets the umask: new files of this process and its browsers are accessible to the owner only.
pub(crate) fn restrict_umask() {
    umask(Mode::RWXG | Mode::RWXO);
}

/// Creates the folder if it does not exist.
pub(crate) fn make(path: &Path) -> anyhow::Result<()> {
    DirBuilder::new().recursive(true).mode(0o700).create(path).map_err(|error| {
        anyhow!("cannot create {} ({error}): make it writable, or set `data_dir`", path.display())
    })?;
    check(path)
}

/// Refuses a folder that others can read or write, as an open key file is refused.
pub(crate) fn check(path: &Path) -> anyhow::Result<()> {
    check_folder("data_dir", path)
}

/// The same for the folder of another setting.
pub(crate) fn check_folder(setting: &str, path: &Path) -> anyhow::Result<()> {
    // A folder that is missing or inaccessible causes its own error where it is needed.
    let Ok(folder) = fs::metadata(path) else { return Ok(()) };
    if folder.mode() & 0o077 != 0 {
        let path = path.display();
        bail!(
            "the folder {path} of `{setting}` is open to others (mode {:o}): run `chmod 700 {path}`, or set `{setting}` to a \
             folder in it, which latchkey creates",
            folder.mode() & 0o777
        );
    }
    Ok(())
}
