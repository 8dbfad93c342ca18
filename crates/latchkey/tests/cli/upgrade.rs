//! An installation of the previous version starts with this version, with all its data (`tests/previous_version/README.md`).

use std::{fs, os::unix::fs::PermissionsExt as _};

use rustix::process::Signal;
use serde_json::Value;
use sqlx::{Connection as _, Executor as _, PgConnection, SqliteConnection, raw_sql};

use crate::{
    server,
    support::{BROKER_ALONE, Installation, Running, http, latchkey},
};

const KEY: &str = "lk_--BYumXMsvYhL6TRVHMM80sVWt5l-LhXcDEGAsUZLSc";
const APP: &str = "01a227f6-5c30-7b35-98b2-e3e3ddd38f5e";
const ACCOUNT: &str = "01a227f6-5c9e-7fda-be4b-4789509a2939";
const LINK: &str = "01a227f6-5cc8-76ce-86a6-25a3f5556457";
const POOL: &str = "01a227f6-5cd5-7c3d-9540-147cdb3ede60";
const BOT: &str = "01a227f6-5d19-70e3-9af6-1809bf09fdcb";

/// An installation with the keys of the previous version.
fn with_keys() -> Installation {
    let installation = Installation::new();
    fs::create_dir(installation.path("data")).unwrap();
    only_ours(&installation, "data", 0o700);
    fs::write(installation.path("data/keys.json"), include_str!("../previous_version/keys.json")).unwrap();
    only_ours(&installation, "data/keys.json", 0o600);
    installation
}

fn only_ours(installation: &Installation, name: &str, mode: u32) {
    fs::set_permissions(installation.path(name), fs::Permissions::from_mode(mode)).unwrap();
}

/// Starts a server and reads all data.
async fn has_everything(installation: &Installation, configuration: &str) {
    let mut server = Running::start(installation.serve_with(configuration), &installation.path("log"));
    let ready = server.ready().await;
    assert_eq!(ready["api_key"], Value::Null, "it is not a new installation");
    let (http, base) = (http().build().unwrap(), ready["url"].as_str().unwrap().to_owned());
    let get = async |path: &str| -> Value {
        let request = http.get(format!("{base}{path}")).header("authorization", format!("Token {KEY}"));
        let answer = request.send().await.unwrap();
        assert!(answer.status().is_success(), "{path}: {}", answer.text().await.unwrap());
        answer.json().await.unwrap()
    };
    let apps = get("/api/v2/zoom-oauth-apps/").await;
    assert_eq!(
        (&apps["results"][0]["id"], &apps["results"][0]["client_id"]),
        (&APP.into(), &"client".into())
    );
    let account = get(&format!("/api/v2/zoom-oauth-credentials/{ACCOUNT}/")).await;
    assert_eq!((&account["status"], &account["oauth_app"]), (&"healthy".into(), &APP.into()), "{account}");
    let link = get(&format!("/api/latchkey/v1/token-links/{LINK}/")).await;
    assert_eq!(link["last_uses"].as_array().map(Vec::len), Some(3), "{link}");
    let pool = get(&format!("/api/latchkey/v1/pools/{POOL}/")).await;
    assert_eq!((&pool["name"], &pool["members"][0]["credential"]), (&"notes".into(), &ACCOUNT.into()));
    let bot = get(&format!("/api/v1/bot/{BOT}/")).await;
    assert_eq!((&bot["bot_name"], &bot["metadata"]["customer"]), (&"Notes".into(), &"ada".into()), "{bot}");
    let audit = get("/api/latchkey/v1/audit/").await;
    let records = audit["results"].as_array().unwrap();
    assert_eq!(records.len(), 3);
    assert!(records.iter().all(|it| it["credential"] == ACCOUNT && it["who_id"] == LINK), "{audit}");
    for about in [format!("credential={ACCOUNT}"), format!("token_link={LINK}")] {
        let found = get(&format!("/api/latchkey/v1/audit/?{about}")).await;
        assert_eq!(found["results"], audit["results"], "{about}");
    }
    server.signal(Signal::TERM);
    assert!(server.ended().await.success());
}

#[tokio::test]
async fn all_data_is_kept_on_sqlite() {
    let installation = with_keys();
    let file = installation.path("data/latchkey.db");
    let options =
        sqlx::sqlite::SqliteConnectOptions::new().filename(&file).create_if_missing(true).foreign_keys(false);
    let mut db = SqliteConnection::connect_with(&options).await.unwrap();
    db.execute(raw_sql(include_str!("../previous_version/sqlite.sql"))).await.unwrap();
    db.close().await.unwrap();
    only_ours(&installation, "data/latchkey.db", 0o600);
    has_everything(&installation, BROKER_ALONE).await;
    // Again, on the data that this version has migrated.
    has_everything(&installation, BROKER_ALONE).await;
}

#[tokio::test]
async fn all_data_is_kept_on_postgresql() {
    let installation = with_keys();
    let url = server::database("template1").await;
    let mut db = PgConnection::connect(&url).await.unwrap();
    db.execute(raw_sql(include_str!("../previous_version/postgres.sql"))).await.unwrap();
    db.close().await.unwrap();
    let configuration = format!("database_url = '{url}'\n{BROKER_ALONE}");
    fs::write(installation.path("latchkey.toml"), &configuration).unwrap();
    let migrated = latchkey(installation.folder.path(), &["migrate"]).output().await.unwrap();
    assert!(migrated.status.success(), "{}", String::from_utf8_lossy(&migrated.stderr));
    has_everything(&installation, &configuration).await;
}
