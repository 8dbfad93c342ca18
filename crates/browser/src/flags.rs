//! Chromium's command line.

use std::{ffi::OsString, path::Path};

use crate::BrowserConfig;

/// The arguments of every browser.
const ALWAYS: &[&str] = &[
    "--headless=new",
    // Commands use two inherited pipes. So there is no port to which another process could connect to read tokens, and
    // Chromium ends when our end of the pipes is closed, even if this process is killed.
    "--remote-debugging-pipe",
    // These disable features that a bot doesn't need.
    "--disable-background-networking",
    "--disable-breakpad",
    "--disable-client-side-phishing-detection",
    "--disable-component-extensions-with-background-pages",
    "--disable-component-update",
    "--disable-default-apps",
    "--disable-domain-reliability",
    "--disable-extensions",
    "--disable-features=DialMediaRouteProvider,MediaRouter,OptimizationHints,Translate",
    "--disable-gpu",
    // Software WebGL. Without it the SDK assumes that it can draw only one video, and its gallery has one column that is
    // too high for any window. Chromium calls it unsafe for untrusted pages; these pages are ours, with Zoom's SDK.
    "--enable-unsafe-swiftshader",
    "--disable-sync",
    "--metrics-recording-only",
    "--mute-audio",
    "--no-default-browser-check",
    "--no-first-run",
    "--no-pings",
    "--password-store=basic",
    // A bot's page is never in the foreground, and must not be throttled because of that.
    "--disable-background-timer-throttling",
    "--disable-backgrounding-occluded-windows",
    "--disable-renderer-backgrounding",
    "--autoplay-policy=no-user-gesture-required",
    // Larger than any page: each page sets its own size (`tab::Window`).
    "--window-size=1280,720",
];

/// The arguments for a browser with its profile in `profile`.
pub(crate) fn flags(config: &BrowserConfig, profile: &Path) -> Vec<OsString> {
    let mut flags: Vec<OsString> = ALWAYS.iter().map(OsString::from).collect();
    flags.push(user_data_dir(profile));
    if !config.sandbox {
        flags.push("--no-sandbox".into());
    }
    if let Some(zoom) = &config.zoom_override {
        let address = zoom.address;
        flags.push(format!("--ignore-certificate-errors-spki-list={}", zoom.spki).into());
        flags.push(
            format!(
                "--host-resolver-rules=MAP zoom.us {address}, MAP *.zoom.us {address}, MAP * ~NOTFOUND, \
                 EXCLUDE 127.0.0.1, EXCLUDE localhost"
            )
            .into(),
        );
        // A proxy resolves names itself, so it would bypass the rules above and connect to the real Zoom.
        flags.push("--no-proxy-server".into());
    }
    flags
}

/// The argument that identifies a running browser.
pub(crate) fn user_data_dir(profile: &Path) -> OsString {
    let mut flag = OsString::from("--user-data-dir=");
    flag.push(profile);
    flag
}
