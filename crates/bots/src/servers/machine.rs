//! The CPU and memory that this machine or container has for bots.

use std::{fs, path::Path};

use procfs::{Current as _, Meminfo, process::Process};

/// The CPU cores and the memory of a machine or container.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Machine {
    /// The cores that this process may use.
    pub(crate) cores: u32,
    /// Bytes that can be allocated without swapping; `None` if the kernel does not report it.
    pub(crate) available_memory: Option<u64>,
}

/// Reads the current values from a few small files in `/proc` and `/sys`, which takes no disk I/O.
pub(crate) fn look() -> Machine {
    // `available_parallelism` respects the CPU quotas of cgroups.
    let cores =
        std::thread::available_parallelism().map_or(1, |cores| u32::try_from(cores.get()).unwrap_or(1));
    let machine = Meminfo::current().ok().and_then(|memory| memory.mem_available);
    let available_memory = [machine, left_of_cgroup()].into_iter().flatten().min();
    Machine { cores, available_memory }
}

/// The memory that the cgroup's limit leaves, if there is a limit. Inactive file cache counts as available, because the
/// kernel can reclaim it.
fn left_of_cgroup() -> Option<u64> {
    let groups = Process::myself().ok()?.cgroups().ok()?;
    groups.into_iter().find_map(|group| {
        let (root, files) = if group.controllers.iter().any(|controller| controller == "memory") {
            (
                "/sys/fs/cgroup/memory",
                ["memory.limit_in_bytes", "memory.usage_in_bytes", "total_inactive_file"],
            )
        } else if group.hierarchy == 0 {
            ("/sys/fs/cgroup", ["memory.max", "memory.current", "inactive_file"])
        } else {
            return None;
        };
        // In a container the path is often the host's, and the limit is at the root.
        let own = Path::new(root).join(group.pathname.trim_start_matches('/'));
        [own.as_path(), Path::new(root)].into_iter().find_map(|folder| left_in(folder, files))
    })
}

fn left_in(folder: &Path, [limit, usage, cached]: [&str; 3]) -> Option<u64> {
    let number = |name: &str| fs::read_to_string(folder.join(name)).ok()?.trim().parse::<u64>().ok();
    // The limit is "max" if there is none.
    let (limit, usage) = (number(limit)?, number(usage)?);
    let statistics = fs::read_to_string(folder.join("memory.stat")).unwrap_or_default();
    let mut lines = statistics.lines();
    let cached = lines.find_map(|line| line.strip_prefix(cached)?.trim().parse::<u64>().ok()).unwrap_or(0);
    Some(limit.saturating_sub(usage.saturating_sub(cached)))
}

#[cfg(test)]
mod tests {
    use super::{left_in, look};

    #[test]
    fn this_machine_has_cores_and_memory() {
        let machine = look();
        assert!(machine.cores > 0 && machine.available_memory.is_some_and(|bytes| bytes > 0), "{machine:?}");
    }

    #[test]
    fn unused_and_cached_memory_of_a_cgroup_is_available() {
        const FILES: [&str; 3] = ["memory.max", "memory.current", "inactive_file"];
        let folder = tempfile::tempdir().unwrap();
        let write = |name: &str, text: &str| std::fs::write(folder.path().join(name), text).unwrap();
        write("memory.current", "600\n");
        write("memory.stat", "anon 400\ninactive_file 150\nactive_file 50\n");
        assert_eq!(left_in(folder.path(), FILES), None, "no limit");
        write("memory.max", "max\n");
        assert_eq!(left_in(folder.path(), FILES), None, "no limit");
        write("memory.max", "1000\n");
        assert_eq!(left_in(folder.path(), FILES), Some(550));
    }
}
