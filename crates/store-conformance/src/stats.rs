//! Counts for metrics.
#![expect(missing_docs, reason = "the names say it")]
#![expect(clippy::unwrap_used, reason = "a test may fail loudly")]

use model::CredentialStatus;

use crate::{Conformance, credentials};

pub async fn accounts_are_counted_by_state(suite: &Conformance) {
    assert!(suite.store.credentials_by_status().await.unwrap().iter().all(|(_, count)| *count == 0));
    let workspace = suite.workspace().await;
    let app = suite.app(workspace, "client-1").await;
    for user in ["user-1", "user-2"] {
        let account = credentials::account(suite, workspace, app.id, user);
        suite.store.connect_credential(&account, &suite.note("connected")).await.unwrap();
    }
    let counted = suite.store.credentials_by_status().await.unwrap();
    assert_eq!(counted, [(CredentialStatus::Healthy, 2)]);
}
