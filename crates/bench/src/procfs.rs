//! What Linux tells about processes.

use std::{collections::HashMap, fs, time::Duration};

use anyhow::{Context as _, bail};

/// The kernel counts processor time in hundredths of a second, whatever its own clock does.
const TICK: Duration = Duration::from_millis(10);

/// Every process there is, with its parent.
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

    /// The Chromium that `pid` has started: all of its processes.
    pub(crate) fn chromium_of(&self, pid: u32) -> Vec<u32> {
        let started = self.parents.iter().filter(|(_, parent)| **parent == pid).map(|(child, _)| *child);
        let roots: Vec<u32> = started.filter(|child| is_chromium(*child)).collect();
        let belongs = |pid: &u32| {
            let mut line = std::iter::successors(Some(*pid), |pid| self.parents.get(pid).copied());
            line.any(|pid| roots.contains(&pid))
        };
        self.parents.keys().copied().filter(belongs).collect()
    }

    /// Every Chromium process of this machine.
    pub(crate) fn chromium(&self) -> Vec<u32> {
        self.parents.keys().copied().filter(|pid| is_chromium(*pid)).collect()
    }
}

/// Whether it runs on a profile of its own, as all of a Chromium's processes but its zygotes say.
fn is_chromium(pid: u32) -> bool {
    let arguments = fs::read(format!("/proc/{pid}/cmdline")).unwrap_or_default();
    String::from_utf8_lossy(&arguments).contains("--user-data-dir=")
}

/// What these processes take of the memory, in megabytes: PSS, in which a page that several share counts once.
pub(crate) fn pss_megabytes(pids: &[u32]) -> anyhow::Result<f64> {
    if pids.is_empty() {
        bail!("no process to weigh");
    }
    let mut kilobytes = 0.0;
    for pid in pids {
        let rollup = match fs::read_to_string(format!("/proc/{pid}/smaps_rollup")) {
            Ok(rollup) => rollup,
            // Left out, it would make the sum look good.
            Err(error) if stat(*pid).is_some() => {
                return Err(error)
                    .with_context(|| format!("process {pid} cannot be weighed: run as its owner or root"));
            }
            Err(_) => continue,
        };
        let pss = rollup.lines().find_map(|line| line.strip_prefix("Pss:")?.trim().strip_suffix(" kB"));
        kilobytes += pss.context("no PSS in smaps_rollup")?.parse::<f64>()?;
    }
    Ok(kilobytes / 1024.0)
}

/// How long the processor has worked for `pid`, in itself and for it in the kernel.
pub(crate) fn processor_time(pid: u32) -> anyhow::Result<Duration> {
    let stat = stat(pid).with_context(|| format!("process {pid} is gone"))?;
    let ticks = |at: usize| stat.get(at).and_then(|text| text.parse::<u32>().ok());
    let (user, system) = ticks(11).zip(ticks(12)).context("no processor time in stat")?;
    Ok(TICK * (user + system))
}

/// `/proc/<pid>/stat` from its third field on; the second may hold spaces.
fn stat(pid: u32) -> Option<Vec<String>> {
    let stat = fs::read_to_string(format!("/proc/{pid}/stat")).ok()?;
    Some(stat.rsplit_once(") ")?.1.split(' ').map(str::to_owned).collect())
}
