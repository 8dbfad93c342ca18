//! Connections, and the session state between two statements.
//!
//! On a direct connection, and through a pooler in session mode, statements are prepared once and timeouts
//! are set once. A pooler in transaction mode (PgBouncer's `pool_mode = transaction`) may run each
//! transaction on another connection, where other clients have prepared statements. Then every statement runs
//! in a transaction that begins by setting the timeouts, and no statement is prepared by name.

use std::time::Duration;

use sqlx::{
    AssertSqlSafe, Connection as _, Executor as _, PgPool, PgTransaction,
    postgres::{PgArguments, PgConnectOptions, PgPoolOptions, PgRow, Postgres},
    query::Query,
    raw_sql,
};
use tokio_util::task::TaskTracker;

use crate::db::Isolation;

pub(crate) const BEGIN_READ_COMMITTED: &str = "BEGIN ISOLATION LEVEL READ COMMITTED";
const BEGIN_SERIALIZABLE: &str = "BEGIN ISOLATION LEVEL SERIALIZABLE";
pub(crate) const BEGIN_SNAPSHOT: &str = "BEGIN ISOLATION LEVEL REPEATABLE READ, READ ONLY";

/// How long a call waits for a free connection.
const ACQUIRE_TIMEOUT: Duration = Duration::from_secs(5);
/// A connection that was idle for longer is tested before use. The test costs a round trip.
const PING_IDLE_AFTER: Duration = Duration::from_millis(500);

/// The timeouts: no statement waits for ever, and a server that stalls inside a transaction releases its rows.
const TIMEOUTS: [(&str, &str); 3] =
    [("statement_timeout", "10s"), ("lock_timeout", "5s"), ("idle_in_transaction_session_timeout", "10s")];

/// A statement with its values.
type Statement = Query<'static, Postgres, PgArguments>;

/// A connection pool.
#[derive(Debug, Clone)]
pub(crate) struct PostgresPool {
    pool: PgPool,
    /// Whether a pooler shares the connections among transactions.
    is_shared: bool,
    begins: TaskTracker,
}

impl PostgresPool {
    /// A pool of at most `connections` connections, which are opened when needed.
    pub(crate) fn new(options: PgConnectOptions, connections: u32, is_shared: bool) -> Self {
        let pool = PgPoolOptions::new()
            .max_connections(connections)
            .acquire_timeout(ACQUIRE_TIMEOUT)
            .test_before_acquire(false)
            .before_acquire(|connection, about| {
                Box::pin(async move {
                    if about.idle_for >= PING_IDLE_AFTER {
                        connection.ping().await?;
                    }
                    Ok(true)
                })
            })
            .after_connect(move |connection, _| {
                Box::pin(async move {
                    if !is_shared {
                        let sql =
                            format!("SET default_transaction_isolation = 'read committed'; {}", set("SET"));
                        connection.execute(raw_sql(AssertSqlSafe(sql))).await?;
                    }
                    Ok(())
                })
            });
        Self { pool: pool.connect_lazy_with(options), is_shared, begins: TaskTracker::new() }
    }

    pub(crate) async fn begin(&self, isolation: Isolation) -> Result<PostgresTx, sqlx::Error> {
        let begin = match isolation {
            Isolation::ReadCommitted => BEGIN_READ_COMMITTED,
            Isolation::Serializable => BEGIN_SERIALIZABLE,
            Isolation::Snapshot => BEGIN_SNAPSHOT,
        };
        // One round trip sets the timeouts too.
        let sql = if self.is_shared { format!("{begin}; {}", set("SET LOCAL")) } else { begin.to_owned() };
        let pool = self.pool.clone();
        // This runs in a separate task. A caller that is cancelled during BEGIN would leave a connection with
        // an open transaction that the driver doesn't know of; the next caller's statements would run in it
        // and be lost.
        let task = self.begins.spawn(async move { pool.begin_with(AssertSqlSafe(sql)).await });
        let transaction = task.await.unwrap_or(Err(sqlx::Error::WorkerCrashed))?;
        Ok(PostgresTx { transaction, is_shared: self.is_shared })
    }

    /// Runs a statement on its own and returns how many rows it changed.
    pub(crate) async fn execute(&self, statement: Statement) -> Result<u64, sqlx::Error> {
        if !self.is_shared {
            return statement.execute(&self.pool).await.map(|done| done.rows_affected());
        }
        let mut tx = self.begin(Isolation::ReadCommitted).await?;
        let changed = tx.execute(statement).await?;
        tx.commit().await?;
        Ok(changed)
    }

    /// Runs a statement on its own and returns its rows.
    pub(crate) async fn fetch_all(&self, statement: Statement) -> Result<Vec<PgRow>, sqlx::Error> {
        if !self.is_shared {
            return statement.fetch_all(&self.pool).await;
        }
        let mut tx = self.begin(Isolation::ReadCommitted).await?;
        let rows = tx.fetch_all(statement).await?;
        tx.commit().await?;
        Ok(rows)
    }

    /// How many connections are open, and how many of them are idle.
    pub(crate) fn open_and_idle(&self) -> (u32, usize) {
        (self.pool.size(), self.pool.num_idle())
    }

    /// Closes the connections. Later calls fail.
    pub(crate) async fn close(&self) {
        self.pool.close().await;
        self.begins.close();
        self.begins.wait().await;
    }
}

fn set(command: &str) -> String {
    TIMEOUTS.map(|(name, value)| format!("{command} {name} = '{value}'")).join("; ")
}

/// A transaction. Dropping it rolls back.
#[derive(Debug)]
pub(crate) struct PostgresTx {
    transaction: PgTransaction<'static>,
    is_shared: bool,
}

impl PostgresTx {
    pub(crate) async fn execute(&mut self, statement: Statement) -> Result<u64, sqlx::Error> {
        let statement = statement.persistent(!self.is_shared);
        statement.execute(&mut *self.transaction).await.map(|done| done.rows_affected())
    }

    pub(crate) async fn fetch_all(&mut self, statement: Statement) -> Result<Vec<PgRow>, sqlx::Error> {
        statement.persistent(!self.is_shared).fetch_all(&mut *self.transaction).await
    }

    pub(crate) async fn commit(self) -> Result<(), sqlx::Error> {
        self.transaction.commit().await
    }
}

#[cfg(test)]
mod tests {
    use std::pin::pin;

    use futures_util::poll;
    use model::Secret;
    use sqlx::{PgConnection, Row as _};
    use tokio::task::yield_now;

    use super::*;
    use crate::postgres::Address;

    async fn database(is_shared: bool) -> (PostgresPool, PgConnection, stage::Postgres) {
        let server = stage::Postgres::start().unwrap();
        let url = server.database("template1").await.unwrap();
        let mut witness = PgConnection::connect(&url).await.unwrap();
        witness.execute("CREATE TABLE written (number BIGINT)").await.unwrap();
        let address = Address::read(&Secret::new(url)).unwrap();
        (PostgresPool::new(address.options(), 1, is_shared), witness, server)
    }

    async fn write(db: &PostgresPool, number: i64) -> Result<(), sqlx::Error> {
        db.execute(sqlx::query("INSERT INTO written VALUES ($1)").bind(number)).await.map(drop)
    }

    async fn written(witness: &mut PgConnection) -> i64 {
        sqlx::query_scalar("SELECT count(*) FROM written").fetch_one(witness).await.unwrap()
    }

    /// Callers are cancelled at any moment of a BEGIN. The next caller's writes are still committed.
    #[tokio::test]
    async fn a_cancelled_begin_loses_no_writes_of_other_callers() {
        let (db, mut witness, _server) = database(false).await;
        write(&db, 0).await.unwrap();
        for polls in 1..60 {
            {
                let mut begin = pin!(db.begin(Isolation::ReadCommitted));
                for _ in 0..polls {
                    if poll!(begin.as_mut()).is_ready() {
                        break;
                    }
                    yield_now().await;
                }
            }
            write(&db, polls).await.unwrap();
            assert_eq!(written(&mut witness).await, polls + 1, "cancelled after {polls} polls");
        }
    }

    /// The server ends a connection while it is idle, in a transaction and at its end. The next caller gets
    /// another connection.
    #[tokio::test]
    async fn after_a_connection_was_ended_the_next_one_works() {
        let (db, mut witness, _server) = database(false).await;
        let end = "SELECT count(pg_terminate_backend(pid, 5000)) FROM pg_stat_activity\n\
                   WHERE datname = current_database() AND pid <> pg_backend_pid() AND backend_type = 'client backend'";
        let mut tx = db.begin(Isolation::ReadCommitted).await.unwrap();
        tx.execute(sqlx::query("INSERT INTO written VALUES (1)")).await.unwrap();
        witness.execute(end).await.unwrap();
        tx.execute(sqlx::query("INSERT INTO written VALUES (2)")).await.unwrap_err();
        drop(tx);
        write(&db, 3).await.unwrap();

        let tx = db.begin(Isolation::ReadCommitted).await.unwrap();
        witness.execute(end).await.unwrap();
        tx.commit().await.unwrap_err();
        write(&db, 4).await.unwrap();
        assert_eq!(written(&mut witness).await, 2);
    }

    /// PostgreSQL refuses a COMMIT, as after a serialization failure.
    #[tokio::test]
    async fn after_a_commit_that_failed_the_next_one_works() {
        let (db, mut witness, _server) = database(false).await;
        let later = "ALTER TABLE written ADD UNIQUE (number) DEFERRABLE INITIALLY DEFERRED";
        witness.execute(later).await.unwrap();
        let mut tx = db.begin(Isolation::ReadCommitted).await.unwrap();
        tx.execute(sqlx::query("INSERT INTO written VALUES (1), (1)")).await.unwrap();
        tx.commit().await.unwrap_err();
        write(&db, 1).await.unwrap();
        assert_eq!(written(&mut witness).await, 1);
    }

    #[tokio::test]
    async fn timeouts_are_in_force_with_a_session_and_without() {
        for is_shared in [false, true] {
            let (db, _witness, _server) = database(is_shared).await;
            for (name, value) in TIMEOUTS {
                let show = || sqlx::query("SELECT current_setting($1)").bind(name);
                let alone: String = db.fetch_all(show()).await.unwrap()[0].get(0);
                let mut tx = db.begin(Isolation::Snapshot).await.unwrap();
                let within: String = tx.fetch_all(show()).await.unwrap()[0].get(0);
                assert_eq!((&*alone, &*within), (value, value), "{name}");
            }
        }
    }

    #[tokio::test]
    async fn a_shared_connection_has_no_session_state_afterwards() {
        let (db, _witness, _server) = database(true).await;
        write(&db, 1).await.unwrap();
        let mut tx = db.begin(Isolation::ReadCommitted).await.unwrap();
        tx.execute(sqlx::query("INSERT INTO written VALUES ($1)").bind(2)).await.unwrap();
        tx.commit().await.unwrap();
        let left = "SELECT (SELECT count(*) FROM pg_prepared_statements WHERE name <> '') +\n\
                    (SELECT count(*) FROM pg_settings WHERE source = 'session' AND name LIKE '%timeout%')";
        let mut connection = db.pool.acquire().await.unwrap();
        let left: i64 = raw_sql(left).fetch_one(&mut *connection).await.unwrap().get(0);
        assert_eq!(left, 0);
    }
}
