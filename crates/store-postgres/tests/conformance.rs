//! PostgreSQL keeps what `store` promises.
#![expect(clippy::unwrap_used, reason = "a test may fail loudly")]

mod server;

use std::sync::Arc;

use model::Secret;
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

async fn empty_store() -> (Arc<dyn Store>, ()) {
    let template = TEMPLATE.get_or_init(migrated).await;
    let url = server::database(template).await;
    let store = PostgresStore::open(&Address::read(&Secret::new(url)).unwrap()).await.unwrap();
    (Arc::new(store), ())
}

store::conformance_tests!(empty_store);
