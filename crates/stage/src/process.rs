//! A role as a process: it prints one line of JSON when it is ready, and ends with its standard input.

use std::{
    ffi::OsStr, fs::File, os::unix::process::ExitStatusExt as _, path::Path, process::Stdio, time::Duration,
};

use anyhow::{Context as _, anyhow, bail};
use model::Environment;
use serde::de::DeserializeOwned;
use tokio::{
    io::{AsyncBufReadExt as _, AsyncWriteExt as _, BufReader},
    process::{Child, ChildStdin, Command},
};

const READY_WITHIN: Duration = Duration::from_secs(60);
const STOP_WITHIN: Duration = Duration::from_secs(30);

/// A running role. Dropping it kills it. When our own process is killed, the role ends too, because its standard input ends.
pub struct Process {
    name: &'static str,
    child: Child,
    lifeline: ChildStdin,
    id: u32,
}

/// A program to start.
#[derive(Debug, Clone, Copy)]
pub struct Program<'a> {
    /// The binary.
    pub path: &'a Path,
    /// Environment variables in addition to our own.
    pub variables: &'a [(&'a str, &'a str)],
    /// The only core that it may use; `None` allows the cores of our process.
    pub core: Option<usize>,
}

impl<'a, P: AsRef<Path> + ?Sized> From<&'a P> for Program<'a> {
    fn from(path: &'a P) -> Self {
        Self { path: path.as_ref(), variables: &[], core: None }
    }
}

/// The name of a role in errors, and the file for its standard error.
#[derive(Clone, Copy)]
pub struct Log<'a>(pub &'static str, pub &'a Path);

impl Process {
    /// Starts `program`, writes `input` to it, and waits for its ready line.
    pub async fn start<Ready: DeserializeOwned>(
        program: impl Into<Program<'_>>,
        arguments: &[&OsStr],
        input: &str,
        Log(name, log): Log<'_>,
        env: &Environment,
    ) -> anyhow::Result<(Self, Ready)> {
        let log_file = File::create(log).with_context(|| format!("cannot write {}", log.display()))?;
        let Program { path, variables, core } = program.into();
        let mut command = match core {
            None => Command::new(path),
            Some(core) => {
                let mut command = Command::new("taskset");
                command.args(["-c", &core.to_string()]).arg(path);
                command
            }
        };
        let mut child = command
            .args(arguments)
            .envs(variables.iter().copied())
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(log_file)
            // Our process handles Ctrl-C; roles are stopped through their standard input.
            .process_group(0)
            .kill_on_drop(true)
            .spawn()
            .with_context(|| format!("cannot start the {name} from {}", path.display()))?;
        let (mut lifeline, stdout) = child.stdin.take().zip(child.stdout.take()).context("no pipes")?;
        let id = child.id().with_context(|| format!("the {name} ended at once"))?;
        lifeline.write_all(input.as_bytes()).await?;
        let mut lines = BufReader::new(stdout).lines();
        let line = env.clock.timeout(READY_WITHIN, lines.next_line()).await;
        let line = line.ok_or_else(|| anyhow!("the {name} was not ready within 60 s"))?;
        let Some(line) = line.context("cannot read its output")? else {
            bail!("the {name} did not start: {}", last_line(log));
        };
        // The line may contain an API key: an error contains only the position, never the text.
        let ready = serde_json::from_str(&line).map_err(|error| {
            anyhow!("the {name}'s first line is not the expected JSON (column {})", error.column())
        })?;
        Ok((Self { name, child, lifeline, id }, ready))
    }

    /// The process id.
    pub fn id(&self) -> u32 {
        self.id
    }

    /// Waits until the process has ended by itself, and returns the signal that killed it.
    pub async fn death(&mut self, within: Duration, env: &Environment) -> anyhow::Result<Option<i32>> {
        let status = env.clock.timeout(within, self.child.wait()).await;
        Ok(status.with_context(|| format!("the {} has not ended", self.name))??.signal())
    }

    /// Stops the process gracefully, and waits until it has ended.
    pub async fn stop(mut self, env: &Environment) {
        drop(self.lifeline);
        if env.clock.timeout(STOP_WITHIN, self.child.wait()).await.is_none() {
            tracing::warn!("the {} did not stop and is killed", self.name);
            drop(self.child.kill().await);
        }
    }
}

fn last_line(log: &Path) -> String {
    let text = std::fs::read_to_string(log).unwrap_or_default();
    text.lines().rfind(|line| !line.trim().is_empty()).unwrap_or("it printed nothing").to_owned()
}
