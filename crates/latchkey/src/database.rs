//! The configured store: PostgreSQL, or SQLite in the data folder.

use std::{path::PathBuf, sync::Arc};

use model::Environment;
use store::{Store, StoreError, StoreObserver};
use store_sql::{SqlStore, postgres, sqlite};

use crate::{config::Config, data_dir};

/// An open store, and the way to close it.
pub(crate) struct Database(Arc<SqlStore>);

impl Database {
    /// Opens the store. SQLite belongs to this process alone and is migrated too; PostgreSQL, which others use as well, must
    /// already be migrated.
    pub(crate) async fn open(config: &Config) -> anyhow::Result<Self> {
        data_dir::check(&config.data_dir)?;
        Ok(Self(Arc::new(Self::connect(config).await?)))
    }

    /// Like [`Database::open`], with metrics of transactions and connections.
    pub(crate) async fn open_observed(
        config: &Config,
        observer: Arc<dyn StoreObserver>,
        env: Environment,
    ) -> anyhow::Result<Self> {
        data_dir::check(&config.data_dir)?;
        Ok(Self(Arc::new(Self::connect(config).await?.observed_by(observer, env))))
    }

    async fn connect(config: &Config) -> anyhow::Result<SqlStore> {
        Ok(match config.postgres()? {
            Some(address) => postgres::open(&address).await?,
            None => sqlite::open(&sqlite_file(config)).await?,
        })
    }

    /// The store as the other crates use it.
    pub(crate) fn store(&self) -> Arc<dyn Store> {
        self.0.clone()
    }

    /// Whether the store is SQLite.
    pub(crate) fn is_sqlite(&self) -> bool {
        self.0.is_sqlite()
    }

    /// The database's name and version, for people.
    pub(crate) async fn version(&self) -> Result<String, StoreError> {
        self.0.version().await
    }

    /// Closes the store. Later operations on it fail.
    pub(crate) async fn close(&self) {
        self.0.close().await;
    }
}

/// Path of the SQLite file.
pub(crate) fn sqlite_file(config: &Config) -> PathBuf {
    config.data_dir.join("latchkey.db")
}
