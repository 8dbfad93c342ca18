//! The probe of the store.
#![expect(missing_docs, reason = "the names say it")]
#![expect(clippy::unwrap_used, reason = "a test may fail loudly")]

use crate::Conformance;

pub async fn a_working_store_can_be_probed_repeatedly(suite: &Conformance) {
    let before = suite.store.link_revision().await.unwrap();
    for _ in 0..3 {
        suite.store.probe().await.unwrap();
    }
    assert_eq!(suite.store.link_revision().await.unwrap(), before, "no link has changed");
}
