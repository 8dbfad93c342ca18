//! The data folder, and whatever else this process writes, is its owner's alone: database, keys, escrow and audit open
//! accounts, screenshots show meetings, and profiles of browsers hold both.

use std::{
    fs::{self, DirBuilder},
    os::unix::fs::{DirBuilderExt as _, MetadataExt as _},
    path::Path,
};

use anyhow::{anyhow, bail};
use rustix::{fs::Mode, process::umask};

/// Whatever this process and its browsers make from now on is closed to others, however it is made.
pub(crate) fn restrict_umask() {
    umask(Mode::RWXG | Mode::RWXO);
}

/// Makes the folder if it is not there.
pub(crate) fn make(path: &Path) -> anyhow::Result<()> {
    DirBuilder::new().recursive(true).mode(0o700).create(path).map_err(|error| {
        anyhow!("cannot make {} ({error}): make it writable, or set `data_dir`", path.display())
    })?;
    check(path)
}

/// A folder that others can look into or write to is refused, as an open key file is.
pub(crate) fn check(path: &Path) -> anyhow::Result<()> {
    check_folder("data_dir", path)
}

/// The same for the folder that another setting names.
pub(crate) fn check_folder(setting: &str, path: &Path) -> anyhow::Result<()> {
    // One that is not there, or can't be seen, has an error of its own wherever it is needed.
    let Ok(folder) = fs::metadata(path) else { return Ok(()) };
    if folder.mode() & 0o077 != 0 {
        let path = path.display();
        bail!(
            "the folder {path} of `{setting}` is open to others (mode {:o}): run `chmod 700 {path}`, or set `{setting}` to a \
             folder in it, which latchkey makes",
            folder.mode() & 0o777
        );
    }
    Ok(())
}
