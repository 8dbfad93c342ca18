//! A server's parts, and the order in which they start and stop.
//!
//! 1. [`Opened`]: whatever may be refused (a database, a key ring, a folder, an address) is opened before anything runs.
//! 2. Bots' browsers, then the first API key of a new installation: a failed start must not use up its only display.
//! 3. The broker, then its users: links, bots, webhooks, real-time endpoints.
//! 4. The API and the console, which the caller serves.
//!
//! They stop in reverse. `serve` lets the bots leave while the API still answers, and stops the API; then [`Server::stop`] stops
//! the senders of events, the broker and the database.

use std::{sync::Arc, time::Duration};

use anyhow::{Context as _, anyhow};
use audit::{Audit, Journal};
use axum::Router;
use bots::{BotLog, Bots, Browsers, ScreenshotFiles, Screenshots, Supervisor};
use broker::{Broker, Escrow};
use browser::{BrowserConfig, ZoomOverride};
use metrics::Metrics;
use model::{Environment, Secret};
use outbound::{CallbackClient, NetworkGuard};
use realtime::Realtime;
use sealing::{KeyFileError, Keys, KeysError};
use store::{Access, Store};
use tenants::{ConsoleSessions, Vault, Workspaces};
use token_links::TokenLinks;
use tokio_util::task::TaskTracker;
use url::Url;
use webhooks::{Mailer, Webhooks};
use workers::Workers;
use zoom::{Endpoints, ZoomClient};

use crate::{
    config::{Config, networks},
    data_dir,
    database::Database,
    keys, startup_warnings,
};

/// A running server, without its listeners.
pub(crate) struct Server {
    /// The supervisor that runs bots.
    pub(crate) supervisor: Arc<Supervisor>,
    pub(crate) webhooks: Arc<Webhooks>,
    pub(crate) workers: Workers,
    pub(crate) api: api::State,
    pub(crate) pages: Router,
    /// The version of Chromium; `None` without bots.
    pub(crate) chromium: Option<String>,
    /// Secrets that a new installation shows once.
    pub(crate) first: Option<FirstStart>,
    realtime: Realtime,
    links: Arc<TokenLinks>,
    broker: broker::Running,
    database: Database,
}

/// Secrets that only the first start shows.
pub(crate) struct FirstStart {
    pub(crate) api_key: Secret,
    /// A link that signs a browser in to the console.
    pub(crate) console: Option<Secret>,
}

/// Resources that are opened before anything runs.
struct Opened {
    database: Database,
    keys: Arc<Keys>,
    zoom: ZoomClient,
    escrow: Escrow,
    journal: Journal,
    mailer: Option<Mailer>,
    pictures: ScreenshotFiles,
}

/// Dependencies of most parts.
struct Shared<'a> {
    config: &'a Config,
    public_base: Url,
    store: Arc<dyn Store>,
    callbacks: CallbackClient,
    metrics: Metrics,
    env: Environment,
    tasks: TaskTracker,
    workers: Workers,
}

impl Opened {
    async fn open(
        config: &Config,
        public_base: &Url,
        metrics: &Metrics,
        env: &Environment,
    ) -> anyhow::Result<Self> {
        data_dir::make(&config.data_dir)?;
        let database = Database::open_observed(config, Arc::new(metrics.clone()), env.clone()).await?;
        let keys = Arc::new(key_ring(config, &*database.store(), env).await?);
        let endpoints = Endpoints {
            oauth_base: config.zoom.oauth_base.clone(),
            api_base: config.zoom.api_base.clone(),
            ca_file: config.zoom.ca_file.clone(),
        };
        let zoom = ZoomClient::new(endpoints, env.clone())?.with_timeout(config.zoom.answer_within());
        let escrow = config.data_dir.join("escrow");
        let escrow = Escrow::open(&escrow, env.clone())
            .map_err(|error| anyhow!("cannot use {} ({error}): make it writable", escrow.display()))?;
        let journal = open_journal(config, &database, env)?;
        let mailer = config.mail.mailer(public_base, env)?;
        let pictures = config.screenshots.files(&config.data_dir)?;
        Ok(Self { database, keys, zoom, escrow, journal, mailer, pictures })
    }
}

impl Server {
    /// Starts everything. `bounds` limits connections and unauthenticated callers; browsers and platforms reach the server
    /// at
    /// `public_base`.
    pub(crate) async fn start(
        config: &Config,
        public_base: Url,
        (bounds, metrics_access): (api::Bounds, api::MetricsAccess),
        env: Environment,
    ) -> anyhow::Result<Self> {
        let (metrics, tasks) = (Metrics::default(), TaskTracker::new());
        let guard =
            NetworkGuard::new(networks("callbacks.allow_networks", &config.callbacks.allow_networks)?);
        let callbacks = CallbackClient::new(guard, env.clone())?.with_own_links(&public_base);
        let opened = Opened::open(config, &public_base, &metrics, &env).await?;
        let Opened { database, keys, zoom, escrow, journal, mailer, pictures } = opened;
        let store = database.store();
        let workspaces = Workspaces::new(store.clone(), Vault::new(keys.clone()), env.clone());
        workspaces.check_keys().await?;

        let browsers =
            Browsers::new(browser_config(config), config.bots.browsers(), env.clone(), metrics.clone());
        let chromium = if config.bots.capacity().runs_bots() {
            let started = browsers.warm_up().await;
            Some(started.context("for a token broker without bots, set bots.capacity = 0")?)
        } else {
            None
        };
        let founded = workspaces.create_first_or_check().await?;

        let workers = Workers::new(env.clone(), Arc::new(metrics.clone()));
        let shared = Shared { config, public_base, store, callbacks, metrics, env, tasks, workers };
        let running = shared.start_broker(Arc::clone(&keys), zoom, escrow, journal).await?;
        let broker = running.broker();
        let links = shared.start_links(broker).await?;
        let (bots, supervisor) = shared.start_bots(broker, browsers, pictures);
        let webhooks = shared.start_webhooks(broker, mailer);
        let realtime = shared.start_realtime(broker);
        shared.workers.run("sealing_keys", move || {
            let keys = Arc::clone(&keys);
            async move { keys.run_reload_worker().await }
        });

        let trust = startup_warnings::trust(config);
        let simulated = trust.is_some();
        broker.health.findings().report("zoom_authority", trust, shared.env.now());
        let api = api::State {
            store: shared.store.clone(),
            broker: Arc::clone(broker),
            links: Arc::clone(&links),
            callbacks: shared.callbacks,
            bots,
            webhooks: Arc::clone(&webhooks),
            tasks: shared.tasks,
            limits: Arc::new(api::Limits::new(config.limits.rates())),
            admission: Arc::new(api::Admission::new(bounds, &shared.env)),
            metrics: metrics_access,
            simulated,
            show_app_secrets: config.api.show_app_secrets,
            kept: config.kept(),
            return_urls: api::ReturnUrls::new(&shared.public_base, &config.api.return_origins),
            env: shared.env,
        };
        let sessions = ConsoleSessions::new(shared.store.clone(), api.env.clone());
        let mut first = None;
        if let Some(founded) = founded {
            let mut console = None;
            // A new installation has only one key.
            if let Some(key) = shared.store.api_keys(founded.workspace).await?.first() {
                let link = sessions.make_link(key).await.map_err(|failure| anyhow!("{failure}"))?;
                console = Some(Secret::new(console::link_address(&shared.public_base, &link)));
            }
            first = Some(FirstStart { api_key: founded.api_key, console });
        }
        let pages = console::router(console::Parts {
            api: api::InProcess::new(api.clone()),
            sessions,
            env: api.env.clone(),
            public_base: shared.public_base,
            simulated,
            simulator: simulator(config),
        });
        let (workers, broker) = (shared.workers, running);
        Ok(Self {
            supervisor,
            webhooks,
            workers,
            api,
            pages,
            chromium,
            first,
            realtime,
            links,
            broker,
            database,
        })
    }

    /// Stops the remaining parts, after the API has stopped and all bots have left.
    pub(crate) async fn stop(self) {
        tokio::join!(self.webhooks.stop(), self.realtime.stop());
        self.broker.stop().await;
        self.links.stop().await;
        self.database.close().await;
    }
}

impl Shared<'_> {
    async fn start_broker(
        &self,
        keys: Arc<Keys>,
        zoom: ZoomClient,
        escrow: Escrow,
        journal: Journal,
    ) -> anyhow::Result<broker::Running> {
        let Self { config, store, metrics, env, tasks, .. } = self;
        let (store, metrics, env, tasks) = (store.clone(), metrics.clone(), env.clone(), tasks.clone());
        let journal = Some(journal);
        let audit = Audit::new(
            config.audit.mode,
            store.clone(),
            journal,
            metrics.clone(),
            env.clone(),
            tasks.clone(),
        );
        let parts = broker::Parts {
            store,
            keys,
            zoom,
            env,
            tasks,
            audit,
            metrics,
            public_base: self.public_base.clone(),
            api_base: config.zoom.api_base.clone(),
            escrow: Some(escrow),
            callbacks: Some(self.callbacks.clone()),
            refreshes_per_second: Some(config.zoom.refreshes_per_second),
            unknown_plan: None,
            timing: config.timing(),
        };
        let running = Broker::start(parts, &self.workers, config.audit.kept()).await?;
        if let Some(folder) = config.screenshots.folder() {
            running.broker().health.check_screenshots_folder(folder.to_owned());
        }
        Ok(running)
    }

    async fn start_links(&self, broker: &Arc<Broker>) -> anyhow::Result<Arc<TokenLinks>> {
        let links = Arc::new(TokenLinks::new(token_links::Parts {
            store: self.store.clone(),
            broker: Arc::clone(broker),
            env: self.env.clone(),
            tasks: self.tasks.clone(),
            public_base: self.public_base.clone(),
            remembered_ids: self.config.links.remembered_ids,
            most_of_a_workspace: self.config.links.most_of_a_workspace.get(),
        }));
        links.start(&self.workers).await?;
        Ok(links)
    }

    fn start_bots(
        &self,
        broker: &Arc<Broker>,
        browsers: Browsers,
        pictures: ScreenshotFiles,
    ) -> (Arc<Bots>, Arc<Supervisor>) {
        let Self { config, store, metrics, env, .. } = self;
        Bots::start(bots::Parts {
            store: store.clone(),
            broker: Arc::clone(broker),
            browsers,
            callbacks: self.callbacks.clone(),
            screenshots: Screenshots::new(pictures, store.clone(), env.clone()),
            log: BotLog::new(store.clone(), metrics.clone(), env.clone()),
            env: env.clone(),
            capacity: config.bots.capacity(),
            timing: config.bots.timing(),
            metrics: metrics.clone(),
            most_of_a_workspace: config.bots.most_of_a_workspace,
            retention: config.retention(),
        })
    }

    fn start_webhooks(&self, broker: &Arc<Broker>, mailer: Option<Mailer>) -> Arc<Webhooks> {
        let parts = webhooks::Parts {
            store: self.store.clone(),
            vault: broker.vault.clone(),
            callbacks: self.callbacks.clone(),
            mailer,
            scheduled: self.store.clone(),
            broker: Arc::clone(broker),
            env: self.env.clone(),
            metrics: self.metrics.clone(),
            keep: self.config.events.kept(),
            poll_interval: self.config.events.poll_interval(),
        };
        Arc::new(Webhooks::start(parts, &self.workers))
    }

    fn start_realtime(&self, broker: &Broker) -> Realtime {
        let parts = realtime::Parts {
            store: self.store.clone(),
            workspaces: broker.workspaces.clone(),
            vault: broker.vault.clone(),
            callbacks: self.callbacks.clone(),
            metrics: self.metrics.clone(),
            env: self.env.clone(),
            poll_interval: self.config.events.poll_interval(),
        };
        Realtime::start(parts, &self.workers)
    }
}

/// Opens the journal of audit records that are not in the store yet. If the store is a file on the same disk, the journal is
/// as durable and cheaper, so records go there first unless configured otherwise.
fn open_journal(config: &Config, database: &Database, env: &Environment) -> anyhow::Result<Journal> {
    let folder = config.audit_journal();
    let first = config.audit.disk_first.unwrap_or(database.is_sqlite());
    let opened = Journal::open(&folder, env.clone());
    let opened = opened.and_then(|journal| if first { journal.first() } else { Ok(journal) });
    opened.map_err(|error| anyhow!("cannot use {} ({error}): make it writable", folder.display()))
}

/// The key ring of this store. A new one is created only for an empty store: a store with secrets of a lost key ring must
/// not get a new ring.
async fn key_ring(
    config: &Config,
    store: &(impl Access + Sync + ?Sized),
    env: &Environment,
) -> anyhow::Result<Keys> {
    let provider = keys::provider(config)?;
    match provider.clone().open(env).await {
        Err(KeysError::File(KeyFileError::Missing(_))) if store.workspaces().await?.is_empty() => {
            Ok(provider.create(env).await?)
        }
        ring => Ok(ring?),
    }
}

/// Address of the simulator's control API, if a simulator replaces Zoom.
fn simulator(config: &Config) -> Option<console::SimulatorAddress> {
    let (control, ca_file) = config.zoom.simulator_control.clone().zip(config.zoom.ca_file.clone())?;
    Some(console::SimulatorAddress { control, ca_file })
}

/// The configured browser.
pub(crate) fn browser_config(config: &Config) -> BrowserConfig {
    let zoom_override = config.zoom.meeting_address.zip(config.zoom.meeting_spki.clone());
    BrowserConfig {
        chromium: config.browser.chromium.clone(),
        sdk_dir: config.browser.sdk_dir.clone(),
        state_dir: config.data_dir.join("browser"),
        zoom_override: zoom_override.map(|(address, spki)| ZoomOverride { address, spki }),
        sandbox: config.browser.sandbox.unwrap_or_else(BrowserConfig::sandbox_works),
        answer_within: Duration::from_secs(config.bots.answer_within.get().into()),
    }
}
