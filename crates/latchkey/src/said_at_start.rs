//! What somebody who runs a server should know of it, and may not have meant: said once, when it is ready.

use crate::config::Config;

/// Logs it.
pub(crate) fn say(config: &Config, has_browser: bool, is_sandboxed: bool) {
    if has_browser && !is_sandboxed {
        let why =
            if config.browser.sandbox.is_some() { "browser.sandbox is false" } else { "this runs as root" };
        tracing::warn!(
            why,
            "Chromium runs with --no-sandbox: code that breaks out of a meeting's page can do what this user can; run as \
             another user than root, and leave browser.sandbox unset"
        );
    }
    if let Some(file) = &config.zoom.ca_file {
        tracing::warn!(
            file = %file.display(),
            "zoom.ca_file is trusted beside the usual authorities: whoever has its key can pass for Zoom; it is for the \
             simulator, and not for real accounts"
        );
    }
    if let Some(address) = config.zoom.meeting_address {
        tracing::warn!(%address, "bots join meetings at zoom.meeting_address, and not at Zoom");
    }
}
