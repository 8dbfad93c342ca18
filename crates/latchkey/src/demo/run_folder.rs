//! The folders of one run. Every run has its own, so no run changes another's.

use std::{
    fs, io,
    path::{Path, PathBuf},
    time::Duration,
};

use anyhow::{Context as _, bail};
use model::{Clock, Timestamp};

/// What killed processes get to end.
const ENDING: Duration = Duration::from_secs(15);
const POLL_INTERVAL: Duration = Duration::from_millis(50);
/// In a row, before it is believed.
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
                .with_context(|| format!("cannot make {}: make its parent writable", path.display()))?;
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

    /// Puts the report into the run's folder, and into the base as the newest one: whole, or not at all.
    pub(super) fn publish_report(&self, text: &str) -> io::Result<PathBuf> {
        fs::write(self.out.join("report.json"), text)?;
        let (aside, newest) = (self.out.join("report.json.tmp"), self.base.join("report.json"));
        fs::write(&aside, text)?;
        fs::rename(aside, &newest)?;
        Ok(newest)
    }

    /// Takes the run's folders away again, and sees to it that they stay away: processes that were just killed, and their
    /// Chromiums, go on writing for a moment.
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

    /// Removes what is there. A failure is another writer, whom the next look finds.
    fn is_gone(&self) -> bool {
        [&self.out, &self.data].into_iter().all(|path| {
            drop(fs::remove_dir_all(path));
            !path.exists()
        })
    }

    /// Whether a process lives whose command line names this run: those that were just killed, and their Chromiums,
    /// which end a moment after them.
    fn is_in_use(&self) -> bool {
        let run = self.data.file_name().unwrap_or_default().as_encoded_bytes();
        let processes = fs::read_dir("/proc").into_iter().flatten().flatten();
        processes
            .filter_map(|process| fs::read(process.path().join("cmdline")).ok())
            .any(|arguments| arguments.windows(run.len()).any(|part| part == run))
    }
}
