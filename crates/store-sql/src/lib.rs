//! The store on two databases: SQLite in one file, for one server, and PostgreSQL 15 or later, for any number of replicas.
//!
//! The statements are written once, in `statements`, as PostgreSQL takes them. `query` carries a statement and its
//! values to the database at hand, `db` lends connections and begins transactions, `row` reads what comes back by the
//! columns' names. What truly differs has a module for each database: opening, migrating, copying, and on SQLite the words
//! that it has for the same thing (`sqlite::translated`).
//!
//! Who may write is decided by rows alone; a server that dies or stalls leaves nothing behind but a lease that lapses.
//!
//! - A change that hangs on one row is one statement which names what it expects to find: of two at once, the second
//!   waits for the first, looks again, and changes nothing.
//! - A change that has to read first locks what it reads: `FOR UPDATE`; bots that are due `SKIP LOCKED`, so that
//!   supervisors share the work instead of queueing for it. SQLite has one writer, which has the whole database.
//! - PostgreSQL may end a transaction for another's sake. It is run again, a few times; callers never see it.
//!
//! Statements name their columns, because a `*` that a migration widens breaks what running replicas have prepared.

mod db;
mod migrations;
mod page;
pub mod postgres;
mod query;
mod row;
pub mod sqlite;
mod statements;

use std::sync::Arc;

use model::Environment;
use store::{StoreError, StoreObserver};

use db::{Isolation, Pool, Tx};

/// How often a transaction is begun before its collisions are the caller's to see.
const ATTEMPTS: u32 = 8;

/// The store. Cheap to share behind an `Arc`. [`sqlite::open`] and [`postgres::open`] make one.
#[derive(Debug)]
pub struct SqlStore {
    /// On PostgreSQL the same pool as `writer`.
    readers: Pool,
    writer: Pool,
    /// What writes the audit: a token waits for its record, which shall not wait for a free connection.
    audit: Pool,
    observer: Option<(Arc<dyn StoreObserver>, Environment)>,
}

impl SqlStore {
    /// Whether it is one file, which nobody else writes.
    pub const fn is_sqlite(&self) -> bool {
        matches!(self.writer, Pool::Sqlite(_))
    }

    /// The same, with an observer that measures its transactions and connections.
    #[must_use]
    pub fn observed_by(self, observer: Arc<dyn StoreObserver>, env: Environment) -> Self {
        Self { observer: Some((observer, env)), ..self }
    }

    /// Closes the connections. What follows on this store fails.
    pub async fn close(&self) {
        self.readers.close().await;
        if let Pool::Sqlite(writer) = &self.writer {
            // What is not in the one file is in the one beside it, where the next start finds it.
            drop(sqlite::checkpoint(writer).await);
        }
        self.writer.close().await;
        self.audit.close().await;
    }

    async fn begin(&self, isolation: Isolation) -> Result<Tx, StoreError> {
        match isolation {
            Isolation::OneMoment => self.readers.begin(isolation).await,
            Isolation::OnRows | Isolation::OnAbsence => self.writer.begin(isolation).await,
        }
    }

    /// Runs `body` with a transaction, and again with another when PostgreSQL ended that for another's sake: one of two
    /// that wait for each other, or that cannot be put in an order. A body commits as its last act and touches nothing
    /// but its transaction, so that it may run again; dropped, a transaction takes everything back.
    #[tracing::instrument(level = "debug", skip_all, fields(name))]
    async fn transaction<T, Body>(
        &self,
        name: &'static str,
        isolation: Isolation,
        body: impl Fn(Tx) -> Body,
    ) -> Result<T, StoreError>
    where
        Body: Future<Output = Result<T, StoreError>>,
    {
        let begun = self.observer.as_ref().map(|(_, env)| env.now());
        let mut attempt = 1;
        let done = loop {
            let tx = match self.begin(isolation).await {
                Ok(tx) => tx,
                Err(error) => break Err(error),
            };
            match body(tx).await {
                Err(error) if attempt < ATTEMPTS && postgres::collided(&error) => {
                    tracing::debug!(name, attempt, %error, "a transaction collided and runs again");
                    if let Some((observer, _)) = &self.observer {
                        observer.collision(name);
                    }
                    attempt += 1;
                }
                done => break done,
            }
        };
        if let (Some((observer, env)), Some(begun)) = (&self.observer, begun) {
            observer.transaction(name, env.now().since(begun), done.is_ok());
            for (pool, connections) in
                [("readers", &self.readers), ("writer", &self.writer), ("audit", &self.audit)]
            {
                let (lent, open) = connections.lent_and_open();
                observer.connections(pool, lent, open);
            }
        }
        done
    }
}
