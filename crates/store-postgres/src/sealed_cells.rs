//! Every ciphertext, for whoever changes the keys. Names of tables and columns come from `store`'s list.

use async_trait::async_trait;
use sqlx::{AssertSqlSafe, Row as _};
use store::{Replacement, SealedCell, SealedCells, SealedColumn, SealedHead, StoreError};

use crate::{ON_ROWS, PostgresStore, Tx, row::Reader, unavailable};

#[async_trait]
impl SealedCells for PostgresStore {
    async fn count_sealed(&self, column: &SealedColumn) -> Result<u64, StoreError> {
        let SealedColumn { table, column, .. } = column;
        let sql = format!("-- count_sealed\nSELECT count(*) FROM {table} WHERE length({column}) > 0");
        let count: i64 =
            sqlx::query_scalar(AssertSqlSafe(sql)).fetch_one(&self.pool).await.map_err(unavailable)?;
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
             SELECT id, substr({column}, 1, $1) AS head FROM {table}\n\
             WHERE id > $2 AND length({column}) > 0 ORDER BY id LIMIT $3"
        );
        let query = sqlx::query(AssertSqlSafe(sql))
            .bind(i32::try_from(head).unwrap_or(i32::MAX))
            .bind(after.unwrap_or_default())
            .bind(i64::from(limit));
        let rows = query.fetch_all(&self.pool).await.map_err(unavailable)?;
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
             WHERE id = ANY($1) AND length({column}) > 0"
        );
        let query = sqlx::query(AssertSqlSafe(sql)).bind(rows);
        let rows = query.fetch_all(&self.pool).await.map_err(unavailable)?;
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
        let sql = format!(
            "-- replace_sealed\n\
             UPDATE {table} AS t SET {column} = r.new\n\
             FROM unnest($1::text[], $2::bytea[], $3::bytea[]) AS r (id, old, new)\n\
             WHERE t.id = r.id AND t.{column} = r.old"
        );
        let rows: Vec<&str> = replacements.iter().map(|replacement| &*replacement.row).collect();
        let old: Vec<&[u8]> = replacements.iter().map(|replacement| &*replacement.old.0).collect();
        let new: Vec<&[u8]> = replacements.iter().map(|replacement| &*replacement.new.0).collect();
        let (sql, rows, old, new) = (&*sql, &rows, &old, &new);
        // It locks many rows, in no order: of two that wait for each other, one runs again.
        let body = |mut tx: Tx| async move {
            let query = sqlx::query(AssertSqlSafe(sql)).bind(rows).bind(old).bind(new);
            let replaced = query.execute(&mut *tx).await.map_err(unavailable)?.rows_affected();
            tx.commit().await.map_err(unavailable)?;
            Ok(replaced)
        };
        self.transaction("replace_sealed", ON_ROWS, body).await
    }
}
