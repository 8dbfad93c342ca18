//! Counts for metrics.
#![expect(missing_docs, reason = "the names say it")]
#![expect(clippy::unwrap_used, reason = "a test may fail loudly")]

use model::CredentialStatus;

use super::{Bench, credentials};

pub async fn accounts_are_counted_by_state(bench: &Bench) {
    assert!(bench.store.credentials_by_status().await.unwrap().iter().all(|(_, count)| *count == 0));
    let workspace = bench.workspace().await;
    let app = bench.app(workspace, "client-1").await;
    for user in ["user-1", "user-2"] {
        let account = credentials::account(bench, workspace, app.id, user);
        bench.store.connect_credential(&account, &bench.note("connected")).await.unwrap();
    }
    let counted = bench.store.credentials_by_status().await.unwrap();
    assert_eq!(counted, [(CredentialStatus::Healthy, 2)]);
}
