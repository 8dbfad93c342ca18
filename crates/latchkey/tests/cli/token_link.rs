//! `latchkey token-link` against a running server.

use std::{fs, process::Output};

use crate::support::{Installation, Running, http, latchkey, refusal, within};

/// Runs a command that must succeed, and returns its output.
async fn printed(installation: &Installation, url: &str, arguments: &[&str]) -> String {
    let mut command = latchkey(installation.folder.path(), arguments);
    command.args(["--server", url, "--api-key-file", "key"]);
    let Output { status, stdout, stderr } = within(command.output()).await.unwrap();
    assert!(status.success(), "{}", String::from_utf8_lossy(&stderr));
    String::from_utf8(stdout).unwrap().trim().to_owned()
}

#[tokio::test]
async fn a_link_is_created_listed_and_revoked() {
    let installation = Installation::new();
    let mut server = Running::start(installation.serve(), &installation.path("log"));
    let ready = server.ready().await;
    let (url, key) = (ready["url"].as_str().unwrap(), ready["api_key"].as_str().unwrap());
    fs::write(installation.path("key"), format!("{key}\n")).unwrap();

    let arguments =
        ["token-link", "create", "--host", "--kind", "join_token", "--kind", "zak", "--name", "for Zoë"];
    let address = printed(&installation, url, &arguments).await;
    let (before, _secret) = address.split_once('.').map(|_| address.rsplit_once('.').unwrap()).unwrap();
    let id = before.rsplit('/').next().unwrap();
    assert!(before.starts_with(&format!("{url}/t/")), "{address}");

    let list = printed(&installation, url, &["token-link", "list"]).await;
    let line = list.lines().find(|line| line.contains(id)).unwrap();
    for word in ["for Zoë", "recall", "join_token zak", "the meeting's host", "never", "none"] {
        assert!(line.contains(word), "{line}");
    }
    printed(&installation, url, &["token-link", "revoke", id]).await;
    assert!(printed(&installation, url, &["token-link", "list"]).await.contains("revoked"));

    let bearer = ["token-link", "create", "--dialect", "bearer", "--host"];
    let bearer = printed(&installation, url, &bearer).await;
    let (address, header) = bearer.split_once('\n').unwrap();
    assert!(address.starts_with(&format!("{url}/t/")) && !address.contains("/t/."), "{bearer}");
    let (name, value) = header.split_once(": ").unwrap();
    let client = http().build().unwrap();
    let answer = client.get(address).header(name, value).send().await.unwrap();
    assert_eq!(
        answer.status(),
        400,
        "the link exists, but needs a meeting: {}",
        answer.text().await.unwrap()
    );
    assert_eq!(client.get(address).send().await.unwrap().status(), 401);

    for (arguments, says) in [
        (vec!["create", "--pool", "x"], "pool: It must be the id of a pool."),
        (
            vec!["create", "--host", "--dialect", "zoom"],
            "dialect: It must be recall, attendee, meeting_baas or bearer.",
        ),
        (vec!["create", "--credential", "foo"], "accounts[0].credential: It must be the id of an account."),
        (
            vec!["revoke", "01900000-0000-7000-8000-000000000000"],
            "the key's workspace has no such token link: see `latchkey token-link list`",
        ),
    ] {
        let mut command = latchkey(installation.folder.path(), &["token-link"]);
        command.args(arguments).args(["--server", url, "--api-key-file", "key"]);
        let line = refusal(command).await;
        assert!(line.ends_with(says), "{line}");
    }
    let keyless = refusal(latchkey(installation.folder.path(), &["token-link", "list"])).await;
    assert!(keyless.contains("LATCHKEY_API_KEY"), "{keyless}");
    let mut nobody =
        latchkey(installation.folder.path(), &["token-link", "list", "--server", "http://127.0.0.1:1"]);
    let line = refusal({
        nobody.args(["--api-key-file", "key"]);
        nobody
    })
    .await;
    assert!(line.contains("is it running at http://127.0.0.1:1?"), "{line}");
}
