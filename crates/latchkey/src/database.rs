//! The configured store: PostgreSQL, or SQLite beside the other data.

use std::{path::PathBuf, sync::Arc};

use store::Store;
use store_postgres::PostgresStore;
use store_sqlite::SqliteStore;

use crate::{config::Config, data_dir};

/// An open store, and the way to close it.
pub(crate) enum Database {
    Sqlite(Arc<SqliteStore>),
    Postgres(Arc<PostgresStore>),
}

impl Database {
    /// Opens it. SQLite, which belongs to this process alone, is brought up to date on the way; a PostgreSQL that
    /// others use has to be already.
    pub(crate) async fn open(config: &Config) -> anyhow::Result<Self> {
        data_dir::check(&config.data_dir)?;
        Ok(match config.postgres()? {
            Some(address) => Self::Postgres(Arc::new(PostgresStore::open(&address).await?)),
            None => Self::Sqlite(Arc::new(SqliteStore::open(&sqlite_file(config)).await?)),
        })
    }

    /// As the other rooms hold it.
    pub(crate) fn store(&self) -> Arc<dyn Store> {
        match self {
            Self::Sqlite(store) => store.clone(),
            Self::Postgres(store) => store.clone(),
        }
    }

    /// Closes it. What follows on its store fails.
    pub(crate) async fn close(&self) {
        match self {
            Self::Sqlite(store) => store.close().await,
            Self::Postgres(store) => store.close().await,
        }
    }
}

/// Where SQLite keeps everything.
pub(crate) fn sqlite_file(config: &Config) -> PathBuf {
    config.data_dir.join("latchkey.db")
}
