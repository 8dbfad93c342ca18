//! A person's part: opening an invitation, and pressing Allow at Zoom.

use std::{
    path::{Path, PathBuf},
    time::Duration,
};

use anyhow::{Context as _, ensure};
use browser::{Browser, BrowserConfig, ZoomOverride};
use reqwest::{Certificate, Client, Response, header, redirect::Policy};

use crate::Simulator;

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
        answer_within: Duration::from_secs(60),
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

/// The same without a browser, where no picture of it is needed: the user who is signed in at the simulator presses Allow. The
/// account is connected when this returns.
#[expect(clippy::disallowed_methods, reason = "a person, on loopback")]
pub async fn consent(simulator: &Simulator, invitation: &str) -> anyhow::Result<()> {
    let authority = Certificate::from_pem(&std::fs::read(&simulator.ready.ca_file)?)?;
    let person =
        Client::builder().no_proxy().redirect(Policy::none()).tls_certs_merge([authority]).build()?;
    let departure = person.get(invitation).send().await.context("the invitation")?;
    let cookie = value(&departure, &header::SET_COOKIE)?;
    let cookie = cookie.split(';').next().unwrap_or_default();
    let page = person.get(value(&departure, &header::LOCATION)?).send().await?.text().await?;
    let id = page.split_once("name=\"consent\" value=\"").and_then(|(_, rest)| rest.split_once('"'));
    let (id, _) = id.context("Zoom's consent page did not come")?;
    let zoom = format!("{}/oauth/authorize", simulator.ready.zoom_base);
    let pressed = person.post(zoom).form(&[("consent", id), ("decision", "allow")]).send().await?;
    let back = person.get(value(&pressed, &header::LOCATION)?).header(header::COOKIE, cookie);
    let page = back.send().await.context("the way back from Zoom")?;
    ensure!(page.status().is_success(), "connecting the account ended with {}", page.status());
    Ok(())
}

fn value(answer: &Response, name: &header::HeaderName) -> anyhow::Result<String> {
    let value = answer.headers().get(name).with_context(|| format!("{} without {name}", answer.status()))?;
    Ok(value.to_str()?.to_owned())
}
