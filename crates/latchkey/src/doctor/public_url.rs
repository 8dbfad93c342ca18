//! Checks access from outside: public_url, its certificate, and how a proxy in between changes requests.

use std::{net::IpAddr, time::Duration};

use ipnet::IpNet;
use reqwest::StatusCode;
use serde_json::Value;
use url::{Host, Url};

use super::{
    ANSWERS_WITHIN, Examined,
    report::{Finding, Report},
    tls::{TlsError, handshake},
    without_url,
};
use crate::config::networks;

const PUBLIC_URL: &str = "public_url";
const CERTIFICATE: &str = "certificate";
const PROXY: &str = "proxy";
/// A certificate that expires sooner should have been renewed.
const RENEWED_BEFORE: Duration = Duration::from_secs(14 * 24 * 3600);
const WHY: &str = "Zoom's consents and webhooks, and requests of bot platforms, arrive at this address.";

/// Returns whether this installation's server runs.
pub(super) async fn examine(examined: &Examined, report: &mut Report) -> bool {
    let is_running = server(examined, report).await;
    let Some(url) = &examined.config.public_url else {
        report.add(Finding::warning(
            PUBLIC_URL,
            format!("it is not set: Zoom, browsers and bot platforms are given {}", examined.public_base),
            "Only programs and browsers on this machine can reach it.",
            "Set public_url to the https address of the proxy in front.",
        ));
        return is_running;
    };
    let is_local = is_loopback(url);
    match url.scheme() {
        "https" => {
            if !certificate(examined, url, report).await {
                return is_running;
            }
        }
        _ if is_local => report.add(Finding::skipped(CERTIFICATE, "public_url is this machine, without TLS")),
        _ => {
            report.add(Finding::fault(
                PUBLIC_URL,
                format!("{url} is not https"),
                "Zoom accepts only https redirect URLs, and tokens would cross the network in the clear.",
                "Put a TLS proxy in front (docs/guides/run-it.md), and set public_url to its https address.",
            ));
            return is_running;
        }
    }
    if reached(examined, url, is_running, report).await {
        proxy(examined, url, report).await;
    }
    is_running
}

/// Checks the server at its listen address.
async fn server(examined: &Examined, report: &mut Report) -> bool {
    const CHECK: &str = "server";
    let mut listen = examined.config.listen;
    if listen.ip().is_unspecified() {
        listen.set_ip(if listen.is_ipv4() {
            [127, 0, 0, 1].into()
        } else {
            IpAddr::from([0, 0, 0, 0, 0, 0, 0, 1])
        });
    }
    let answer = examined.http.get(format!("http://{listen}/readyz")).send().await;
    let Ok(answer) = answer else {
        let found = format!("nothing answers at {listen}: start the server, then run this again");
        report.add(Finding::skipped(CHECK, found));
        return false;
    };
    let answer: Value = answer.json().await.unwrap_or_default();
    let Some(version) = answer["version"].as_str() else {
        report.add(Finding::fault(
            CHECK,
            format!("something other than Latchkey answers at {listen}"),
            "The server cannot listen there.",
            "Stop the program that runs there, or set `listen`.",
        ));
        return false;
    };
    let wrong = answer["findings"].as_array().into_iter().flatten().filter(|finding| finding["ok"] == false);
    for finding in wrong {
        let word = |field: &str| finding[field].as_str().unwrap_or_default().to_owned();
        let about = word("name");
        // `zoom` reports this too, from the configuration.
        if about != "zoom_authority" {
            let why = "The running server reports this in /readyz.";
            report.add(Finding::warning(CHECK, word("cause"), why, word("consequence")).about(about));
        }
    }
    report.add(Finding::ok(CHECK, format!("version {version} runs at {listen}")));
    true
}

/// Checks whether the certificate is valid, and for how long.
async fn certificate(examined: &Examined, url: &Url, report: &mut Report) -> bool {
    let shake = async |ahead| {
        let shaken = examined.env.clock.timeout(ANSWERS_WITHIN, handshake(url, ahead, &examined.env)).await;
        shaken.unwrap_or_else(|| Err(TlsError::Other("no answer within 10 s".into())))
    };
    match shake(Duration::ZERO).await {
        Err(TlsError::NoConnection(error)) => {
            let fix =
                "Start the proxy, open its port in the firewall, and make sure that the name resolves to it.";
            report.add(Finding::fault(PUBLIC_URL, format!("{url} cannot be reached: {error}"), WHY, fix));
            false
        }
        Err(trouble) => {
            let fix = match trouble {
                TlsError::Expired => "Renew it, and find out why the proxy did not.",
                TlsError::UnknownIssuer => {
                    "Use a certificate of a public authority, with its intermediate certificates: Zoom and bot platforms \
                     trust no others."
                }
                _ => "Give the proxy a certificate for the host of public_url.",
            };
            report.add(Finding::fault(CERTIFICATE, format!("{url}: {trouble}"), WHY, fix));
            false
        }
        Ok(()) if shake(RENEWED_BEFORE).await.is_err() => {
            let days = RENEWED_BEFORE.as_secs() / (24 * 3600);
            report.add(Finding::warning(
                CERTIFICATE,
                format!("the certificate of {url} expires within {days} days"),
                WHY,
                "Renew it, and find out why the proxy has not done so yet.",
            ));
            true
        }
        Ok(()) => {
            report.add(Finding::ok(CERTIFICATE, format!("{} has a valid certificate", url.authority())));
            true
        }
    }
}

/// Checks whether Latchkey answers at public_url.
async fn reached(examined: &Examined, url: &Url, is_running: bool, report: &mut Report) -> bool {
    let fault = |found: String, fix: &str| Finding::fault(PUBLIC_URL, found, WHY, fix);
    let answer = match examined.http.get(below(url, "readyz")).send().await {
        Ok(answer) => answer,
        Err(error) => {
            let fix =
                "Start the proxy, open its port in the firewall, and make sure that the name resolves to it.";
            report.add(fault(format!("{url} does not answer: {}", without_url(error)), fix));
            return false;
        }
    };
    let status = answer.status();
    let body: Value = answer.json().await.unwrap_or_default();
    if body["version"].as_str().is_some() {
        report.add(Finding::ok(PUBLIC_URL, format!("{url} reaches Latchkey")));
        return true;
    }
    if !is_running {
        let found = format!("{url} answers {status}, but the server does not run, so this is inconclusive");
        report.add(Finding::skipped(PUBLIC_URL, found));
        return false;
    }
    let fix = format!(
        "Let the proxy pass everything below {url} to {} with an unchanged path, and answer nothing itself.",
        examined.config.listen
    );
    report.add(fault(format!("{url}readyz is answered by something other than Latchkey ({status})"), &fix));
    false
}

/// Checks whether requests arrive unchanged, and whether the proxy is configured as one.
async fn proxy(examined: &Examined, url: &Url, report: &mut Report) {
    const WRONG_KEY: &str = "Token lk_doctor_asks_whether_this_arrives";
    let request = examined.http.get(below(url, "api/v1/bot/")).header("authorization", WRONG_KEY);
    let answer = match request.send().await {
        Ok(answer) => (answer.status(), answer.json::<Value>().await.unwrap_or_default()),
        Err(error) => {
            let fix = "See the proxy's log.";
            report.add(Finding::fault(
                PROXY,
                format!("no answer from the API: {}", without_url(error)),
                WHY,
                fix,
            ));
            return;
        }
    };
    // The API's answer to a wrong key and to a missing one.
    if answer.0 == StatusCode::UNAUTHORIZED && answer.1["code"] == "not_authenticated" {
        report.add(Finding::fault(
            PROXY,
            "the Authorization header does not arrive",
            "Every call of the API and every token link with a bearer token is refused.",
            "Let the proxy pass Authorization on, and not require a password of its own.",
        ));
        return;
    }
    let proxies = networks("connections.proxies", &examined.config.connections.proxies).unwrap_or_default();
    let listen = examined.config.listen.ip();
    let is_known = proxies.iter().any(|network: &IpNet| network.contains(&listen));
    report.add(if listen.is_loopback() && !is_known {
        Finding::fault(
            PROXY,
            format!("{listen} is not in connections.proxies, but requests of a proxy on this machine come from there"),
            "All callers count as one address, so connections.most_of_an_address refuses most of them.",
            format!("Add \"{listen}\" to connections.proxies."),
        )
    } else {
        Finding::ok(PROXY, "headers arrive")
    });
}

fn below(base: &Url, path: &str) -> Url {
    let mut url = base.clone();
    url.set_path(&format!("{}/{path}", base.path().trim_end_matches('/')));
    url
}

fn is_loopback(url: &Url) -> bool {
    match url.host() {
        Some(Host::Ipv4(address)) => address.is_loopback(),
        Some(Host::Ipv6(address)) => address.is_loopback(),
        Some(Host::Domain(name)) => name == "localhost" || name.ends_with(".localhost"),
        None => false,
    }
}
