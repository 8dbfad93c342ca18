//! Tests that an error at the start is reported in one line that says what to do.

#![expect(clippy::unwrap_used, reason = "a test stops at the first surprise")]

mod support;

use std::{fs, path::Path};

use browser::{Browser, BrowserConfig, BrowserError};
use model::Environment;
use support::config;

async fn refusal(config: BrowserConfig) -> BrowserError {
    Browser::launch(config, Environment::system()).await.unwrap_err()
}

#[tokio::test]
async fn no_chromium() {
    let state = tempfile::tempdir().unwrap();
    for missing in ["/nowhere/chromium", "no-such-chromium"] {
        let error = refusal(BrowserConfig { chromium: missing.into(), ..config(state.path()) }).await;
        let advice = "install Debian's `chromium` package, or set browser.chromium";
        assert_eq!(error.to_string(), format!("no Chromium at {missing}: {advice}"));
    }
}

#[tokio::test]
async fn no_sdk_or_another_version() {
    let state = tempfile::tempdir().unwrap();
    let package = tempfile::tempdir().unwrap();
    let sdk_dir = package.path().join("dist");
    let config = || BrowserConfig { sdk_dir: sdk_dir.clone(), ..config(state.path()) };
    let error = refusal(config()).await.to_string();
    assert_eq!(
        error,
        format!("no Zoom Meeting SDK at {}: run `npm ci` in web/, or set browser.sdk_dir", sdk_dir.display())
    );

    fs::create_dir(&sdk_dir).unwrap();
    fs::write(package.path().join("package.json"), r#"{ "version": "6.3.0" }"#).unwrap();
    let error = refusal(config()).await.to_string();
    assert!(error.starts_with("Zoom Meeting SDK 6.3.0 at "), "{error}");
    assert!(error.ends_with("but Latchkey supports 6.2.0: run `npm ci` in web/"), "{error}");
}

#[tokio::test]
async fn the_output_of_a_program_that_ends_is_in_the_error() {
    let state = tempfile::tempdir().unwrap();
    let program = state.path().join("chromium");
    fs::write(&program, "#!/bin/sh\necho cannot open display >&2\nexit 1\n").unwrap();
    fs::set_permissions(&program, std::os::unix::fs::PermissionsExt::from_mode(0o755)).unwrap();
    let error = refusal(BrowserConfig { chromium: program, ..config(&state.path().join("state")) }).await;
    assert_eq!(error.to_string(), "Chromium did not start: cannot open display");
}

#[tokio::test]
async fn a_state_dir_that_is_a_file() {
    let error = refusal(config(Path::new("/dev/null"))).await;
    assert!(matches!(error, BrowserError::StateDir { .. }), "{error}");
    assert!(error.to_string().ends_with("make it writable, or set browser.state_dir"), "{error}");
}
