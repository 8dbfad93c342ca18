//! The machine of the measurement, and its other load.

use std::{fmt, fs, time::Duration};

use anyhow::Context as _;
use browser::SDK_VERSION;
use model::Environment;
use serde::Serialize;

const POLL_INTERVAL: Duration = Duration::from_secs(3);

/// The machine.
#[derive(Serialize)]
pub(crate) struct Machine {
    processor: String,
    cores: usize,
    memory_gb: u64,
    kernel: String,
    sdk_version: &'static str,
    /// Processor load of other programs in the three seconds before the first measurement, in percent of all cores.
    busy_percent_before: f64,
}

impl Machine {
    pub(crate) async fn look(env: &Environment) -> anyhow::Result<Self> {
        let before = Jiffies::now()?;
        env.clock.sleep(POLL_INTERVAL).await;
        let busy = Jiffies::now()?.busy_percent_since(&before);
        let kilobytes: u64 = field("/proc/meminfo", "MemTotal")?.trim_end_matches(" kB").parse()?;
        Ok(Self {
            processor: field("/proc/cpuinfo", "model name").unwrap_or_else(|_| std::env::consts::ARCH.into()),
            cores: std::thread::available_parallelism()?.get(),
            memory_gb: kilobytes / 1024 / 1024,
            kernel: fs::read_to_string("/proc/sys/kernel/osrelease")?.trim().to_owned(),
            sdk_version: SDK_VERSION,
            busy_percent_before: busy,
        })
    }
}

impl fmt::Display for Machine {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { processor, cores, memory_gb, kernel, sdk_version, busy_percent_before } = self;
        write!(
            f,
            "{processor}, {cores} cores, {memory_gb} GB, Linux {kernel}; Meeting SDK {sdk_version}; \
             {busy_percent_before:.0} % busy before"
        )
    }
}

/// Processor time since the machine started.
struct Jiffies {
    all: f64,
    idle: f64,
}

impl Jiffies {
    fn now() -> anyhow::Result<Self> {
        let stat = fs::read_to_string("/proc/stat")?;
        let line = stat.lines().next().context("/proc/stat is empty")?;
        let times: Vec<f64> = line.split_whitespace().skip(1).filter_map(|time| time.parse().ok()).collect();
        // The fields `idle` and `iowait`.
        Ok(Self { all: times.iter().take(8).sum(), idle: times.iter().skip(3).take(2).sum() })
    }

    fn busy_percent_since(&self, before: &Self) -> f64 {
        let (all, idle) = (self.all - before.all, self.idle - before.idle);
        if all > 0.0 { 100.0 * (1.0 - idle / all) } else { 0.0 }
    }
}

fn field(path: &str, name: &str) -> anyhow::Result<String> {
    let text = fs::read_to_string(path)?;
    let value = text.lines().find_map(|line| line.strip_prefix(name)?.trim().strip_prefix(':'));
    Ok(value.with_context(|| format!("{path} has no {name}"))?.trim().to_owned())
}
