//! `latchkey workspace` and `latchkey api-key`, while a server runs.

use serde_json::Value;

use crate::support::{Installation, Running, http, latchkey, refusal, within};

async fn says(installation: &Installation, arguments: &[&str]) -> String {
    let output = within(latchkey(installation.folder.path(), arguments).output()).await.unwrap();
    let (stdout, stderr) =
        (String::from_utf8(output.stdout).unwrap(), String::from_utf8(output.stderr).unwrap());
    assert!(output.status.success(), "{arguments:?}: {stdout}{stderr}");
    stdout
}

async fn json(installation: &Installation, arguments: &[&str]) -> Value {
    let line = says(installation, &[arguments, &["--json"]].concat()).await;
    serde_json::from_str(&line).unwrap_or_else(|error| panic!("{error}: {line}"))
}

#[tokio::test]
async fn workspaces_and_keys_are_managed_while_a_server_runs() {
    let installation = Installation::new();
    let mut server = Running::start(installation.serve(), &installation.path("log"));
    let ready = server.ready().await;
    let (url, http) = (ready["url"].as_str().unwrap().to_owned(), http().build().unwrap());
    let status = async |key: &str, path: &str| {
        let request = http.get(format!("{url}{path}")).header("authorization", format!("Token {key}"));
        within(request.send()).await.unwrap().status().as_u16()
    };

    let made = json(&installation, &["api-key", "create", "reader", "--scopes", "read"]).await;
    let (id, key) = (made["id"].as_str().unwrap(), made["api_key"].as_str().unwrap());
    assert_eq!(status(key, "/api/v1/bot/").await, 200);
    assert_eq!(status(key, "/api/latchkey/v1/callback-secret/").await, 403);
    let listed = says(&installation, &["api-key", "list"]).await;
    assert!(listed.contains(id) && listed.contains("reader") && !listed.contains(key), "{listed}");
    let listed = json(&installation, &["api-key", "list"]).await;
    let reader = listed.as_array().unwrap().iter().find(|it| it["id"] == id).unwrap();
    assert_eq!((&reader["name"], &reader["scopes"]), (&"reader".into(), &serde_json::json!(["read"])));
    assert!(key.starts_with(reader["prefix"].as_str().unwrap()), "{reader}");
    json(&installation, &["api-key", "revoke", id]).await;
    assert_eq!(status(key, "/api/v1/bot/").await, 401);
    assert!(says(&installation, &["api-key", "list"]).await.contains("revoked 2"));

    // The first key that may create workspaces, and one that is created here.
    let operator = json(&installation, &["api-key", "create", "ops", "--scopes", "operator"]).await;
    assert_eq!(status(operator["api_key"].as_str().unwrap(), "/api/latchkey/v1/workspaces/").await, 200);
    let second = json(&installation, &["workspace", "create", "Zoë’s team"]).await;
    assert_eq!(status(second["api_key"].as_str().unwrap(), "/api/v1/bot/").await, 200);
    let workspace = second["workspace"].as_str().unwrap();
    let set = ["workspace", "set", workspace, "--ignored-fields", "refuse"];
    assert_eq!(json(&installation, &set).await["ignored_fields"], "refuse");
    let listed = says(&installation, &["workspace", "list"]).await;
    assert!(
        listed.contains("default") && listed.contains("Zoë’s team") && listed.contains(workspace),
        "{listed}"
    );

    let listed = json(&installation, &["workspace", "list"]).await;
    assert!(listed.as_array().unwrap().iter().any(|it| it["id"] == workspace && it["name"] == "Zoë’s team"));

    // With two workspaces, one must be given.
    let folder = installation.folder.path();
    let unnamed = refusal(latchkey(folder, &["api-key", "list"])).await;
    assert!(unnamed.contains("--workspace"), "{unnamed}");
    let theirs = says(&installation, &["api-key", "list", "--workspace", workspace]).await;
    assert!(theirs.contains("read,bots,tokens,admin") && !theirs.contains("ops"), "{theirs}");
    let elsewhere = refusal(latchkey(folder, &["api-key", "revoke", id, "--workspace", workspace])).await;
    assert!(elsewhere.contains("no key"), "{elsewhere}");
}

#[tokio::test]
async fn without_an_installation_nothing_is_created() {
    let installation = Installation::new();
    std::fs::write(installation.path("latchkey.toml"), crate::support::BROKER_ALONE).unwrap();
    for arguments in [&["workspace", "create", "x"][..], &["api-key", "create", "x"]] {
        let line = refusal(latchkey(installation.folder.path(), arguments)).await;
        assert!(line.contains("keys.json"), "{line}");
    }
    assert!(!installation.path("data").join("keys.json").exists());
}
