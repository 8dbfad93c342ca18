//! One PostgreSQL for each test program, one database for each test.

use std::sync::OnceLock;

use stage::Postgres;

static SERVER: OnceLock<Postgres> = OnceLock::new();

pub(crate) fn server() -> &'static Postgres {
    SERVER.get_or_init(|| Postgres::start().expect("the server starts"))
}

/// The URL of a new database, a copy of `template` (`template1` is empty).
pub(crate) async fn database(template: &str) -> String {
    server().database(template).await.expect("the server is running")
}
