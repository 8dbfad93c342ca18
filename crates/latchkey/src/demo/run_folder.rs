//! The folders of one run. Each run has its own, so runs do not affect each other.

use std::{
    fs, io,
    path::{Path, PathBuf},
    time::Duration,
};

use anyhow::{Context as _, bail};
use model::{Clock, Timestamp};

/// Time that killed processes get to end.
const ENDING: Duration = Duration::from_secs(15);
const POLL_INTERVAL: Duration = Duration::from_millis(50);
/// Consecutive checks that must find the folders gone.
const QUIET_LOOKS: usize = 4;

/// `out/demo/<run>` for people, `data/demo/<run>` for the processes.
pub(super) struct RunFolder {
    base: PathBuf,
    out: PathBuf,
    data: PathBuf,
}

impl RunFolder {
    pub(super) fn make(out: &Path, data: &Path, now: Timestamp) -> anyhow::Result<Self> {
        let name: String = now.to_string().chars().filter(char::is_ascii_alphanumeric).collect();
        let folder = Self { base: out.to_owned(), out: out.join(&name), data: data.join(&name) };
        for path in [&folder.out, &folder.data] {
            fs::create_dir_all(path)
                .with_context(|| format!("cannot create {}: make its parent writable", path.display()))?;
        }
        Ok(folder)
    }

    /// Report, screenshots and logs.
    pub(super) fn out(&self) -> &Path {
        &self.out
    }

    /// Database, keys, certificates.
    pub(super) fn data(&self) -> &Path {
        &self.data
    }

    /// Writes the report into the run's folder, and atomically into the base folder as the newest one.
    pub(super) fn publish_report(&self, text: &str) -> io::Result<PathBuf> {
        fs::write(self.out.join("report.json"), text)?;
        let (aside, newest) = (self.out.join("report.json.tmp"), self.base.join("report.json"));
        fs::write(&aside, text)?;
        fs::rename(aside, &newest)?;
        Ok(newest)
    }

    /// Removes the run's folders and checks that they stay removed: just killed processes and their Chromiums still write
    /// for a moment.
    pub(super) async fn remove(&self, clock: &dyn Clock) -> anyhow::Result<()> {
        let removal = async {
            let mut quiet_looks = 0;
            while quiet_looks < QUIET_LOOKS {
                quiet_looks = if !self.is_in_use() && self.is_gone() { quiet_looks + 1 } else { 0 };
                clock.sleep(POLL_INTERVAL).await;
            }
        };
        if clock.timeout(ENDING, removal).await.is_none() {
            bail!(
                "{} and {} cannot be removed: something still uses them",
                self.out.display(),
                self.data.display()
            );
        }
        Ok(())
    }

    /// Removes what exists. A failure means that something still writes, which the next check finds.
    fn is_gone(&self) -> bool {
        [&self.out, &self.data].into_iter().all(|path| {
            drop(fs::remove_dir_all(path));
            !path.exists()
        })
    }

    /// Whether a process is alive whose command line names this run: just killed processes, and their Chromiums, which end a
    /// moment later.
    fn is_in_use(&self) -> bool {
        let run = self.data.file_name().unwrap_or_default().as_encoded_bytes();
        let processes = fs::read_dir("/proc").into_iter().flatten().flatten();
        processes
            .filter_map(|process| fs::read(process.path().join("cmdline")).ok())
            .any(|arguments| arguments.windows(run.len()).any(|part| part == run))
    }
}
