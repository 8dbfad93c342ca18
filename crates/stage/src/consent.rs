//! A person's part: opening an invitation, and pressing Allow at Zoom.

use std::path::{Path, PathBuf};

use anyhow::Context as _;
use browser::{Browser, BrowserConfig, ZoomOverride};

/// A person's browser that finds the simulator where Zoom should be. Started as `latchkey serve` starts its own.
pub fn browser_config(
    chromium: &Path,
    sdk_dir: &Path,
    state_dir: PathBuf,
    zoom: ZoomOverride,
) -> BrowserConfig {
    BrowserConfig {
        chromium: chromium.to_owned(),
        sdk_dir: sdk_dir.to_owned(),
        state_dir,
        zoom_override: Some(zoom),
        sandbox: BrowserConfig::sandbox_works(),
    }
}

/// Follows an invitation through Zoom's consent and back. Keeps a picture of the consent, if wanted, and answers what the
/// last page says.
pub async fn allow(browser: &Browser, invitation: &str, picture: Option<&Path>) -> anyhow::Result<String> {
    let page = browser.open_plain(invitation).await?;
    let walked = async {
        page.wait_for("#allow").await.context("Zoom's consent page did not come")?;
        if let Some(path) = picture {
            std::fs::write(path, page.screenshot().await?)?;
        }
        page.click("#allow").await?;
        page.wait_for("#connected, #trouble").await.context("the browser did not come back from Zoom")?;
        Ok(page.text("h1").await?)
    };
    let said = walked.await;
    page.close().await;
    said
}
