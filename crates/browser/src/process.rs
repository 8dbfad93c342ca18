//! Starts Chromium and collects its error output.

use std::{
    collections::VecDeque,
    process::Stdio,
    sync::{Arc, Mutex, PoisonError},
};

use tokio::{
    io::{AsyncBufReadExt, BufReader},
    process::{Child, ChildStderr, ChildStdin, ChildStdout, Command},
};

use crate::{BrowserConfig, BrowserError, flags::flags, profile::Profile};

/// Chromium reads commands from file descriptor 3 and writes responses to 4. They are connected to our pipes; its standard
/// input and output are not used.
const WITH_PIPES: &str = r#"exec "$0" "$@" 3<&0 4>&1 </dev/null >/dev/null"#;

/// The only environment variables that are passed to Chromium. Others may contain keys and passwords.
const ENVIRONMENT: &[&str] = &[
    "PATH",
    "LANG",
    "LC_ALL",
    "TZ",
    "http_proxy",
    "https_proxy",
    "no_proxy",
    "HTTP_PROXY",
    "HTTPS_PROXY",
    "NO_PROXY",
];

/// A Chromium process and its pipes.
pub(crate) struct Chromium {
    pub(crate) child: Child,
    pub(crate) commands: ChildStdin,
    pub(crate) answers: ChildStdout,
    pub(crate) stderr: ChildStderr,
}

impl Chromium {
    /// Starts Chromium with this profile.
    pub(crate) fn start(config: &BrowserConfig, profile: &Profile) -> Result<Self, BrowserError> {
        let variables = ENVIRONMENT.iter().filter_map(|name| Some((name, std::env::var_os(name)?)));
        let mut child = Command::new("/bin/sh")
            .args(["-c", WITH_PIPES])
            .arg(config.find_chromium()?)
            .args(flags(config, profile.path()))
            .env_clear()
            .envs(variables)
            .env("HOME", profile.path())
            .env("TMPDIR", profile.temporary())
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            // In its own process group, so that Ctrl-C in a terminal does not end Chromium before the bots have left.
            .process_group(0)
            .kill_on_drop(true)
            .spawn()
            .map_err(|error| BrowserError::Launch(error.into()))?;
        let pipes = (child.stdin.take(), child.stdout.take(), child.stderr.take());
        let (Some(commands), Some(answers), Some(stderr)) = pipes else {
            return Err(BrowserError::Launch("its pipes are missing".into()));
        };
        Ok(Self { child, commands, answers, stderr })
    }
}

/// The last lines that Chromium wrote to its standard error.
#[derive(Debug, Clone, Default)]
pub(crate) struct StderrTail(Arc<Mutex<VecDeque<String>>>);

impl StderrTail {
    const LINES: usize = 3;
    const LENGTH: usize = 200;

    /// Collects lines until Chromium ends.
    pub(crate) async fn listen(self, stderr: ChildStderr) {
        let mut lines = BufReader::new(stderr).split(b'\n');
        while let Ok(Some(line)) = lines.next_segment().await {
            let line: String = String::from_utf8_lossy(&line).trim().chars().take(Self::LENGTH).collect();
            if line.is_empty() {
                continue;
            }
            tracing::debug!(line, "chromium");
            let mut last = self.0.lock().unwrap_or_else(PoisonError::into_inner);
            if last.len() == Self::LINES {
                last.pop_front();
            }
            last.push_back(line);
        }
    }

    /// The collected lines, joined to one line.
    pub(crate) fn summary(&self) -> String {
        let last = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if last.is_empty() {
            return "it printed nothing; run it in a terminal to see why".to_owned();
        }
        let said = last.iter().map(String::as_str).collect::<Vec<_>>().join(" | ");
        if said.contains("--no-sandbox") {
            return format!(
                "its sandbox does not work here; set browser.sandbox = false, or do not run as root ({said})"
            );
        }
        said
    }
}
