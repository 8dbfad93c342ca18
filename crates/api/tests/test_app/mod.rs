//! Latchkey with everything in it, spoken to over HTTP alone, and the simulated Zoom that it talks to.
#![expect(dead_code, reason = "each test program uses a part of it")]

mod answer;
pub(crate) mod zoom;

use std::{
    net::{IpAddr, Ipv4Addr, SocketAddr},
    num::NonZeroU32,
    path::Path,
    sync::{Arc, Mutex},
    time::Duration,
};

use ::zoom::{Endpoints, ZoomClient};
use api::{Admission, Bounds, Kept, Limits, MetricsAccess, Rates, ReturnUrls, Server};
use audit::{Audit, AuditMode};
use axum::{
    body::Body,
    http::{Request, header},
};
use bots::{
    BotLog, Bots, BrowserSharing, Browsers, CapacityRule, PictureFiles, Retention, Screenshots, Supervisor,
    Timing,
};
use broker::{Broker, DueLists};
use browser::{BrowserConfig, ZoomOverride};
use metrics::Metrics;
use model::{Environment, ManualClock, Secret, SeededEntropy, Timestamp};
use outbound::signature::SigningKey;
use outbound::{CallbackClient, NetworkGuard};
use realtime::Realtime;
use sealing::Provider;
use serde_json::{Value, json};
use store::BotServer;
use tempfile::TempDir;
use tenants::{NewApiKey, Workspaces};
use token_links::TokenLinks;
use tokio::net::TcpListener;
use tokio_util::task::TaskTracker;
use url::Url;
use webhooks::{MailSettings, Mailer, Webhooks};
use workers::{NotCounted, Settings, Worker, Workers};

pub(crate) use answer::Answer;
pub(crate) use zoom::Zoom;

/// Longer than anything here takes, even while another build runs.
const WAIT_TIMEOUT: Duration = Duration::from_secs(60);
const MINUTE: Duration = Duration::from_secs(60);
/// Between two looks at something that is awaited.
const POLL_INTERVAL: Duration = Duration::from_millis(25);

/// As it is shown.
const KEPT: Kept = {
    let month = Duration::from_secs(30 * 24 * 3600);
    let bots = Duration::from_secs(90 * 24 * 3600);
    Kept { bots, screenshots: month, bot_log: month, meeting_events: month, events: month, audit: month }
};

pub(crate) const CLIENT_ID: &str = "client-of-the-tests";
pub(crate) const CLIENT_SECRET: &str = "planted-client-secret";

/// What an app is built with.
pub(crate) struct Plan {
    /// Behind it, or nothing when it is reached where it listens.
    pub(crate) public_base: Option<&'static str>,
    pub(crate) chromium: &'static str,
    pub(crate) capacity: u32,
    /// Networks that callbacks may go to.
    pub(crate) networks: &'static [&'static str],
    /// A clock that moves only when told to.
    pub(crate) manual: bool,
    /// How often it may be called.
    pub(crate) rates: Option<Rates>,
    /// What callers that are not known yet may take, if not the usual.
    pub(crate) bounds: Option<Bounds>,
    /// What `/metrics` asks for.
    pub(crate) metrics_token: Option<&'static str>,
    /// Whether pages say that this may not be Zoom.
    pub(crate) simulated: bool,
    /// Whether apps are shown with their secrets.
    pub(crate) show_app_secrets: bool,
    /// Whether other servers of the installation run bots.
    pub(crate) bots_elsewhere: bool,
    /// How many bots of a workspace may be waiting or running.
    pub(crate) bots_of_a_workspace: u32,
    /// How many fetches of a workspace are answered at once.
    pub(crate) fetches_of_a_workspace: usize,
    /// After how long a silent page is taken for frozen.
    pub(crate) answer_within: Duration,
    /// How long a bot may be away.
    pub(crate) rejoin_within: Duration,
    /// How bots share browsers, if not as usual.
    pub(crate) sharing: Option<BrowserSharing>,
    /// The SMTP server.
    pub(crate) mail: Option<MailSettings>,
}

impl Plan {
    /// Behind a proxy with a path of its own. No bot runs: there is no browser here.
    pub(crate) const WITHOUT_BOTS: Self = Self {
        public_base: Some("https://latchkey.test/base"),
        chromium: "/nowhere/chromium",
        capacity: 0,
        networks: &[],
        manual: true,
        rates: None,
        bounds: None,
        metrics_token: None,
        simulated: false,
        show_app_secrets: false,
        bots_elsewhere: true,
        bots_of_a_workspace: 1000,
        fetches_of_a_workspace: 512,
        // A manual clock hurries, and pages don't.
        answer_within: Duration::from_secs(3600),
        rejoin_within: Duration::from_secs(300),
        sharing: None,
        mail: None,
    };
}

/// Where requests come from that come over no connection.
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
    /// When the server elsewhere that runs bots last said so.
    bots_elsewhere: Option<Mutex<Option<Timestamp>>>,
    base: Url,
    server: Server,
    directory: Arc<TempDir>,
}

impl TestApp {
    /// A new one, with a Zoom app registered.
    pub(crate) async fn build(plan: &Plan) -> Self {
        let mut app = Self::without_a_zoom_app(plan).await;
        app.zoom_app = app.register_app().await;
        app
    }

    /// A new one, as a person finds it at first.
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

    /// Another process on the same data and the same clock.
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
        // Turns at Zoom's token endpoint take no time: it may stand still here.
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
        let founded = broker.workspaces.found_or_check().await.unwrap();
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
                PictureFiles::folder(&directory.path().join("screenshots")).unwrap(),
                store.clone(),
                env.clone(),
            ),
            log: log.clone(),
            env: env.clone(),
            capacity: CapacityRule::Fixed(plan.capacity),
            timing: Timing { rejoin_within: plan.rejoin_within, ..Timing::default() },
            metrics: metrics.clone(),
            most_of_a_workspace: NonZeroU32::new(plan.bots_of_a_workspace).unwrap(),
            // Tests sweep by themselves, however far the clock jumps.
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
            },
            &workers,
        ));
        // It goes on for as long as its worker.
        let _ = Realtime::start(
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

    /// Sends any request, as it is.
    pub(crate) async fn send(&self, request: Request<Body>) -> Answer {
        self.see_bots_elsewhere().await;
        // Boxed: otherwise the future of a test that calls this several times would grow.
        let answered =
            Box::pin(async { Answer::read(self.server.connection(PEER).answer(request).await).await });
        within(answered).await
    }

    /// The server elsewhere says that it is there, however far the clock has jumped.
    async fn see_bots_elsewhere(&self) {
        let Some(seen_at) = &self.bots_elsewhere else { return };
        let now = self.env.now();
        if seen_at.lock().unwrap().is_some_and(|at| at.was_within(MINUTE, now)) {
            return;
        }
        let elsewhere = BotServer { id: "elsewhere".to_owned(), capacity: 1_000_000, seen_at: now };
        self.store.see_bot_server(&elsewhere, Timestamp::MIN).await.unwrap();
        *seen_at.lock().unwrap() = Some(now);
    }

    /// `method` on `path` with this app's key.
    pub(crate) async fn call(&self, method: &str, path: &str, body: Body) -> Answer {
        self.send(self.request(method, path).body(body).unwrap()).await
    }

    /// The beginning of a request with this app's key.
    pub(crate) fn request(&self, method: &str, path: &str) -> axum::http::request::Builder {
        let key = format!("Token {}", self.api_key);
        Request::builder().method(method).uri(path).header(header::AUTHORIZATION, key)
    }

    pub(crate) async fn get(&self, path: &str) -> Answer {
        self.call("GET", path, Body::empty()).await
    }

    pub(crate) async fn post(&self, path: &str, body: Value) -> Answer {
        let request = self.request("POST", path).header(header::CONTENT_TYPE, "application/json");
        self.send(request.body(Body::from(body.to_string())).unwrap()).await
    }

    /// Lists the meetings of accounts that are due, until all are.
    pub(crate) async fn list_meetings(&self) {
        let workers = Workers::new(self.env.clone(), Arc::new(NotCounted));
        let lists = DueLists::new(self.broker.meeting_map.clone(), workers.stopping().clone());
        let settings = Settings {
            most_at_once: NonZeroU32::new(99).unwrap(),
            claim_at_least: NonZeroU32::MIN,
            poll_interval: MINUTE,
        };
        Worker::new(&workers, lists, settings).claim().await.unwrap();
        let listed = async || {
            let waiting = "/api/v2/zoom-oauth-credentials/?meeting_sync_status=in_progress";
            let waiting = self.get(waiting).await.ok();
            waiting["results"].as_array()?.is_empty().then_some(())
        };
        self.wait_for("meetings are listed", listed).await;
    }

    /// Where the database is.
    pub(crate) fn database(&self) -> String {
        format!("sqlite:{}", self.directory.path().join("latchkey.db").display())
    }

    /// Changes the database behind the server's back.
    pub(crate) async fn in_the_store(&self, statement: &'static str) {
        let file = self.directory.path().join("latchkey.db");
        let db = sqlx::SqlitePool::connect(&format!("sqlite:{}", file.display())).await.unwrap();
        sqlx::query(statement).execute(&db).await.unwrap();
        db.close().await;
    }

    /// How many cells of the database hold a Zoom token.
    pub(crate) async fn tokens_in_the_store(&self) -> i64 {
        let file = self.directory.path().join("latchkey.db");
        let db = sqlx::SqlitePool::connect(&format!("sqlite:{}", file.display())).await.unwrap();
        let count = "SELECT sum((length(access_token) > 0) + (length(refresh_token) > 0)) FROM credentials";
        sqlx::query_scalar(count).fetch_one(&db).await.unwrap()
    }

    /// An address of this server.
    pub(crate) fn address(&self, path: &str) -> String {
        self.base.as_str().trim_end_matches('/').to_owned() + path
    }

    /// The path of an address of this server, without what a proxy in front of it would take off.
    pub(crate) fn path_of(&self, address: &str) -> String {
        let path = address.strip_prefix(self.base.as_str().trim_end_matches('/'));
        path.unwrap_or_else(|| panic!("{address} is not at {}", self.base)).to_owned()
    }

    /// This app's own workspace.
    pub(crate) async fn workspace(&self) -> model::WorkspaceId {
        self.workspaces.all().await.unwrap()[0].id
    }

    /// The key of another workspace.
    pub(crate) async fn another_workspace(&self) -> String {
        let (_, issued) = self.workspaces.create("other").await.unwrap();
        issued.key.expose().to_owned()
    }

    /// A key of this app's workspace with these scopes and no others, as the command line makes it.
    pub(crate) async fn key_with(&self, scopes: &str) -> String {
        let workspace = self.workspaces.all().await.unwrap()[0].id;
        let new = NewApiKey { scopes: scopes.parse().unwrap(), ..NewApiKey::for_everything(scopes) };
        let issued = self.workspaces.create_key(workspace, &new).await.unwrap().unwrap();
        issued.key.expose().to_owned()
    }

    /// `method` on `path` with another key.
    pub(crate) async fn call_as(&self, key: &str, method: &str, path: &str, body: Value) -> Answer {
        let request = Request::builder().method(method).uri(path);
        let request = request.header(header::AUTHORIZATION, format!("Token {key}"));
        let request = request.header(header::CONTENT_TYPE, "application/json");
        let body = if body.is_null() { Body::empty() } else { Body::from(body.to_string()) };
        self.send(request.body(body).unwrap()).await
    }

    /// A picture of a bot that never ran: its name in the bot's list. No call makes one.
    pub(crate) async fn picture_of(&self, bot: &str) -> String {
        let kept = self.bots.screenshots.keep(bot.parse().unwrap(), b"\x89PNG").await;
        format!("{}.png", kept.unwrap())
    }

    /// The files of pictures, by their names.
    pub(crate) fn picture_files(&self) -> Vec<String> {
        let folders =
            std::fs::read_dir(self.directory.path().join("screenshots")).into_iter().flatten().flatten();
        let files = folders.flat_map(|folder| std::fs::read_dir(folder.path()).unwrap().flatten());
        let mut names: Vec<_> = files.map(|file| file.file_name().into_string().unwrap()).collect();
        names.sort();
        names
    }

    /// An invitation to connect an account: the path that a browser opens.
    pub(crate) async fn invitation(&self) -> String {
        let answer =
            self.post("/api/latchkey/v1/connect-links/", json!({ "oauth_app": self.zoom_app })).await;
        self.path_of(answer.created()["url"].as_str().unwrap())
    }

    /// Opens an invitation: the way to Zoom, and the cookie as the browser sends it back.
    pub(crate) async fn begin_consent(&self, invitation: &str) -> (String, String) {
        let answer = self.get(&format!("{invitation}&go=zoom")).await;
        assert_eq!(answer.status, 303, "{}", answer.text);
        let cookie = answer.header("set-cookie").split(';').next().unwrap().to_owned();
        (answer.header("location").to_owned(), cookie)
    }

    /// Comes back from Zoom to `address` with `cookie`.
    pub(crate) async fn finish_consent(&self, address: &str, cookie: &str) -> Answer {
        let request = Request::builder().uri(self.path_of(address)).header(header::COOKIE, cookie);
        self.send(request.body(Body::empty()).unwrap()).await
    }

    /// Connects a Zoom user as the user does it, in a browser. The account's id.
    pub(crate) async fn connect(&self, user: &Value) -> String {
        self.zoom.control("PUT", "signed-in", json!({ "user_id": user["id"] })).await;
        let (location, cookie) = self.begin_consent(&self.invitation().await).await;
        let back = self.zoom.decide(&location, "allow").await;
        let page = self.finish_consent(&back, &cookie).await;
        assert_eq!(page.status, 200, "{}", page.text);
        let user = user["id"].as_str().unwrap();
        let found = self.get(&format!("/api/v2/zoom-oauth-credentials/?user_id={user}")).await;
        found.ok()["results"][0]["id"].as_str().unwrap().to_owned()
    }

    /// A token link on an account: its address.
    pub(crate) async fn token_link(&self, account: &str) -> String {
        let link = json!({ "credential": account, "kind": "zak" });
        let link = self.post("/api/latchkey/v1/token-links/", link).await;
        link.created()["url"].as_str().unwrap().to_owned()
    }

    /// Headers with which a platform fetches from a link, signed now.
    pub(crate) async fn signature(&self, id: &str) -> [(&'static str, String); 3] {
        let secret = self.get("/api/latchkey/v1/callback-secret/").await.ok();
        let key = SigningKey::parse(&Secret::new(secret["secret"].as_str().unwrap())).unwrap();
        let now = self.env.now();
        [
            ("webhook-id", id.to_owned()),
            ("webhook-timestamp", now.as_second().to_string()),
            ("webhook-signature", key.sign(id, now, b"")),
        ]
    }

    /// A new bot: its id.
    pub(crate) async fn bot(&self, request: Value) -> String {
        self.post("/api/v1/bot/", request).await.created()["id"].as_str().unwrap().to_owned()
    }

    /// The bot as it is now.
    pub(crate) async fn look_at(&self, bot: &str) -> Value {
        self.get(&format!("/api/v1/bot/{bot}/")).await.ok()
    }

    /// The bot as soon as its latest step has this code. Fails when it has ended otherwise.
    pub(crate) async fn until(&self, bot: &str, code: &str) -> Value {
        let what = format!("bot {bot} is {code}");
        self.wait_for(&what, async || {
            let bot = self.look_at(bot).await;
            let last = last_step(&bot)["code"].clone();
            let over = last == "done" || last == "fatal";
            assert!(!over || last == code, "wanted {code}: {:#}", bot["status_changes"]);
            (last == code).then_some(bot)
        })
        .await
    }

    /// What `look` finds, as soon as it finds something. Meanwhile a manual clock goes as real ones do.
    pub(crate) async fn wait_for<T>(&self, what: &str, look: impl AsyncFn() -> Option<T>) -> T {
        let wall = Environment::system();
        let begun = wall.now();
        loop {
            if let Some(found) = look().await {
                return found;
            }
            assert!(wall.now().since(begun) < WAIT_TIMEOUT, "it takes too long until {what}");
            wall.clock.sleep(POLL_INTERVAL).await;
            if let Some(clock) = &self.clock {
                clock.advance(POLL_INTERVAL);
            }
        }
    }

    /// Moves the manual clock by a look: what follows is later.
    pub(crate) fn tick(&self) {
        self.clock.as_ref().expect("a manual clock").advance(POLL_INTERVAL);
    }

    /// Every byte that the store wrote.
    pub(crate) fn bytes_of_the_store(&self) -> Vec<u8> {
        ["latchkey.db", "latchkey.db-wal"]
            .iter()
            .filter_map(|name| std::fs::read(self.directory.path().join(name)).ok())
            .flatten()
            .collect()
    }

    /// It is `span` later at once: for when nothing waits.
    pub(crate) fn jump(&self, span: Duration) {
        self.clock.as_ref().expect("a manual clock").advance(span);
    }

    /// Sets the manual clock, as an administrator would.
    pub(crate) fn set_clock(&self, to: Timestamp) {
        self.clock.as_ref().expect("a manual clock").set(to);
    }

    /// Lets `span` pass on the manual clock, twenty times as fast as real ones: whatever waits gets its turn. At Zoom it
    /// has passed beforehand: it refuses signatures from its future.
    pub(crate) async fn pass(&self, span: Duration) {
        let clock = self.clock.as_ref().expect("a manual clock");
        self.zoom.control("POST", "clock", json!({ "advance_seconds": span.as_secs() })).await;
        let wall = Environment::system();
        for _ in 0..span.as_millis() / (20 * POLL_INTERVAL).as_millis() {
            wall.clock.sleep(POLL_INTERVAL).await;
            clock.advance(20 * POLL_INTERVAL);
        }
    }

    /// Runs `work` while the manual clock goes.
    pub(crate) async fn meanwhile<T>(&self, work: impl Future<Output = T>) -> T {
        let time = self.wait_for("the work is done", async || None::<()>);
        tokio::select! {
            value = work => value,
            () = time => unreachable!("nothing is found"),
        }
    }

    /// What `look` finds, while the manual clock stands.
    pub(crate) async fn without_time<T>(&self, what: &str, look: impl AsyncFn() -> Option<T>) -> T {
        let wall = Environment::system();
        let begun = wall.now();
        loop {
            if let Some(found) = look().await {
                return found;
            }
            assert!(wall.now().since(begun) < WAIT_TIMEOUT, "it takes too long until {what}");
            wall.clock.sleep(POLL_INTERVAL).await;
        }
    }

    /// Stops as a server does.
    pub(crate) async fn stop(&self) {
        within(self.meanwhile(self.supervisor.stop())).await;
    }

    /// Where the browsers keep their profiles.
    pub(crate) fn profiles(&self) -> std::path::PathBuf {
        self.directory.path().join("browser")
    }

    /// Returns once there is a picture of the bot where it is now.
    pub(crate) async fn drawn(&self, bot: &str) {
        let since = last_step(&self.look_at(bot).await)["created_at"].as_str().unwrap().to_owned();
        let drawn = async || {
            let listed = self.get(&format!("/api/v1/bot/{bot}/screenshots/")).await.ok();
            let last = listed["results"].as_array()?.last()?["recorded_at"].as_str()?.to_owned();
            (last > since).then_some(())
        };
        self.wait_for("a picture is taken", drawn).await;
    }

    /// The entries of a bot's log, of the kinds in `query`.
    pub(crate) async fn log_of(&self, bot: &str, query: &str) -> Vec<Value> {
        let answer = self.get(&format!("/api/latchkey/v1/bot/{bot}/log/{query}")).await.ok();
        answer["results"].as_array().unwrap().clone()
    }

    /// The pictures that were kept of a bot.
    pub(crate) async fn pictures(&self, bot: &str) -> Vec<Vec<u8>> {
        let listed = self.get(&format!("/api/v1/bot/{bot}/screenshots/")).await.ok();
        let mut pictures = Vec::new();
        for shot in listed["results"].as_array().unwrap() {
            let answer = self.get(&self.path_of(shot["url"].as_str().unwrap())).await;
            assert_eq!((answer.status, answer.header("content-type")), (200, "image/png"));
            assert!(answer.bytes.starts_with(b"\x89PNG"));
            pictures.push(answer.bytes);
        }
        pictures
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

/// The latest step of a bot.
pub(crate) fn last_step(bot: &Value) -> &Value {
    bot["status_changes"].as_array().unwrap().last().unwrap()
}

/// Fails when `work` takes longer than anything here may.
pub(crate) async fn within<T>(work: impl Future<Output = T>) -> T {
    Environment::system().clock.timeout(WAIT_TIMEOUT, work).await.expect("it takes too long")
}
