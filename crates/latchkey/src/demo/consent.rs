//! A person's part: opening the invitation, and pressing Allow at Zoom.

use std::path::Path;

use anyhow::Context as _;
use browser::Browser;

/// Follows the invitation through Zoom's consent and back, in a real browser. Answers what the last page says.
pub(super) async fn allow(browser: &Browser, invitation: &str, picture: &Path) -> anyhow::Result<String> {
    let page = browser.open_plain(invitation).await?;
    let walked = async {
        page.wait_for("#allow").await.context("Zoom's consent page did not come")?;
        std::fs::write(picture, page.screenshot().await?)?;
        page.click("#allow").await?;
        page.wait_for("#connected, #trouble").await.context("the browser did not come back from Zoom")?;
        Ok(page.text("h1").await?)
    };
    let said = walked.await;
    page.close().await;
    said
}
