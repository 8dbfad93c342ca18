//! Chromium, Zoom's SDK, and the shared memory that pages need.

use std::{path::Path, process::Stdio};

use browser::{BrowserConfig, BrowserError, SDK_VERSION};
use tokio::process::Command;

use super::{
    ANSWERS_WITHIN, Examined,
    report::{Finding, Report},
};
use crate::server;

const NO_BOTS: &str = "bots.capacity is 0: only a token broker";
const WHY: &str = "The server does not start, because it could not run bots.";
/// Required shared memory in MiB: with Docker's default of 64, an SDK page that shows a picture crashes.
const SHARED_MEMORY: u64 = 256;

pub(super) async fn examine(examined: &Examined, report: &mut Report) {
    if !examined.config.bots.capacity().runs_bots() {
        for check in ["chromium", "sdk", "shared_memory"] {
            report.add(Finding::skipped(check, NO_BOTS));
        }
        return;
    }
    let config = server::browser_config(&examined.config);
    report.add(chromium(examined, &config).await);
    report.add(sdk(&config));
    report.add(shared_memory(Path::new("/dev/shm"), SHARED_MEMORY));
}

async fn chromium(examined: &Examined, config: &BrowserConfig) -> Finding {
    const CHECK: &str = "chromium";
    const FIX: &str = "Install the distribution's chromium, or set browser.chromium; a token broker does not need it: \
                       bots.capacity = 0.";
    let path = match config.find_chromium() {
        Ok(path) => path,
        Err(error) => return Finding::fault(CHECK, first_part(&error), WHY, FIX),
    };
    let mut command = Command::new(&path);
    command.arg("--version").stdin(Stdio::null()).stderr(Stdio::null()).kill_on_drop(true);
    let asked = examined.env.clock.timeout(ANSWERS_WITHIN, command.output()).await;
    let version = match asked {
        Some(Ok(answer)) if answer.status.success() => {
            String::from_utf8_lossy(&answer.stdout).trim().to_owned()
        }
        Some(Err(error)) => {
            return Finding::fault(CHECK, format!("{} cannot be started: {error}", path.display()), WHY, FIX);
        }
        Some(Ok(_)) | None => {
            let found = format!("{} does not answer --version", path.display());
            return Finding::fault(CHECK, found, WHY, FIX);
        }
    };
    let found = format!("{version} at {}", path.display());
    if config.sandbox {
        return Finding::ok(CHECK, found);
    }
    let fix = if examined.config.browser.sandbox.is_some() {
        "Set browser.sandbox = true if this user may create user namespaces; otherwise isolate the server in a container."
    } else {
        "Run the server as a user other than root."
    };
    let why = "Code that escapes from a meeting's page can do everything that the server's user can.";
    Finding::warning(CHECK, format!("{found}, without its sandbox"), why, fix)
}

fn sdk(config: &BrowserConfig) -> Finding {
    const CHECK: &str = "sdk";
    match config.check_sdk() {
        Ok(()) => Finding::ok(CHECK, format!("{SDK_VERSION} at {}", config.sdk_dir.display())),
        Err(error) => Finding::fault(
            CHECK,
            first_part(&error),
            "The server does not start: bots join with Zoom's SDK, in the one version that Latchkey is tested with.",
            format!(
                "Run `npm ci` in web/, which installs {SDK_VERSION}, or set browser.sdk_dir to its dist folder."
            ),
        ),
    }
}

/// The message without the advice after it.
fn first_part(error: &BrowserError) -> String {
    let words = error.to_string();
    words.split_once(": ").map_or(words.clone(), |(found, _)| found.to_owned())
}

fn shared_memory(folder: &Path, wanted: u64) -> Finding {
    const CHECK: &str = "shared_memory";
    let Ok(memory) = rustix::fs::statvfs(folder) else {
        return Finding::skipped(CHECK, format!("{} does not exist", folder.display()));
    };
    let mib = memory.f_blocks.saturating_mul(memory.f_frsize) / (1024 * 1024);
    if mib >= wanted {
        return Finding::ok(CHECK, format!("{} has {mib} MiB", folder.display()));
    }
    Finding::fault(
        CHECK,
        format!("{} has {mib} MiB, but bots need {wanted} or more", folder.display()),
        "When it is full, pages of bots crash and the bots must join again.",
        "Give the container more: --shm-size=1g, or shm_size: 1g in compose.yaml.",
    )
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::doctor::report::State;

    #[test]
    fn insufficient_shared_memory_is_a_fault() {
        let folder = tempfile::tempdir().unwrap();
        assert_eq!(shared_memory(folder.path(), 0).state, State::Ok);
        assert_eq!(shared_memory(folder.path(), u64::MAX).state, State::Fault);
        assert_eq!(shared_memory(&folder.path().join("nowhere"), 0).state, State::Skipped);
    }
}
