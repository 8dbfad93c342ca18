//! The folders of one run. Every run has its own, so no run changes another's.

use std::{
    fs, io,
    path::{Path, PathBuf},
    time::Duration,
};

use anyhow::Context as _;
use model::{Clock, Timestamp};

/// Five seconds of trying.
const REMOVALS: usize = 50;
const REMOVAL_PAUSE: Duration = Duration::from_millis(100);

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

    /// Takes the run's folders away again. Processes that were just killed go on writing for a moment.
    pub(super) async fn remove(&self, clock: &dyn Clock) -> anyhow::Result<()> {
        for path in [&self.out, &self.data] {
            for last in (0..REMOVALS).map(|removal| removal + 1 == REMOVALS) {
                match fs::remove_dir_all(path) {
                    Err(error) if error.kind() == io::ErrorKind::NotFound => break,
                    Err(error) if last => {
                        return Err(error).with_context(|| format!("{} cannot be removed", path.display()));
                    }
                    Ok(()) | Err(_) => clock.sleep(REMOVAL_PAUSE).await,
                }
            }
        }
        Ok(())
    }
}
