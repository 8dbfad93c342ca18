//! Runs `latchkey` and inspects its results.

use std::{
    fs::{self, File},
    path::{Path, PathBuf},
    process::{ExitStatus, Stdio},
    time::Duration,
};

use model::Environment;
use rustix::process::{Pid, Signal, kill_process};
use serde_json::Value;
use tempfile::TempDir;
use tokio::{
    io::{AsyncBufReadExt as _, BufReader},
    process::{Child, ChildStdin, ChildStdout, Command},
};

/// Longer than any step here takes, even while another build runs.
const WAIT_TIMEOUT: Duration = Duration::from_secs(90);

/// `latchkey` with `arguments`, in `folder`, without the variables of our own environment that it would read.
pub(crate) fn latchkey(folder: &Path, arguments: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_latchkey"));
    command.args(arguments).current_dir(folder).stdin(Stdio::null()).kill_on_drop(true);
    for variable in [
        "LATCHKEY_CONFIG",
        "LATCHKEY_LISTEN",
        "LATCHKEY_LOG",
        "LATCHKEY_KEYS",
        "LATCHKEY_KEYS_FILE",
        "LATCHKEY_URL",
        "LATCHKEY_API_KEY",
        "LATCHKEY_API_KEY_FILE",
    ] {
        command.env_remove(variable);
    }
    command
}

/// The command, run by a shell that first runs `first`, such as `umask` or `ulimit`.
pub(crate) fn after(first: &str, command: &Command) -> Command {
    let command = command.as_std();
    let mut shell = Command::new("/bin/sh");
    shell.args(["-c", &format!("{first}; exec \"$@\""), "sh"]).arg(command.get_program());
    shell.args(command.get_args()).current_dir(command.get_current_dir().unwrap()).kill_on_drop(true);
    for (name, value) in command.get_envs() {
        match value {
            Some(value) => shell.env(name, value),
            None => shell.env_remove(name),
        };
    }
    shell
}

/// A process that runs until told to stop. The test holds its standard input.
pub(crate) struct Running {
    child: Child,
    stdin: Option<ChildStdin>,
    stdout: BufReader<ChildStdout>,
}

impl Running {
    /// Starts the process. Its standard error is written to `log`.
    pub(crate) fn start(mut command: Command, log: &Path) -> Self {
        command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(File::create(log).unwrap());
        let mut child = command.spawn().unwrap();
        let (stdin, stdout) = (child.stdin.take(), BufReader::new(child.stdout.take().unwrap()));
        Self { child, stdin, stdout }
    }

    /// The next line that it prints.
    pub(crate) async fn line(&mut self) -> String {
        let mut line = String::new();
        within(self.stdout.read_line(&mut line)).await.unwrap();
        line
    }

    /// Its ready line, as JSON.
    pub(crate) async fn ready(&mut self) -> Value {
        let line = self.line().await;
        serde_json::from_str(&line).unwrap_or_else(|error| panic!("{error}: {line:?}"))
    }

    pub(crate) fn pid(&self) -> u32 {
        self.child.id().unwrap()
    }

    pub(crate) fn signal(&self, signal: Signal) {
        let pid = Pid::from_raw(self.pid().try_into().unwrap()).unwrap();
        kill_process(pid, signal).unwrap();
    }

    pub(crate) fn end_stdin(&mut self) {
        self.stdin = None;
    }

    pub(crate) async fn ended(mut self) -> ExitStatus {
        within(self.child.wait()).await.unwrap()
    }
}

/// Runs `command`, which must fail at once: exit code 1, and only one line, which begins with our name. Returns the line.
pub(crate) async fn refusal(mut command: Command) -> String {
    // Without log messages about steps that succeeded.
    let output = within(command.env("LATCHKEY_LOG", "warn").output()).await.unwrap();
    let (stdout, stderr) =
        (String::from_utf8(output.stdout).unwrap(), String::from_utf8(output.stderr).unwrap());
    assert_eq!(output.status.code(), Some(1), "{stdout}{stderr}");
    assert_eq!(stdout, "");
    assert_eq!(stderr.lines().count(), 1, "{stderr}");
    let line = stderr.strip_prefix("latchkey: ").unwrap_or_else(|| panic!("{stderr}"));
    line.trim_end().to_owned()
}

/// Fails if `work` takes longer than [`WAIT_TIMEOUT`].
pub(crate) async fn within<T>(work: impl Future<Output = T>) -> T {
    Environment::system().clock.timeout(WAIT_TIMEOUT, work).await.expect("timed out")
}

/// Polls until `there` returns true.
pub(crate) async fn until(there: impl Fn() -> bool) {
    let clock = Environment::system().clock;
    within(async {
        while !there() {
            clock.sleep(Duration::from_millis(50)).await;
        }
    })
    .await;
}

/// The command lines of all processes that name `folder`.
pub(crate) fn processes_in(folder: &Path) -> Vec<String> {
    let folder = folder.display().to_string();
    let entries = fs::read_dir("/proc").unwrap().flatten();
    let command_lines = entries.filter_map(|entry| fs::read(entry.path().join("cmdline")).ok());
    let command_lines = command_lines.map(|line| String::from_utf8_lossy(&line).replace('\0', " "));
    command_lines.filter(|line| line.contains(&folder)).collect()
}

/// Zoom's SDK, as `make sdk` installs it.
pub(crate) fn sdk_dir() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../web/node_modules/@zoom/meetingsdk/dist")
}

#[expect(clippy::disallowed_methods, reason = "no product code calls out here")]
pub(crate) fn http() -> reqwest::ClientBuilder {
    reqwest::Client::builder().no_proxy()
}

/// A folder with a configuration that needs neither Chromium nor the SDK, and a `data` folder.
pub(crate) struct Installation {
    pub(crate) folder: TempDir,
}

/// A configuration with any free port, without bots and without rate limits.
pub(crate) const BROKER_ALONE: &str =
    "listen = '127.0.0.1:0'\n[bots]\ncapacity = 0\n[limits]\nenabled = false\n";

impl Installation {
    pub(crate) fn new() -> Self {
        Self { folder: tempfile::tempdir().unwrap() }
    }

    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    /// `latchkey serve` as a token broker only.
    pub(crate) fn serve(&self) -> Command {
        self.serve_with(BROKER_ALONE)
    }

    /// `latchkey serve` with `configuration`.
    pub(crate) fn serve_with(&self, configuration: &str) -> Command {
        fs::write(self.path("latchkey.toml"), configuration).unwrap();
        latchkey(self.folder.path(), &["serve"])
    }

    /// Starts the server, reads its ready line, and stops it. Returns the API key, which only the first start shows.
    pub(crate) async fn starts(&self) -> Option<String> {
        let mut server = Running::start(self.serve(), &self.path("log"));
        let ready = server.ready().await;
        assert_eq!(ready["ready"], true);
        server.signal(Signal::TERM);
        assert!(server.ended().await.success());
        ready["api_key"].as_str().map(str::to_owned)
    }
}
