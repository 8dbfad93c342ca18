//! Chromium, Zoom's SDK, and the shared memory that pages need.

use std::{path::Path, process::Stdio};

use browser::{BrowserConfig, BrowserError, SDK_VERSION};
use tokio::process::Command;

use super::{
    ANSWERS_WITHIN, Examined,
    report::{Finding, Report},
};
use crate::server;

const NO_BOTS: &str = "bots.capacity is 0: a token broker alone";
const WHY: &str = "The server does not start, because it could send no bot.";
/// Less than this, in MiB: a page of the SDK that shows a picture crashes with Docker's 64.
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
    const FIX: &str = "Install the distribution's chromium, or set browser.chromium; a token broker needs none: \
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
        "Set browser.sandbox = true where this user may make user namespaces; elsewhere a container is the wall."
    } else {
        "Run the server as another user than root."
    };
    let why = "Code that breaks out of a meeting's page can do what the server's user can.";
    Finding::warning(CHECK, format!("{found}, without its sandbox"), why, fix)
}

fn sdk(config: &BrowserConfig) -> Finding {
    const CHECK: &str = "sdk";
    match config.check_sdk() {
        Ok(()) => Finding::ok(CHECK, format!("{SDK_VERSION} at {}", config.sdk_dir.display())),
        Err(error) => Finding::fault(
            CHECK,
            first_part(&error),
            "The server does not start: bots join with Zoom's SDK, at the one version whose behaviour is known.",
            format!(
                "Run `npm ci` in web/, which installs {SDK_VERSION}, or set browser.sdk_dir to its dist folder."
            ),
        ),
    }
}

/// What is wrong, without the advice behind it.
fn first_part(error: &BrowserError) -> String {
    let words = error.to_string();
    words.split_once(": ").map_or(words.clone(), |(found, _)| found.to_owned())
}

fn shared_memory(folder: &Path, wanted: u64) -> Finding {
    const CHECK: &str = "shared_memory";
    let Ok(memory) = rustix::fs::statvfs(folder) else {
        return Finding::skipped(CHECK, format!("{} is not there", folder.display()));
    };
    let mib = memory.f_blocks.saturating_mul(memory.f_frsize) / (1024 * 1024);
    if mib >= wanted {
        return Finding::ok(CHECK, format!("{} has {mib} MiB", folder.display()));
    }
    Finding::fault(
        CHECK,
        format!("{} has {mib} MiB, and bots need {wanted} or more", folder.display()),
        "Pages of bots crash when it is full, and their bots have to join again.",
        "Give the container more: --shm-size=1g, or shm_size: 1g in compose.yaml.",
    )
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::doctor::report::State;

    #[test]
    fn too_little_shared_memory_is_a_fault() {
        let folder = tempfile::tempdir().unwrap();
        assert_eq!(shared_memory(folder.path(), 0).state, State::Ok);
        assert_eq!(shared_memory(folder.path(), u64::MAX).state, State::Fault);
        assert_eq!(shared_memory(&folder.path().join("nowhere"), 0).state, State::Skipped);
    }
}
