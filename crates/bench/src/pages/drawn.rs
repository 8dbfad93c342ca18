//! Time until Chromium has drawn a page of the console, and the page's number of rows.

use anyhow::{Context as _, anyhow};
use browser::{Browser, PlainPage};
use serde_json::Value;
use stage::Server;

/// The second frame after the load shows the page.
const NOTE: &str = "addEventListener('load', () => requestAnimationFrame(() => requestAnimationFrame(() => {
    document.documentElement.dataset.drawn = performance.now();
})))";
const READ: &str =
    "[Number(document.documentElement.dataset.drawn), document.querySelectorAll('tbody tr').length]";

/// A page that is signed in to the console.
pub(super) struct Drawn<'a> {
    page: PlainPage,
    server: &'a Server,
}

impl<'a> Drawn<'a> {
    pub(super) async fn sign_in(browser: &Browser, server: &'a Server) -> anyhow::Result<Self> {
        let page = browser.open_plain("about:blank").await?;
        page.run_before_each_page(NOTE).await?;
        page.go(&format!("{}/sign-in", server.url)).await?;
        page.wait_for("#key").await?;
        let key = Value::from(server.api_key.expose());
        let _: Value = page.evaluate(&format!("document.querySelector('#key').value = {key}, true")).await?;
        page.click("form button").await?;
        page.wait_for("nav").await?;
        Ok(Self { page, server })
    }

    /// Milliseconds from the start of the navigation until the page is drawn, and the number of rows.
    pub(super) async fn look(&self, path: &str) -> anyhow::Result<(f64, u64)> {
        self.page.go(&format!("{}{path}", self.server.url)).await?;
        self.page.wait_for("[data-drawn]").await.with_context(|| format!("{path} is not drawn"))?;
        let read = self.page.evaluate(READ).await?;
        let of = |at: usize| read[at].as_f64().ok_or_else(|| anyhow!("{path} says {read}"));
        #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "a count")]
        Ok((of(0)?, of(1)? as u64))
    }
}
