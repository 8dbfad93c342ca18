//! PostgreSQL keeps what `store` promises.
#![expect(clippy::unwrap_used, reason = "a test may fail loudly")]

mod server;

use std::sync::{Arc, OnceLock};

use model::Secret;
use stage::PgBouncer;
use store::Store;
use store_postgres::{Address, PostgresStore};
use tokio::sync::OnceCell;

/// A database that has the schema and nothing else, to copy from.
static TEMPLATE: OnceCell<String> = OnceCell::const_new();

async fn migrated() -> String {
    let url = server::database("template1").await;
    PostgresStore::migrate(&Address::read(&Secret::new(&*url)).unwrap()).await.unwrap();
    url.split(['/', '?']).nth(3).unwrap().to_owned()
}

/// The way to a database: through a PgBouncer, if LATCHKEY_TEST_POOL_MODE says in which `pool_mode`.
fn pooled(direct: String) -> String {
    static POOLER: OnceLock<Option<PgBouncer>> = OnceLock::new();
    let pooler = POOLER.get_or_init(|| {
        let mode = std::env::var("LATCHKEY_TEST_POOL_MODE").ok()?;
        // Where there are few, they are shared.
        let connections = if mode == "session" { 20 } else { 3 };
        Some(PgBouncer::start(server::server(), &mode, connections).unwrap())
    });
    match pooler {
        Some(pooler) => pooler.address(&direct),
        None => direct,
    }
}

async fn empty_store() -> (Arc<dyn Store>, ()) {
    let template = TEMPLATE.get_or_init(migrated).await;
    let url = pooled(server::database(template).await);
    let store = PostgresStore::open(&Address::read(&Secret::new(url)).unwrap()).await.unwrap();
    (Arc::new(store), ())
}

store::conformance_tests!(empty_store);
