//! Measures the memory and CPU time of browsers.

use std::{collections::HashMap, time::Duration};

use procfs::{
    ProcResult,
    process::{Process, all_processes},
};

/// The resource usage of a browser, summed over all its processes.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Usage {
    /// Private memory in bytes, without memory that processes share.
    pub memory: u64,
    /// CPU time of the running processes. It decreases when a process ends.
    pub processor: Duration,
}

/// Measures the browsers with these process ids; `None` for a browser that has ended. It reads all processes once. It blocks
/// on file I/O, so do not call it in an async task.
pub fn usage(browsers: &[u32]) -> ProcResult<Vec<Option<Usage>>> {
    let mut parents = HashMap::new();
    let mut usages = HashMap::new();
    for process in all_processes()?.flatten() {
        // A process that ends in the meantime is skipped.
        let Ok((parent, usage)) = look_at(&process) else { continue };
        parents.insert(process.pid, parent);
        usages.insert(process.pid, usage);
    }
    let root_of = |pid| {
        // The chain of parents is cut off at 64, more than any real process has.
        let line = std::iter::successors(Some(pid), |pid| parents.get(pid).copied()).take(64);
        line.filter_map(|pid| u32::try_from(pid).ok()).find(|pid| browsers.contains(pid))
    };
    let mut sums: HashMap<u32, Usage> = HashMap::new();
    for (pid, usage) in &usages {
        if let Some(root) = root_of(*pid) {
            let sum = sums.entry(root).or_default();
            sum.memory += usage.memory;
            sum.processor += usage.processor;
        }
    }
    Ok(browsers.iter().map(|browser| sums.get(browser).copied()).collect())
}

fn look_at(process: &Process) -> ProcResult<(i32, Usage)> {
    let (stat, statm) = (process.stat()?, process.statm()?);
    let memory = statm.resident.saturating_sub(statm.shared) * procfs::page_size();
    let ticks = (stat.utime + stat.stime) * 1000 / procfs::ticks_per_second();
    Ok((stat.ppid, Usage { memory, processor: Duration::from_millis(ticks) }))
}

#[cfg(test)]
mod tests {
    use super::usage;

    #[test]
    fn a_process_is_measured_with_its_children() {
        // The children end when their input ends.
        let mut command = std::process::Command::new("sh");
        let mut child =
            command.args(["-c", "cat | cat"]).stdin(std::process::Stdio::piped()).spawn().unwrap();
        let (own, theirs) = (std::process::id(), child.id());
        let read = usage(&[own, theirs, u32::MAX]).unwrap();
        let [Some(own), Some(theirs), None] = read[..] else { panic!("{read:?}") };
        assert!(own.memory > 0 && theirs.memory > 0, "{own:?}, {theirs:?}");
        child.kill().unwrap();
        child.wait().unwrap();
        assert_eq!(usage(&[child.id()]).unwrap(), [None]);
    }
}
