//! Every ciphertext, for whoever changes the keys. Names of tables and columns come from `store`'s list.

use async_trait::async_trait;
use sqlx::{AssertSqlSafe, Row as _};
use store::{Replacement, SealedCell, SealedCells, SealedColumn, SealedHead, StoreError};

use crate::{SqliteStore, row::Reader, unavailable};

#[async_trait]
impl SealedCells for SqliteStore {
    async fn count_sealed(&self, column: &SealedColumn) -> Result<u64, StoreError> {
        let SealedColumn { table, column, .. } = column;
        let sql = format!("-- count_sealed\nSELECT count(*) FROM {table} WHERE length({column}) > 0");
        let count: i64 =
            sqlx::query_scalar(AssertSqlSafe(sql)).fetch_one(&self.readers).await.map_err(unavailable)?;
        Ok(count.unsigned_abs())
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
             SELECT id, substr({column}, 1, ?) AS head FROM {table}\n\
             WHERE id > ? AND length({column}) > 0 ORDER BY id LIMIT ?"
        );
        let query = sqlx::query(AssertSqlSafe(sql)).bind(head).bind(after.unwrap_or_default()).bind(limit);
        let rows = query.fetch_all(&self.readers).await.map_err(unavailable)?;
        let head = |row| {
            Ok(SealedHead {
                row: Reader { table, row }.text("id")?,
                head: row.try_get("head").map_err(unavailable)?,
            })
        };
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
             WHERE id IN (SELECT value FROM json_each(?)) AND length({column}) > 0"
        );
        let query = sqlx::query(AssertSqlSafe(sql)).bind(crate::row::json(&rows));
        let rows = query.fetch_all(&self.readers).await.map_err(unavailable)?;
        let cell = |row| {
            let row = Reader { table, row };
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
        let sql = format!("-- replace_sealed\nUPDATE {table} SET {column} = ? WHERE id = ? AND {column} = ?");
        let (mut tx, mut replaced) = (self.write().await?, 0);
        for Replacement { row, old, new } in replacements {
            let query = sqlx::query(AssertSqlSafe(&*sql)).bind(&new.0).bind(row).bind(&old.0);
            replaced += query.execute(&mut *tx).await.map_err(unavailable)?.rows_affected();
        }
        tx.commit().await.map_err(unavailable)?;
        Ok(replaced)
    }
}
