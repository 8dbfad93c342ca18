//! Warnings about settings that an operator may not have meant, logged once the server is ready.

use model::{Problem, Severity};

use crate::{config::Config, server::browser_config};

/// Logs it.
pub(crate) fn say(config: &Config, has_browser: bool) {
    if has_browser && !browser_config(config).sandbox {
        let why =
            if config.browser.sandbox.is_some() { "browser.sandbox is false" } else { "this runs as root" };
        tracing::warn!(
            why,
            "Chromium runs with --no-sandbox: code that breaks out of a meeting's page can do what this user can; run as \
             another user than root, and leave browser.sandbox unset"
        );
    }
    if config.screenshots_stay_here() {
        tracing::warn!(
            "bots' screenshots lie in this server's data_dir: another server on this database cannot show them, and they go with \
             this one's disk; set screenshots.folder to a folder that all servers mount, or screenshots.s3"
        );
    }
    if let Some(problem) = trust(config) {
        tracing::warn!(consequence = problem.consequence, "{}", problem.cause);
    }
}

/// For `/readyz` too, as long as it runs: that something else may stand in Zoom's place.
pub(crate) fn trust(config: &Config) -> Option<Problem> {
    let cause = match (&config.zoom.ca_file, config.zoom.meeting_address) {
        (None, None) => return None,
        (Some(file), None) => {
            format!("zoom.ca_file {} is trusted beside the usual authorities", file.display())
        }
        (None, Some(address)) => format!("bots join meetings at zoom.meeting_address {address}"),
        (Some(file), Some(address)) => format!(
            "zoom.ca_file {} is trusted beside the usual authorities, and bots join meetings at zoom.meeting_address {address}",
            file.display()
        ),
    };
    let consequence = "The holder of that authority's key, or the server there, can pass for Zoom. It is for the simulator: connect no real \
         account, or take these settings out.";
    Some(Problem { severity: Severity::Warning, cause, consequence: consequence.into() })
}
