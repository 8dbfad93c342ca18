//! Chromium's command line.

use std::{ffi::OsString, path::Path};

use crate::BrowserConfig;

/// What every browser gets.
const ALWAYS: &[&str] = &[
    "--headless=new",
    // Commands come over two inherited pipes: no port that another process of this machine could open and read
    // tokens from, and Chromium ends by itself when our end closes, even if we are killed.
    "--remote-debugging-pipe",
    // Nothing but what a bot needs.
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
    // WebGL, by software. Without it the SDK counts one picture as all it can draw, and its gallery has one column that no
    // window is high enough for. Chromium calls it unsafe for pages of strangers; here are ours, with Zoom's SDK.
    "--enable-unsafe-swiftshader",
    "--disable-sync",
    "--metrics-recording-only",
    "--mute-audio",
    "--no-default-browser-check",
    "--no-first-run",
    "--no-pings",
    "--password-store=basic",
    // A bot is never in front of anybody, and must not be slowed down for it.
    "--disable-background-timer-throttling",
    "--disable-backgrounding-occluded-windows",
    "--disable-renderer-backgrounding",
    "--autoplay-policy=no-user-gesture-required",
    // Larger than any page: each sets the size that it shows (`tab::Window`).
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
        // A proxy resolves names itself: it would lead past the rules above, to the real Zoom.
        flags.push("--no-proxy-server".into());
    }
    flags
}

/// The argument by which a running browser is told from all others.
pub(crate) fn user_data_dir(profile: &Path) -> OsString {
    let mut flag = OsString::from("--user-data-dir=");
    flag.push(profile);
    flag
}
