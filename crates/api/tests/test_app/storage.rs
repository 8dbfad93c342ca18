//! Direct access to the database.

use super::TestApp;

impl TestApp {
    /// The address of the database.
    pub(crate) fn database(&self) -> String {
        format!("sqlite:{}", self.directory.path().join("latchkey.db").display())
    }

    /// Changes the database without the server.
    pub(crate) async fn in_the_store(&self, statement: &'static str) {
        let file = self.directory.path().join("latchkey.db");
        let db = sqlx::SqlitePool::connect(&format!("sqlite:{}", file.display())).await.unwrap();
        sqlx::query(statement).execute(&db).await.unwrap();
        db.close().await;
    }

    /// How many cells of the database contain a Zoom token.
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
