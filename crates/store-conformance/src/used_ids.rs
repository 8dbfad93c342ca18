//! The used ids of signed requests.
#![expect(missing_docs, reason = "the names say it")]
#![expect(clippy::unwrap_used, reason = "a test may fail loudly")]

use std::time::Duration;

use model::UsedIdsId;

use crate::Conformance;
use store::UsedIds;

pub async fn ids_of_one_server_are_read_by_others(suite: &Conformance) {
    let (now, second) = (suite.env.now(), Duration::from_secs(1));
    let mut rows = Vec::new();
    for (number, entries) in [vec![], vec![0; 24], vec![255; 24 * 20_000]].into_iter().enumerate() {
        let written_at = now + second * u32::try_from(number).unwrap();
        let row = UsedIds { id: UsedIdsId::generate(&suite.env), written_at, entries };
        suite.store.add_used_ids(&row).await.unwrap();
        rows.push(row);
    }
    let read = async |since, until, known: &[UsedIdsId]| {
        let mut found = suite.store.used_ids(since, until, known).await.unwrap();
        found.sort_by_key(|row| row.written_at);
        found
    };
    let end = now + second * 3;
    assert_eq!(read(now, end, &[]).await, rows);
    assert_eq!(
        read(now + second, now + second * 2, &[]).await,
        rows[1..2],
        "from the first time on, before the second"
    );
    assert_eq!(read(now, end, &[rows[0].id, rows[2].id]).await, rows[1..2], "without the known rows");

    assert_eq!(suite.store.forget_used_ids(now).await.unwrap(), 0, "only older rows are deleted");
    assert_eq!(suite.store.forget_used_ids(now + second * 2).await.unwrap(), 2);
    assert_eq!(read(now, end, &[]).await, rows[2..]);
}
