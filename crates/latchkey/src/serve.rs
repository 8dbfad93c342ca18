//! `latchkey serve`: token broker, bots and API in one process.

use std::{convert::Infallible, future::pending, net::SocketAddr, path::PathBuf, sync::Arc, time::Duration};

use anyhow::{Context as _, anyhow};
use audit::{Audit, Journal};
use bots::{BotLog, Browsers, Screenshots, Supervisor};
use broker::{Broker, Escrow};
use browser::{BrowserConfig, ZoomOverride};
use futures_util::FutureExt as _;
use metrics::Metrics;
use model::{Clock, Environment};
use outbound::{CallbackClient, NetworkGuard};
use realtime::Realtime;
use sd_notify::NotifyState;
use sealing::{KeyFileError, Keys, KeysError};
use serde_json::json;
use store::Store;
use tenants::{ConsoleSessions, Vault, Workspaces};
use token_links::TokenLinks;
use tokio::net::TcpListener;
use tokio_util::{sync::CancellationToken, task::TaskTracker};
use url::Url;
use webhooks::Webhooks;
use workers::Workers;
use zoom::{Endpoints, ZoomClient};

use crate::{
    config::{Bots, Config, OnStop, networks},
    data_dir,
    database::Database,
    descriptors, keys, said_at_start,
    shutdown::{Stop, StopArguments},
};

/// What requests get to finish in, once the server was told to stop.
const FINISH_WITHIN: Duration = Duration::from_secs(5);

#[derive(clap::Args)]
pub(crate) struct Arguments {
    /// The configuration file; `latchkey.toml` if it is there.
    #[arg(long, env = "LATCHKEY_CONFIG", value_name = "FILE")]
    config: Option<PathBuf>,
    /// Where to listen, instead of the configuration's `listen`.
    #[arg(long, env = "LATCHKEY_LISTEN")]
    listen: Option<SocketAddr>,
    #[command(flatten)]
    stop: StopArguments,
}

/// Runs until told to stop. Prints one line of JSON when ready; on an empty store it holds the first API key.
pub(crate) async fn run(arguments: Arguments) -> anyhow::Result<()> {
    let mut config = Config::read(arguments.config.as_deref())?;
    config.listen = arguments.listen.unwrap_or(config.listen);
    let env = Environment::system();
    let most = descriptors::for_connections(config.connections.most.get())?;
    let bounds = config.connections.bounds(most)?;

    // The port first: a second server on the same data must fail before it touches it.
    let listener = TcpListener::bind(config.listen).await.map_err(|error| {
        anyhow!("cannot listen on {} ({error}): stop what runs there, or set `listen`", config.listen)
    })?;
    let address = listener.local_addr()?;
    let scrapers = match config.metrics.listen.filter(|_| config.metrics.enabled) {
        Some(listen) => Some(TcpListener::bind(listen).await.map_err(|error| {
            anyhow!("cannot listen on {listen} ({error}): stop what runs there, or set `metrics.listen`")
        })?),
        None => None,
    };
    let metrics_access = api::MetricsAccess {
        enabled: config.metrics.enabled && scrapers.is_none(),
        token: config.metrics.token()?,
    };
    let public_base = match &config.public_url {
        Some(url) => url.clone(),
        None => Url::parse(&format!("http://{address}"))?,
    };

    data_dir::make(&config.data_dir)?;
    let metrics = Metrics::default();
    let database = Database::open_observed(&config, Arc::new(metrics.clone()), env.clone()).await?;
    let store = database.store();
    let keys = Arc::new(key_ring(&config, &*store, &env).await?);
    let tasks = TaskTracker::new();
    let endpoints = Endpoints {
        oauth_base: config.zoom.oauth_base.clone(),
        api_base: config.zoom.api_base.clone(),
        ca_file: config.zoom.ca_file.clone(),
    };
    let zoom = ZoomClient::new(endpoints, env.clone())?;
    let escrow = config.data_dir.join("escrow");
    let escrow = Escrow::open(&escrow, env.clone())
        .map_err(|error| anyhow!("cannot use {} ({error}): make it writable", escrow.display()))?;
    let journal = open_journal(&config, &database, &env)?;
    let (mode, journal) = (config.audit.mode, Some(journal));
    let audit = Audit::new(mode, store.clone(), journal, metrics.clone(), env.clone(), tasks.clone());
    let guard = NetworkGuard::new(networks("callbacks.allow_networks", &config.callbacks.allow_networks)?);
    let callbacks = CallbackClient::new(guard, env.clone())?.with_own_links(&public_base);
    let mailer = config.mail.mailer(&public_base, &env)?;

    // Before anything is started for nothing.
    let pictures = config.screenshots.files(&config.data_dir)?;
    let workspaces = Workspaces::new(store.clone(), Vault::new(keys.clone()), env.clone());
    workspaces.check_keys().await?;
    let browser = browser_config(&config);
    let is_sandboxed = browser.sandbox;
    let browsers = Browsers::new(browser, config.bots.browsers(), env.clone(), metrics.clone());
    let chromium = if config.bots.capacity().runs_bots() {
        let started = browsers.warm_up().await;
        Some(started.context("for a token broker without bots, set bots.capacity = 0")?)
    } else {
        None
    };
    // Last before requests are served: a start that fails has not used up the one showing of the key.
    let founded = workspaces.found_or_check().await?;
    let workers = Workers::new(env.clone(), Arc::new(metrics.clone()));
    let parts = broker::Parts {
        store: store.clone(),
        keys: Arc::clone(&keys),
        zoom,
        env: env.clone(),
        tasks: tasks.clone(),
        audit,
        metrics: metrics.clone(),
        public_base: public_base.clone(),
        api_base: config.zoom.api_base.clone(),
        escrow: Some(escrow),
        callbacks: Some(callbacks.clone()),
        refreshes_per_second: Some(config.zoom.refreshes_per_second),
        unknown_plan: None,
        timing: config.timing(),
    };
    let running = Broker::start(parts, &workers, config.audit.kept()).await?;
    let broker = Arc::clone(running.broker());
    if let Some(folder) = config.screenshots.folder() {
        broker.health.look_at_pictures(folder.to_owned());
    }
    let links = Arc::new(TokenLinks::new(token_links::Parts {
        store: store.clone(),
        broker: Arc::clone(&broker),
        env: env.clone(),
        tasks: tasks.clone(),
        public_base: public_base.clone(),
        remembered_ids: config.links.remembered_ids,
        most_of_a_workspace: config.links.most_of_a_workspace.get(),
    }));
    links.start(&workers).await?;
    let screenshots = Screenshots::new(pictures, store.clone(), env.clone());
    let bots = Supervisor::start(bots::Parts {
        store: store.clone(),
        broker: Arc::clone(&broker),
        browsers,
        callbacks: callbacks.clone(),
        screenshots,
        log: BotLog::new(store.clone(), metrics.clone(), env.clone()),
        env: env.clone(),
        capacity: config.bots.capacity(),
        timing: config.bots.timing(),
        metrics: metrics.clone(),
        most_of_a_workspace: config.bots.most_of_a_workspace,
        retention: config.retention(),
    });

    let webhooks = Arc::new(Webhooks::start(
        webhooks::Parts {
            store: store.clone(),
            vault: broker.vault.clone(),
            callbacks: callbacks.clone(),
            mailer,
            scheduled: store.clone(),
            broker: Arc::clone(&broker),
            env: env.clone(),
            metrics: metrics.clone(),
            keep: config.events.kept(),
        },
        &workers,
    ));

    let realtime = Realtime::start(
        realtime::Parts {
            store: store.clone(),
            workspaces: broker.workspaces.clone(),
            vault: broker.vault.clone(),
            callbacks: callbacks.clone(),
            metrics: metrics.clone(),
            env: env.clone(),
        },
        &workers,
    );

    let trust = said_at_start::trust(&config);
    let simulated = trust.is_some();
    broker.health.findings().report("zoom_authority", trust, env.now());
    let clock = Arc::clone(&env.clock);
    let admission = api::Admission::new(bounds, &env);
    let state = api::State {
        store: store.clone(),
        broker: Arc::clone(&broker),
        links: Arc::clone(&links),
        callbacks,
        bots: Arc::clone(&bots),
        webhooks: Arc::clone(&webhooks),
        env,
        tasks: tasks.clone(),
        limits: Arc::new(api::Limits::new(config.limits.rates())),
        admission: Arc::new(admission),
        metrics: metrics_access,
        simulated,
        show_app_secrets: config.api.show_app_secrets,
        kept: config.kept(),
        return_urls: api::ReturnUrls::new(&public_base, &config.api.return_origins),
    };
    let sessions = ConsoleSessions::new(store.clone(), state.env.clone());
    let pages = console::router(console::Parts {
        api: api::InProcess::new(state.clone()),
        sessions: sessions.clone(),
        env: state.env.clone(),
        public_base: public_base.clone(),
        simulated,
        simulator: simulator(&config),
    });
    let mut ready =
        json!({ "ready": true, "url": public_base.as_str().trim_end_matches('/'), "chromium": chromium });
    if let Some(founded) = &founded {
        ready["api_key"] = founded.api_key.expose().into();
        // The first key is the only one.
        if let Some(key) = store.api_keys(founded.workspace).await?.first() {
            let link = sessions.make_link(key).await.map_err(|failure| anyhow!("{failure}"))?;
            ready["console"] = console::link_address(&public_base, &link).into();
        }
    }
    if let Some(scrapers) = &scrapers {
        ready["metrics"] = format!("http://{}/metrics", scrapers.local_addr()?).into();
    }
    said_at_start::say(&config, chromium.is_some(), is_sandboxed);
    let stop = Stop::listen(arguments.stop)?;
    println!("{ready}");
    tell_systemd(NotifyState::Ready);
    if founded.is_some() {
        eprintln!("latchkey: a new installation; the API key above is shown once and never again");
        eprintln!("latchkey: `console` above opens the console in a browser, once and within 15 minutes");
    }
    workers.run("sealing_keys", move || {
        let keys = Arc::clone(&keys);
        async move { keys.run_reload_worker().await }
    });
    let stopping = CancellationToken::new();
    let serving_metrics = serve_metrics(scrapers, state.clone(), &workers);
    let serving = api::serve(listener, api::Server::new(state, pages), &workers, async {
        // Tokens and the API go on meanwhile.
        bring_out_bots(stop, &bots, &config.bots, &*clock).await;
        webhooks.end_streams();
        stopping.cancel();
    });
    tokio::select! {
        () = serving => {}
        () = stopping.cancelled().then(|()| clock.sleep(FINISH_WITHIN)) => {}
        never = serving_metrics => match never {},
    }
    tokio::join!(webhooks.stop(), realtime.stop());
    running.stop().await;
    links.stop().await;
    database.close().await;
    Ok(())
}

/// Under another supervisor, or none, there is nothing to notify.
fn tell_systemd(state: NotifyState<'_>) {
    if let Err(error) = sd_notify::notify(&[state]) {
        tracing::warn!(%error, "systemd could not be told how this service is");
    }
}

/// Answers scrapers where they have an address of their own.
async fn serve_metrics(listener: Option<TcpListener>, state: api::State, workers: &Workers) -> Infallible {
    if let Some(listener) = listener {
        let metrics = api::MetricsAccess { enabled: true, ..state.metrics.clone() };
        let server = api::Server::metrics_only(api::State { metrics, ..state });
        api::serve(listener, server, workers, pending()).await;
    }
    pending().await
}

/// Waits until it is time to stop, and then until no bot runs here any more. A second signal hands over bots that were to
/// finish; where they are being handed over, it changes nothing. The next one ends at once.
async fn bring_out_bots(mut stop: Stop, bots: &Supervisor, config: &Bots, clock: &dyn Clock) {
    stop.first().await;
    tell_systemd(NotifyState::Stopping);
    let mut signals = 1;
    if config.on_stop == OnStop::Finish {
        tracing::info!("taking no new bots; waiting for those that run; a second signal hands them over");
        tokio::select! {
            () = bots.finish() => {}
            () = stop.signalled() => signals += 1,
            () = clock.sleep(Duration::from_secs(config.stop_within.into())) => {}
        }
    }
    stop.while_handing_over(signals, bots.stop()).await;
}

/// Where the audit's records wait for the store. Where that is a file on the same disk, the journal is as durable and costs
/// less: it comes first, unless the configuration says otherwise.
fn open_journal(config: &Config, database: &Database, env: &Environment) -> anyhow::Result<Journal> {
    let folder = config.audit_journal();
    let first = config.audit.disk_first.unwrap_or(database.is_sqlite());
    let opened = Journal::open(&folder, env.clone());
    let opened = opened.and_then(|journal| if first { journal.first() } else { Ok(journal) });
    opened.map_err(|error| anyhow!("cannot use {} ({error}): make it writable", folder.display()))
}

/// The key ring of this store. A new one is made only for an empty store: secrets that were sealed with a lost key must
/// not be met by a fresh one.
async fn key_ring(config: &Config, store: &dyn Store, env: &Environment) -> anyhow::Result<Keys> {
    let provider = keys::provider(config)?;
    match provider.clone().open(env).await {
        Err(KeysError::File(KeyFileError::Missing(_))) if store.workspaces().await?.is_empty() => {
            Ok(provider.create(env).await?)
        }
        ring => Ok(ring?),
    }
}

/// Where the simulator is told what to play, if it stands in Zoom's place.
fn simulator(config: &Config) -> Option<console::SimulatorAddress> {
    let (control, ca_file) = config.zoom.simulator_control.clone().zip(config.zoom.ca_file.clone())?;
    Some(console::SimulatorAddress { control, ca_file })
}

/// The browser that the configuration names.
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
