//! The way from outside: public_url, its certificate, and what a proxy in between does to requests.

use std::{net::IpAddr, time::Duration};

use ipnet::IpNet;
use reqwest::StatusCode;
use serde_json::Value;
use url::{Host, Url};

use super::{
    ANSWERS_WITHIN, Examined,
    report::{Finding, Report},
    tls::{TlsTrouble, handshake},
    without_url,
};
use crate::config::networks;

const PUBLIC_URL: &str = "public_url";
const CERTIFICATE: &str = "certificate";
const PROXY: &str = "proxy";
/// A certificate that ends sooner should have been renewed.
const RENEWED_BEFORE: Duration = Duration::from_secs(14 * 24 * 3600);
const WHY: &str =
    "Zoom's consents and webhooks, and the requests of bot platforms, come through this address.";

/// Answers whether this installation's server runs.
pub(super) async fn examine(examined: &Examined, report: &mut Report) -> bool {
    let is_running = server(examined, report).await;
    let Some(url) = &examined.config.public_url else {
        report.add(Finding::warning(
            PUBLIC_URL,
            format!("it is not set: {} is told to Zoom, browsers and bot platforms", examined.public_base),
            "Only programs and browsers on this machine reach it.",
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

/// The server, asked where it listens.
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
        let found = format!("nothing answers at {listen}: start it, then run this again");
        report.add(Finding::skipped(CHECK, found));
        return false;
    };
    let answer: Value = answer.json().await.unwrap_or_default();
    let Some(version) = answer["version"].as_str() else {
        report.add(Finding::fault(
            CHECK,
            format!("something else than Latchkey answers at {listen}"),
            "The server cannot listen there.",
            "Stop what runs there, or set `listen`.",
        ));
        return false;
    };
    let wrong = answer["findings"].as_array().into_iter().flatten().filter(|finding| finding["ok"] == false);
    for finding in wrong {
        let word = |field: &str| finding[field].as_str().unwrap_or_default().to_owned();
        let about = word("name");
        // `zoom` says it too, from the configuration.
        if about != "zoom_authority" {
            let why = "The running server says so in /readyz.";
            report.add(Finding::warning(CHECK, word("cause"), why, word("consequence")).about(about));
        }
    }
    report.add(Finding::ok(CHECK, format!("version {version} runs at {listen}")));
    true
}

/// Whether it holds, and for how long.
async fn certificate(examined: &Examined, url: &Url, report: &mut Report) -> bool {
    let shake = async |ahead| {
        let shaken = examined.env.clock.timeout(ANSWERS_WITHIN, handshake(url, ahead, &examined.env)).await;
        shaken.unwrap_or_else(|| Err(TlsTrouble::Other("no answer within 10 s".into())))
    };
    match shake(Duration::ZERO).await {
        Err(TlsTrouble::NoConnection(error)) => {
            let fix = "Start the proxy, open its port in the firewall, and see that the name resolves to it.";
            report.add(Finding::fault(PUBLIC_URL, format!("{url} cannot be reached: {error}"), WHY, fix));
            false
        }
        Err(trouble) => {
            let fix = match trouble {
                TlsTrouble::Expired => "Renew it, and see why the proxy did not.",
                TlsTrouble::UnknownIssuer => {
                    "Use a certificate of a public authority, with its intermediate certificates: Zoom and bot platforms \
                     trust no other."
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
                format!("the certificate of {url} ends within {days} days"),
                WHY,
                "Renew it, and see why the proxy has not done so yet.",
            ));
            true
        }
        Ok(()) => {
            report.add(Finding::ok(CERTIFICATE, format!("{} has one that holds", url.authority())));
            true
        }
    }
}

/// Whether Latchkey is what answers there.
async fn reached(examined: &Examined, url: &Url, is_running: bool, report: &mut Report) -> bool {
    let fault = |found: String, fix: &str| Finding::fault(PUBLIC_URL, found, WHY, fix);
    let answer = match examined.http.get(below(url, "readyz")).send().await {
        Ok(answer) => answer,
        Err(error) => {
            let fix = "Start the proxy, open its port in the firewall, and see that the name resolves to it.";
            report.add(fault(format!("{url} does not answer: {}", without_url(error)), fix));
            return false;
        }
    };
    let status = answer.status();
    let body: Value = answer.json().await.unwrap_or_default();
    if body["version"].as_str().is_some() {
        report.add(Finding::ok(PUBLIC_URL, format!("{url} leads to Latchkey")));
        return true;
    }
    if !is_running {
        let found = format!("{url} answers {status}; the server does not run, so that says little");
        report.add(Finding::skipped(PUBLIC_URL, found));
        return false;
    }
    let fix = format!(
        "Let the proxy pass everything below {url} to {}, its path unchanged, and answer nothing itself.",
        examined.config.listen
    );
    report.add(fault(format!("{url}readyz is answered by something else than Latchkey ({status})"), &fix));
    false
}

/// Whether requests arrive as they were sent, and the proxy is known as one.
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
    // What the API says to a wrong key, and to none.
    if answer.0 == StatusCode::UNAUTHORIZED && answer.1["code"] == "not_authenticated" {
        report.add(Finding::fault(
            PROXY,
            "the header Authorization does not arrive",
            "Every call of the API and every token link with a bearer token is refused.",
            "Let the proxy pass Authorization on, and ask for no password of its own.",
        ));
        return;
    }
    let proxies = networks("connections.proxies", &examined.config.connections.proxies).unwrap_or_default();
    let listen = examined.config.listen.ip();
    let is_known = proxies.iter().any(|network: &IpNet| network.contains(&listen));
    report.add(if listen.is_loopback() && !is_known {
        Finding::fault(
            PROXY,
            format!("{listen} is not in connections.proxies, and a proxy on this machine comes from there"),
            "All callers count as one address, so that connections.most_of_an_address turns most of them away.",
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
