//! Data about processes from Linux's `/proc`.

use std::{collections::HashMap, fs, time::Duration};

use anyhow::{Context as _, bail};

/// The kernel reports processor time in hundredths of a second, independent of its own tick rate.
const TICK: Duration = Duration::from_millis(10);

/// All processes, with their parents.
pub(crate) struct Processes {
    parents: HashMap<u32, u32>,
}

impl Processes {
    pub(crate) fn now() -> anyhow::Result<Self> {
        let numbers =
            fs::read_dir("/proc")?.flatten().filter_map(|entry| entry.file_name().to_str()?.parse().ok());
        let parents = numbers.filter_map(|pid| Some((pid, stat(pid)?.get(1)?.parse().ok()?))).collect();
        Ok(Self { parents })
    }

    /// All processes of the Chromium that `pid` started.
    pub(crate) fn chromium_of(&self, pid: u32) -> Vec<u32> {
        let started = self.parents.iter().filter(|(_, parent)| **parent == pid).map(|(child, _)| *child);
        let roots: Vec<u32> = started.filter(|child| is_chromium(*child)).collect();
        let belongs = |pid: &u32| {
            let mut line = std::iter::successors(Some(*pid), |pid| self.parents.get(pid).copied());
            line.any(|pid| roots.contains(&pid))
        };
        self.parents.keys().copied().filter(belongs).collect()
    }

    /// All Chromium processes of this machine.
    pub(crate) fn chromium(&self) -> Vec<u32> {
        self.parents.keys().copied().filter(|pid| is_chromium(*pid)).collect()
    }
}

/// Whether a process has a profile on its command line, as all Chromium processes except zygotes do.
fn is_chromium(pid: u32) -> bool {
    let arguments = fs::read(format!("/proc/{pid}/cmdline")).unwrap_or_default();
    String::from_utf8_lossy(&arguments).contains("--user-data-dir=")
}

/// Memory of these processes in megabytes: PSS, which counts a shared page once.
pub(crate) fn pss_megabytes(pids: &[u32]) -> anyhow::Result<f64> {
    if pids.is_empty() {
        bail!("there is no process to measure");
    }
    let mut kilobytes = 0.0;
    for pid in pids {
        let rollup = match fs::read_to_string(format!("/proc/{pid}/smaps_rollup")) {
            Ok(rollup) => rollup,
            // Leaving the process out would make the sum too small.
            Err(error) if stat(*pid).is_some() => {
                return Err(error)
                    .with_context(|| format!("cannot measure process {pid}: run as its owner or root"));
            }
            Err(_) => continue,
        };
        let pss = rollup.lines().find_map(|line| line.strip_prefix("Pss:")?.trim().strip_suffix(" kB"));
        kilobytes += pss.context("no PSS in smaps_rollup")?.parse::<f64>()?;
    }
    Ok(kilobytes / 1024.0)
}

/// Processor time of `pid`, in user and kernel mode.
pub(crate) fn processor_time(pid: u32) -> anyhow::Result<Duration> {
    let stat = stat(pid).with_context(|| format!("process {pid} is gone"))?;
    let ticks = |at: usize| stat.get(at).and_then(|text| text.parse::<u32>().ok());
    let (user, system) = ticks(11).zip(ticks(12)).context("no processor time in stat")?;
    Ok(TICK * (user + system))
}

/// The fields of `/proc/<pid>/stat` from the third on; the second may contain spaces.
fn stat(pid: u32) -> Option<Vec<String>> {
    let stat = fs::read_to_string(format!("/proc/{pid}/stat")).ok()?;
    Some(stat.rsplit_once(") ")?.1.split(' ').map(str::to_owned).collect())
}
