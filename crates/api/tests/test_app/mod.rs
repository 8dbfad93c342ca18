//! A complete Latchkey that tests call only over HTTP, and the simulated Zoom behind it.
#![expect(dead_code, reason = "each test program uses a part of it")]

mod accounts;
mod answer;
mod builder;
mod clock;
mod meeting_bots;
mod requests;
mod storage;
pub(crate) mod zoom;

use std::{
    net::{IpAddr, Ipv4Addr, SocketAddr},
    num::NonZeroU32,
    path::Path,
    sync::{Arc, Mutex},
    time::Duration,
};

use ::zoom::{Endpoints, ZoomClient};
use api::{Admission, Kept, Limits, MetricsAccess, ReturnUrls, Server};
use audit::{Audit, AuditMode};
use bots::{
    BotLog, Bots, Browsers, CapacityRule, Retention, ScreenshotFiles, Screenshots, Supervisor, Timing,
};
use broker::Broker;
use browser::{BrowserConfig, ZoomOverride};
use metrics::Metrics;
use model::{Environment, ManualClock, PanickingClock, Secret, SeededEntropy, Timestamp};
use outbound::{CallbackClient, NetworkGuard};
use realtime::Realtime;
use sealing::Provider;
use serde_json::{Value, json};
use tempfile::TempDir;
use tenants::Workspaces;
use token_links::TokenLinks;
use tokio::net::TcpListener;
use tokio_util::task::TaskTracker;
use url::Url;
use webhooks::{Mailer, Webhooks};
use workers::Workers;

pub(crate) use answer::Answer;
pub(crate) use builder::Plan;
pub(crate) use zoom::Zoom;

/// Longer than anything here should take, even while another build runs.
const WAIT_TIMEOUT: Duration = Duration::from_secs(60);
const MINUTE: Duration = Duration::from_secs(60);
/// The time between two checks for an awaited result.
const POLL_INTERVAL: Duration = Duration::from_millis(25);

/// The retention periods that the API shows.
const KEPT: Kept = {
    let month = Duration::from_secs(30 * 24 * 3600);
    let bots = Duration::from_secs(90 * 24 * 3600);
    Kept { bots, screenshots: month, bot_log: month, meeting_events: month, events: month, audit: month }
};

pub(crate) const CLIENT_ID: &str = "client-of-the-tests";
pub(crate) const CLIENT_SECRET: &str = "planted-client-secret";

/// The client address of requests without a connection.
const PEER: SocketAddr = SocketAddr::new(IpAddr::V4(Ipv4Addr::LOCALHOST), 4711);

/// A running Latchkey.
pub(crate) struct TestApp {
    pub(crate) zoom: Arc<Zoom>,
    pub(crate) env: Environment,
    pub(crate) broker: Arc<Broker>,
    pub(crate) links: Arc<TokenLinks>,
    pub(crate) bots: Arc<Bots>,
    pub(crate) supervisor: Arc<Supervisor>,
    pub(crate) store: Arc<dyn store::Store>,
    pub(crate) log: BotLog,
    pub(crate) api_key: String,
    /// The registered app.
    pub(crate) zoom_app: String,
    workspaces: Workspaces,
    clock: Option<Arc<ManualClock>>,
    /// When the other server that runs bots was last seen.
    bots_elsewhere: Option<Mutex<Option<Timestamp>>>,
    base: Url,
    server: Server,
    directory: Arc<TempDir>,
}

impl TestApp {
    /// Builds an app with a registered Zoom app.
    pub(crate) async fn build(plan: &Plan) -> Self {
        let mut app = Self::without_a_zoom_app(plan).await;
        app.zoom_app = app.register_app().await;
        app
    }

    /// Builds an app without a Zoom app, as after the installation.
    pub(crate) async fn without_a_zoom_app(plan: &Plan) -> Self {
        let directory = Arc::new(tempfile::tempdir().unwrap());
        let zoom = Arc::new(Zoom::start(&directory.path().join("zoom")).await);
        let clock = Some(Arc::new(ManualClock::new(zoom.now().await))).filter(|_| plan.manual);
        let env = match &clock {
            Some(clock) => Environment { clock: clock.clone(), entropy: Arc::new(SeededEntropy::new(7)) },
            None => Environment::system(),
        };
        Provider::file(directory.path().join("keys.json")).create(&env).await.unwrap();
        Self::start(plan, zoom, directory, env, clock).await
    }

    /// Builds an app that runs bots, with a clock that makes each of its loops panic once.
    pub(crate) async fn with_a_panicking_clock() -> (Self, Arc<PanickingClock>) {
        let plan = Plan { capacity: 1, bots_elsewhere: false, ..Plan::WITHOUT_BOTS };
        let app = Self::build(&plan).await;
        let clock = Arc::new(PanickingClock::new(app.env.clock.clone()));
        let env = Environment { clock: clock.clone(), entropy: app.env.entropy.clone() };
        let (zoom, directory) = (Arc::clone(&app.zoom), Arc::clone(&app.directory));
        let mut panicking = Self::start(&plan, zoom, directory, env, None).await;
        panicking.api_key.clone_from(&app.api_key);
        (panicking, clock)
    }

    /// Another process with the same database and clock.
    pub(crate) async fn another(&self, plan: &Plan) -> Self {
        let (zoom, directory) = (Arc::clone(&self.zoom), Arc::clone(&self.directory));
        let mut app = Self::start(plan, zoom, directory, self.env.clone(), self.clock.clone()).await;
        app.api_key.clone_from(&self.api_key);
        app.zoom_app.clone_from(&self.zoom_app);
        app
    }

    async fn start(
        plan: &Plan,
        zoom: Arc<Zoom>,
        directory: Arc<TempDir>,
        env: Environment,
        clock: Option<Arc<ManualClock>>,
    ) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let here = format!("http://{}", listener.local_addr().unwrap());
        let base = Url::parse(plan.public_base.unwrap_or(&here)).unwrap();
        let tasks = TaskTracker::new();
        let store = Arc::new(store_sql::sqlite::open(&directory.path().join("latchkey.db")).await.unwrap());
        let api_base = Url::parse(&zoom.ready.api_base).unwrap();
        let endpoints = Endpoints {
            oauth_base: Url::parse(&zoom.ready.zoom_base).unwrap(),
            api_base: api_base.clone(),
            ca_file: Some(zoom.ready.ca_file.clone()),
        };
        let metrics = Metrics::default();
        let audit =
            Audit::new(AuditMode::Strict, store.clone(), None, metrics.clone(), env.clone(), tasks.clone());
        // Delays at Zoom's token endpoint take no time: the clock may stand still here.
        let guard = NetworkGuard::new(plan.networks.iter().map(|net| net.parse().unwrap()).collect());
        let callbacks = CallbackClient::new(guard, env.clone()).unwrap().with_own_links(&base);
        let broker = Arc::new(Broker::new(broker::Parts {
            store: store.clone(),
            keys: Arc::new(Provider::file(directory.path().join("keys.json")).open(&env).await.unwrap()),
            zoom: ZoomClient::new(endpoints, env.clone()).unwrap(),
            env: env.clone(),
            tasks: tasks.clone(),
            audit,
            metrics: metrics.clone(),
            public_base: base.clone(),
            api_base,
            escrow: None,
            callbacks: Some(callbacks.clone()),
            refreshes_per_second: Some(NonZeroU32::MAX),
            unknown_plan: Some(NonZeroU32::MAX),
            timing: broker::Timing::default(),
        }));
        let links = Arc::new(TokenLinks::new(token_links::Parts {
            store: store.clone(),
            broker: Arc::clone(&broker),
            env: env.clone(),
            tasks: tasks.clone(),
            public_base: base.clone(),
            remembered_ids: token_links::REMEMBERED_IDS,
            most_of_a_workspace: plan.fetches_of_a_workspace,
        }));
        let founded = broker.workspaces.create_first_or_check().await.unwrap();
        let workspaces = broker.workspaces.clone();
        let log = BotLog::new(store.clone(), metrics.clone(), env.clone());
        let (bots, supervisor) = Bots::start(bots::Parts {
            store: store.clone(),
            broker: Arc::clone(&broker),
            browsers: Browsers::new(
                browser(plan, &zoom, directory.path()),
                plan.sharing.unwrap_or_default(),
                env.clone(),
                metrics.clone(),
            ),
            callbacks: callbacks.clone(),
            screenshots: Screenshots::new(
                ScreenshotFiles::folder(&directory.path().join("screenshots")).unwrap(),
                store.clone(),
                env.clone(),
            ),
            log: log.clone(),
            env: env.clone(),
            capacity: CapacityRule::Fixed(plan.capacity),
            timing: Timing { rejoin_within: plan.rejoin_within, ..Timing::default() },
            metrics: metrics.clone(),
            most_of_a_workspace: NonZeroU32::new(plan.bots_of_a_workspace).unwrap(),
            // Tests run the sweep themselves, however far the clock jumps.
            retention: Retention { sweep_interval: Duration::MAX, ..Retention::default() },
        });
        let workers = Workers::new(env.clone(), Arc::new(metrics.clone()));
        let webhooks = Arc::new(Webhooks::start(
            webhooks::Parts {
                store: store.clone(),
                vault: broker.vault.clone(),
                callbacks: callbacks.clone(),
                mailer: plan
                    .mail
                    .clone()
                    .map(|mail| Mailer::new(mail, "latchkey.test", env.clone()).unwrap()),
                scheduled: store.clone(),
                broker: Arc::clone(&broker),
                env: env.clone(),
                metrics: metrics.clone(),
                keep: Duration::MAX,
                poll_interval: Duration::from_secs(1),
            },
            &workers,
        ));
        // It runs as long as its worker.
        let _ = Realtime::start(
            realtime::Parts {
                store: store.clone(),
                workspaces: broker.workspaces.clone(),
                vault: broker.vault.clone(),
                callbacks: callbacks.clone(),
                metrics: metrics.clone(),
                env: env.clone(),
                poll_interval: Duration::from_secs(1),
            },
            &workers,
        );
        let state = api::State {
            webhooks,
            store: store.clone(),
            callbacks,
            broker: Arc::clone(&broker),
            links: Arc::clone(&links),
            bots: Arc::clone(&bots),
            env: env.clone(),
            tasks: tasks.clone(),
            limits: Arc::new(Limits::new(plan.rates)),
            admission: Arc::new(Admission::new(plan.bounds.clone().unwrap_or_default(), &env)),
            metrics: MetricsAccess { enabled: true, token: plan.metrics_token.map(Secret::new) },
            simulated: plan.simulated,
            show_app_secrets: plan.show_app_secrets,
            kept: KEPT,
            return_urls: ReturnUrls::new(&base, &[Url::parse("https://app.example").unwrap()]),
        };
        let pages = crate::pages(&state, &base, &zoom);
        let server = Server::new(state, pages);
        tasks.spawn({
            let server = server.clone();
            async move { api::serve(listener, server, &workers, std::future::pending()).await }
        });
        let api_key = founded.map(|founded| founded.api_key.expose().to_owned()).unwrap_or_default();
        Self {
            zoom,
            env,
            broker,
            links,
            bots,
            supervisor,
            store,
            log,
            api_key,
            zoom_app: String::new(),
            workspaces,
            clock,
            bots_elsewhere: plan.bots_elsewhere.then(Mutex::default),
            base,
            server,
            directory,
        }
    }

    async fn register_app(&self) -> String {
        let redirect = self.address("/oauth/zoom/callback");
        let zoom_app = json!({ "client_id": CLIENT_ID, "client_secret": CLIENT_SECRET, "sdk": true,
                          "redirect_uris": [redirect] });
        self.zoom.control("POST", "apps", zoom_app).await;
        let zoom_app = json!({ "kind": "user_level", "client_id": CLIENT_ID, "client_secret": CLIENT_SECRET,
                          "webhook_secret": "planted-webhook-secret" });
        self.post("/api/v2/zoom-oauth-apps/", zoom_app).await.created()["id"].as_str().unwrap().to_owned()
    }

    /// Stops like a server.
    pub(crate) async fn stop(&self) {
        within(self.meanwhile(self.supervisor.stop())).await;
    }
}

fn browser(plan: &Plan, zoom: &Zoom, directory: &Path) -> BrowserConfig {
    let address = zoom.ready.zoom_address.parse().unwrap();
    BrowserConfig {
        chromium: plan.chromium.into(),
        sdk_dir: concat!(env!("CARGO_MANIFEST_DIR"), "/../../web/node_modules/@zoom/meetingsdk/dist").into(),
        state_dir: directory.join("browser"),
        zoom_override: Some(ZoomOverride { address, spki: zoom.ready.spki.clone() }),
        sandbox: false,
        answer_within: plan.answer_within,
    }
}

/// The latest status change of a bot.
pub(crate) fn last_step(bot: &Value) -> &Value {
    bot["status_changes"].as_array().unwrap().last().unwrap()
}

/// Fails if `work` takes longer than `WAIT_TIMEOUT`.
pub(crate) async fn within<T>(work: impl Future<Output = T>) -> T {
    Environment::system().clock.timeout(WAIT_TIMEOUT, work).await.expect("it takes too long")
}
