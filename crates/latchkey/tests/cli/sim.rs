//! `latchkey sim`

use std::{fs, net::TcpListener, path::Path};

use rustix::process::Signal;
use serde_json::{Value, json};

use crate::support::{Running, http, latchkey, refusal};

async fn start(folder: &Path, arguments: &[&str]) -> (Running, Value) {
    let command = latchkey(folder, &[&["sim"], arguments].concat());
    let mut simulator = Running::start(command, &folder.join("log"));
    let ready = simulator.ready().await;
    (simulator, ready)
}

#[tokio::test]
async fn it_works_alone() {
    let folder = tempfile::tempdir().unwrap();
    let (simulator, ready) = start(folder.path(), &[]).await;
    let control = ready["control"].as_str().unwrap();
    let user = json!({ "email": "ada@example.test", "display_name": "Ada" });
    let made = http().build().unwrap().post(format!("{control}/users")).json(&user).send().await.unwrap();
    assert_eq!(made.json::<Value>().await.unwrap()["display_name"], "Ada");

    let token = format!("{}/oauth/token", ready["zoom_base"].as_str().unwrap());
    let stranger = http().build().unwrap().post(&token).send().await;
    assert!(stranger.unwrap_err().is_connect(), "clients do not trust its certificate by default");
    let ca = fs::read(folder.path().join(ready["ca_file"].as_str().unwrap())).unwrap();
    let ca = reqwest::Certificate::from_pem(&ca).unwrap();
    let answer = http().tls_certs_merge([ca]).build().unwrap().post(&token).send().await.unwrap();
    assert_eq!(answer.status(), 400, "no client, no grant");

    simulator.signal(Signal::TERM);
    assert!(simulator.ended().await.success());
}

#[tokio::test]
async fn it_plays_a_meeting_from_a_script() {
    let folder = tempfile::tempdir().unwrap();
    fs::write(
        folder.path().join("weekly.toml"),
        "[meeting]\ntopic = \"Weekly\"\n[[step]]\nat = 0\ndo = \"join\"\nwho = \"Ada\"\n",
    )
    .unwrap();
    let (simulator, ready) = start(folder.path(), &["--script", "weekly.toml"]).await;
    let number = ready["meeting"]["meeting_number"].as_str().unwrap();
    assert_eq!(ready["meeting"]["join_url"], format!("https://zoom.us/j/{number}"));
    let meeting = format!("{}/meetings/{number}", ready["control"].as_str().unwrap());
    let client = http().build().unwrap();
    let shown: Value = client.get(meeting).send().await.unwrap().json().await.unwrap();
    assert_eq!(shown["topic"], "Weekly");
    simulator.signal(Signal::TERM);
    assert!(simulator.ended().await.success());

    fs::write(folder.path().join("wrong.toml"), "[meeting]\n\n[[step]]\nat = 0\ndo = \"dance\"\n").unwrap();
    for (file, words) in
        [("wrong.toml", "wrong.toml: line 3: do: unknown action \"dance\""), ("none.toml", "cannot read")]
    {
        let line = refusal(latchkey(folder.path(), &["sim", "--script", file])).await;
        assert!(line.contains("--script") && line.contains(words), "{line}");
    }
}

#[tokio::test]
async fn its_authority_survives_a_restart() {
    let folder = tempfile::tempdir().unwrap();
    let mut keys = Vec::new();
    for _ in 0..2 {
        let (simulator, ready) = start(folder.path(), &["--directory", "zoom"]).await;
        simulator.signal(Signal::INT);
        assert!(simulator.ended().await.success());
        keys.push(ready["spki"].clone());
    }
    assert_eq!(keys[0], keys[1]);
}

#[tokio::test]
async fn it_ends_with_its_standard_input() {
    let folder = tempfile::tempdir().unwrap();
    let (mut simulator, _) = start(folder.path(), &["--stop-with-stdin"]).await;
    simulator.end_stdin();
    assert!(simulator.ended().await.success());
}

#[tokio::test]
async fn it_prints_how_clients_reach_it_instead_of_zoom() {
    let folder = tempfile::tempdir().unwrap();
    let (simulator, ready) = start(folder.path(), &["--as-zoom", "--port", "0"]).await;
    assert!(ready["api_base"].as_str().unwrap().starts_with("https://api.zoom.us:"), "{ready}");
    simulator.signal(Signal::TERM);
    assert!(simulator.ended().await.success());
    let said = fs::read_to_string(folder.path().join("log")).unwrap();
    let ca_file = folder.path().join(ready["ca_file"].as_str().unwrap());
    let trust = format!("NODE_EXTRA_CA_CERTS={}", ca_file.display());
    for part in ["127.0.0.1 zoom.us www.zoom.us api.zoom.us", &trust, "REQUESTS_CA_BUNDLE", "expect port 443"]
    {
        assert!(said.contains(part), "{part}: {said}");
    }
}

#[tokio::test]
async fn an_occupied_port_names_its_flag() {
    let folder = tempfile::tempdir().unwrap();
    let taken = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = taken.local_addr().unwrap().port().to_string();
    for flag in ["--zoom-port", "--control-port"] {
        let line = refusal(latchkey(folder.path(), &["sim", flag, &port])).await;
        assert!(line.contains(flag) && line.contains(&port), "{line}");
    }
    drop(taken);
    let (simulator, _) = start(folder.path(), &["--zoom-port", &port]).await;
    simulator.signal(Signal::TERM);
    assert!(simulator.ended().await.success());
}
