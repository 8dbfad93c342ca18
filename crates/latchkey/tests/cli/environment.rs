//! Settings from the environment, and notifications to systemd.

use std::fs;

use rustix::process::Signal;
use tokio::net::UnixDatagram;

use crate::support::{Installation, Running, http, latchkey, refusal, within};

#[tokio::test]
async fn a_server_needs_no_file() {
    let installation = Installation::new();
    fs::write(installation.path("token"), "planted-token\n").unwrap();
    let mut command = latchkey(installation.folder.path(), &["serve"]);
    command.env("LATCHKEY_LISTEN", "127.0.0.1:0").env("LATCHKEY_BOTS__CAPACITY", "0");
    command.env("LATCHKEY_DATA_DIR", "elsewhere").env("LATCHKEY_METRICS__TOKEN_FILE", "token");
    // Variables that an orchestrator sets for a service of our name are not settings.
    command.env("LATCHKEY_SERVICE_HOST", "10.0.0.1").env("LATCHKEY_PORT", "tcp://10.0.0.1:8080");
    let mut server = Running::start(command, &installation.path("log"));
    let url = server.ready().await["url"].as_str().unwrap().to_owned();
    assert!(installation.path("elsewhere/latchkey.db").exists());
    let metrics =
        |token: &str| http().build().unwrap().get(format!("{url}/metrics")).bearer_auth(token).send();
    assert_eq!(within(metrics("another")).await.unwrap().status(), 401);
    assert_eq!(within(metrics("planted-token")).await.unwrap().status(), 200);
}

#[tokio::test]
async fn a_variable_overrides_the_file_and_a_wrong_one_is_named() {
    let installation = Installation::new();
    let with = |name: &str, value: &str| {
        let mut command = installation.serve();
        command.env(name, value);
        command
    };
    let line = refusal(with("LATCHKEY_BOTS__CAPACITI", "2")).await;
    assert_eq!(line, "LATCHKEY_BOTS__CAPACITI is not a setting; did you mean LATCHKEY_BOTS__CAPACITY?");
    let line = refusal(with("LATCHKEY_BOTS__WARM_PAGES", "two")).await;
    assert_eq!(line, "LATCHKEY_BOTS__WARM_PAGES: \"two\" is not a whole number");
    let line = refusal(with("LATCHKEY_BOTS__LEASE_SECONDS", "measured")).await;
    assert!(line.starts_with("LATCHKEY_BOTS__LEASE_SECONDS: invalid type"), "{line}");
    let line = refusal(with("LATCHKEY_BOTS__CAPACITY", "two")).await;
    assert!(line.starts_with("LATCHKEY_BOTS__CAPACITY: "), "{line}");
    assert!(line.contains("a number, or \"measured\""), "{line}");
    let line = refusal(with("LATCHKEY_BOTS__LEASE_SECONDS", "5")).await;
    assert!(line.contains("bots.lease_seconds must be from 15"), "{line}");
    let line = refusal(with("LATCHKEY_PUBLIC_URL", "not a url")).await;
    assert!(line.contains("public_url") || line.contains("URL"), "{line}");
}

#[tokio::test]
async fn systemd_is_notified_when_a_server_is_ready_and_when_it_stops() {
    let installation = Installation::new();
    let path = installation.path("notify");
    let systemd = UnixDatagram::bind(&path).unwrap();
    let mut command = installation.serve();
    command.env("NOTIFY_SOCKET", &path);
    let mut server = Running::start(command, &installation.path("log"));
    let told = async || {
        let mut words = [0; 64];
        let length = within(systemd.recv(&mut words)).await.unwrap();
        String::from_utf8(words[..length].to_vec()).unwrap().trim().to_owned()
    };
    assert_eq!(told().await, "READY=1");
    server.ready().await;
    server.signal(Signal::TERM);
    assert_eq!(told().await, "STOPPING=1");
    assert!(server.ended().await.success());
}
