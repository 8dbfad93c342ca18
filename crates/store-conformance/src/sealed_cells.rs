//! All ciphertexts, as key rotation sees them.
#![expect(missing_docs, reason = "the names say it")]
#![expect(clippy::unwrap_used, reason = "a test may fail loudly")]

use std::collections::BTreeSet;

use model::Sealed;

use crate::Conformance;
use store::{Replacement, SEALED_COLUMNS, SealedCell, SealedColumn, SealedHead};

/// Columns of bytes without ciphertext: hashes, and the records of the audit.
const OPEN: &[(&str, &str)] = &[
    ("api_keys", "digest"),
    ("zoom_events", "key"),
    ("consents", "secret_digest"),
    ("consents", "connected_by"),
    ("parked_consents", "code_digest"),
    ("used_ids", "entries"),
    ("token_links", "secret_digest"),
    ("seen_requests", "request"),
    ("idempotent_requests", "fingerprint"),
    ("bots", "meeting_digest"),
    ("console_sessions", "digest"),
    ("audit_batches", "id"),
    ("audit_batches", "content"),
];

/// Call it with every column of bytes in the database, by table and name.
pub fn every_column_of_bytes_is_known(columns: impl IntoIterator<Item = (String, String)>) {
    let found: BTreeSet<_> = columns.into_iter().collect();
    let sealed = SEALED_COLUMNS.iter().map(|column| (column.table, column.column));
    let known: BTreeSet<_> =
        sealed.chain(OPEN.iter().copied()).map(|(table, column)| (table.into(), column.into())).collect();
    assert_eq!(found, known, "a column is neither in SEALED_COLUMNS nor in OPEN, or no longer exists");
}

fn client_secret() -> &'static SealedColumn {
    SEALED_COLUMNS.iter().find(|column| column.column == "client_secret").unwrap()
}

pub async fn every_cell_is_visited_once(suite: &Conformance) {
    let workspace = suite.workspace().await;
    let mut rows = Vec::new();
    for number in 0..5 {
        rows.push(suite.app(workspace, &format!("client-{number}")).await.id.to_string());
    }
    rows.sort();
    assert_eq!(suite.store.count_sealed(client_secret()).await.unwrap(), 5);

    let (mut walked, mut after) = (Vec::new(), None::<String>);
    loop {
        let heads = suite.store.sealed_heads(client_secret(), after.as_deref(), 3, 2).await.unwrap();
        let Some(last) = heads.last() else { break };
        assert!(heads.len() <= 2);
        after = Some(last.row.clone());
        walked.extend(heads);
    }
    assert_eq!(walked.iter().map(|head| &head.row).collect::<Vec<_>>(), rows.iter().collect::<Vec<_>>());

    let cells = suite.store.sealed_cells(client_secret(), &rows).await.unwrap();
    assert_eq!(cells.len(), 5);
    for cell in cells {
        assert_eq!(cell.workspace, workspace);
        let head = cell.sealed.0[..3].to_vec();
        assert!(walked.contains(&SealedHead { row: cell.row, head }));
    }
}

pub async fn every_sealed_column_can_be_read(suite: &Conformance) {
    let workspace = suite.workspace().await;
    for column in SEALED_COLUMNS {
        let cells = u64::from(column.column == "callback_secret");
        assert_eq!(suite.store.count_sealed(column).await.unwrap(), cells, "{column:?}");
        let heads = suite.store.sealed_heads(column, None, 66, 10).await.unwrap();
        let rows: Vec<String> = heads.into_iter().map(|head| head.row).collect();
        let cells = suite.store.sealed_cells(column, &rows).await.unwrap();
        assert!(cells.iter().all(|cell| cell.workspace == workspace && cell.row == workspace.to_string()));
    }
}

pub async fn a_cell_is_replaced_only_while_it_is_unchanged(suite: &Conformance) {
    let workspace = suite.workspace().await;
    let (one, other) = (suite.app(workspace, "one").await, suite.app(workspace, "other").await);
    let replacement = |app: &store::ZoomOauthApp, old: &Sealed| Replacement {
        row: app.id.to_string(),
        old: old.clone(),
        new: suite.sealed(),
    };
    let first = replacement(&one, &one.client_secret);
    let late = replacement(&other, &suite.sealed());
    let gone = Replacement { row: "nobody".into(), ..late.clone() };
    let batch = [first.clone(), late, gone];
    assert_eq!(suite.store.replace_sealed(client_secret(), &batch).await.unwrap(), 1);
    assert_eq!(
        suite.store.replace_sealed(client_secret(), &batch).await.unwrap(),
        0,
        "again changes nothing"
    );
    assert_eq!(suite.store.replace_sealed(client_secret(), &[]).await.unwrap(), 0);

    let rows = [one.id.to_string(), other.id.to_string(), "nobody".into()];
    let mut cells = suite.store.sealed_cells(client_secret(), &rows).await.unwrap();
    cells.sort_by(|a, b| a.row.cmp(&b.row));
    let mut expected = vec![
        SealedCell { row: rows[0].clone(), workspace, sealed: first.new },
        SealedCell { row: rows[1].clone(), workspace, sealed: other.client_secret },
    ];
    expected.sort_by(|a, b| a.row.cmp(&b.row));
    assert_eq!(cells, expected);
}
