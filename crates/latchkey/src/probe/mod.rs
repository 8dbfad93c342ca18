//! `latchkey probe`: checks whether Zoom behaves as our simulator assumes. It makes harmless calls in a fixed order, with an
//! app of your own and a dedicated account, whose grant is created for this and revoked at the end. The report contains no
//! secrets, so that it can be sent to us.

mod behaviours;
mod not_tried;
mod report;
mod steps;
mod wire;

use std::{fs, path::PathBuf};

use anyhow::{Context as _, bail};
use model::{Environment, Secret};
use tokio::io::{AsyncBufReadExt as _, BufReader, Stdin, stdin};
use url::Url;

use self::{
    report::{Report, Verdict},
    wire::Zoom,
};
use crate::{config::Config, output::ProblemsFound};

#[derive(clap::Args)]
pub(crate) struct Arguments {
    /// The configuration file, which has Zoom's addresses. Default: `latchkey.toml`, if it exists.
    #[arg(long, env = "LATCHKEY_CONFIG", value_name = "FILE")]
    config: Option<PathBuf>,
    /// Zoom's client id of an app of yours: user-managed, with the scopes user:read:user, user:read:zak and user:read:token.
    #[arg(long, value_name = "ID", allow_hyphen_values = true)]
    client_id: String,
    /// A file with its client secret.
    #[arg(long, value_name = "FILE")]
    client_secret_file: PathBuf,
    /// A redirect URL of the app. Nothing needs to answer there: you paste the final address of the browser.
    #[arg(long, value_name = "URL")]
    redirect_url: Url,
    /// File for the report. Default: standard output.
    #[arg(long, value_name = "FILE")]
    out: Option<PathBuf>,
}

pub(crate) async fn run(arguments: Arguments) -> anyhow::Result<()> {
    let config = Config::read(arguments.config.as_deref())?;
    let env = Environment::system();
    let path = &arguments.client_secret_file;
    let text = fs::read_to_string(path).with_context(|| format!("cannot read {}", path.display()))?;
    let secret = model::pasted(&text).with_context(|| format!("{} contains no secret", path.display()))?;
    let section = &config.zoom;
    let zoom = Zoom::new(
        section.oauth_base.clone(),
        section.api_base.clone(),
        section.ca_file.as_deref(),
        arguments.client_id.clone(),
        Secret::new(secret),
    )?;
    let mut report = Report::default();
    report.hide(secret);
    report.hide(&arguments.client_id);

    steps::before_consent(&zoom, &arguments.redirect_url, &mut report).await?;
    let state = env.entropy.token();
    report.hide(&state);
    let mut browser = BufReader::new(stdin());
    // One code is used up to test a wrong redirect URL.
    eprintln!("\nThe first of two consents.");
    let code = consent(&zoom, &arguments.redirect_url, &state, &mut browser, &mut report).await?;
    steps::mismatch(&zoom, &code, &arguments.redirect_url, &mut report).await?;
    eprintln!("\nThe second and last consent.");
    let code = consent(&zoom, &arguments.redirect_url, &state, &mut browser, &mut report).await?;
    steps::with_grant(&zoom, &code, &arguments.redirect_url, &mut report).await?;

    let json = format!("{:#}\n", report.json(section.oauth_base.as_str(), env.now()));
    match &arguments.out {
        Some(path) => fs::write(path, json).with_context(|| format!("cannot write {}", path.display()))?,
        None => print!("{json}"),
    }
    let [confirmed, refuted, unclear] =
        [Verdict::Confirmed, Verdict::Refuted, Verdict::Unclear].map(|verdict| report.count(verdict));
    eprintln!("{confirmed} confirmed, {refuted} refuted, {unclear} unclear; the grant is revoked");
    if refuted > 0 {
        return Err(ProblemsFound(format!(
            "Zoom differs from the simulator in {refuted} behaviours: send us the report"
        ))
        .into());
    }
    Ok(())
}

/// Lets a person consent in a browser, and returns the code.
async fn consent(
    zoom: &Zoom,
    redirect: &Url,
    state: &str,
    browser: &mut BufReader<Stdin>,
    report: &mut Report,
) -> anyhow::Result<Secret> {
    let page = steps::consent_url(zoom, redirect.as_str(), &zoom.client_id, state);
    eprintln!(
        "Sign in to Zoom as an account that nothing else uses, open this address, and press Allow:\n{page}\n\
         Then paste the final address of the browser, even if nothing answers there:"
    );
    let mut line = String::new();
    browser.read_line(&mut line).await?;
    let end = Url::parse(line.trim())
        .context("this is not an address: paste the whole line of the browser's address bar")?;
    let value =
        |name: &str| end.query_pairs().find(|(key, _)| key == name).map(|(_, value)| value.into_owned());
    if let Some(error) = value("error") {
        bail!("Zoom answered {error}: consent, and run this again");
    }
    let code = value("code")
        .context("there is no code in this address: press Allow, and paste the address after that")?;
    report.hide(&code);
    steps::state(value("state").as_deref(), state, report);
    Ok(Secret::new(code))
}
