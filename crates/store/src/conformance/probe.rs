//! Whether the store works.
#![expect(missing_docs, reason = "the names say it")]
#![expect(clippy::unwrap_used, reason = "a test may fail loudly")]

use super::Bench;

pub async fn a_store_that_works_can_be_probed_again_and_again(bench: &Bench) {
    let before = bench.store.link_revision().await.unwrap();
    for _ in 0..3 {
        bench.store.probe().await.unwrap();
    }
    assert_eq!(bench.store.link_revision().await.unwrap(), before, "no link has changed");
}
