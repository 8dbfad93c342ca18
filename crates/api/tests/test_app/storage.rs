//! The database, behind the server's back.

use super::TestApp;

impl TestApp {
    /// Where the database is.
    pub(crate) fn database(&self) -> String {
        format!("sqlite:{}", self.directory.path().join("latchkey.db").display())
    }

    /// Changes the database behind the server's back.
    pub(crate) async fn in_the_store(&self, statement: &'static str) {
        let file = self.directory.path().join("latchkey.db");
        let db = sqlx::SqlitePool::connect(&format!("sqlite:{}", file.display())).await.unwrap();
        sqlx::query(statement).execute(&db).await.unwrap();
        db.close().await;
    }

    /// How many cells of the database hold a Zoom token.
    pub(crate) async fn tokens_in_the_store(&self) -> i64 {
        let file = self.directory.path().join("latchkey.db");
        let db = sqlx::SqlitePool::connect(&format!("sqlite:{}", file.display())).await.unwrap();
        let count = "SELECT sum((length(access_token) > 0) + (length(refresh_token) > 0)) FROM credentials";
        sqlx::query_scalar(count).fetch_one(&db).await.unwrap()
    }

    /// Every byte that the store wrote.
    pub(crate) fn bytes_of_the_store(&self) -> Vec<u8> {
        ["latchkey.db", "latchkey.db-wal"]
            .iter()
            .filter_map(|name| std::fs::read(self.directory.path().join(name)).ok())
            .flatten()
            .collect()
    }
}
