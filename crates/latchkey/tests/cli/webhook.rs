//! `latchkey webhook` and `latchkey events` against a running server, and the receiver that prints events.

use std::{fs, net::TcpListener};

use serde_json::Value;

use crate::support::{BROKER_ALONE, Installation, Running, http, latchkey, refusal, until, within};

/// Runs a command that must succeed, and returns its output.
async fn printed(installation: &Installation, url: &str, arguments: &[&str]) -> String {
    let mut command = latchkey(installation.folder.path(), arguments);
    command.args(["--server", url, "--api-key-file", "key"]);
    let output = within(command.output()).await.unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout).unwrap().trim().to_owned()
}

#[tokio::test]
async fn an_endpoint_is_created_and_received_events_are_printed() {
    let installation = Installation::new();
    let configuration = format!("{BROKER_ALONE}[callbacks]\nallow_networks = ['127.0.0.0/8']\n");
    let mut server = Running::start(installation.serve_with(&configuration), &installation.path("log"));
    let ready = server.ready().await;
    let (url, key) = (ready["url"].as_str().unwrap(), ready["api_key"].as_str().unwrap());
    fs::write(installation.path("key"), format!("{key}\n")).unwrap();

    // A port that is free now: the address must be known before the secret.
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

/// The error line of a command that must be refused.
async fn refused(installation: &Installation, url: &str, arguments: &[&str]) -> String {
    let mut command = latchkey(installation.folder.path(), arguments);
    command.args(["--server", url, "--api-key-file", "key"]);
    refusal(command).await
}

/// Runs a command until its output contains `wanted`, and returns the output.
async fn until_printed(installation: &Installation, url: &str, arguments: &[&str], wanted: &str) -> String {
    let clock = model::Environment::system().clock;
    within(async {
        loop {
            let text = printed(installation, url, arguments).await;
            if text.contains(wanted) {
                return text;
            }
            clock.sleep(std::time::Duration::from_millis(100)).await;
        }
    })
    .await
}

#[tokio::test]
async fn an_endpoint_is_changed_disabled_and_replayed_and_wrong_signatures_are_refused() {
    const OWN: &str = "whsec_Tk9ULUEtUkVBTC1TRUNSRVQtdGVzdC12ZWN0b3ItMDE=";
    let installation = Installation::new();
    let configuration = format!("{BROKER_ALONE}[callbacks]\nallow_networks = ['127.0.0.0/8']\n");
    let mut server = Running::start(installation.serve_with(&configuration), &installation.path("log"));
    let ready = server.ready().await;
    let (url, key) = (ready["url"].as_str().unwrap(), ready["api_key"].as_str().unwrap());
    fs::write(installation.path("key"), format!("{key}\n")).unwrap();
    fs::write(installation.path("secret"), format!("{OWN}\n")).unwrap();
    let run = async |arguments: &[&str]| printed(&installation, url, arguments).await;

    let address = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().to_string();
    let hook = format!("http://{address}/");
    let made = run(&["webhook", "create", "http://127.0.0.1:9/", "--secret-file", "secret", "--json"]).await;
    let made: Value = serde_json::from_str(&made).unwrap();
    assert_eq!(made["secret"], OWN);
    let id = made["id"].as_str().unwrap();

    let types = ["--event-type", "bot.done", "--event-type", "bot.fatal"];
    let change = ["webhook", "change", id, "--url", &hook, "--description", "ours", "--svix-headers", "true"];
    let changed = run(&[&change[..], &types, &["--json"]].concat()).await;
    let changed: Value = serde_json::from_str(&changed).unwrap();
    assert_eq!(changed["event_types"], serde_json::json!(["bot.done", "bot.fatal"]));
    assert_eq!((&changed["url"], &changed["svix_headers"]), (&hook.as_str().into(), &true.into()));
    assert_eq!(changed["description"], "ours");
    run(&["webhook", "change", id, "--event-type", "*", "--svix-headers", "false"]).await;
    let list = run(&["webhook", "list"]).await;
    assert!(list.contains(&hook) && list.contains('*') && list.contains("ours"), "{list}");
    let line = refused(&installation, url, &["webhook", "change", id]).await;
    assert!(line.starts_with("there is nothing to change: give --url, "), "{line}");
    let line = refused(&installation, url, &["webhook", "change", id, "--event-type", "bot.dun"]).await;
    assert!(line.contains("did you mean bot.done?"), "{line}");

    let off = run(&["webhook", "disable", id]).await;
    assert!(run(&["webhook", "list"]).await.contains("disabled"), "{off}");
    run(&["webhook", "enable", id]).await;
    assert!(run(&["webhook", "list"]).await.contains("enabled"));

    let log = installation.path("listen.log");
    let listen = ["webhook", "listen", "--listen", &address, "--secret-file", "secret"];
    let mut receiver = Running::start(latchkey(installation.folder.path(), &listen), &log);
    until(|| fs::read_to_string(&log).unwrap().contains("listening on")).await;
    let unsigned = http().build().unwrap().post(&hook).body("{}").send().await.unwrap();
    assert_eq!(unsigned.status(), 401);
    until(|| fs::read_to_string(&log).unwrap().contains("refused, ")).await;

    // The former secret, which the receiver has, stays valid for a while.
    let rotated = run(&["webhook", "rotate-secret", id, "--json"]).await;
    let rotated: Value = serde_json::from_str(&rotated).unwrap();
    assert_ne!(rotated["secret"], OWN);
    let event = run(&["webhook", "test", id]).await;
    assert!(receiver.line().await.contains("webhook_endpoint.test"));
    let deliveries = ["webhook", "deliveries", id, "--state", "delivered"];
    let text = until_printed(&installation, url, &deliveries, &event).await;
    assert!(text.contains("webhook_endpoint.test") && text.contains("204"), "{text}");
    let none = run(&["webhook", "deliveries", id, "--event-type", "bot.done", "--json"]).await;
    assert_eq!(none, "[]");
    let line = refused(&installation, url, &["webhook", "deliveries", id, "--state", "lost"]).await;
    assert!(line.contains("It must be pending, delivered or failed."), "{line}");

    // The events: the endpoint was disabled, and it was tested.
    let replayed = run(&["webhook", "replay", id, "--since", "2020-01-01T00:00:00Z", "--json"]).await;
    assert_eq!(serde_json::from_str::<Value>(&replayed).unwrap()["events"], 2);
    let mut again = [receiver.line().await, receiver.line().await];
    again.sort_unstable();
    assert!(again[0].contains("webhook_endpoint.disabled") && again[1].contains("webhook_endpoint.test"));
    // Once this secret is no longer valid, the receiver refuses everything.
    run(&["webhook", "rotate-secret", id, "--overlap-seconds", "0"]).await;
    run(&["webhook", "test", id]).await;
    let pending = ["webhook", "deliveries", id, "--state", "pending"];
    until_printed(&installation, url, &pending, "the answer is HTTP 401").await;

    let mut follow = latchkey(installation.folder.path(), &["events", "--follow", "--after", "0", "--json"]);
    follow.args(["--event-type", "webhook_endpoint.test", "--server", url, "--api-key-file", "key"]);
    let mut followed = Running::start(follow, &installation.path("follow.log"));
    for sequence in [2, 3] {
        let told: Value = serde_json::from_str(&followed.line().await).unwrap();
        assert_eq!(
            (&told["sequence"], &told["event_type"]),
            (&sequence.into(), &"webhook_endpoint.test".into())
        );
    }
    let next = run(&["webhook", "test", id]).await;
    let told: Value = serde_json::from_str(&followed.line().await).unwrap();
    assert_eq!(told["id"], next.as_str());
}
