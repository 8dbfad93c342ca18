//! The processes of the demo: each prints one line of JSON when it is ready, and ends with its standard input.

use std::{fs::File, path::Path, process::Stdio, time::Duration};

use anyhow::{Context as _, anyhow, bail};
use model::Environment;
use serde::de::DeserializeOwned;
use tokio::{
    io::{AsyncBufReadExt, BufReader},
    process::{Child, ChildStdin, Command},
};

const READY_WITHIN: Duration = Duration::from_secs(60);
const STOP_WITHIN: Duration = Duration::from_secs(30);

/// A running part. Dropped, it is killed; killed with us, it stops by itself: its standard input ends.
pub(super) struct Part {
    name: &'static str,
    child: Child,
    lifeline: ChildStdin,
}

impl Part {
    /// Starts `latchkey <arguments>` and waits for its line.
    pub(super) async fn start<Ready: DeserializeOwned>(
        name: &'static str,
        arguments: &[&str],
        log: &Path,
        env: &Environment,
    ) -> anyhow::Result<(Self, Ready)> {
        let program = std::env::current_exe().context("this program does not know where it lies")?;
        let log_file = File::create(log).with_context(|| format!("cannot write {}", log.display()))?;
        let mut child = Command::new(program)
            .args(arguments)
            .arg("--stop-with-stdin")
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(log_file)
            // Ctrl-C is ours to handle: a part hears of it through its standard input.
            .process_group(0)
            .kill_on_drop(true)
            .spawn()
            .with_context(|| format!("the {name} cannot be started"))?;
        let (Some(lifeline), Some(stdout)) = (child.stdin.take(), child.stdout.take()) else {
            bail!("the {name} has no pipes");
        };
        let mut lines = BufReader::new(stdout).lines();
        let line = env.clock.timeout(READY_WITHIN, lines.next_line()).await;
        let line = line.ok_or_else(|| anyhow!("the {name} was not ready within 60 s"))?;
        let Some(line) = line.context("its output cannot be read")? else {
            bail!("the {name} did not start: {}", last_line(log));
        };
        // The line may hold an API key: an error names the place, never the text.
        let ready = serde_json::from_str(&line).map_err(|error| {
            anyhow!("the {name}'s first line is not the expected JSON (column {})", error.column())
        })?;
        Ok((Self { name, child, lifeline }, ready))
    }

    /// Stops it the way it wants to be stopped, and waits until it is gone.
    pub(super) async fn stop(mut self, env: &Environment) {
        drop(self.lifeline);
        if env.clock.timeout(STOP_WITHIN, self.child.wait()).await.is_none() {
            tracing::warn!("the {} did not stop and is killed", self.name);
            drop(self.child.kill().await);
        }
    }
}

fn last_line(log: &Path) -> String {
    let text = std::fs::read_to_string(log).unwrap_or_default();
    text.lines().rfind(|line| !line.trim().is_empty()).unwrap_or("it said nothing").to_owned()
}
