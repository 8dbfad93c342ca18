//! One core for the server, the others for everything else: what a load takes for itself must not be missing from what it loads.

use std::{collections::BTreeSet, fs, process::Command};

use anyhow::{Context as _, ensure};

/// The cores we may use, divided.
pub(crate) struct Cores {
    /// The server's.
    pub(crate) server: usize,
    others: String,
    all: String,
}

impl Cores {
    pub(crate) fn divide() -> anyhow::Result<Self> {
        let status = fs::read_to_string("/proc/self/status")?;
        let list = status.lines().find_map(|line| line.strip_prefix("Cpus_allowed_list:"));
        let all = list.context("the kernel does not say which cores we may use")?.trim().to_owned();
        let mut cores = numbers(&all).context("a list of cores that is none")?;
        let server = cores.pop_first().context("no core at all")?;
        ensure!(!cores.is_empty(), "token reads need two cores: one for the server, one for the load");
        let others = cores.iter().map(usize::to_string).collect::<Vec<_>>().join(",");
        Ok(Self { server, others, all })
    }

    /// Keeps these processes off the server's core, and whatever they start from now on.
    pub(crate) fn keep_off(&self, pids: &[u32]) -> anyhow::Result<()> {
        pids.iter().try_for_each(|pid| bind(*pid, &self.others))
    }

    /// Lets them use every core again.
    pub(crate) fn give_back(&self, pids: &[u32]) -> anyhow::Result<()> {
        pids.iter().try_for_each(|pid| bind(*pid, &self.all))
    }
}

/// With all of its threads.
fn bind(pid: u32, cores: &str) -> anyhow::Result<()> {
    let output = Command::new("taskset").args(["-a", "-c", "-p", cores, &pid.to_string()]).output();
    let output = output.context("taskset cannot be started: install the package util-linux")?;
    ensure!(output.status.success(), "taskset: {}", String::from_utf8_lossy(&output.stderr).trim());
    Ok(())
}

/// `0-2,5`
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
