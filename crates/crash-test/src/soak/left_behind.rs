//! Processes and files that bots and their browsers left on the machine.

use std::path::PathBuf;

use procfs::process::{ProcState, all_processes};
use stage::Server;

use crate::fixture::Fixture;

/// Upper bound of the servers in a soak.
const REPLICAS: u32 = 2;

/// What was left behind.
pub(crate) struct LeftBehind {
    /// Zombie children of servers.
    pub(crate) zombies: usize,
    /// Processes of browsers whose profile is in this soak's folder.
    pub(crate) processes: usize,
    /// Profile folders of browsers.
    pub(crate) profiles: Vec<PathBuf>,
}

impl LeftBehind {
    pub(crate) fn look(servers: &[Server], fixture: &Fixture) -> anyhow::Result<Self> {
        let parents: Vec<_> = servers.iter().map(|server| server.process.id()).collect();
        let (mut zombies, mut processes, mut profiles) = (0, 0, Vec::new());
        let folders: Vec<_> = (0..REPLICAS).map(|replica| fixture.data(replica).join("browser")).collect();
        for process in all_processes()?.flatten() {
            let Ok(stat) = process.stat() else { continue };
            let is_zombie = matches!(stat.state(), Ok(ProcState::Zombie));
            let is_ours = u32::try_from(stat.ppid).is_ok_and(|parent| parents.contains(&parent));
            zombies += usize::from(is_zombie && is_ours);
            let arguments = process.cmdline().unwrap_or_default();
            let profile = arguments.iter().find_map(|argument| argument.strip_prefix("--user-data-dir="));
            let is_here =
                |profile: &str| folders.iter().any(|folder| PathBuf::from(profile).starts_with(folder));
            processes += usize::from(profile.is_some_and(is_here));
        }
        for folder in folders.iter().filter(|folder| folder.is_dir()) {
            let entries = std::fs::read_dir(folder)?.flatten().map(|entry| entry.path());
            profiles.extend(entries.filter(|path| path.is_dir()));
        }
        Ok(Self { zombies, processes, profiles })
    }
}

/// The main processes of the browsers that a server started.
pub(crate) fn browsers_of(server: u32) -> anyhow::Result<Vec<u32>> {
    let children = all_processes()?.flatten().filter(|process| {
        let parent = process.stat().ok().and_then(|stat| u32::try_from(stat.ppid).ok());
        let arguments = process.cmdline().unwrap_or_default();
        parent == Some(server) && arguments.iter().any(|argument| argument.starts_with("--user-data-dir="))
    });
    Ok(children.filter_map(|process| u32::try_from(process.pid).ok()).collect())
}
