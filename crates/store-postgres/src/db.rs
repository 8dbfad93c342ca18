//! Connections, and what may be relied on between two statements.
//!
//! On a connection to PostgreSQL, and through a pooler that gives us a session, statements are prepared once and the
//! timeouts are set once. A pooler that shares connections by the transaction (PgBouncer's `pool_mode = transaction`) may
//! put each transaction onto another connection, with what others have prepared there. Then every statement is in a
//! transaction, which begins by setting the timeouts, and nothing is prepared by name.

use std::ops::{Deref, DerefMut};

use futures_util::{
    FutureExt as _, StreamExt as _, TryStreamExt as _,
    future::BoxFuture,
    stream::{self, BoxStream},
};
use sqlx::{
    AssertSqlSafe, Connection as _, Either, Execute, Executor, PgPool, PgTransaction, Postgres, SqlStr,
    error::BoxDynError,
    postgres::{PgArguments, PgConnectOptions, PgPoolOptions, PgQueryResult, PgRow, PgStatement, PgTypeInfo},
    raw_sql,
};
use tokio_util::task::TaskTracker;

use crate::{DOUBTED_AFTER, FREE_WITHIN, ON_ROWS};

/// Nothing waits for ever, and a server of ours that stalls inside a transaction lets go of its rows.
const TIMEOUTS: [(&str, &str); 3] =
    [("statement_timeout", "10s"), ("lock_timeout", "5s"), ("idle_in_transaction_session_timeout", "10s")];

/// Some connections.
#[derive(Debug)]
pub(crate) struct Db {
    pool: PgPool,
    /// Whether a pooler shares them among transactions.
    is_shared: bool,
    begins: TaskTracker,
}

impl Db {
    /// So many, made when they are needed.
    pub(crate) fn new(options: PgConnectOptions, connections: u32, is_shared: bool) -> Self {
        let pool = PgPoolOptions::new()
            .max_connections(connections)
            .acquire_timeout(FREE_WITHIN)
            .test_before_acquire(false)
            .before_acquire(|connection, about| {
                Box::pin(async move {
                    if about.idle_for >= DOUBTED_AFTER {
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

    /// Begins a transaction with this statement.
    pub(crate) async fn begin(&self, begin: &'static str) -> Result<Tx, sqlx::Error> {
        // One round trip, also with the timeouts.
        let sql = if self.is_shared { format!("{begin}; {}", set("SET LOCAL")) } else { begin.to_owned() };
        let pool = self.pool.clone();
        // In a task of its own. A caller that goes away while BEGIN is on its way would leave a connection with an open
        // transaction, of which the driver doesn't know: the next caller's statements would be in it, and be lost.
        let task = self.begins.spawn(async move { pool.begin_with(AssertSqlSafe(sql)).await });
        let transaction = task.await.unwrap_or(Err(sqlx::Error::WorkerCrashed))?;
        Ok(Tx(Statements { transaction, is_shared: self.is_shared }))
    }

    /// Closes the connections. What follows fails.
    pub(crate) async fn close(&self) {
        self.pool.close().await;
        self.begins.close();
        self.begins.wait().await;
    }
}

fn set(command: &str) -> String {
    TIMEOUTS.map(|(name, value)| format!("{command} {name} = '{value}'")).join("; ")
}

/// A transaction. Dropped, it takes everything back.
#[derive(Debug)]
pub(crate) struct Tx(Statements);

impl Tx {
    pub(crate) async fn commit(self) -> Result<(), sqlx::Error> {
        self.0.transaction.commit().await
    }
}

impl Deref for Tx {
    type Target = Statements;
    fn deref(&self) -> &Statements {
        &self.0
    }
}

impl DerefMut for Tx {
    fn deref_mut(&mut self) -> &mut Statements {
        &mut self.0
    }
}

/// Takes the statements of a transaction.
#[derive(Debug)]
pub(crate) struct Statements {
    transaction: PgTransaction<'static>,
    is_shared: bool,
}

impl<'c> Executor<'c> for &'c mut Statements {
    type Database = Postgres;

    fn fetch_many<'e, 'q: 'e, E>(
        self,
        query: E,
    ) -> BoxStream<'e, Result<Either<PgQueryResult, PgRow>, sqlx::Error>>
    where
        'c: 'e,
        E: 'q + Execute<'q, Postgres>,
    {
        if self.is_shared {
            self.transaction.fetch_many(Unnamed(query))
        } else {
            self.transaction.fetch_many(query)
        }
    }

    fn fetch_optional<'e, 'q: 'e, E>(self, query: E) -> BoxFuture<'e, Result<Option<PgRow>, sqlx::Error>>
    where
        'c: 'e,
        E: 'q + Execute<'q, Postgres>,
    {
        if self.is_shared {
            self.transaction.fetch_optional(Unnamed(query))
        } else {
            self.transaction.fetch_optional(query)
        }
    }

    fn prepare_with<'e>(
        self,
        sql: SqlStr,
        parameters: &'e [PgTypeInfo],
    ) -> BoxFuture<'e, Result<PgStatement, sqlx::Error>>
    where
        'c: 'e,
    {
        self.transaction.prepare_with(sql, parameters)
    }
}

/// A statement by itself.
impl<'d> Executor<'d> for &'d Db {
    type Database = Postgres;

    fn fetch_many<'e, 'q: 'e, E>(
        self,
        query: E,
    ) -> BoxStream<'e, Result<Either<PgQueryResult, PgRow>, sqlx::Error>>
    where
        'd: 'e,
        E: 'q + Execute<'q, Postgres>,
    {
        if !self.is_shared {
            return self.pool.fetch_many(query);
        }
        stream::once(async move {
            let mut tx = self.begin(ON_ROWS).await?;
            let done: Vec<_> = tx.fetch_many(query).try_collect().await?;
            tx.commit().await?;
            Ok::<_, sqlx::Error>(stream::iter(done.into_iter().map(Ok)))
        })
        .try_flatten()
        .boxed()
    }

    fn fetch_optional<'e, 'q: 'e, E>(self, query: E) -> BoxFuture<'e, Result<Option<PgRow>, sqlx::Error>>
    where
        'd: 'e,
        E: 'q + Execute<'q, Postgres>,
    {
        if !self.is_shared {
            return self.pool.fetch_optional(query);
        }
        async move {
            let mut tx = self.begin(ON_ROWS).await?;
            let row = tx.fetch_optional(query).await?;
            tx.commit().await?;
            Ok(row)
        }
        .boxed()
    }

    fn prepare_with<'e>(
        self,
        sql: SqlStr,
        parameters: &'e [PgTypeInfo],
    ) -> BoxFuture<'e, Result<PgStatement, sqlx::Error>>
    where
        'd: 'e,
    {
        self.pool.prepare_with(sql, parameters)
    }
}

/// A query that is not prepared by name, and not kept.
struct Unnamed<E>(E);

impl<'q, E: Execute<'q, Postgres>> Execute<'q, Postgres> for Unnamed<E> {
    fn sql(self) -> SqlStr {
        self.0.sql()
    }

    fn statement(&self) -> Option<&PgStatement> {
        self.0.statement()
    }

    fn take_arguments(&mut self) -> Result<Option<PgArguments>, BoxDynError> {
        self.0.take_arguments()
    }

    fn persistent(&self) -> bool {
        false
    }
}

#[cfg(test)]
mod tests {
    use std::pin::pin;

    use futures_util::poll;
    use model::Secret;
    use sqlx::{PgConnection, Row as _};
    use stage::Postgres;
    use tokio::task::yield_now;

    use super::*;
    use crate::{Address, ONE_MOMENT};

    async fn database(is_shared: bool) -> (Db, PgConnection, Postgres) {
        let server = Postgres::start().unwrap();
        let url = server.database("template1").await.unwrap();
        let mut witness = PgConnection::connect(&url).await.unwrap();
        witness.execute("CREATE TABLE written (number BIGINT)").await.unwrap();
        let address = Address::read(&Secret::new(url)).unwrap();
        (Db::new(address.options(), 1, is_shared), witness, server)
    }

    async fn write(db: &Db, number: i64) -> Result<(), sqlx::Error> {
        sqlx::query("INSERT INTO written VALUES ($1)").bind(number).execute(db).await.map(drop)
    }

    async fn written(witness: &mut PgConnection) -> i64 {
        sqlx::query_scalar("SELECT count(*) FROM written").fetch_one(witness).await.unwrap()
    }

    /// Whoever goes away at whatever moment of a BEGIN: what others write next is committed.
    #[tokio::test]
    async fn a_begin_that_is_given_up_takes_nobody_elses_writes_with_it() {
        let (db, mut witness, _server) = database(false).await;
        write(&db, 0).await.unwrap();
        for polls in 1..60 {
            {
                let mut begin = pin!(db.begin(ON_ROWS));
                for _ in 0..polls {
                    if poll!(begin.as_mut()).is_ready() {
                        break;
                    }
                    yield_now().await;
                }
            }
            write(&db, polls).await.unwrap();
            assert_eq!(written(&mut witness).await, polls + 1, "given up after {polls} polls");
        }
    }

    /// The server ends a connection at rest, in a transaction, and at its end: the next caller gets another.
    #[tokio::test]
    async fn after_a_connection_was_ended_the_next_one_works() {
        let (db, mut witness, _server) = database(false).await;
        let end = "SELECT count(pg_terminate_backend(pid, 5000)) FROM pg_stat_activity\n\
                   WHERE datname = current_database() AND pid <> pg_backend_pid() AND backend_type = 'client backend'";
        let mut tx = db.begin(ON_ROWS).await.unwrap();
        tx.execute("INSERT INTO written VALUES (1)").await.unwrap();
        witness.execute(end).await.unwrap();
        tx.execute("INSERT INTO written VALUES (2)").await.unwrap_err();
        drop(tx);
        write(&db, 3).await.unwrap();

        let tx = db.begin(ON_ROWS).await.unwrap();
        witness.execute(end).await.unwrap();
        tx.commit().await.unwrap_err();
        write(&db, 4).await.unwrap();
        assert_eq!(written(&mut witness).await, 2);
    }

    /// A COMMIT that PostgreSQL refuses, as it does what it cannot put in an order.
    #[tokio::test]
    async fn after_a_commit_that_failed_the_next_one_works() {
        let (db, mut witness, _server) = database(false).await;
        let later = "ALTER TABLE written ADD UNIQUE (number) DEFERRABLE INITIALLY DEFERRED";
        witness.execute(later).await.unwrap();
        let mut tx = db.begin(ON_ROWS).await.unwrap();
        tx.execute("INSERT INTO written VALUES (1), (1)").await.unwrap();
        tx.commit().await.unwrap_err();
        write(&db, 1).await.unwrap();
        assert_eq!(written(&mut witness).await, 1);
    }

    #[tokio::test]
    async fn timeouts_are_in_force_with_a_session_and_without() {
        for is_shared in [false, true] {
            let (db, _witness, _server) = database(is_shared).await;
            for (name, value) in TIMEOUTS {
                let show = "SELECT current_setting($1)";
                let alone: String = sqlx::query_scalar(show).bind(name).fetch_one(&db).await.unwrap();
                let mut tx = db.begin(ONE_MOMENT).await.unwrap();
                let within: String = sqlx::query_scalar(show).bind(name).fetch_one(&mut *tx).await.unwrap();
                assert_eq!((&*alone, &*within), (value, value), "{name}");
            }
        }
    }

    #[tokio::test]
    async fn a_shared_connection_is_left_as_it_was_found() {
        let (db, _witness, _server) = database(true).await;
        write(&db, 1).await.unwrap();
        let mut tx = db.begin(ON_ROWS).await.unwrap();
        sqlx::query("INSERT INTO written VALUES ($1)").bind(2).execute(&mut *tx).await.unwrap();
        tx.commit().await.unwrap();
        let left = "SELECT (SELECT count(*) FROM pg_prepared_statements WHERE name <> '') +\n\
                    (SELECT count(*) FROM pg_settings WHERE source = 'session' AND name LIKE '%timeout%')";
        let mut connection = db.pool.acquire().await.unwrap();
        let left: i64 = raw_sql(left).fetch_one(&mut *connection).await.unwrap().get(0);
        assert_eq!(left, 0);
    }
}
