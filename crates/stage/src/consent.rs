//! A person's actions: opening an invitation, and pressing Allow at Zoom.

use std::{
    path::{Path, PathBuf},
    time::Duration,
};

use anyhow::{Context as _, ensure};
use browser::{Browser, BrowserConfig, ZoomOverride};
use model::Secret;
use reqwest::{Certificate, Client, Response, Url, header, redirect::Policy};

use crate::Simulator;

/// Configuration of a person's browser that uses the simulator instead of Zoom. It is started as `latchkey serve` starts its
/// own.
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

/// Follows an invitation through Zoom's consent and back. Saves a picture of the consent page to `picture`, if given, and
/// returns the text of the last page.
pub async fn allow(browser: &Browser, invitation: &str, picture: Option<&Path>) -> anyhow::Result<String> {
    let page = browser.open_plain(invitation).await?;
    let walked = async {
        page.wait_for("#go").await.context("the invitation page did not load")?;
        page.click("#go").await?;
        page.wait_for("#allow").await.context("Zoom's consent page did not load")?;
        if let Some(path) = picture {
            std::fs::write(path, page.screenshot().await?)?;
        }
        page.click("#allow").await?;
        page.wait_for("#connected, #trouble").await.context("the browser did not return from Zoom")?;
        Ok(page.text("h1").await?)
    };
    let said = walked.await;
    page.close().await;
    said
}

/// The same without a browser and a picture: the user who is signed in at the simulator presses Allow. The account is
/// connected when this returns.
#[expect(clippy::disallowed_methods, reason = "a person, on loopback")]
pub async fn consent(simulator: &Simulator, invitation: &str) -> anyhow::Result<()> {
    let authority = Certificate::from_pem(&std::fs::read(&simulator.ready.ca_file)?)?;
    let person =
        Client::builder().no_proxy().redirect(Policy::none()).tls_certs_merge([authority]).build()?;
    let redirect = person.get(format!("{invitation}&go=zoom")).send().await.context("the invitation")?;
    let cookie = value(&redirect, &header::SET_COOKIE)?;
    let cookie = cookie.split(';').next().unwrap_or_default();
    let page = person.get(value(&redirect, &header::LOCATION)?).send().await?.text().await?;
    let pressed = press_allow(&person, simulator, &page).await?;
    let back = person.get(value(&pressed, &header::LOCATION)?).header(header::COOKIE, cookie);
    let page = back.send().await.context("the redirect back from Zoom")?;
    ensure!(page.status().is_success(), "connecting the account ended with {}", page.status());
    Ok(())
}

/// Creates a grant of the user who is signed in at the simulator for another program, and returns its refresh token.
#[expect(clippy::disallowed_methods, reason = "another program, on loopback")]
pub async fn refresh_token_of_another_program(
    simulator: &Simulator,
    (client_id, client_secret): (&str, &Secret),
    redirect_uri: &str,
) -> anyhow::Result<Secret> {
    let authority = Certificate::from_pem(&std::fs::read(&simulator.ready.ca_file)?)?;
    let program =
        Client::builder().no_proxy().redirect(Policy::none()).tls_certs_merge([authority]).build()?;
    let zoom = &simulator.ready.zoom_base;
    let mut page = Url::parse(&format!("{zoom}/oauth/authorize"))?;
    page.query_pairs_mut()
        .append_pair("response_type", "code")
        .append_pair("client_id", client_id)
        .append_pair("redirect_uri", redirect_uri);
    let page = program.get(page).send().await?.text().await?;
    let pressed = press_allow(&program, simulator, &page).await?;
    let back = Url::parse(value(&pressed, &header::LOCATION)?.as_str())?;
    let code =
        back.query_pairs().find(|(name, _)| name == "code").context("Zoom returned no code")?.1.into_owned();
    let form = [("grant_type", "authorization_code"), ("code", &*code), ("redirect_uri", redirect_uri)];
    let request = program.post(format!("{zoom}/oauth/token"));
    let request = request.basic_auth(client_id, Some(client_secret.expose())).form(&form);
    let grant: serde_json::Value = request.send().await?.json().await?;
    Ok(Secret::new(grant["refresh_token"].as_str().context("Zoom returned no refresh token")?))
}

/// Presses Allow on the consent page.
async fn press_allow(person: &Client, simulator: &Simulator, page: &str) -> anyhow::Result<Response> {
    let id = page.split_once("name=\"consent\" value=\"").and_then(|(_, rest)| rest.split_once('"'));
    let (id, _) = id.context("Zoom's consent page did not load")?;
    let zoom = format!("{}/oauth/authorize", simulator.ready.zoom_base);
    Ok(person.post(zoom).form(&[("consent", id), ("decision", "allow")]).send().await?)
}

fn value(answer: &Response, name: &header::HeaderName) -> anyhow::Result<String> {
    let value = answer.headers().get(name).with_context(|| format!("{} without {name}", answer.status()))?;
    Ok(value.to_str()?.to_owned())
}
