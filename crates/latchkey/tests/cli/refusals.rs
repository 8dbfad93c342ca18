//! Failed starts of `latchkey serve`: each prints one line that says what to do, and leaves nothing behind, so that a
//! corrected start is still the first one.

use std::{
    fs::{self, DirBuilder, Permissions},
    net::TcpListener,
    os::unix::fs::{DirBuilderExt as _, PermissionsExt as _},
};

use sqlx::{Connection as _, Executor as _, SqliteConnection};

use crate::support::{Installation, latchkey, refusal, sdk_dir};

/// Asserts that the configuration is refused with texts that contain `wanted`, and that the corrected start is the first
/// one.
async fn refused(installation: &Installation, configuration: &str, wanted: &[&str]) {
    let line = refusal(installation.serve_with(configuration)).await;
    for wanted in wanted {
        assert!(line.contains(wanted), "{wanted:?} is not in: {line}");
    }
    assert!(installation.starts().await.is_some(), "the key has not been shown yet");
}

#[tokio::test]
async fn an_occupied_port() {
    let taken = TcpListener::bind("127.0.0.1:0").unwrap();
    let listen = taken.local_addr().unwrap().to_string();
    refused(&Installation::new(), &format!("listen = '{listen}'"), &[&listen, "set `listen`"]).await;
}

#[tokio::test]
async fn an_invalid_configuration() {
    for (configuration, wanted) in [
        ("# Mine\n\nlisen = '127.0.0.1:0'", "latchkey.toml, line 3: unknown field `lisen`"),
        ("lisen = '127.0.0.1:0'", "; did you mean `listen`?"),
        ("[bots]\ncapaciti = 2", "; did you mean `capacity`?"),
        ("listen = 8080", "line 1: listen: invalid type: integer `8080`"),
        ("listen = 'localhost'", "listen: invalid socket address syntax; give an IP address and a port"),
        ("[bots]\ncapacity = -1", "line 2: "),
        ("listen", "latchkey.toml"),
        ("[zoom]\nmeeting_spki = 'x'", "zoom.meeting_address"),
        (
            "listen = '127.0.0.1:0'\n[bots]\ncapacity = 0\n[keys.transit]\naddress = 'http://127.0.0.1:1'\nkey = 'k'",
            "token_file",
        ),
        (
            "listen = '127.0.0.1:0'\n[bots]\ncapacity = 0\n[keys.transit]\naddress = 'http://127.0.0.1:1'\nkey = 'k'\n\
             token = 'planted'",
            "start or unseal it",
        ),
        (
            "listen = '127.0.0.1:0'\n[bots]\ncapacity = 0\n[callbacks]\nallow_networks = ['here']",
            "callbacks.allow_networks",
        ),
        ("listen = '127.0.0.1:0'\n[bots]\ncapacity = 0\n[zoom]\nca_file = 'nowhere.pem'", "nowhere.pem"),
        ("listen = '127.0.0.1:0'\ndata_dir = 'latchkey.toml/data'", "data_dir"),
    ] {
        refused(&Installation::new(), configuration, &[wanted]).await;
    }
}

#[tokio::test]
async fn a_missing_configuration() {
    let folder = tempfile::tempdir().unwrap();
    let line = refusal(latchkey(folder.path(), &["serve", "--config", "elsewhere.toml"])).await;
    assert!(line.contains("elsewhere.toml"), "{line}");
}

#[tokio::test]
async fn an_invalid_log_filter() {
    let installation = Installation::new();
    let mut command = installation.serve();
    command.args(["--log", "info,bots=loudly"]);
    let line = refusal(command).await;
    assert!(line.contains("--log"), "{line}");
    assert!(installation.starts().await.is_some());
}

#[tokio::test]
async fn no_chromium() {
    let missing = "listen = '127.0.0.1:0'\n[browser]\nchromium = 'nowhere/chromium'";
    refused(&Installation::new(), missing, &["nowhere/chromium", "browser.chromium", "bots.capacity = 0"])
        .await;
}

#[tokio::test]
async fn a_chromium_that_does_not_run() {
    let broken = format!(
        "listen = '127.0.0.1:0'\n[browser]\nchromium = '/bin/false'\nsdk_dir = '{}'",
        sdk_dir().display()
    );
    refused(&Installation::new(), &broken, &["Chromium did not start"]).await;
}

#[tokio::test]
async fn no_sdk_or_another_one() {
    // Any existing file works here: the SDK is checked before Chromium is started.
    let here = "listen = '127.0.0.1:0'\n[browser]\nchromium = './latchkey.toml'\nsdk_dir = 'sdk/dist'";
    refused(&Installation::new(), here, &["sdk/dist", "npm ci", "browser.sdk_dir"]).await;

    let installation = Installation::new();
    fs::create_dir_all(installation.path("sdk/dist")).unwrap();
    fs::write(installation.path("sdk/package.json"), r#"{ "version": "3.1.4" }"#).unwrap();
    refused(&installation, here, &["3.1.4", browser::SDK_VERSION, "npm ci"]).await;
}

#[tokio::test]
async fn a_file_that_is_not_a_database() {
    let installation = Installation::new();
    DirBuilder::new().mode(0o700).create(installation.path("data")).unwrap();
    fs::write(installation.path("data/latchkey.db"), "No database at all. ".repeat(1000)).unwrap();
    let line = refusal(installation.serve()).await;
    assert!(line.contains("latchkey.db"), "{line}");
    fs::remove_file(installation.path("data/latchkey.db")).unwrap();
    assert!(installation.starts().await.is_some());
}

#[tokio::test]
async fn a_database_of_a_newer_latchkey() {
    let installation = Installation::new();
    installation.starts().await;
    let file = sqlx::sqlite::SqliteConnectOptions::new().filename(installation.path("data/latchkey.db"));
    let mut db = SqliteConnection::connect_with(&file).await.unwrap();
    db.execute("INSERT INTO schema_steps VALUES ('0999_later')").await.unwrap();
    let line = refusal(installation.serve()).await;
    assert!(line.contains("0999_later") && line.contains("run the version that was running on it"), "{line}");
    db.execute("DELETE FROM schema_steps WHERE name = '0999_later'").await.unwrap();
    db.close().await.unwrap();
    assert_eq!(installation.starts().await, None);
}

#[tokio::test]
async fn a_key_file_that_others_can_read() {
    let installation = Installation::new();
    installation.starts().await;
    let keys = installation.path("data/keys.json");
    fs::set_permissions(&keys, Permissions::from_mode(0o644)).unwrap();
    let line = refusal(installation.serve()).await;
    assert!(line.contains("chmod 600") && line.contains("keys.json"), "{line}");
    fs::set_permissions(&keys, Permissions::from_mode(0o600)).unwrap();
    assert_eq!(installation.starts().await, None);
}

/// Every command refuses the folder, whatever it contains.
#[tokio::test]
async fn a_data_folder_that_others_can_read() {
    let installation = Installation::new();
    installation.starts().await;
    let data = installation.path("data");
    for mode in [0o755, 0o770, 0o701, 0o720] {
        fs::set_permissions(&data, Permissions::from_mode(mode)).unwrap();
        for arguments in
            [&["serve"][..], &["migrate"], &["api-key", "list"], &["keys", "list"], &["audit", "export"]]
        {
            let line = refusal(latchkey(installation.folder.path(), arguments)).await;
            assert!(
                line.contains("chmod 700 data") && line.contains(&format!("{mode:o}")),
                "{arguments:?}: {line}"
            );
        }
    }
    fs::set_permissions(&data, Permissions::from_mode(0o700)).unwrap();
    assert_eq!(installation.starts().await, None);
}

#[tokio::test]
async fn a_lost_key_file_is_not_replaced() {
    let installation = Installation::new();
    installation.starts().await;
    let (keys, safe) = (installation.path("data/keys.json"), installation.path("safe.json"));
    fs::rename(&keys, &safe).unwrap();
    let line = refusal(installation.serve()).await;
    assert!(line.contains("keys.json is missing") && line.contains("restore"), "{line}");
    assert!(!keys.exists());
    fs::rename(&safe, &keys).unwrap();
    assert_eq!(installation.starts().await, None);
}

#[tokio::test]
async fn the_key_file_of_another_installation() {
    let (installation, other) = (Installation::new(), Installation::new());
    installation.starts().await;
    other.starts().await;
    let keys = installation.path("data/keys.json");
    let own = fs::read(&keys).unwrap();
    let id =
        serde_json::from_slice::<serde_json::Value>(&own).unwrap()["active"].as_str().unwrap().to_owned();
    fs::copy(other.path("data/keys.json"), &keys).unwrap();
    let line = refusal(installation.serve()).await;
    assert!(line.contains(&id) && line.contains("restore"), "{line}");
    fs::write(&keys, "{}").unwrap();
    let line = refusal(installation.serve()).await;
    assert!(line.contains("not a key ring") && line.contains("restore"), "{line}");
    fs::write(&keys, own).unwrap();
    assert_eq!(installation.starts().await, None);
}
