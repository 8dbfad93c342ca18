//! `latchkey serve`, from its first start to its end.

use std::{fs, io::Write as _, net::TcpStream, os::unix::fs::PermissionsExt as _};

use rustix::process::Signal;
use serde_json::Value;

use crate::support::{
    BROKER_ALONE, Installation, Running, after, http, latchkey, processes_in, sdk_dir, until,
};

#[tokio::test]
async fn only_the_first_start_shows_the_key() {
    let installation = Installation::new();
    let key = installation.starts().await.expect("a first start shows the key");
    assert!(key.starts_with("lk_"));
    assert!(
        !fs::read_to_string(installation.path("log")).unwrap().contains(&key),
        "the key must not be in the log"
    );
    assert_eq!(installation.starts().await, None);

    let mut server = Running::start(installation.serve(), &installation.path("log"));
    let url = server.ready().await["url"].as_str().unwrap().to_owned();
    let bots = http().build().unwrap().get(format!("{url}/api/v1/bot/"));
    let bots: Value =
        bots.header("authorization", format!("Token {key}")).send().await.unwrap().json().await.unwrap();
    assert_eq!(bots["results"], serde_json::json!([]), "the key still works");
}

/// The additional authority is a simulator's.
#[tokio::test]
async fn a_server_that_trusts_a_simulator_warns_at_every_start() {
    let installation = Installation::new();
    let mut sim =
        Running::start(latchkey(installation.folder.path(), &["sim"]), &installation.path("sim.log"));
    let ca_file = sim.ready().await["ca_file"].as_str().unwrap().to_owned();
    for (zoom, trusts) in [(String::new(), false), (format!("[zoom]\nca_file = '{ca_file}'\n"), true)] {
        let command = installation.serve_with(&format!("{BROKER_ALONE}{zoom}"));
        let mut server = Running::start(command, &installation.path("log"));
        let url = server.ready().await["url"].as_str().unwrap().to_owned();
        let get = async |path: &str| {
            http().build().unwrap().get(format!("{url}{path}")).send().await.unwrap().text().await.unwrap()
        };
        let ready: Value = serde_json::from_str(&get("/readyz").await).unwrap();
        let findings = ready["findings"].as_array().unwrap();
        let trust = findings.iter().find(|finding| finding["name"] == "zoom_authority").unwrap();
        assert_eq!((trust["ok"] == false, ready["status"] == "warning"), (trusts, trusts), "{ready}");
        let page = get("/oauth/zoom/authorize").await;
        assert_eq!(page.contains("trusts a simulator"), trusts, "{page}");
        let log = fs::read_to_string(installation.path("log")).unwrap();
        assert_eq!(log.contains("is trusted in addition to the usual authorities"), trusts, "{log}");
    }
}

#[tokio::test]
async fn metrics_can_have_an_address_and_a_token() {
    let installation = Installation::new();
    fs::write(installation.path("token"), "planted-metrics-token\n").unwrap();
    let section = "[metrics]\nlisten = '127.0.0.1:0'\ntoken_file = 'token'\n";
    let mut server = Running::start(
        installation.serve_with(&format!("{BROKER_ALONE}{section}")),
        &installation.path("log"),
    );
    let ready = server.ready().await;
    let (url, metrics) = (ready["url"].as_str().unwrap(), ready["metrics"].as_str().unwrap());
    let get = async |url: String, token: &str| {
        let request = http().build().unwrap().get(url).header("authorization", format!("Bearer {token}"));
        request.send().await.unwrap().status().as_u16()
    };
    let token = "planted-metrics-token";
    assert_eq!(get(metrics.to_owned(), token).await, 200);
    assert_eq!(get(metrics.to_owned(), "another").await, 401);
    assert_eq!(get(format!("{url}/metrics"), token).await, 404);
    assert_eq!(get(metrics.replace("/metrics", "/livez"), token).await, 404, "nothing else is served there");
    assert_eq!(
        get(metrics.replace("/metrics", "/t/01900000-0000-7000-8000-000000000000.x"), token).await,
        404
    );
    let log = fs::read_to_string(installation.path("log")).unwrap();
    assert!(!log.contains(token) && !ready.to_string().contains(token));
}

#[tokio::test]
async fn metrics_can_be_disabled() {
    let installation = Installation::new();
    for (section, status) in [("", 200), ("[metrics]\nenabled = false\n", 404)] {
        let command = installation.serve_with(&format!("{BROKER_ALONE}{section}"));
        let mut server = Running::start(command, &installation.path("log"));
        let url = server.ready().await["url"].as_str().unwrap().to_owned();
        let answer = http().build().unwrap().get(format!("{url}/metrics")).send().await.unwrap();
        assert_eq!(answer.status(), status);
    }
}

/// Database and write-ahead log, keys, escrow, audit and the browser's profile, even if the default umask lets everyone read
/// them.
#[tokio::test]
async fn all_its_files_are_closed_to_others() {
    let installation = Installation::new();
    let configuration = format!("listen = '127.0.0.1:0'\n[browser]\nsdk_dir = '{}'\n", sdk_dir().display());
    let command = after("umask 000", &installation.serve_with(&configuration));
    let mut server = Running::start(command, &installation.path("log"));
    server.ready().await;
    let (mut folders, mut seen) = (vec![installation.path("data")], Vec::new());
    while let Some(folder) = folders.pop() {
        assert_eq!(fs::metadata(&folder).unwrap().permissions().mode() & 0o077, 0, "{}", folder.display());
        // Chromium also removes files.
        for entry in fs::read_dir(&folder).into_iter().flatten().flatten() {
            let Ok(found) = entry.path().symlink_metadata() else { continue };
            if found.is_dir() {
                folders.push(entry.path());
            } else if !found.is_symlink() {
                assert_eq!(found.permissions().mode() & 0o077, 0, "{}", entry.path().display());
                seen.push(entry.file_name().into_string().unwrap());
            }
        }
    }
    for wanted in ["latchkey.db", "latchkey.db-wal", "keys.json", "lock"] {
        assert!(seen.iter().any(|name| name == wanted), "{wanted}: {seen:?}");
    }
    assert!(seen.iter().any(|name| name.ends_with(".journal")) && seen.len() > 10, "{seen:?}");
}

/// During a flood of refused and unfinished requests, a caller with a key is served, and the log stays readable.
#[tokio::test]
async fn strangers_exhaust_neither_its_descriptors_nor_its_log() {
    let installation = Installation::new();
    // The server's reserve of descriptors, plus 28.
    let command = after("ulimit -n 540", &installation.serve());
    let mut server = Running::start(command, &installation.path("log"));
    let ready = server.ready().await;
    let (url, key) =
        (ready["url"].as_str().unwrap().to_owned(), ready["api_key"].as_str().unwrap().to_owned());
    let http = http().build().unwrap();
    let mut halves = Vec::new();
    for _ in 0..600 {
        let mut half = TcpStream::connect(url.strip_prefix("http://").unwrap()).unwrap();
        half.write_all(b"GET /heal").unwrap();
        halves.push(half);
    }
    for _ in 0..200 {
        assert_eq!(http.get(format!("{url}/t/nobodys.link")).send().await.unwrap().status(), 404);
    }
    let pool =
        http.post(format!("{url}/api/latchkey/v1/pools/")).header("authorization", format!("Token {key}"));
    let pool = pool.json(&serde_json::json!({ "name": "pool" })).send().await.unwrap();
    assert_eq!(pool.status(), 201, "it writes");
    server.signal(Signal::TERM);
    assert!(server.ended().await.success());
    let log = fs::read_to_string(installation.path("log")).unwrap();
    assert!(log.contains("fewer connections are possible than connections.most"), "{log}");
    let lines = log.lines().filter(|line| line.contains("link_unknown")).count();
    assert!((1..100).contains(&lines), "{lines} lines: {log}");
    assert!(!log.contains("Too many open files"), "{log}");
}

/// On most systems the soft limit is low by default, but the hard one is not.
#[tokio::test]
async fn the_limit_of_open_files_is_raised_at_the_start() {
    let installation = Installation::new();
    let command = after("ulimit -Sn 600", &installation.serve());
    let mut server = Running::start(command, &installation.path("log"));
    server.ready().await;
    let limits = fs::read_to_string(format!("/proc/{}/limits", server.pid())).unwrap();
    let line = limits.lines().find_map(|line| line.strip_prefix("Max open files")).unwrap();
    let [soft, hard] = [0, 1].map(|at| line.split_whitespace().nth(at).unwrap().parse().unwrap_or(u64::MAX));
    assert_eq!(soft, hard.min(65_536));
}

#[tokio::test]
async fn it_ends_with_its_standard_input() {
    let installation = Installation::new();
    let mut command = installation.serve();
    command.arg("--stop-with-stdin");
    let mut server = Running::start(command, &installation.path("log"));
    server.ready().await;
    server.end_stdin();
    assert!(server.ended().await.success());
}

#[tokio::test]
async fn a_signal_ends_it_while_its_standard_input_is_open() {
    for signal in [Signal::TERM, Signal::INT] {
        let installation = Installation::new();
        let mut command = installation.serve();
        command.arg("--stop-with-stdin");
        let mut server = Running::start(command, &installation.path("log"));
        server.ready().await;
        server.signal(signal);
        assert!(server.ended().await.success());
    }
}

#[tokio::test]
async fn an_unfinished_request_does_not_delay_the_stop() {
    let installation = Installation::new();
    let mut server = Running::start(installation.serve(), &installation.path("log"));
    let ready = server.ready().await;
    let address = ready["url"].as_str().unwrap().strip_prefix("http://").unwrap();
    let mut caller = TcpStream::connect(address).unwrap();
    caller.write_all(b"POST /api/v1/bot/ HTTP/1.1\r\nhost: here\r\ncontent-length: 10\r\n\r\n{").unwrap();
    let mut silent = TcpStream::connect(address).unwrap();
    silent.write_all(b"GET /heal").unwrap();
    // Connections are accepted in order: once this one is answered, the other two are accepted.
    let health = http().build().unwrap().get(format!("http://{address}/healthz")).send().await.unwrap();
    assert!(health.status().is_success());
    server.signal(Signal::TERM);
    assert!(server.ended().await.success());
}

#[tokio::test]
async fn its_chromium_ends_with_it() {
    let installation = Installation::new();
    let configuration = format!("listen = '127.0.0.1:0'\n[browser]\nsdk_dir = '{}'\n", sdk_dir().display());
    let profiles = installation.path("data/browser");
    for signal in [Signal::TERM, Signal::KILL] {
        let command = installation.serve_with(&configuration);
        let mut server = Running::start(command, &installation.path("log"));
        let ready = server.ready().await;
        assert!(ready["chromium"].as_str().unwrap().starts_with("Chromium/"));
        // As root, Chromium runs without its sandbox, which is logged.
        let log = fs::read_to_string(installation.path("log")).unwrap();
        assert_eq!(log.contains("--no-sandbox"), !browser::BrowserConfig::sandbox_works(), "{log}");
        assert!(!processes_in(&profiles).is_empty());
        server.signal(signal);
        assert_eq!(server.ended().await.success(), signal == Signal::TERM);
        until(|| processes_in(&profiles).is_empty()).await;
    }
}
