//! A browser's folder, and the removal of folders that killed processes left.

use std::{
    fs::{self, File},
    io,
    os::unix::{
        ffi::OsStrExt,
        fs::{DirBuilderExt as _, symlink},
    },
    path::{Path, PathBuf},
    time::Duration,
};

use model::{Clock, Environment};
use rustix::process::{Pid, PidfdFlags, Signal, pidfd_open, pidfd_send_signal};

use crate::flags::user_data_dir;

const PREFIX: &str = "chromium-";
/// The name of a link in the profile to the browser's folder for temporary files. That folder is in the system's temporary
/// folder, because Chromium creates a socket in it whose path must be short.
const TEMPORARY: &str = "temporary";

/// The folder of one running browser. The process that holds the lock on its lock file owns it. The operating system
/// releases the lock when the process ends for any reason.
#[derive(Debug)]
pub(crate) struct Profile {
    directory: PathBuf,
    temporary: PathBuf,
    _owned: File,
}

impl Profile {
    /// Creates a folder in `state_dir`, and removes the folders without an owner.
    pub(crate) async fn create(state_dir: &Path, env: &Environment) -> io::Result<Self> {
        let name = format!("{PREFIX}{:016x}", u64::from_le_bytes(env.entropy.bytes()));
        let state_dir = state_dir.to_owned();
        let made = tokio::task::spawn_blocking(move || make_and_sweep(&state_dir, &name)).await;
        let (profile, left) = made.unwrap_or_else(|panic| Err(io::Error::other(panic)))?;
        for directory in left {
            remove(&directory, &*env.clock).await;
        }
        Ok(profile)
    }

    /// The folder's path.
    pub(crate) fn path(&self) -> &Path {
        &self.directory
    }

    /// The folder for the browser's temporary files. A killed Chromium leaves some.
    pub(crate) fn temporary(&self) -> &Path {
        &self.temporary
    }

    /// Removes the folder. Call this after the browser has ended.
    pub(crate) async fn remove(self, clock: &dyn Clock) {
        remove(&self.directory, clock).await;
    }
}

/// Creates a profile. Also returns the folders without an owner, whose browsers it has ended.
fn make_and_sweep(state_dir: &Path, name: &str) -> io::Result<(Profile, Vec<PathBuf>)> {
    fs::create_dir_all(state_dir)?;
    let state_dir = state_dir.canonicalize()?;
    // Serialised, so that no process finds a folder between its creation and its lock.
    let guard = File::create(state_dir.join("lock"))?;
    guard.lock()?;
    let mut left = Vec::new();
    for entry in fs::read_dir(&state_dir)? {
        let directory = entry?.path();
        let ours = directory.file_name().is_some_and(|name| name.as_bytes().starts_with(PREFIX.as_bytes()));
        if ours && !is_owned(&directory) {
            let ended = end_browsers_in(&directory)?;
            tracing::info!(directory = %directory.display(), ended, "removing the profile of a process that was killed");
            left.push(directory);
        }
    }

    let directory = state_dir.join(name);
    fs::create_dir(&directory)?;
    let owned = File::create(directory.join("lock"))?;
    owned.lock()?;
    // The process id makes the name unique: all processes share the temporary folder, and a fixed seed gives them the same
    // random number.
    let for_temporary = format!("latchkey-{}-{}", std::process::id(), name.trim_start_matches(PREFIX));
    let temporary = std::env::temp_dir().join(for_temporary);
    // The link is created first: without it, nothing would ever remove the temporary folder.
    symlink(&temporary, directory.join(TEMPORARY))?;
    let made = fs::DirBuilder::new().mode(0o700).create(&temporary);
    made.map_err(|error| io::Error::new(error.kind(), format!("{}: {error}", temporary.display())))?;
    Ok((Profile { directory, temporary, _owned: owned }, left))
}

/// Whether a running process holds the lock of the profile in `directory`. A folder without a lock file was only partly
/// removed.
fn is_owned(directory: &Path) -> bool {
    File::open(directory.join("lock")).is_ok_and(|lock| lock.try_lock().is_err())
}

/// Removes the temporary files to which a profile's link leads, and then the profile.
async fn remove(profile: &Path, clock: &dyn Clock) {
    let temporary = tokio::fs::read_link(profile.join(TEMPORARY)).await.ok();
    for directory in temporary.as_deref().into_iter().chain([profile]) {
        if !remove_with_retries(directory, clock).await {
            // The next start tries again.
            return tracing::warn!(directory = %directory.display(), "could not remove the files of a browser");
        }
    }
}

/// Removes `directory` with its content.
async fn remove_with_retries(directory: &Path, clock: &dyn Clock) -> bool {
    // Child processes of a killed Chromium end a moment later and may still write files.
    for _ in 0..40 {
        match tokio::fs::remove_dir_all(directory).await {
            Err(error) if error.kind() != io::ErrorKind::NotFound => {
                clock.sleep(Duration::from_millis(50)).await;
            }
            _ => return true,
        }
    }
    false
}

/// Kills every process that uses the profile in `directory`. Returns how many there were.
fn end_browsers_in(directory: &Path) -> io::Result<usize> {
    let wanted = user_data_dir(directory);
    let mut ended = 0;
    for entry in fs::read_dir("/proc")?.flatten() {
        let Some(pid) = entry.file_name().to_str().and_then(|name| name.parse().ok()).and_then(Pid::from_raw)
        else {
            continue;
        };
        // Opened before the check, so that the killed process is the checked one, and not a later one with the same id.
        let Ok(process) = pidfd_open(pid, PidfdFlags::empty()) else { continue };
        let Ok(arguments) = fs::read(entry.path().join("cmdline")) else { continue };
        if arguments.split(|&byte| byte == 0).any(|argument| argument == wanted.as_bytes()) {
            pidfd_send_signal(&process, Signal::KILL)?;
            ended += 1;
        }
    }
    Ok(ended)
}
