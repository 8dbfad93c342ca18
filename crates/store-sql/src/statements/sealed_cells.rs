//! All ciphertexts, for key rotation. Names of tables and columns come from `store`'s list.

use async_trait::async_trait;
use store::{Replacement, SealedCell, SealedCells, SealedColumn, SealedHead, StoreError};

use crate::{
    SqlStore,
    db::{Isolation, Tx},
    query::{query, values},
    row::Row,
};

#[async_trait]
impl SealedCells for SqlStore {
    async fn count_sealed(&self, column: &SealedColumn) -> Result<u64, StoreError> {
        let SealedColumn { table, column, .. } = column;
        let sql = format!("-- count_sealed\nSELECT count(*) FROM {table} WHERE length({column}) > 0");
        query(sql).count(&self.readers).await
    }

    async fn sealed_heads(
        &self,
        column: &SealedColumn,
        after: Option<&str>,
        head: u32,
        limit: u32,
    ) -> Result<Vec<SealedHead>, StoreError> {
        let SealedColumn { table, column, .. } = column;
        let sql = format!(
            "-- sealed_heads\n\
             SELECT id, substr({column}, 1, CAST($1 AS INTEGER)) AS head FROM {table}\n\
             WHERE id > $2 AND length({column}) > 0 ORDER BY id LIMIT $3"
        );
        let query = query(sql).with(values![head, after.unwrap_or_default(), limit]);
        let rows = query.fetch_all(&self.readers).await?;
        let head =
            |row: &Row| Ok(SealedHead { row: row.of(table).text("id")?, head: row.of(table).bytes("head")? });
        rows.iter().map(head).collect()
    }

    async fn sealed_cells(
        &self,
        column: &SealedColumn,
        rows: &[String],
    ) -> Result<Vec<SealedCell>, StoreError> {
        let SealedColumn { table, column, workspace } = column;
        let sql = format!(
            "-- sealed_cells\n\
             SELECT id, {workspace} AS workspace, {column} AS sealed FROM {table}\n\
             WHERE id = ANY($1) AND length({column}) > 0"
        );
        let query = query(sql).bind(rows.to_vec());
        let rows = query.fetch_all(&self.readers).await?;
        let cell = |row: &Row| {
            let row = row.of(table);
            Ok(SealedCell {
                row: row.text("id")?,
                workspace: row.parsed("workspace")?,
                sealed: row.sealed("sealed")?,
            })
        };
        rows.iter().map(cell).collect()
    }

    async fn replace_sealed(
        &self,
        column: &SealedColumn,
        replacements: &[Replacement],
    ) -> Result<u64, StoreError> {
        let SealedColumn { table, column, .. } = column;
        let sql = format!(
            "-- replace_sealed\n\
             UPDATE {table} SET {column} = $1 WHERE id = $2 AND {column} = $3"
        );
        let sql = &sql;
        // It locks many rows in no fixed order. If two transactions deadlock, one is repeated.
        let body = |mut tx: Tx| async move {
            let mut replaced = 0;
            for Replacement { row, old, new } in replacements {
                replaced += query(sql.clone()).with(values![new, row, old]).execute(&mut tx).await?;
            }
            tx.commit().await?;
            Ok(replaced)
        };
        self.transaction("replace_sealed", Isolation::ReadCommitted, body).await
    }
}
