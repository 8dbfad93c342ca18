//! `latchkey store copy`, in both directions.

use std::fs;

use rustix::process::Signal;

use crate::{
    server,
    support::{BROKER_ALONE, Installation, Running, latchkey, refusal, within},
};

async fn copies(installation: &Installation, arguments: &[&str]) -> String {
    let mut command = latchkey(installation.folder.path(), &[&["store", "copy"], arguments].concat());
    let output = within(command.output()).await.unwrap();
    let said = String::from_utf8([output.stdout, output.stderr].concat()).unwrap();
    assert!(output.status.success(), "{said}");
    said
}

async fn refuses(installation: &Installation, arguments: &[&str]) -> String {
    let line = refusal(latchkey(installation.folder.path(), &[&["store", "copy"], arguments].concat())).await;
    assert!(!line.contains("planted"), "{line}");
    line
}

#[tokio::test]
async fn an_installation_moves_to_postgres_and_back() {
    let installation = Installation::new();
    let key = installation.starts().await;
    assert!(key.is_some());
    let url = server::database("template1").await;
    let with_password = url.replace("latchkey@", "latchkey:planted@");
    fs::write(installation.path("url"), &with_password).unwrap();

    let line = refuses(&installation, &["--from=data/latchkey.db", "--to-file=url"]).await;
    assert!(line.contains("latchkey migrate"), "{line}");
    let postgres = format!("database_url_file = 'url'\n{BROKER_ALONE}");
    fs::write(installation.path("latchkey.toml"), &postgres).unwrap();
    assert!(latchkey(installation.folder.path(), &["migrate"]).output().await.unwrap().status.success());
    let said = copies(&installation, &["--from=data/latchkey.db", "--to-file=url"]).await;
    assert!(said.contains(" rows were copied from data/latchkey.db") && !said.contains("planted"), "{said}");

    // The same key ring opens the copy, and the installation is not a new one.
    let mut server = Running::start(installation.serve_with(&postgres), &installation.path("log"));
    assert_eq!(server.ready().await["api_key"], serde_json::Value::Null);
    let line = refuses(&installation, &[&format!("--from={with_password}"), "--to=back.db"]).await;
    assert!(line.contains("stop every server"), "{line}");
    server.signal(Signal::TERM);
    assert!(server.ended().await.success());
    assert!(!installation.path("back.db").exists(), "a refused copy leaves no empty store");

    let line = refuses(&installation, &["--from=data/latchkey.db", "--to-file=url"]).await;
    assert!(line.contains("not empty") && line.contains("workspaces"), "{line}");
    let done = copies(&installation, &["--from-file=url", "--to=back.db", "--json"]).await;
    let done: serde_json::Value = serde_json::from_str(&done).unwrap();
    assert!(done["rows"].as_u64() > Some(0) && done["to"] == "back.db", "{done}");
    fs::rename(installation.path("back.db"), installation.path("data/latchkey.db")).unwrap();
    assert_eq!(installation.starts().await, None);
}

#[tokio::test]
async fn a_failed_copy_reports_why() {
    let installation = Installation::new();
    installation.starts().await;
    for (arguments, wanted) in [
        (["--from=nowhere.db", "--to=new.db"], "there is no file nowhere.db"),
        (["--from=data/latchkey.db", "--to=nowhere/new.db"], "there is no folder nowhere"),
        (["--from=data/latchkey.db", "--to=./data/latchkey.db"], "the same database"),
        (["--from=mysql://planted@host/db", "--to=new.db"], "postgres://"),
        (["--from=data/latchkey.db", "--to=postgres://planted:planted@127.0.0.1:1/db"], "start it"),
    ] {
        let line = refuses(&installation, &arguments).await;
        assert!(line.contains(wanted), "{line}");
    }
    let server = Running::start(installation.serve(), &installation.path("log"));
    let mut server = server;
    server.ready().await;
    let line = refuses(&installation, &["--from=data/latchkey.db", "--to=new.db"]).await;
    assert!(line.contains("stop the server"), "{line}");
    assert!(!installation.path("new.db").exists());
    server.signal(Signal::TERM);
    assert!(server.ended().await.success());
}
