//! `latchkey account import` against a running server.

use std::fs;

use crate::support::{Installation, Running, latchkey, refusal};

#[tokio::test]
async fn a_refused_import_names_what_is_missing() {
    let installation = Installation::new();
    let mut server = Running::start(installation.serve(), &installation.path("log"));
    let ready = server.ready().await;
    let (url, key) = (ready["url"].as_str().unwrap(), ready["api_key"].as_str().unwrap());
    fs::write(installation.path("key"), key).unwrap();
    fs::write(installation.path("torn"), "planted\ntoken").unwrap();
    fs::write(installation.path("token"), "planted-token\n").unwrap();
    for (file, says) in [
        ("missing", "cannot read missing"),
        ("torn", "it contains no refresh token"),
        ("token", "the workspace has no Zoom app"),
    ] {
        let mut command = latchkey(installation.folder.path(), &["account", "import"]);
        command.args(["--refresh-token-file", file, "--server", url, "--api-key-file", "key"]);
        let line = refusal(command).await;
        assert!(line.contains(says) && !line.contains("planted"), "{line}");
    }
}
