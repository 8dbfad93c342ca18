//! One core for the server, the others for everything else, so that the load generator takes no processor time from the
//! server.

use std::{collections::BTreeSet, fs, process::Command};

use anyhow::{Context as _, ensure};

/// The available cores, divided.
pub(crate) struct Cores {
    /// The server's core.
    pub(crate) server: usize,
    others: String,
    all: String,
}

impl Cores {
    pub(crate) fn divide() -> anyhow::Result<Self> {
        let status = fs::read_to_string("/proc/self/status")?;
        let list = status.lines().find_map(|line| line.strip_prefix("Cpus_allowed_list:"));
        let all = list.context("the kernel does not report the available cores")?.trim().to_owned();
        let mut cores = numbers(&all).context("the list of cores is invalid")?;
        let server = cores.pop_first().context("the list of cores is empty")?;
        ensure!(!cores.is_empty(), "token reads need two cores: one for the server, one for the load");
        let others = cores.iter().map(usize::to_string).collect::<Vec<_>>().join(",");
        Ok(Self { server, others, all })
    }

    /// Excludes these processes, and those that they start from now on, from the server's core.
    pub(crate) fn keep_off(&self, pids: &[u32]) -> anyhow::Result<()> {
        pids.iter().try_for_each(|pid| bind(*pid, &self.others))
    }

    /// Lets these processes use every core again.
    pub(crate) fn give_back(&self, pids: &[u32]) -> anyhow::Result<()> {
        pids.iter().try_for_each(|pid| bind(*pid, &self.all))
    }
}

/// Binds a process with all of its threads.
fn bind(pid: u32, cores: &str) -> anyhow::Result<()> {
    let output = Command::new("taskset").args(["-a", "-c", "-p", cores, &pid.to_string()]).output();
    let output = output.context("cannot start taskset: install the package util-linux")?;
    ensure!(output.status.success(), "taskset: {}", String::from_utf8_lossy(&output.stderr).trim());
    Ok(())
}

/// Parses a list such as `0-2,5`.
fn numbers(list: &str) -> Option<BTreeSet<usize>> {
    let range = |part: &str| {
        let (first, end) = part.split_once('-').unwrap_or((part, part));
        Some(first.parse::<usize>().ok()?..=end.parse().ok()?)
    };
    let ranges: Option<Vec<_>> = list.split(',').map(range).collect();
    Some(ranges?.into_iter().flatten().collect())
}

#[cfg(test)]
mod tests {
    use super::numbers;

    #[test]
    fn ranges_and_single_cores() {
        assert_eq!(numbers("0-2,5").unwrap().into_iter().collect::<Vec<_>>(), [0, 1, 2, 5]);
        assert_eq!(numbers("3").unwrap().into_iter().collect::<Vec<_>>(), [3]);
        assert!(numbers("").is_none() && numbers("0-").is_none());
    }
}
