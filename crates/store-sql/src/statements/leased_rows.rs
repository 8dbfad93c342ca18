//! Leases on rows of a table with the columns `id`, `due_at`, `lease_token` and `lease_expires_at`.

use model::{LeaseToken, Timestamp};
use store::{Lease, StoreError};

use crate::{
    db::Tx,
    query::{Value, query, values},
    row::Row,
};

/// Leases rows that the transaction has locked, one for each token. Returns each with its lease and when it was due.
pub(super) async fn claim<T>(
    tx: &mut Tx,
    table: &'static str,
    rows: &[Row],
    tokens: &[LeaseToken],
    expires_at: Timestamp,
    read: impl Fn(&Row) -> Result<T, StoreError>,
) -> Result<Vec<(T, Lease, Timestamp)>, StoreError> {
    let mut leased = Vec::with_capacity(rows.len());
    for (row, token) in rows.iter().zip(tokens) {
        query(format!(
            "-- {table}: claim\nUPDATE {table} SET lease_token = $1, lease_expires_at = $2 WHERE id = $3"
        ))
        .with(values![*token, expires_at, row.of(table).text("id")?])
        .execute(&mut *tx)
        .await?;
        let lease = Lease { token: *token, expires_at };
        leased.push((read(row)?, lease, row.of(table).time("due_at")?));
    }
    Ok(leased)
}

/// Locks a row whose lease is held; `false` when the lease is lost.
pub(super) async fn lock_leased(
    tx: &mut Tx,
    table: &'static str,
    id: impl Into<Value>,
    lease: &Lease,
) -> Result<bool, StoreError> {
    let held = query(format!(
        "-- {table}: lock_leased\nSELECT 1 FROM {table} WHERE id = $1 AND lease_token = $2 FOR UPDATE"
    ))
    .with([id.into(), lease.token.into()])
    .fetch_optional(tx)
    .await?;
    Ok(held.is_some())
}
