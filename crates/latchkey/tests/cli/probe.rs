//! `latchkey probe` against the simulator, which must behave as the probe assumes of Zoom.

use std::{fs, process::Stdio};

use reqwest::redirect::Policy;
use serde_json::{Value, json};
use tokio::io::{AsyncBufReadExt as _, AsyncWriteExt as _, BufReader};

use crate::support::{Installation, Running, http, latchkey, within};

/// Runs a probe as a person would; the test acts as the browser. The simulator has `switches` set.
async fn probed(switches: Value) -> (i32, Value) {
    let installation = Installation::new();
    let folder = installation.folder.path();
    let start = ["sim", "--write-config", "latchkey.toml"];
    let mut simulator = Running::start(latchkey(folder, &start), &installation.path("sim.log"));
    let sim = simulator.ready().await;
    let control = sim["control"].as_str().unwrap().to_owned();
    let http = http().redirect(Policy::none()).tls_danger_accept_invalid_certs(true).build().unwrap();
    let at_zoom = async |method: &str, path: &str, body: Value| -> Value {
        let request = http.request(method.parse().unwrap(), format!("{control}{path}")).json(&body);
        let answer = within(request.send()).await.unwrap();
        assert!(answer.status().is_success(), "{path}: {}", answer.text().await.unwrap());
        answer.json().await.unwrap()
    };
    at_zoom("PATCH", "/switches", switches).await;
    at_zoom("POST", "/users", json!({ "email": "planted@example.test", "display_name": "Planted Name" }))
        .await;
    let redirect = "https://latchkey.example.com/probe";
    let app = at_zoom("POST", "/apps", json!({ "redirect_uris": [redirect] })).await;
    fs::write(installation.path("secret"), app["client_secret"].as_str().unwrap()).unwrap();

    let client = app["client_id"].as_str().unwrap();
    let arguments = [
        "probe",
        "--client-id",
        client,
        "--client-secret-file",
        "secret",
        "--redirect-url",
        redirect,
        "--out",
        "report.json",
    ];
    let mut command = latchkey(folder, &arguments);
    command.stdin(Stdio::piped()).stderr(Stdio::piped());
    let mut probe = command.spawn().unwrap();
    let (mut stdin, stderr) = (probe.stdin.take().unwrap(), probe.stderr.take().unwrap());
    let (mut lines, mut said) = (BufReader::new(stderr).lines(), String::new());
    while let Some(line) = within(lines.next_line()).await.unwrap() {
        said = format!("{said}{line}\n");
        if !line.contains("/oauth/authorize?") {
            continue;
        }
        let page = within(http.get(&line).send()).await.unwrap().text().await.unwrap();
        let consent = page.split("name=\"consent\" value=\"").nth(1).unwrap().split('"').next().unwrap();
        let allow =
            http.post(line.split('?').next().unwrap()).form(&[("consent", consent), ("decision", "allow")]);
        let answer = within(allow.send()).await.unwrap();
        let back = answer.headers()["location"].to_str().unwrap();
        stdin.write_all(format!("{back}\n").as_bytes()).await.unwrap();
    }
    let code = within(probe.wait()).await.unwrap().code().unwrap();
    let text = fs::read_to_string(installation.path("report.json"))
        .unwrap_or_else(|error| panic!("{error}: {said}"));

    let issued = at_zoom("GET", "/issued", Value::Null).await;
    let mut secrets = vec!["planted@example.test".to_owned(), "Planted Name".to_owned()];
    secrets.extend(["client_id", "client_secret"].map(|field| app[field].as_str().unwrap().to_owned()));
    gather(&issued, &mut secrets);
    assert!(secrets.len() > 10, "{issued}");
    let clock = installation.path("sim.log");
    for secret in secrets {
        assert!(
            !text.contains(&secret) && !said.replace("state=", "").contains(&format!(" {secret}")),
            "{secret}"
        );
    }
    assert!(clock.exists());
    (code, serde_json::from_str(&text).unwrap())
}

/// Collects every long text in what the simulator issued: codes and tokens.
fn gather(value: &Value, texts: &mut Vec<String>) {
    match value {
        Value::String(text) if text.len() > 20 => texts.push(text.clone()),
        Value::Array(values) => values.iter().for_each(|value| gather(value, texts)),
        Value::Object(fields) => fields.values().for_each(|value| gather(value, texts)),
        _ => {}
    }
}

fn verdicts<'a>(report: &'a Value, verdict: &str) -> Vec<&'a str> {
    let behaviours = report["behaviours"].as_array().unwrap();
    let of = behaviours.iter().filter(|behaviour| behaviour["verdict"] == verdict);
    of.map(|behaviour| behaviour["id"].as_str().unwrap()).collect()
}

#[tokio::test]
async fn the_simulator_behaves_as_the_probe_assumes() {
    let (code, report) = probed(json!({ "rest_limits": {} })).await;
    assert_eq!(verdicts(&report, "refuted"), <[&str; 0]>::default(), "{report:#}");
    // The app of the test lacks the scope for meetings.
    assert_eq!(verdicts(&report, "unclear"), ["rest.unknown_meeting"], "{report:#}");
    assert!(verdicts(&report, "confirmed").len() > 35);
    let not_tried = report["not_tried"].as_array().unwrap();
    assert!(not_tried.iter().all(|row| !row["why"].as_str().unwrap().is_empty()) && not_tried.len() > 40);
    assert_eq!(code, 0);
}

#[tokio::test]
async fn differing_behaviours_are_refuted() {
    let switches = json!({ "rest_limits": {}, "refresh_grace_seconds": 60, "one_live_access_token": true,
                           "query_parameters": false, "access_token_seconds": 1800 });
    let (code, report) = probed(switches).await;
    let refuted = verdicts(&report, "refuted");
    for id in ["token.in_query", "token.hour", "refresh.access_before_lives", "refresh.old_token_dead"] {
        assert!(refuted.contains(&id), "{id}: {report:#}");
    }
    assert_eq!(code, 3);
}
