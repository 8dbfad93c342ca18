//! Checks whether Zoom answers, and compares its clock.

use std::time::Duration;

use model::CLOCK_TOLERANCE;
use reqwest::Method;
use url::Url;
use zoom::{Endpoints, ZoomClient};

use super::{
    ANSWERS_WITHIN, Examined,
    report::{Finding, Report},
    without_url,
};
use crate::startup_warnings;

const CHECK: &str = "zoom";

/// Returns a client for the configured Zoom, if it answers.
pub(super) async fn examine(examined: &Examined, report: &mut Report) -> Option<ZoomClient> {
    const WHY: &str = "No account can be connected or refreshed, and no token issued.";
    let section = &examined.config.zoom;
    let endpoints = Endpoints {
        oauth_base: section.oauth_base.clone(),
        api_base: section.api_base.clone(),
        ca_file: section.ca_file.clone(),
    };
    let client = match ZoomClient::new(endpoints, examined.env.clone()) {
        Ok(client) => client,
        Err(error) => {
            report.add(Finding::fault(CHECK, error.to_string(), WHY, "Correct zoom.ca_file, or remove it."));
            return None;
        }
    };
    let mut answers = true;
    for (key, base) in [("zoom.oauth_base", &section.oauth_base), ("zoom.api_base", &section.api_base)] {
        if let Err(error) = reach(examined, base).await {
            answers = false;
            report.add(Finding::fault(
                CHECK,
                format!("{base} does not answer ({error})"),
                WHY,
                format!(
                    "Let this machine reach it through its firewall and proxy, or correct {key}. A certificate that is not \
                     trusted is a company proxy's or the simulator's: set zoom.ca_file to its authority."
                ),
            ));
        }
    }
    if !answers {
        report.add(Finding::skipped("clock", "Zoom does not answer"));
        return None;
    }
    let hosts = [&section.oauth_base, &section.api_base].map(|base| base.authority().to_owned());
    report.add(match startup_warnings::trust(&examined.config) {
        None => Finding::ok(CHECK, format!("{} and {} answer", hosts[0], hosts[1])),
        Some(problem) => Finding::warning(
            CHECK,
            problem.cause,
            "The holder of that authority's key, or the server at that address, can impersonate Zoom.",
            "It is for the simulator: connect no real account, or remove these settings.",
        ),
    });
    clock(&client, report).await;
    Some(client)
}

/// Any answer means that the address is reachable.
async fn reach(examined: &Examined, base: &Url) -> Result<(), String> {
    let mut http = reqwest_builder().redirect(reqwest::redirect::Policy::none()).timeout(ANSWERS_WITHIN);
    if let Some(path) = &examined.config.zoom.ca_file {
        let pem = std::fs::read(path).map_err(|error| error.to_string())?;
        let roots = reqwest::Certificate::from_pem_bundle(&pem).map_err(without_url)?;
        http = http.tls_certs_merge(roots);
    }
    let http = http.build().map_err(without_url)?;
    http.request(Method::HEAD, base.clone()).send().await.map(drop).map_err(without_url)
}

#[expect(
    clippy::disallowed_methods,
    reason = "only whether there is an answer counts; nothing secret is sent"
)]
fn reqwest_builder() -> reqwest::ClientBuilder {
    reqwest::Client::builder()
}

async fn clock(client: &ZoomClient, report: &mut Report) {
    const CHECK: &str = "clock";
    client.ask_for_the_time(Duration::ZERO).await;
    let Some(seconds) = client.clock().ahead_of_zoom() else {
        report.add(Finding::skipped(CHECK, "Zoom's answer has no Date header"));
        return;
    };
    let off = format!("{} s {}", seconds.abs(), if seconds < 0 { "behind" } else { "ahead of" });
    report.add(if client.clock().is_apart() {
        Finding::fault(
            CHECK,
            format!("this machine's clock is {off} Zoom's; {} s are tolerated", CLOCK_TOLERANCE.as_secs()),
            "Zoom refuses signatures, and webhooks are taken for old ones; Latchkey corrects only part of this.",
            "Set the clock and keep it set: timedatectl set-ntp true, or chrony.",
        )
    } else {
        Finding::ok(CHECK, format!("within {} s of Zoom's", seconds.abs() + 1))
    });
}
