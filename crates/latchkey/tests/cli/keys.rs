//! `latchkey keys`, with and without running servers.

use std::{fs, path::Path, time::Duration};

use model::Environment;
use reqwest::Client;
use rustix::process::Signal;
use serde_json::{Value, json};
use store::{Replacement, SEALED_COLUMNS, SealedCells as _};
use tokio::task::JoinSet;

use crate::{
    server,
    support::{BROKER_ALONE, Installation, Running, http, latchkey, refusal, until, within},
};

/// Longer than a server takes to reload its key file, and to write what it has just sealed.
const SETTLE: &str = "--settle=6";

/// Runs a command that must succeed, and returns its output.
async fn says(installation: &Installation, arguments: &[&str]) -> String {
    let mut command = latchkey(installation.folder.path(), arguments);
    let output = within(command.env("LATCHKEY_LOG", "warn").output()).await.unwrap();
    let stdout = String::from_utf8(output.stdout).unwrap();
    let stderr = String::from_utf8(output.stderr).unwrap();
    assert!(output.status.success(), "{arguments:?}: {stdout}{stderr}");
    stdout
}

fn ring(installation: &Installation) -> Value {
    serde_json::from_slice(&fs::read(installation.path("data/keys.json")).unwrap()).unwrap()
}

fn ids(ring: &Value) -> Vec<&str> {
    ring["keys"].as_object().unwrap().keys().map(String::as_str).collect()
}

/// How many cells `latchkey keys list` counts for a key.
fn cells(list: &str, key: &str) -> u64 {
    let line = list.lines().find(|line| line.split_whitespace().next() == Some(key));
    line.map_or(0, |line| line.split_whitespace().nth(1).unwrap().parse().unwrap())
}

/// A caller that has the API key.
#[derive(Clone)]
struct Caller {
    http: Client,
    url: String,
    key: String,
}

impl Caller {
    fn new(ready: &Value, key: &str) -> Self {
        let url = ready["url"].as_str().unwrap().to_owned();
        Self { http: http().build().unwrap(), url, key: key.to_owned() }
    }

    async fn call(&self, method: &str, path: &str, body: Value) -> Value {
        let request = self.http.request(method.parse().unwrap(), format!("{}{path}", self.url));
        let request = request.header("authorization", format!("Token {}", self.key));
        let answer = request.json(&body).send().await.unwrap();
        assert!(answer.status().is_success(), "{method} {path}: {}", answer.text().await.unwrap());
        answer.json().await.unwrap()
    }

    /// Reads the secret, which is in a sealed cell and is opened for every call.
    async fn secret(&self) -> String {
        let answer = self.call("GET", "/api/latchkey/v1/callback-secret/", Value::Null).await;
        answer["secret"].as_str().unwrap().to_owned()
    }

    /// Seals two secrets.
    async fn registers(&self, client: &str) {
        let app = json!({ "kind": "user_level", "client_id": client, "client_secret": "secret",
                          "webhook_secret": "webhook" });
        self.call("POST", "/api/v2/zoom-oauth-apps/", app).await;
    }
}

/// An installation with five secrets and no running server.
async fn furnished(configuration: &str) -> (Installation, String) {
    let installation = Installation::new();
    let mut server = Running::start(installation.serve_with(configuration), &installation.path("log"));
    let ready = server.ready().await;
    let key = ready["api_key"].as_str().unwrap().to_owned();
    let caller = Caller::new(&ready, &key);
    caller.registers("one").await;
    caller.registers("two").await;
    server.signal(Signal::TERM);
    assert!(server.ended().await.success());
    (installation, key)
}

#[tokio::test]
async fn a_rotation_from_the_first_key_to_the_last_secret() {
    let (installation, _) = furnished(BROKER_ALONE).await;
    let before = ring(&installation);
    let old = before["active"].as_str().unwrap().to_owned();
    assert_eq!(cells(&says(&installation, &["keys", "list"]).await, &old), 5);

    let said = says(&installation, &["keys", "rotate", "--grace", "0"]).await;
    let new = said.split(' ').next().unwrap().to_owned();
    assert!(said.contains(&old), "{said}");
    // As after a crash: only some cells are rewrapped.
    let said = says(&installation, &["keys", "rewrap", "--at-most", "2"]).await;
    assert!(said.starts_with("2 cells") && said.contains("run this again"), "{said}");
    let list = says(&installation, &["keys", "list"]).await;
    assert_eq!((cells(&list, &old), cells(&list, &new)), (3, 2), "{list}");
    assert!(installation.starts().await.is_none(), "a server opens secrets of both keys");

    let said = says(&installation, &["keys", "rewrap", "--settle", "0"]).await;
    assert!(said.starts_with("3 cells") && said.contains(&format!("removed from the ring: {old}")), "{said}");
    let after = ring(&installation);
    assert_eq!((ids(&after), after["active"].as_str().unwrap()), (vec![&*new], &*new));
    assert_eq!(installation.starts().await, None);

    // With only the old key nothing opens, and the failed command overwrites nothing.
    fs::write(installation.path("data/keys.json"), before.to_string()).unwrap();
    let line = refusal(installation.serve()).await;
    assert!(line.contains(&new) && line.contains("restore"), "{line}");
    let line = refusal(latchkey(installation.folder.path(), &["keys", "rotate"])).await;
    assert!(line.contains(&new) && line.contains("does not open the store"), "{line}");
    assert_eq!(ring(&installation), before);
    fs::write(installation.path("data/keys.json"), after.to_string()).unwrap();
    assert_eq!(installation.starts().await, None);
}

#[tokio::test]
async fn old_keys_stay_on_the_ring_while_needed() {
    let (installation, _) = furnished(BROKER_ALONE).await;
    let old = ring(&installation)["active"].as_str().unwrap().to_owned();
    says(&installation, &["keys", "rotate", "--grace", "0"]).await;
    let said = says(&installation, &["keys", "rewrap", "--settle", "0", "--keep-old"]).await;
    assert!(said.contains(&format!("kept on the ring: {old}")), "{said}");
    assert_eq!(ids(&ring(&installation)).len(), 2);

    // A grant that a crash left in the escrow, sealed with the old key.
    let sealed = [&[1, u8::try_from(old.len()).unwrap()], old.as_bytes(), &[0; 90]].concat();
    let sealed = base64(&sealed);
    let time = "2026-11-24T00:00:00.000000Z";
    let grant = json!({ "credential": "0199f0d0-0000-7000-8000-000000000000", "generation": 1,
        "granted_at": time, "refresh_at": time, "access_token": sealed, "access_expires_at": time,
        "refresh_token": sealed, "scopes": [], "api_url": null });
    let waiting = installation.path("data/escrow/waiting.json");
    fs::write(&waiting, grant.to_string()).unwrap();
    let command = ["keys", "rewrap", "--settle", "0"];
    let output = within(latchkey(installation.folder.path(), &command).output()).await.unwrap();
    let complaint = String::from_utf8(output.stderr).unwrap();
    assert!(
        !output.status.success() && complaint.contains("escrow") && complaint.contains(&old),
        "{complaint}"
    );
    assert_eq!(ids(&ring(&installation)).len(), 2);

    fs::remove_file(waiting).unwrap();
    let said = says(&installation, &command).await;
    assert!(said.contains(&format!("removed from the ring: {old}")), "{said}");
}

#[tokio::test]
async fn a_damaged_secret_is_named_and_its_key_stays() {
    let (installation, _) = furnished(BROKER_ALONE).await;
    let old = ring(&installation)["active"].as_str().unwrap().to_owned();
    // Damages a cell: one app's client secret overwrites another's.
    let store = store_sql::sqlite::open(&installation.path("data/latchkey.db")).await.unwrap();
    let column = SEALED_COLUMNS.iter().find(|column| column.column == "client_secret").unwrap();
    let heads = store.sealed_heads(column, None, 1, 2).await.unwrap();
    let rows: Vec<String> = heads.into_iter().map(|head| head.row).collect();
    let cells = store.sealed_cells(column, &rows).await.unwrap();
    let (old_cell, new) = (cells[0].sealed.clone(), cells[1].sealed.clone());
    let moved = Replacement { row: cells[0].row.clone(), old: old_cell, new };
    assert_eq!(store.replace_sealed(column, &[moved]).await.unwrap(), 1);
    store.close().await;
    says(&installation, &["keys", "rotate", "--grace=0"]).await;
    for rewrapped in ["4 cells", "0 cells"] {
        let rewrap = latchkey(installation.folder.path(), &["keys", "rewrap", "--settle=0"]).output();
        let output = within(rewrap).await.unwrap();
        let said = String::from_utf8([output.stdout, output.stderr].concat()).unwrap();
        assert!(!output.status.success(), "{said}");
        assert!(said.starts_with(rewrapped) && said.contains("zoom_oauth_apps.client_secret of "), "{said}");
        assert!(
            ids(&ring(&installation)).contains(&&*old),
            "the damaged cell may be repaired later and then needs its key"
        );
    }
}

fn base64(bytes: &[u8]) -> String {
    use base64::{Engine as _, prelude::BASE64_STANDARD};
    BASE64_STANDARD.encode(bytes)
}

#[tokio::test]
async fn a_ring_from_the_environment_is_rotated_by_restart() {
    let installation = Installation::new();
    fs::write(installation.path("latchkey.toml"), BROKER_ALONE).unwrap();
    says(&installation, &["keys", "create", "--to", "ring.json"]).await;
    let text = |name: &str| fs::read_to_string(installation.path(name)).unwrap();
    let with_ring = |name: &str, arguments: &[&str]| {
        let mut command = latchkey(installation.folder.path(), arguments);
        command.env("LATCHKEY_KEYS", text(name));
        command
    };
    let starts = async |mut command: tokio::process::Command| {
        command.env("LATCHKEY_LOG", "warn");
        let mut server = Running::start(command, &installation.path("log"));
        server.ready().await;
        server.signal(Signal::TERM);
        assert!(server.ended().await.success());
    };
    starts(with_ring("ring.json", &["serve"])).await;
    assert!(!installation.path("data/keys.json").exists());

    let line = refusal(with_ring("ring.json", &["keys", "rotate"])).await;
    assert!(line.contains("--to"), "{line}");
    let rotate = with_ring("ring.json", &["keys", "rotate", "--grace=0", "--to=next.json"]).output().await;
    assert!(rotate.unwrap().status.success());
    starts(with_ring("next.json", &["serve"])).await;
    let rewrap = ["keys", "rewrap", "--settle=0", "--to=last.json"];
    assert!(with_ring("next.json", &rewrap).output().await.unwrap().status.success());
    starts(with_ring("last.json", &["serve"])).await;
    let line = refusal(with_ring("ring.json", &["serve"])).await;
    assert!(line.contains("is not in the key ring"), "{line}");

    // The same ring, mounted as a file with any mode.
    let mut mounted = latchkey(installation.folder.path(), &["serve"]);
    mounted.env("LATCHKEY_KEYS_FILE", installation.path("last.json"));
    starts(mounted).await;
    let mut twice = with_ring("last.json", &["serve"]);
    twice.env("LATCHKEY_KEYS_FILE", installation.path("last.json"));
    assert!(refusal(twice).await.contains("keep only one"));
    let mut nonsense = latchkey(installation.folder.path(), &["serve"]);
    nonsense.env("LATCHKEY_KEYS", "planted");
    let line = refusal(nonsense).await;
    assert!(line.contains("LATCHKEY_KEYS") && !line.contains("planted"), "{line}");
}

/// Two servers, one of which only opens secrets, and callers that never stop. Meanwhile the key is rotated, with or without
/// `grace`, and the old one is retired.
async fn no_call_fails(configuration: &str, grace: &str, installation: Installation, key: String) {
    let other = Installation::new();
    let configuration = format!(
        "{configuration}key_file = '{}'\n{BROKER_ALONE}",
        installation.path("data/keys.json").display()
    );
    let mut servers = Vec::new();
    let mut callers = JoinSet::new();
    let stop = installation.path("stop");
    for (number, place) in [&installation, &other].into_iter().enumerate() {
        let mut server = Running::start(place.serve_with(&configuration), &place.path("log"));
        let caller = Caller::new(&server.ready().await, &key);
        servers.push(server);
        let (reader, stop_reading) = (caller.clone(), stop.clone());
        callers.spawn(async move {
            let (secret, mut reads) = (reader.secret().await, 0_u64);
            while !stop_reading.exists() {
                assert_eq!(reader.secret().await, secret);
                reads += 1;
            }
            reads
        });
        if number > 0 {
            break;
        }
        let stop_writing = stop.clone();
        callers.spawn(async move {
            let mut writes = 0;
            while !stop_writing.exists() {
                caller.registers(&format!("client-{writes}")).await;
                writes += 1;
                Environment::system().clock.sleep(Duration::from_millis(20)).await;
            }
            writes
        });
    }
    let old = ring(&installation)["active"].as_str().unwrap().to_owned();
    says(&installation, &["keys", "rotate", grace]).await;
    let said = says(&installation, &["keys", "rewrap", SETTLE]).await;
    assert!(said.contains(&format!("removed from the ring: {old}")), "{said}");
    let list = says(&installation, &["keys", "list"]).await;
    assert_eq!(cells(&list, &old), 0, "{list}");
    fs::write(&stop, "").unwrap();
    while let Some(calls) = callers.join_next().await {
        assert!(calls.unwrap() > 0);
    }
    for server in servers {
        server.signal(Signal::TERM);
        assert!(server.ended().await.success());
    }
    // The latest secrets are sealed with the new key too.
    let list = says(&installation, &["keys", "list"]).await;
    assert_eq!(cells(&list, &old), 0, "{list}");
}

#[tokio::test]
async fn a_rotation_with_busy_servers_fails_no_call() {
    let (installation, key) = furnished(BROKER_ALONE).await;
    let data = installation.path("data");
    no_call_fails(&format!("data_dir = '{}'\n", data.display()), "--grace=0", installation, key).await;
}

#[tokio::test]
async fn a_rotation_with_busy_servers_on_postgres_fails_no_call() {
    let url = server::database("template1").await;
    let installation = Installation::new();
    fs::write(installation.path("latchkey.toml"), format!("database_url = '{url}'\n")).unwrap();
    says(&installation, &["migrate"]).await;
    drop(installation);
    let (installation, key) = furnished(&format!("database_url = '{url}'\n{BROKER_ALONE}")).await;
    no_call_fails(&format!("database_url = '{url}'\n"), "--grace=3", installation, key).await;
}

#[tokio::test]
async fn a_killed_rewrap_is_resumed() {
    let (installation, _) = furnished(BROKER_ALONE).await;
    let old = ring(&installation)["active"].as_str().unwrap().to_owned();
    says(&installation, &["keys", "rotate", "--grace=0"]).await;
    // It has rewrapped everything and now waits for servers to settle, longer than this test runs.
    let mut rewrap = latchkey(installation.folder.path(), &["keys", "rewrap", "--settle=600"]);
    rewrap.stderr(fs::File::create(installation.path("log")).unwrap());
    let mut rewrap = rewrap.spawn().unwrap();
    let log = installation.path("log");
    until(|| fs::read_to_string(&log).unwrap().contains("waiting")).await;
    rewrap.kill().await.unwrap();
    assert_eq!(ids(&ring(&installation)).len(), 2, "no key was retired");
    let said = says(&installation, &["keys", "rewrap", "--settle=0"]).await;
    assert!(said.starts_with("0 cells") && said.contains(&format!("removed from the ring: {old}")), "{said}");
    assert!(Path::new(&installation.path("data/keys.json")).exists());
}
