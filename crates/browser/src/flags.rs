//! Chromium's command line.

use std::{ffi::OsString, path::Path};

use crate::BrowserConfig;

/// The arguments of every browser.
const ALWAYS: &[&str] = &[
    "--headless=new",
    // Commands use two inherited pipes. There is no port that another process could open to read tokens, and
    // Chromium ends when our end closes, even if we are killed.
    "--remote-debugging-pipe",
    // Switches off what a bot doesn't need.
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
    // WebGL in software. Without it the SDK assumes that it can draw one video, and its gallery has one
    // column that no window is high enough for. Chromium calls it unsafe for foreign pages; these are ours,
    // with Zoom's SDK.
    "--enable-unsafe-swiftshader",
    "--disable-sync",
    "--metrics-recording-only",
    "--mute-audio",
    "--no-default-browser-check",
    "--no-first-run",
    "--no-pings",
    "--password-store=basic",
    // A bot is never in the foreground and must not be throttled for it.
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
        // A proxy resolves names itself: it would bypass the rules above and reach the real Zoom.
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
