//! A separate Latchkey installation, whose store the benchmark also accesses directly.

use std::{
    fs,
    os::unix::fs::DirBuilderExt as _,
    path::{Path, PathBuf},
    sync::Arc,
};

use anyhow::Context as _;
use model::{Secret, WorkspaceId, ZoomOauthAppId};
use reqwest::Method;
use serde_json::{Value, json};
use stage::{Server, text};
use store::Store;
use store_sql::{
    postgres::{self, Address},
    sqlite,
};

use crate::test_bed::Place;

/// The kind of store.
pub(crate) enum Backend {
    /// A SQLite file.
    Sqlite,
    /// The address of an empty database.
    Postgres(String),
}

/// An installation with one registered app and no running server.
pub(crate) struct Installation {
    pub(crate) backend: Backend,
    pub(crate) folder: PathBuf,
    pub(crate) workspace: WorkspaceId,
    pub(crate) app: ZoomOauthAppId,
    /// The app's id at the simulator.
    pub(crate) client_id: String,
    pub(crate) client_secret: Secret,
    /// The default configuration as far as possible.
    configuration: Value,
    api_key: Secret,
}

impl Installation {
    pub(crate) async fn found(place: &Place, backend: Backend, per_second: u32) -> anyhow::Result<Self> {
        let folder = place.data.join(format!("installation-{}", place.env.entropy.token()));
        fs::DirBuilder::new().recursive(true).mode(0o700).create(&folder)?;
        let mut configuration = json!({
            "listen": "127.0.0.1:0",
            "data_dir": folder,
            "zoom": {
                "oauth_base": place.simulator.ready.zoom_base,
                "api_base": place.simulator.ready.api_base,
                "ca_file": place.simulator.ready.ca_file,
                "refreshes_per_second": per_second,
            },
            "bots": { "capacity": 0 },
            // Receivers of events.
            "callbacks": { "allow_networks": ["127.0.0.0/8"] },
            "limits": { "enabled": false },
        });
        if let Backend::Postgres(address) = &backend {
            configuration["database_url"] = address.clone().into();
            postgres::migrate(&Address::read(&Secret::new(address))?).await?;
        }
        let server = start(place, &folder, &configuration, None, None).await?;

        let app = place.simulator.call(Method::POST, "/apps", &json!({ "name": "Accounts" })).await?;
        let registration = json!({ "kind": "user_level", "client_id": app["client_id"],
                                   "client_secret": app["client_secret"], "webhook_secret": "unused" });
        let registered: Value = server.post("/api/v2/zoom-oauth-apps/", &registration).await?;
        let api_key = server.api_key.clone();
        server.stop().await;
        let workspaces = open(&backend, &folder).await?.workspaces().await?;
        Ok(Self {
            workspace: workspaces.first().context("no workspace was created")?.id,
            app: text(&registered, "id")?.parse()?,
            client_id: text(&app, "client_id")?.to_owned(),
            client_secret: Secret::new(text(&app, "client_secret")?),
            backend,
            folder,
            configuration,
            api_key,
        })
    }

    /// The store, opened as a server does.
    pub(crate) async fn store(&self) -> anyhow::Result<Arc<dyn Store>> {
        open(&self.backend, &self.folder).await
    }

    /// Starts a server on the installation.
    pub(crate) async fn serve(&self, place: &Place) -> anyhow::Result<Server> {
        let key = Some(self.api_key.clone());
        start(place, &self.folder, &self.configuration, key, None).await
    }

    /// Starts a server on one core with these `[audit]` settings; the defaults if null.
    pub(crate) async fn serve_on(&self, place: &Place, core: usize, audit: &Value) -> anyhow::Result<Server> {
        let mut configuration = self.configuration.clone();
        if !audit.is_null() {
            configuration["audit"] = audit.clone();
        }
        start(place, &self.folder, &configuration, Some(self.api_key.clone()), Some(core)).await
    }

    /// Creates a second workspace, as an operator does, and returns its API key.
    pub(crate) fn another_workspace(&self, place: &Place) -> anyhow::Result<Secret> {
        let made = place.command(&["workspace", "create", "second", "--json"], &self.configuration_file())?;
        Ok(Secret::new(text(&made, "api_key")?))
    }

    fn configuration_file(&self) -> PathBuf {
        self.folder.join("latchkey.toml")
    }
}

async fn start(
    place: &Place,
    folder: &Path,
    configuration: &Value,
    api_key: Option<Secret>,
    core: Option<usize>,
) -> anyhow::Result<Server> {
    let path = folder.join("latchkey.toml");
    fs::write(&path, toml::to_string(configuration)?)?;
    place.server(&path, api_key, &folder.join("latchkey.log"), core).await
}

async fn open(backend: &Backend, folder: &Path) -> anyhow::Result<Arc<dyn Store>> {
    Ok(match backend {
        Backend::Sqlite => Arc::new(sqlite::open(&folder.join("latchkey.db")).await?),
        Backend::Postgres(address) => Arc::new(postgres::open(&Address::read(&Secret::new(address))?).await?),
    })
}
