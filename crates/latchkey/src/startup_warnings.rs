//! Warnings about settings that may be unintended, logged when the server is ready.

use model::{Problem, Severity};

use crate::{config::Config, server::browser_config};

/// Logs the warnings.
pub(crate) fn say(config: &Config, has_browser: bool) {
    if has_browser && !browser_config(config).sandbox {
        let why =
            if config.browser.sandbox.is_some() { "browser.sandbox is false" } else { "this runs as root" };
        tracing::warn!(
            why,
            "Chromium runs with --no-sandbox: code that escapes from a meeting's page can do everything that this user can; \
             run as another user than root, and leave browser.sandbox unset"
        );
    }
    if config.screenshots_stay_here() {
        tracing::warn!(
            "bots' screenshots are in this server's data_dir: another server on this database cannot show them, and they \
             are lost with this one's disk; set screenshots.folder to a folder that all servers mount, or screenshots.s3"
        );
    }
    if let Some(problem) = trust(config) {
        tracing::warn!(consequence = problem.consequence, "{}", problem.cause);
    }
}

/// A warning that something else may replace Zoom. `/readyz` shows it too while the server runs.
pub(crate) fn trust(config: &Config) -> Option<Problem> {
    let cause = match (&config.zoom.ca_file, config.zoom.meeting_address) {
        (None, None) => return None,
        (Some(file), None) => {
            format!("zoom.ca_file {} is trusted in addition to the usual authorities", file.display())
        }
        (None, Some(address)) => format!("bots join meetings at zoom.meeting_address {address}"),
        (Some(file), Some(address)) => format!(
            "zoom.ca_file {} is trusted in addition to the usual authorities, and bots join meetings at \
             zoom.meeting_address {address}",
            file.display()
        ),
    };
    let consequence = "The holder of that authority's key, or the server at that address, can impersonate Zoom. \
         It is for the simulator: connect no real account, or remove these settings.";
    Some(Problem { severity: Severity::Warning, cause, consequence: consequence.into() })
}
