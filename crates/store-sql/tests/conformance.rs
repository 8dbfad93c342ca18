//! Both databases pass the conformance suite of `store`.
#![expect(clippy::unwrap_used, reason = "a test may fail loudly")]

mod server;

mod sqlite {
    use std::{collections::BTreeSet, sync::Arc};

    use store::Store;
    use store_sql::sqlite;

    async fn empty_store() -> (Arc<dyn Store>, tempfile::TempDir) {
        let dir = tempfile::tempdir().unwrap();
        let store = sqlite::open(&dir.path().join("latchkey.db")).await.unwrap();
        (Arc::new(store), dir)
    }

    store_conformance::conformance_tests!(empty_store);

    #[tokio::test]
    async fn no_column_of_bytes_and_no_table_is_missing() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("latchkey.db");
        sqlite::open(&path).await.unwrap().close().await;
        let db = sqlx::SqlitePool::connect(path.to_str().unwrap()).await.unwrap();
        let columns: Vec<(String, String, String)> = sqlx::query_as(
            "SELECT t.name, c.name, c.type FROM sqlite_master t, pragma_table_info(t.name) c\n\
             WHERE t.type = 'table' AND t.name NOT LIKE 'sqlite_%' AND t.name <> 'schema_steps'",
        )
        .fetch_all(&db)
        .await
        .unwrap();
        let bytes = columns.iter().filter(|(_, _, kind)| kind == "BLOB");
        store_conformance::sealed_cells::every_column_of_bytes_is_known(
            bytes.map(|(table, column, _)| (table.clone(), column.clone())),
        );
        let found: BTreeSet<&str> = columns.iter().map(|(table, ..)| &**table).collect();
        let known: BTreeSet<&str> = store::TABLES.iter().map(|table| table.name).collect();
        assert_eq!(found, known, "a table would not be copied");
    }
}

mod postgres {
    use std::sync::{Arc, OnceLock};

    use model::Secret;
    use stage::PgBouncer;
    use store::Store;
    use store_sql::postgres::{self, Address};
    use tokio::sync::OnceCell;

    /// A database with only the schema, to copy from.
    static TEMPLATE: OnceCell<String> = OnceCell::const_new();

    async fn migrated() -> String {
        let url = super::server::database("template1").await;
        postgres::migrate(&Address::read(&Secret::new(&*url)).unwrap()).await.unwrap();
        url.split(['/', '?']).nth(3).unwrap().to_owned()
    }

    /// The URL of a database; through a PgBouncer if LATCHKEY_TEST_POOL_MODE names its `pool_mode`.
    fn pooled(direct: String) -> String {
        static POOLER: OnceLock<Option<PgBouncer>> = OnceLock::new();
        let pooler = POOLER.get_or_init(|| {
            let mode = std::env::var("LATCHKEY_TEST_POOL_MODE").ok()?;
            // A small number makes PgBouncer share them.
            let connections = if mode == "session" { 20 } else { 3 };
            Some(PgBouncer::start(super::server::server(), &mode, connections).unwrap())
        });
        match pooler {
            Some(pooler) => pooler.address(&direct),
            None => direct,
        }
    }

    async fn empty_store() -> (Arc<dyn Store>, ()) {
        let template = TEMPLATE.get_or_init(migrated).await;
        let url = pooled(super::server::database(template).await);
        let store = postgres::open(&Address::read(&Secret::new(url)).unwrap()).await.unwrap();
        (Arc::new(store), ())
    }

    store_conformance::conformance_tests!(empty_store);
}
