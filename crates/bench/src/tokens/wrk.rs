//! Runs wrk with requests that were signed in advance.

use std::{
    fmt::Write as _,
    fs,
    path::{Path, PathBuf},
};

use anyhow::{Context as _, bail, ensure};
use model::{Environment, Timestamp};
use outbound::signature::SigningKey;
use serde::Deserialize;
use tokio::process::Command;

const SCRIPT: &str = include_str!("fetch.lua");
/// One thread: wrk has one core, as the server has.
const THREADS: usize = 1;
const CONNECTIONS: usize = 64;
/// More requests than any server here answers.
const REQUESTS_PER_SECOND: usize = 120_000;

/// wrk and its prepared requests.
pub(super) struct Wrk {
    folder: PathBuf,
    seconds: usize,
}

/// Result of one run.
#[derive(Deserialize)]
pub(super) struct Run {
    pub(super) requests: f64,
    pub(super) seconds: f64,
    pub(super) p50_ms: f64,
    pub(super) p99_ms: f64,
    refused: u64,
    broken: u64,
}

impl Wrk {
    pub(super) fn new(data: &Path, seconds: usize) -> anyhow::Result<Self> {
        let folder = data.join("wrk");
        fs::create_dir_all(&folder)?;
        fs::write(folder.join("fetch.lua"), SCRIPT)?;
        Ok(Self { folder, seconds })
    }

    /// wrk's arguments, for the report.
    pub(super) fn settings(&self) -> String {
        format!("wrk -t{THREADS} -c{CONNECTIONS} -d{}s --latency", self.seconds)
    }

    /// Reads these paths, all of the same length, at `origin` in turn for some seconds. Fails if any answer is not a
    /// success.
    pub(super) async fn run(
        &self,
        origin: &str,
        paths: &[String],
        key: &SigningKey,
        env: &Environment,
    ) -> anyhow::Result<Run> {
        let mut length = 0;
        for thread in 0..THREADS {
            let requests = self.signed(paths, key, env);
            length = requests.len() / self.requests();
            fs::write(self.folder.join(format!("{thread}.requests")), requests)?;
        }
        let output = Command::new("wrk")
            .args([format!("-t{THREADS}"), format!("-c{CONNECTIONS}"), format!("-d{}s", self.seconds)])
            .args(["--latency", "-s"])
            .arg(self.folder.join("fetch.lua"))
            .args([origin, "--"])
            .arg(&self.folder)
            .arg(length.to_string())
            .kill_on_drop(true)
            .output()
            .await
            .context("cannot start wrk: install the package wrk")?;
        let said = String::from_utf8_lossy(&output.stdout);
        let line = said.lines().last().unwrap_or_default();
        let Ok(run) = serde_json::from_str::<Run>(line) else {
            bail!("wrk failed: {} {}", said.trim(), String::from_utf8_lossy(&output.stderr).trim());
        };
        let Run { refused, broken, .. } = run;
        ensure!(
            refused == 0 && broken == 0,
            "{refused} reads were refused, {broken} broke: the run is invalid"
        );
        Ok(run)
    }

    fn requests(&self) -> usize {
        REQUESTS_PER_SECOND * self.seconds
    }

    /// Requests of the same length, each with its own id.
    fn signed(&self, paths: &[String], key: &SigningKey, env: &Environment) -> String {
        let (batch, now) = (u64::from_le_bytes(env.entropy.bytes()), env.now());
        let mut requests = String::new();
        for (number, path) in (0..self.requests()).zip(paths.iter().cycle()) {
            write_request(&mut requests, path, &format!("msg_{batch:016x}{number:08x}"), key, now);
        }
        requests
    }
}

fn write_request(to: &mut String, path: &str, id: &str, key: &SigningKey, now: Timestamp) {
    let (seconds, signature) = (now.as_second(), key.sign(id, now, b""));
    write!(
        to,
        "GET {path} HTTP/1.1\r\nHost: 127.0.0.1\r\nwebhook-id: {id}\r\nwebhook-timestamp: {seconds}\r\n\
         webhook-signature: {signature}\r\n\r\n"
    )
    .expect("writing to a String cannot fail");
}
