//! A store reports its transactions to its observer.
#![expect(clippy::unwrap_used, reason = "a test stops at the first surprise")]

use std::{
    sync::{Arc, Mutex},
    time::Duration,
};

use model::Environment;
use store::{Probe as _, StoreObserver};
use store_sql::sqlite;

#[derive(Debug, Default)]
struct Seen {
    transactions: Mutex<Vec<(&'static str, bool)>>,
    pools: Mutex<Vec<&'static str>>,
}

impl StoreObserver for Seen {
    fn transaction(&self, name: &'static str, _took: Duration, succeeded: bool) {
        self.transactions.lock().unwrap().push((name, succeeded));
    }

    fn collision(&self, _name: &'static str) {}

    fn connections(&self, pool: &'static str, lent: u32, open: u32) {
        assert!(lent <= open, "{pool}: {lent} of {open}");
        self.pools.lock().unwrap().push(pool);
    }
}

#[tokio::test]
async fn transactions_are_reported_with_their_outcome() {
    let folder = tempfile::tempdir().unwrap();
    let seen = Arc::new(Seen::default());
    let store = sqlite::open(&folder.path().join("latchkey.db")).await.unwrap();
    let store = store.observed_by(seen.clone(), Environment::system());
    store.probe().await.unwrap();
    store.close().await;
    store.probe().await.unwrap_err();
    assert_eq!(*seen.transactions.lock().unwrap(), [("probe", true), ("probe", false)]);
    assert_eq!(seen.pools.lock().unwrap()[..3], ["readers", "writer", "audit"]);
}
