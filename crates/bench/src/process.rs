//! The other processes: each prints one line of JSON when it is ready, and ends with its standard input.

use std::{
    ffi::OsStr,
    fs::File,
    path::{Path, PathBuf},
    process::Stdio,
    time::Duration,
};

use anyhow::{Context as _, anyhow};
use model::Environment;
use serde::de::DeserializeOwned;
use tokio::{
    io::{AsyncBufReadExt as _, AsyncWriteExt as _, BufReader},
    process::{Child, ChildStdin, Command},
};

const READY_WITHIN: Duration = Duration::from_secs(60);
const STOP_WITHIN: Duration = Duration::from_secs(30);

/// A running part. It is killed when dropped, and ends by itself when we are killed: its standard input ends.
pub(crate) struct Process {
    child: Child,
    lifeline: ChildStdin,
    id: u32,
}

impl Process {
    /// Starts `program`, hands it `input`, and waits for its line.
    pub(crate) async fn start<Ready: DeserializeOwned>(
        program: &Path,
        arguments: &[&OsStr],
        input: &str,
        log: &Path,
        env: &Environment,
    ) -> anyhow::Result<(Self, Ready)> {
        let name = program.display();
        let mut child = Command::new(program)
            .args(arguments)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(File::create(log).with_context(|| format!("cannot write {}", log.display()))?)
            .kill_on_drop(true)
            .spawn()
            .with_context(|| format!("{name} cannot be started: build it beside this program"))?;
        let (mut lifeline, stdout) = child.stdin.take().zip(child.stdout.take()).context("no pipes")?;
        let id = child.id().context("it ended at once")?;
        lifeline.write_all(input.as_bytes()).await?;
        let mut lines = BufReader::new(stdout).lines();
        let line = env.clock.timeout(READY_WITHIN, lines.next_line()).await;
        let line = line.ok_or_else(|| anyhow!("{name} was not ready within 60 s"))??;
        let line = line.ok_or_else(|| anyhow!("{name} did not start: see {}", log.display()))?;
        // The line may hold an API key: an error says where, never what.
        let ready = serde_json::from_str(&line).map_err(|error| {
            anyhow!("{name}: its first line is not the expected JSON (column {})", error.column())
        })?;
        Ok((Self { child, lifeline, id }, ready))
    }

    /// As the operating system knows it.
    pub(crate) fn id(&self) -> u32 {
        self.id
    }

    /// Stops it the way it wants to be stopped, and waits until it is gone.
    pub(crate) async fn stop(mut self, env: &Environment) {
        drop(self.lifeline);
        if env.clock.timeout(STOP_WITHIN, self.child.wait()).await.is_none() {
            eprintln!("bench: a process did not stop within 30 s and is killed");
            drop(self.child.kill().await);
        }
    }
}

/// The binary under test: it was built with the same profile, and lies beside this one.
pub(crate) fn latchkey() -> anyhow::Result<PathBuf> {
    Ok(own_program()?.with_file_name("latchkey"))
}

/// This program.
pub(crate) fn own_program() -> anyhow::Result<PathBuf> {
    std::env::current_exe().context("this program does not know where it lies")
}
