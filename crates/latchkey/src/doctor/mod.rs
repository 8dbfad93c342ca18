//! `latchkey doctor`: checks everything that an installation needs, and reports for each check what it found, why that
//! matters and how to fix it. It changes nothing; the server may run meanwhile.

mod browser;
mod installation;
mod machine;
mod mail;
mod public_url;
mod report;
mod tenants;
mod tls;
mod zoom;

use std::{path::PathBuf, time::Duration};

use model::Environment;
use url::Url;

use self::report::{Finding, Report, State};
use crate::{
    config::{Config, networks},
    output::{Output, ProblemsFound},
};

/// Timeout of calls to other servers.
const ANSWERS_WITHIN: Duration = Duration::from_secs(10);

#[derive(clap::Args)]
pub(crate) struct Arguments {
    /// The configuration file. Default: `latchkey.toml`, if it exists.
    #[arg(long, env = "LATCHKEY_CONFIG", value_name = "FILE")]
    config: Option<PathBuf>,
    /// Check only this machine and the database: do not call Zoom, public_url or webhook endpoints.
    #[arg(long)]
    offline: bool,
    /// Required free space in data_dir, in MiB.
    #[arg(long, value_name = "MIB", default_value_t = 1024)]
    least_free_space: u64,
    #[command(flatten)]
    output: Output,
}

/// The installation that is examined.
struct Examined {
    config: Config,
    env: Environment,
    /// The URL at which others reach the server.
    public_base: Url,
    /// HTTP client for calls to our own server.
    http: reqwest::Client,
}

pub(crate) async fn run(arguments: Arguments) -> anyhow::Result<()> {
    let mut report = Report::default();
    match Config::read(arguments.config.as_deref()).and_then(checked) {
        Err(error) => report.add(Finding::fault(
            "configuration",
            model::chain(error.as_ref()).to_string(),
            "The server does not start with it. Nothing else was checked.",
            "Correct it; docs/latchkey.sample.toml has every key with its default.",
        )),
        Ok(config) => examine(&arguments, config, &mut report).await?,
    }
    report.print(arguments.output.json);
    match report.count(State::Fault) {
        0 => Ok(()),
        1 => Err(ProblemsFound("1 fault".into()).into()),
        faults => Err(ProblemsFound(format!("{faults} faults")).into()),
    }
}

/// Checks that a start makes in addition to reading the configuration.
fn checked(config: Config) -> anyhow::Result<Config> {
    config.connections.bounds(usize::MAX)?;
    config.metrics.token()?;
    networks("callbacks.allow_networks", &config.callbacks.allow_networks)?;
    config.mail.mailer(&Url::parse("http://localhost")?, &Environment::system())?;
    Ok(config)
}

async fn examine(arguments: &Arguments, config: Config, report: &mut Report) -> anyhow::Result<()> {
    let usual = Url::parse(&format!("http://{}", config.listen))?;
    #[expect(clippy::disallowed_methods, reason = "an operator calls their own server")]
    let http = reqwest::Client::builder()
        .redirect(reqwest::redirect::Policy::none())
        .timeout(ANSWERS_WITHIN)
        .build()?;
    let public_base = config.public_url.clone().unwrap_or(usual);
    let examined = Examined { config, env: Environment::system(), public_base, http };

    machine::configuration(&examined, arguments.config.as_deref(), report);
    machine::data_dir(&examined, report);
    machine::screenshots(&examined, report);
    machine::disk(&examined, arguments.least_free_space, report);
    machine::descriptors(&examined, report);
    browser::examine(&examined, report).await;
    let installation = installation::open(&examined, report).await;
    if arguments.offline {
        for check in ["zoom", "clock", "server", "public_url", "mail", "app", "webhook_endpoint"] {
            report.add(Finding::skipped(check, "--offline"));
        }
    }
    let mut zoom = None;
    let mut is_running = false;
    if !arguments.offline {
        zoom = zoom::examine(&examined, report).await;
        is_running = public_url::examine(&examined, report).await;
        Box::pin(mail::examine(&examined, report)).await;
    }
    if let Some(installation) = installation {
        let outside = (!arguments.offline).then_some(tenants::Outside { zoom: zoom.as_ref(), is_running });
        tenants::examine(&examined, &installation, outside, report).await;
        installation.database.close().await;
    }
    Ok(())
}

/// An error with its causes, but without its URL: the query may contain a secret.
fn without_url(error: reqwest::Error) -> String {
    model::chain(&error.without_url()).to_string()
}
