//! `latchkey webhook` and `latchkey events` against a running server, and the receiver that prints.

use std::{fs, net::TcpListener};

use serde_json::Value;

use crate::support::{BROKER_ALONE, Installation, Running, latchkey, refusal, until, within};

/// Runs a command that is to succeed: what it prints.
async fn printed(installation: &Installation, url: &str, arguments: &[&str]) -> String {
    let mut command = latchkey(installation.folder.path(), arguments);
    command.args(["--server", url, "--api-key-file", "key"]);
    let output = within(command.output()).await.unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout).unwrap().trim().to_owned()
}

#[tokio::test]
async fn an_endpoint_is_made_and_what_it_is_sent_is_printed() {
    let installation = Installation::new();
    let configuration = format!("{BROKER_ALONE}[callbacks]\nallow_networks = ['127.0.0.0/8']\n");
    let mut server = Running::start(installation.serve_with(&configuration), &installation.path("log"));
    let ready = server.ready().await;
    let (url, key) = (ready["url"].as_str().unwrap(), ready["api_key"].as_str().unwrap());
    fs::write(installation.path("key"), format!("{key}\n")).unwrap();

    // A port that is free at this moment: the address must be known before the secret is.
    let address = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().to_string();
    let hook = format!("http://{address}/");
    let made =
        printed(&installation, url, &["webhook", "create", &hook, "--description", "mine", "--json"]).await;
    let made: Value = serde_json::from_str(&made).unwrap();
    let id = made["id"].as_str().unwrap();
    fs::write(installation.path("secret"), made["secret"].as_str().unwrap()).unwrap();
    let list = printed(&installation, url, &["webhook", "list"]).await;
    assert!(list.contains(id) && list.contains("enabled") && list.contains("mine"), "{list}");

    let list = printed(&installation, url, &["webhook", "list", "--json"]).await;
    assert_eq!(serde_json::from_str::<Value>(&list).unwrap()[0]["id"], id);

    let listen = ["webhook", "listen", "--listen", &address, "--secret-file", "secret"];
    let log = installation.path("listen.log");
    let mut receiver = Running::start(latchkey(installation.folder.path(), &listen), &log);
    until(|| fs::read_to_string(&log).unwrap().contains("listening on")).await;
    let event = printed(&installation, url, &["webhook", "test", id]).await;
    let body: Value = serde_json::from_str(&receiver.line().await).unwrap();
    assert_eq!(body["event"], "webhook_endpoint.test");
    until(|| fs::read_to_string(&log).unwrap().contains(&format!("msg_{event} number 1: verified"))).await;

    let line = printed(&installation, url, &["events"]).await;
    assert!(line.contains("webhook_endpoint.test") && line.ends_with(id), "{line}");
    let events = printed(&installation, url, &["events", "--json"]).await;
    let told: Value = serde_json::from_str(&events).unwrap();
    assert_eq!((told["id"].as_str().unwrap(), &told["body"]), (&*event, &body));
    printed(&installation, url, &["webhook", "retry", id, &event]).await;
    let again: Value = serde_json::from_str(&receiver.line().await).unwrap();
    assert_eq!(again, body);
    let deleted = printed(&installation, url, &["webhook", "delete", id, "--json"]).await;
    assert_eq!(serde_json::from_str::<Value>(&deleted).unwrap()["deleted"], id);

    let mut gone = latchkey(installation.folder.path(), &["webhook", "test", id]);
    gone.args(["--server", url, "--api-key-file", "key"]);
    let line = refusal(gone).await;
    let words = "the key's workspace has no such endpoint or delivery: see `latchkey webhook list`";
    assert_eq!(line, words);
}
