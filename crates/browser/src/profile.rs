//! A browser's folder, and what a killed predecessor left of its own.

use std::{
    fs::{self, File},
    io,
    os::unix::ffi::OsStrExt,
    path::{Path, PathBuf},
    time::Duration,
};

use model::{Clock, Environment};
use rustix::process::{Pid, PidfdFlags, Signal, pidfd_open, pidfd_send_signal};

use crate::flags::user_data_dir;

const PREFIX: &str = "chromium-";

/// The folder of one running browser. Whoever holds the lock file in it owns it; the operating system lets go of
/// the lock of a process that dies, however it dies.
#[derive(Debug)]
pub(crate) struct Profile {
    directory: PathBuf,
    _owned: File,
}

impl Profile {
    /// Makes a folder in `state_dir`, after clearing away those that nobody owns any more. Blocks.
    pub(crate) fn create(state_dir: &Path, env: &Environment) -> io::Result<Self> {
        fs::create_dir_all(state_dir)?;
        // One at a time: a folder must not be found between being made and being locked.
        let turn = File::create(state_dir.join("lock"))?;
        turn.lock()?;
        for entry in fs::read_dir(state_dir)? {
            let directory = entry?.path();
            if directory.file_name().is_some_and(|name| name.as_bytes().starts_with(PREFIX.as_bytes())) {
                clear_if_left(&directory)?;
            }
        }

        let name = u64::from_le_bytes(env.entropy.bytes());
        let directory = state_dir.canonicalize()?.join(format!("{PREFIX}{name:016x}"));
        fs::create_dir(&directory)?;
        let owned = File::create(directory.join("lock"))?;
        owned.lock()?;
        Ok(Self { directory, _owned: owned })
    }

    /// Where the browser may write.
    pub(crate) fn path(&self) -> &Path {
        &self.directory
    }

    /// Removes the folder, once its browser has ended.
    pub(crate) async fn remove(self, clock: &dyn Clock) {
        // Children of a killed Chromium die a moment after it and may still be writing.
        for _ in 0..20 {
            match tokio::fs::remove_dir_all(&self.directory).await {
                Err(error) if error.kind() != io::ErrorKind::NotFound => {
                    clock.sleep(Duration::from_millis(50)).await;
                }
                _ => return,
            }
        }
        tracing::warn!(directory = %self.directory.display(), "a browser profile could not be removed");
    }
}

/// Ends the browser in `directory` and removes the folder, unless a living process owns it.
fn clear_if_left(directory: &Path) -> io::Result<()> {
    // A folder without a lock file was left half removed.
    if let Ok(lock) = File::open(directory.join("lock"))
        && lock.try_lock().is_err()
    {
        return Ok(());
    }
    let ended = end_browsers_in(directory)?;
    tracing::info!(directory = %directory.display(), ended, "cleared the browser profile of a dead predecessor");
    // What cannot be removed now is found again by the next start.
    if let Err(error) = fs::remove_dir_all(directory) {
        tracing::warn!(directory = %directory.display(), %error, "a browser profile could not be removed");
    }
    Ok(())
}

/// Kills every process that runs on the profile in `directory`, and says how many there were.
fn end_browsers_in(directory: &Path) -> io::Result<usize> {
    let wanted = user_data_dir(&directory.canonicalize()?);
    let mut ended = 0;
    for entry in fs::read_dir("/proc")?.flatten() {
        let Some(pid) = entry.file_name().to_str().and_then(|name| name.parse().ok()).and_then(Pid::from_raw)
        else {
            continue;
        };
        // Taken before looking: the process that is killed is the one that was looked at, not a later one with
        // the same number.
        let Ok(process) = pidfd_open(pid, PidfdFlags::empty()) else { continue };
        let Ok(arguments) = fs::read(entry.path().join("cmdline")) else { continue };
        if arguments.split(|&byte| byte == 0).any(|argument| argument == wanted.as_bytes()) {
            pidfd_send_signal(&process, Signal::KILL)?;
            ended += 1;
        }
    }
    Ok(ended)
}
