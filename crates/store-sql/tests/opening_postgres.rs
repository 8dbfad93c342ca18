//! Which databases a store opens, the errors for the others, and migrations.
#![expect(clippy::unwrap_used, reason = "a test may fail loudly")]

mod server;

use std::{
    collections::{BTreeMap, BTreeSet},
    fs,
    sync::Arc,
};

use model::Secret;
use sqlx::{AssertSqlSafe, Connection as _, Executor as _, PgConnection, Row as _, SqlitePool, raw_sql};
use store::{Access as _, BotLeases as _, Credentials as _, TokenLinks as _, ZoomOauthApps as _};
use store_sql::{
    postgres::{self, Address, OpenError},
    sqlite,
};

fn address(url: &str) -> Address {
    Address::read(&Secret::new(url)).unwrap()
}

async fn run(url: &str, sql: String) {
    let mut db = PgConnection::connect(url).await.unwrap();
    db.execute(raw_sql(AssertSqlSafe(sql))).await.unwrap();
    db.close().await.unwrap();
}

/// The tables, each with its columns.
type Schema = BTreeMap<String, BTreeSet<String>>;

async fn schema(url: &str) -> Schema {
    let mut db = PgConnection::connect(url).await.unwrap();
    let columns = "SELECT table_name::text, column_name::text FROM information_schema.columns\n\
                   JOIN information_schema.tables USING (table_schema, table_name)\n\
                   WHERE table_schema = 'public' AND table_type = 'BASE TABLE'";
    let mut schema = Schema::new();
    for row in sqlx::query(columns).fetch_all(&mut db).await.unwrap() {
        schema.entry(row.get(0)).or_default().insert(row.get(1));
    }
    schema
}

#[tokio::test]
async fn an_empty_database_is_refused_until_it_is_migrated() {
    let url = server::database("template1").await;
    let complaint = postgres::open(&address(&url)).await.unwrap_err();
    assert!(matches!(complaint, OpenError::TooOld { .. }), "{complaint}");
    assert!(complaint.to_string().contains("run `latchkey migrate`"), "{complaint}");

    let first = postgres::migrate(&address(&url)).await.unwrap();
    assert_eq!((first.taken.first(), first.taken.last()), (Some(&"0001_first"), Some(&first.schema)));
    let second = postgres::migrate(&address(&url)).await.unwrap();
    assert!(second.taken.is_empty(), "again changes nothing");
    postgres::open(&address(&url)).await.unwrap();
}

#[tokio::test]
async fn a_newer_schema_is_refused() {
    let url = server::database("template1").await;
    postgres::migrate(&address(&url)).await.unwrap();
    run(&url, "INSERT INTO schema_steps VALUES (999, '0999_later')".into()).await;
    let complaint = postgres::open(&address(&url)).await.unwrap_err();
    assert!(matches!(complaint, OpenError::TooNew { .. }), "{complaint}");
    let complaint = postgres::migrate(&address(&url)).await.unwrap_err();
    assert!(matches!(complaint, OpenError::TooNew { .. }), "{complaint}");
    let said = complaint.to_string();
    assert!(said.contains("0999_later") && said.contains("run the version that migrated it"), "{said}");
}

#[tokio::test]
async fn a_failed_migration_leaves_the_schema_unchanged() {
    let url = server::database("template1").await;
    run(&url, "CREATE TABLE token_links (mine TEXT)".into()).await;
    let before = schema(&url).await;
    let complaint = postgres::migrate(&address(&url)).await.unwrap_err();
    assert!(matches!(complaint, OpenError::Migration { .. }), "{complaint}");
    assert_eq!(schema(&url).await, before);
}

/// The migrating server is killed before its commit.
#[tokio::test]
async fn an_interrupted_migration_is_run_again_by_the_next_start() {
    let url = server::database("template1").await;
    let mut killed = PgConnection::connect(&url).await.unwrap();
    killed.execute("BEGIN").await.unwrap();
    let first =
        fs::read_to_string(concat!(env!("CARGO_MANIFEST_DIR"), "/migrations/postgres/0001_first.sql"));
    killed.execute(raw_sql(AssertSqlSafe(first.unwrap()))).await.unwrap();
    let backend: i32 = sqlx::query_scalar("SELECT pg_backend_pid()").fetch_one(&mut killed).await.unwrap();
    run(&url, format!("SELECT pg_terminate_backend({backend}, 5000)")).await;
    assert_eq!(schema(&url).await, Schema::new(), "the migration was rolled back");
    postgres::migrate(&address(&url)).await.unwrap();
    postgres::open(&address(&url)).await.unwrap();
}

/// As when a branch with a lower number is merged after one with a higher number.
#[tokio::test]
async fn a_migration_that_was_added_late_is_run() {
    let url = server::database("template1").await;
    postgres::migrate(&address(&url)).await.unwrap();
    run(&url, "DELETE FROM schema_steps WHERE name = '0030_used_ids'; DROP TABLE used_ids".into()).await;
    run(&url, "UPDATE schema_steps SET number = number + 100".into()).await;
    assert_eq!(postgres::migrate(&address(&url)).await.unwrap().taken, ["0030_used_ids"]);
    postgres::open(&address(&url)).await.unwrap();
}

#[tokio::test]
async fn one_of_two_concurrent_migrations_runs_the_steps() {
    let url = server::database("template1").await;
    let here = address(&url);
    let (one, other) = tokio::join!(postgres::migrate(&here), postgres::migrate(&here));
    let (one, other) = (one.unwrap(), other.unwrap());
    assert!(one.taken.is_empty() != other.taken.is_empty(), "{one:?} {other:?}");
}

#[tokio::test]
async fn errors_say_what_to_do_and_contain_no_password() {
    let url = server::database("template1").await;
    run(&url, "CREATE ROLE guest LOGIN PASSWORD 'right'".into()).await;
    let (_, socket) = url.split_once("host=").unwrap();
    for (url, advice) in [
        ("postgres://guest:planted@localhost/test?host=/nowhere".to_owned(), "start it"),
        ("postgres://guest:planted@127.0.0.1:1/test".to_owned(), "start it"),
        (
            format!("postgres://guest:planted@localhost/postgres?host={socket}"),
            "correct the user or password",
        ),
        (format!("postgres://latchkey:planted@localhost/nothing?host={socket}"), "createdb nothing"),
    ] {
        let complaint = postgres::open(&address(&url)).await.unwrap_err().to_string();
        assert!(complaint.contains(advice), "{complaint}");
        assert!(!complaint.contains("planted") && !complaint.contains('\n'), "{complaint}");
    }
}

#[tokio::test]
async fn a_store_prints_without_its_password() {
    let url = server::database("template1").await.replace("latchkey@", "latchkey:planted@");
    postgres::migrate(&address(&url)).await.unwrap();
    let store = postgres::open(&address(&url)).await.unwrap();
    assert!(!format!("{store:?}").contains("planted"));
}

#[tokio::test]
async fn both_backends_have_the_same_tables_and_columns() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("latchkey.db");
    sqlite::open(&path).await.unwrap().close().await;
    let db = SqlitePool::connect(path.to_str().unwrap()).await.unwrap();
    let columns = "SELECT t.name, c.name FROM sqlite_master t, pragma_table_info(t.name) c\n\
                   WHERE t.type = 'table' AND t.name NOT LIKE 'sqlite_%'";
    let mut sqlite = Schema::new();
    for row in sqlx::query(columns).fetch_all(&db).await.unwrap() {
        sqlite.entry(row.get(0)).or_default().insert(row.get(1));
    }

    let url = server::database("template1").await;
    postgres::migrate(&address(&url)).await.unwrap();
    let mut postgres = schema(&url).await;
    assert!(postgres.remove("schema_steps").is_some() && sqlite.remove("schema_steps").is_some());
    assert_eq!(postgres, sqlite);
}

/// A newer version adds a column to every table while a replica of this one is running.
#[tokio::test]
async fn a_running_replica_survives_a_widened_schema() {
    let url = server::database("template1").await;
    postgres::migrate(&address(&url)).await.unwrap();
    let store = Arc::new(postgres::open(&address(&url)).await.unwrap());
    let suite = store_conformance::Conformance::new(store.clone());
    let workspace = suite.workspace().await;
    let app = suite.app(workspace, "client-1").await;
    let read = async || {
        assert_eq!(store.workspaces().await.unwrap().len(), 1);
        assert!(store.zoom_oauth_app(workspace, app.id).await.unwrap().is_some());
        assert!(store.credentials(workspace).await.unwrap().is_empty());
        assert!(store.token_links(workspace, None, 1).await.unwrap().is_empty());
        let (now, token) = (suite.env.now(), suite.lease(60).token);
        assert!(store.lease_due_bots(&[token], now, now, now).await.unwrap().is_empty());
    };
    read().await;
    for table in schema(&url).await.into_keys() {
        run(&url, format!("ALTER TABLE {table} ADD COLUMN later TEXT")).await;
    }
    read().await;
}

#[tokio::test]
async fn the_audit_from_before_batches_is_kept() {
    let url = server::database("template1").await;
    let folder = fs::read_dir(concat!(env!("CARGO_MANIFEST_DIR"), "/migrations/postgres")).unwrap();
    let mut steps: Vec<_> = folder.map(|entry| entry.unwrap().path()).collect();
    steps.sort_unstable();
    run(&url, "CREATE TABLE schema_steps (number BIGINT PRIMARY KEY, name TEXT NOT NULL)".into()).await;
    for (number, step) in steps.iter().enumerate() {
        let name = step.file_stem().unwrap().to_str().unwrap();
        if name == "0013_audit_batches" {
            break;
        }
        run(&url, fs::read_to_string(step).unwrap()).await;
        run(&url, format!("INSERT INTO schema_steps VALUES ({}, '{name}')", number + 1)).await;
    }
    run(&url, store_conformance::audit::ROWS_BEFORE_BATCHES.into()).await;
    assert_eq!(postgres::migrate(&address(&url)).await.unwrap().taken[0], "0013_audit_batches");
    let store = postgres::open(&address(&url)).await.unwrap();
    store_conformance::audit::rows_from_before_batches_are_kept(&store).await;
}
