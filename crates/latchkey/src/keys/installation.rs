//! What commands that work without a server use: the key ring, the store that it opens, and this machine's escrow.

use std::{collections::BTreeMap, path::Path, sync::Arc};

use anyhow::{Context as _, anyhow};
use broker::Escrow;
use model::Environment;
use sealing::Keys;
use store::Store;

use super::{provider, sealed_cells};
use crate::{config::Config, database::Database};

/// An installation whose key ring was verified to open its store.
pub(crate) struct Installation {
    pub(crate) keys: Arc<Keys>,
    pub(crate) store: Arc<dyn Store>,
    pub(crate) env: Environment,
    database: Database,
    config: Config,
}

impl Installation {
    /// Opens the configured installation. Changes nothing if the key ring is the wrong one.
    pub(crate) async fn open(config: Option<&Path>) -> anyhow::Result<Self> {
        let (config, env) = (Config::read(config)?, Environment::system());
        let keys = Arc::new(provider(&config)?.open(&env).await?);
        let database = Database::open(&config).await?;
        let store = database.store();
        sealed_cells::check(&*store, &keys).await?;
        Ok(Self { keys, store, env, database, config })
    }

    /// The keys that seal grants in this machine's escrow, each with its number of grants.
    pub(crate) async fn escrow(&self) -> anyhow::Result<BTreeMap<String, usize>> {
        let folder = self.config.data_dir.join("escrow");
        if !folder.exists() {
            return Ok(BTreeMap::new());
        }
        let unusable =
            || anyhow!("cannot read the escrow {}: run this as the server's user", folder.display());
        let escrow = Escrow::open(&folder, self.env.clone()).with_context(unusable)?;
        escrow.key_ids().await.with_context(unusable)
    }

    pub(crate) async fn close(self) {
        self.database.close().await;
    }
}
