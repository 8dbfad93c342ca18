//! The configured store: PostgreSQL, or SQLite beside the other data.

use std::{path::PathBuf, sync::Arc};

use model::Environment;
use store::{Store, StoreError, StoreObserver};
use store_sql::{SqlStore, postgres, sqlite};

use crate::{config::Config, data_dir};

/// An open store, and the way to close it.
pub(crate) struct Database(Arc<SqlStore>);

impl Database {
    /// Opens it. SQLite, which belongs to this process alone, is migrated as well; a PostgreSQL that
    /// others use has to be already.
    pub(crate) async fn open(config: &Config) -> anyhow::Result<Self> {
        data_dir::check(&config.data_dir)?;
        Ok(Self(Arc::new(Self::connect(config).await?)))
    }

    /// Opens it as [`Database::open`], and has its transactions and connections measured.
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

    /// As the other crates hold it.
    pub(crate) fn store(&self) -> Arc<dyn Store> {
        self.0.clone()
    }

    /// Whether it is SQLite.
    pub(crate) fn is_sqlite(&self) -> bool {
        self.0.is_sqlite()
    }

    /// Its name and version, for people.
    pub(crate) async fn version(&self) -> Result<String, StoreError> {
        self.0.version().await
    }

    /// Closes it. What follows on its store fails.
    pub(crate) async fn close(&self) {
        self.0.close().await;
    }
}

/// Where SQLite keeps everything.
pub(crate) fn sqlite_file(config: &Config) -> PathBuf {
    config.data_dir.join("latchkey.db")
}
