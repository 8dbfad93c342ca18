//! One process with its dependencies: simulator, store, broker, workspace, app, and a browser for the consent
//! at Zoom.

use std::{collections::HashMap, num::NonZeroU32, path::Path, sync::Arc, time::Duration};

use audit::{Audit, AuditMode, Audited, Journal, TokenRequester};
use broker::{
    AuthorizationReturn, AuthorizationStart, Broker, DueLists, DueRefreshes, Escrow, NewApp, NewInvitation,
    Parts, Timing, ZakRequest,
};
use http::{HeaderMap, HeaderName};
use metrics::Metrics;
use model::{
    AuditActor, BotId, Clock, CredentialId, Environment, Failure, LogLineId, ManualClock, Purpose, Secret,
    SeededEntropy, Sleep, Timestamp, WorkspaceId, ZoomOauthAppId,
};
use outbound::signature::SignatureHeaders;
use sealing::{Keys, Provider};
use serde::Deserialize;
use serde_json::{Value, json};
use store::{AppKind, Credential, Credentials, Note, Store};
use store_sql::{SqlStore, sqlite};
use tempfile::TempDir;
use token_links::TokenLinks;
use tokio_util::{sync::CancellationToken, task::TaskTracker};
use url::Url;
use workers::{NoopObserver, Settings, Worker, Workers};
use zoom::{Endpoints, Zak, ZoomClient};
use zoom_sim::{Ready, Simulator, SimulatorConfig};

/// A ZAK that is valid for longer than a join takes.
pub(crate) const ANY: ZakRequest<'_> =
    ZakRequest { user: None, outlives: Duration::from_secs(600), fresh: false };
pub(crate) const FRESH: ZakRequest<'_> = ZakRequest { fresh: true, ..ANY };
/// The lifetime of an access token at Zoom.
pub(crate) const ACCESS_LIFE: Duration = Duration::from_secs(3600);

/// Settings with which all due work runs at once.
const AT_ONCE: Settings = Settings {
    most_at_once: NonZeroU32::new(256).unwrap(),
    claim_at_least: NonZeroU32::MIN,
    poll_interval: Duration::from_secs(1),
};

/// How many calls to Zoom a process makes in a second.
#[derive(Clone, Copy)]
pub(crate) struct Pace {
    pub(crate) refreshes: NonZeroU32,
    pub(crate) unknown_plan: NonZeroU32,
}

impl Pace {
    /// Turns take no time, because the clock stands still here.
    pub(crate) const AT_ONCE: Self = Self { refreshes: NonZeroU32::MAX, unknown_plan: NonZeroU32::MAX };
}

const PUBLIC_BASE: &str = "https://latchkey.test/base";
pub(crate) const CLIENT_ID: &str = "client-of-the-tests";
pub(crate) const CLIENT_SECRET: &str = "planted-client-secret";

/// One process.
#[derive(Clone)]
pub(crate) struct Server {
    pub(crate) broker: Arc<Broker>,
    pub(crate) links: Arc<TokenLinks>,
}

pub(crate) struct Fixture {
    pub(crate) broker: Arc<Broker>,
    pub(crate) links: Arc<TokenLinks>,
    pub(crate) store: Arc<SqlStore>,
    pub(crate) env: Environment,
    pub(crate) clock: Arc<ManualClock>,
    pub(crate) tasks: TaskTracker,
    pub(crate) workspace: WorkspaceId,
    pub(crate) api_key: Secret,
    pub(crate) app: ZoomOauthAppId,
    pub(crate) zoom: Zoom,
    directory: TempDir,
}

/// The simulated Zoom, and the browser of a user who is signed in there.
pub(crate) struct Zoom {
    pub(crate) user: String,
    ready: Ready,
    http: reqwest::Client,
    _simulator: Simulator,
}

/// The counters of the simulator.
#[derive(Debug, PartialEq, Eq, Deserialize)]
pub(crate) struct Stats {
    pub(crate) token_exchanges: u64,
    pub(crate) refreshes: u64,
    pub(crate) refreshes_refused: u64,
    pub(crate) clients_refused: u64,
    pub(crate) zak_mints: u64,
    pub(crate) faults: u64,
}

impl Fixture {
    pub(crate) async fn start() -> Self {
        Self::start_with(AuditMode::Strict).await
    }

    async fn start_with(mode: AuditMode) -> Self {
        let directory = tempfile::tempdir().unwrap();
        let zoom = Zoom::start(&directory.path().join("zoom")).await;
        let clock = Arc::new(ManualClock::new(zoom.now().await));
        let env = Environment { clock: clock.clone(), entropy: Arc::new(SeededEntropy::new(7)) };
        let tasks = TaskTracker::new();

        let keys = Provider::file(directory.path().join("keys.json")).create(&env).await.unwrap();
        let store = Arc::new(sqlite::open(&directory.path().join("latchkey.db")).await.unwrap());
        let audit = (mode, env.clone());
        let Server { broker, links } = assemble(
            &zoom,
            store.clone(),
            keys,
            env.clone(),
            audit,
            tasks.clone(),
            (directory.path(), Pace::AT_ONCE),
        );
        let founded = broker.workspaces.create_first_or_check().await.unwrap().unwrap();
        let app =
            broker.accounts.apps.register(founded.workspace, &new_app(CLIENT_ID)).await.unwrap().unwrap().id;
        let (workspace, api_key) = (founded.workspace, founded.api_key);
        Self { broker, links, store, env, clock, tasks, workspace, api_key, app, zoom, directory }
    }

    /// Another app of the same workspace, whose webhooks are signed with the same secret.
    pub(crate) async fn another_app(&self, client_id: &str) -> ZoomOauthAppId {
        self.broker.accounts.apps.register(self.workspace, &new_app(client_id)).await.unwrap().unwrap().id
    }

    /// A fixture with one account in it.
    pub(crate) async fn with_account() -> (Self, CredentialId) {
        let fixture = Self::start().await;
        let id = fixture.connect().await;
        (fixture, id)
    }

    /// The same, with an audit that gives tokens while the store is unavailable.
    pub(crate) async fn relaxed() -> (Self, CredentialId) {
        let fixture = Self::start_with(AuditMode::Relaxed).await;
        let id = fixture.connect().await;
        (fixture, id)
    }

    /// Another process on the same database, with the clock `clock`.
    pub(crate) async fn another_broker(&self, clock: Arc<dyn Clock>) -> Arc<Broker> {
        self.another_server(clock).await.broker
    }

    /// The same, with another pace.
    pub(crate) async fn another_broker_at(&self, clock: Arc<dyn Clock>, pace: Pace) -> Arc<Broker> {
        let store = Arc::new(sqlite::open(&self.database()).await.unwrap());
        self.assemble_on(store, clock, pace).await.broker
    }

    /// The same, with its token links.
    pub(crate) async fn another_server(&self, clock: Arc<dyn Clock>) -> Server {
        let store = Arc::new(sqlite::open(&self.database()).await.unwrap());
        self.assemble_on(store, clock, Pace::AT_ONCE).await
    }

    /// Another process with its own handle to a database that has this fixture's data.
    pub(crate) async fn server_on(&self, store: Arc<dyn Store>) -> Server {
        self.assemble_on(store, self.clock.clone(), Pace::AT_ONCE).await
    }

    /// The parts of another process before it starts.
    pub(crate) async fn parts(&self, env: Environment) -> Parts {
        let store = Arc::new(sqlite::open(&self.database()).await.unwrap());
        let keys = Provider::file(self.directory.path().join("keys.json")).open(&env).await.unwrap();
        let (audit, of_process) = ((AuditMode::Strict, env.clone()), (self.directory.path(), Pace::AT_ONCE));
        parts(&self.zoom, store, keys, env, audit, TaskTracker::new(), of_process)
    }

    async fn assemble_on(&self, store: Arc<dyn Store>, clock: Arc<dyn Clock>, pace: Pace) -> Server {
        let env = Environment { clock, entropy: self.env.entropy.clone() };
        let keys = Provider::file(self.directory.path().join("keys.json")).open(&env).await.unwrap();
        // The audit uses the fixture's clock, whatever a test does with the other clock.
        let audit = (AuditMode::Strict, self.env.clone());
        assemble(&self.zoom, store, keys, env, audit, self.tasks.clone(), (self.directory.path(), pace))
    }

    pub(crate) fn database(&self) -> std::path::PathBuf {
        self.directory.path().join("latchkey.db")
    }

    /// The folder of records that are not yet in the store.
    pub(crate) fn journal(&self) -> std::path::PathBuf {
        self.directory.path().join("audit")
    }

    pub(crate) fn escrow(&self) -> std::path::PathBuf {
        self.directory.path().join("escrow")
    }

    /// All bytes that the store wrote.
    pub(crate) fn bytes_of_the_store(&self) -> Vec<u8> {
        ["latchkey.db", "latchkey.db-wal", "latchkey.db-shm"]
            .iter()
            .filter_map(|name| std::fs::read(self.directory.path().join(name)).ok())
            .flatten()
            .collect()
    }

    /// Advances the time, here and at Zoom.
    pub(crate) async fn pass(&self, span: Duration) {
        self.clock.advance(span);
        self.zoom.pass(i64::try_from(span.as_secs()).unwrap()).await;
    }

    /// This process.
    pub(crate) fn server(&self) -> Server {
        Server { broker: Arc::clone(&self.broker), links: Arc::clone(&self.links) }
    }

    /// Refreshes due accounts, as a worker of `broker` does. Returns their number.
    pub(crate) async fn refresh_due(&self, broker: &Broker) -> u32 {
        let (workers, worker) = self.refreshes(broker);
        let claimed = worker.claim().await.unwrap();
        worker.finish().await;
        workers.stop().await;
        claimed
    }

    /// A worker of `broker` that refreshes due accounts when a test makes it claim.
    pub(crate) fn refreshes(&self, broker: &Broker) -> (Workers, Worker<DueRefreshes>) {
        let workers = Workers::new(self.env.clone(), Arc::new(NoopObserver));
        let work = DueRefreshes::new(broker.accounts.refresher.clone(), workers.stopping().clone());
        let worker = Worker::new(&workers, work, AT_ONCE);
        (workers, worker)
    }

    /// Lists the meetings of due accounts, as a worker of `broker` does. Returns the number of accounts.
    pub(crate) async fn list_due(&self, broker: &Broker, stopping: CancellationToken) -> u32 {
        let workers = Workers::new(self.env.clone(), Arc::new(NoopObserver));
        let work = DueLists::new(broker.meeting_map.clone(), stopping);
        let worker = Worker::new(&workers, work, AT_ONCE);
        let claimed = worker.claim().await.unwrap();
        worker.finish().await;
        claimed
    }

    /// Waits for tasks that callers have started.
    pub(crate) async fn settle(&self) {
        self.tasks.close();
        self.tasks.wait().await;
        self.tasks.reopen();
    }

    /// A new invitation, as in its address.
    pub(crate) async fn invitation(&self) -> String {
        let new = NewInvitation::to(self.app);
        let invitation =
            self.broker.accounts.authorizations.invite(self.workspace, new).await.unwrap().unwrap();
        let url = Url::parse(invitation.url.expose()).unwrap();
        url.query_pairs().find(|(name, _)| name == "invitation").unwrap().1.into_owned()
    }

    /// Goes from an invitation to Zoom and back; answers Zoom's consent page with `decision`.
    pub(crate) async fn travel(&self, invitation: &str, decision: &str) -> AuthorizationReturn {
        let start = self.broker.accounts.authorizations.begin_authorization(invitation).await.unwrap();
        self.zoom.decide(&start, decision).await
    }

    /// Connects the user who is signed in at Zoom.
    pub(crate) async fn connect(&self) -> CredentialId {
        let returned = self.travel(&self.invitation().await, "allow").await;
        self.broker.accounts.authorizations.finish_authorization(returned).await.unwrap().credential
    }

    pub(crate) async fn row(&self, id: CredentialId) -> Credential {
        self.store.credential(self.workspace, id).await.unwrap().unwrap()
    }

    /// A log line for changes to the store that bypass the broker.
    pub(crate) fn note(&self) -> Note {
        Note { id: LogLineId::generate(&self.env), at: self.env.now(), message: "by hand".into(), code: None }
    }

    pub(crate) async fn zak(&self, id: CredentialId) -> Result<Audited<Zak>, Failure> {
        self.broker.tokens.zak(self.workspace, id, ANY, self.requester()).await
    }

    /// The requester in tests: a bot.
    pub(crate) fn requester(&self) -> TokenRequester {
        TokenRequester { who: AuditActor::Bot(BotId::generate(&self.env)), from: None, why: Purpose::BotJoin }
    }
}

fn new_app(client_id: &str) -> NewApp {
    NewApp {
        kind: AppKind::UserLevel,
        client_id: client_id.into(),
        client_secret: Secret::new(CLIENT_SECRET),
        webhook_secret: Secret::new("planted-webhook-secret"),
        zoom_account_id: None,
    }
}

fn assemble(
    zoom: &Zoom,
    store: Arc<dyn Store>,
    keys: Keys,
    env: Environment,
    audit: (AuditMode, Environment),
    tasks: TaskTracker,
    of_process: (&Path, Pace),
) -> Server {
    let parts = parts(zoom, store.clone(), keys, env.clone(), audit, tasks.clone(), of_process);
    let (public_base, remembered_ids) = (parts.public_base.clone(), token_links::REMEMBERED_IDS);
    let broker = Arc::new(Broker::new(parts));
    let links = token_links::Parts {
        store,
        broker: Arc::clone(&broker),
        env,
        tasks,
        public_base,
        remembered_ids,
        most_of_a_workspace: token_links::MAX_OF_A_WORKSPACE,
    };
    Server { links: Arc::new(TokenLinks::new(links)), broker }
}

fn parts(
    zoom: &Zoom,
    store: Arc<dyn Store>,
    keys: Keys,
    env: Environment,
    (mode, audit_env): (AuditMode, Environment),
    tasks: TaskTracker,
    (directory, pace): (&Path, Pace),
) -> Parts {
    let escrow = Escrow::open(&directory.join("escrow"), env.clone()).unwrap();
    let api_base = Url::parse(&zoom.ready.api_base).unwrap();
    let endpoints = Endpoints {
        oauth_base: Url::parse(&zoom.ready.zoom_base).unwrap(),
        api_base: api_base.clone(),
        ca_file: Some(zoom.ready.ca_file.clone()),
    };
    let metrics = Metrics::default();
    let journal = Journal::open(&directory.join("audit"), audit_env.clone()).unwrap();
    let audit = Audit::new(mode, store.clone(), Some(journal), metrics.clone(), audit_env, tasks.clone());
    Parts {
        store,
        keys: Arc::new(keys),
        zoom: ZoomClient::new(endpoints, env.clone()).unwrap(),
        env,
        tasks,
        audit,
        metrics,
        public_base: Url::parse(PUBLIC_BASE).unwrap(),
        api_base,
        escrow: Some(escrow),
        callbacks: None,
        refreshes_per_second: Some(pace.refreshes),
        unknown_plan: Some(pace.unknown_plan),
        timing: Timing::default(),
    }
}

impl Zoom {
    #[expect(clippy::disallowed_methods, reason = "a browser, and the simulator's own client")]
    async fn start(directory: &Path) -> Self {
        let config =
            SimulatorConfig { zoom_port: 0, control_port: 0, directory: directory.into(), seed: Some(7) };
        let simulator = Simulator::start(config).await.unwrap();
        let ready = simulator.ready().clone();
        let root = reqwest::Certificate::from_pem(&std::fs::read(&ready.ca_file).unwrap()).unwrap();
        let http = reqwest::Client::builder()
            .redirect(reqwest::redirect::Policy::none())
            .tls_certs_merge([root])
            .build()
            .unwrap();
        let mut zoom = Self { user: String::new(), ready, http, _simulator: simulator };
        let redirect = format!("{PUBLIC_BASE}/oauth/zoom/callback");
        let app =
            json!({"client_id": CLIENT_ID, "client_secret": CLIENT_SECRET, "redirect_uris": [redirect]});
        zoom.control("POST", "apps", app).await;
        zoom.user = zoom.new_user("ada@example.test").await;
        zoom
    }

    /// One call of the control API.
    pub(crate) async fn control(&self, method: &str, path: &str, body: Value) -> Value {
        let method = method.parse().unwrap();
        let request = self.http.request(method, format!("{}/{path}", self.ready.control)).json(&body);
        let answer = request.send().await.unwrap().error_for_status().unwrap();
        answer.json().await.unwrap()
    }

    async fn read(&self, path: &str) -> Value {
        self.control("GET", path, Value::Null).await
    }

    pub(crate) async fn now(&self) -> Timestamp {
        self.read("clock").await["now"].as_str().unwrap().parse().unwrap()
    }

    /// Advances only Zoom's clock.
    pub(crate) async fn pass(&self, seconds: i64) {
        self.control("POST", "clock", json!({"advance_seconds": seconds})).await;
    }

    pub(crate) async fn new_user(&self, email: &str) -> String {
        let user =
            self.control("POST", "users", json!({"email": email, "display_name": "Ada Lovelace"})).await;
        user["id"].as_str().unwrap().to_owned()
    }

    pub(crate) async fn change_app(&self, change: Value) {
        self.control("PATCH", &format!("apps/{CLIENT_ID}"), change).await;
    }

    pub(crate) async fn change_user(&self, change: Value) {
        self.control("PATCH", &format!("users/{}", self.user), change).await;
    }

    /// Spoils the next `times` requests at `place`.
    pub(crate) async fn spoil(&self, place: &str, kind: &str, times: u32) {
        self.control("POST", "faults", json!({"where": place, "kind": kind, "times": times})).await;
    }

    /// Removes all faults.
    pub(crate) async fn heal(&self) {
        self.delete("faults").await;
    }

    /// A DELETE of the control API.
    pub(crate) async fn delete(&self, path: &str) {
        let address = format!("{}/{path}", self.ready.control);
        self.http.delete(address).send().await.unwrap().error_for_status().unwrap();
    }

    /// Another user signs in to Zoom in this browser.
    pub(crate) async fn sign_in(&self, user: &str) {
        self.control("PUT", "signed-in", json!({"user_id": user})).await;
    }

    /// Makes the next request at `place` wait, long enough for a test to do something in the meantime.
    pub(crate) async fn hold_up(&self, place: &str) {
        self.control("POST", "faults", json!({"where": place, "kind": "delay", "delay_ms": 1500})).await;
    }

    /// Waits until a fault has been applied.
    pub(crate) async fn struck(&self) {
        while self.stats().await.faults == 0 {}
    }

    pub(crate) async fn stats(&self) -> Stats {
        serde_json::from_value(self.read("stats").await).unwrap()
    }

    /// Opens the consent page, presses a button, and returns where the browser was redirected.
    pub(crate) async fn decide(&self, start: &AuthorizationStart, decision: &str) -> AuthorizationReturn {
        let page = self.http.get(start.zoom_url.expose()).send().await.unwrap().text().await.unwrap();
        let (_, rest) = page.split_once("name=\"consent\" value=\"").unwrap();
        let (consent, _) = rest.split_once('"').unwrap();
        let form = [("consent", consent), ("decision", decision)];
        let address = format!("{}/oauth/authorize", self.ready.zoom_base);
        let answer = self.http.post(address).form(&form).send().await.unwrap();
        let back = Url::parse(answer.headers()["location"].to_str().unwrap()).unwrap();
        let mut query: HashMap<String, String> = back.query_pairs().into_owned().collect();
        AuthorizationReturn {
            state: Secret::new(query.remove("state").unwrap()),
            browser: Some(start.browser.clone()),
            code: query.remove("code").map(Secret::new).ok_or_else(|| query.remove("error").unwrap()),
        }
    }
}

/// A clock whose waits run a closure and then advance the time.
pub(crate) struct Meanwhile<F> {
    clock: Arc<ManualClock>,
    instead: F,
}

impl<F: Fn() -> Sleep + Send + Sync> Meanwhile<F> {
    pub(crate) fn new(clock: &Arc<ManualClock>, instead: F) -> Arc<Self> {
        Arc::new(Self { clock: Arc::clone(clock), instead })
    }
}

impl<F: Fn() -> Sleep + Send + Sync> Clock for Meanwhile<F> {
    fn now(&self) -> Timestamp {
        self.clock.now()
    }

    fn sleep(&self, span: Duration) -> Sleep {
        let (clock, instead) = (Arc::clone(&self.clock), (self.instead)());
        Box::pin(async move {
            instead.await;
            clock.advance(span);
        })
    }
}

/// The headers of a request that was signed by Standard Webhooks.
pub(crate) fn signature_headers(headers: SignatureHeaders<'_>) -> HeaderMap {
    let SignatureHeaders { id, timestamp, signature } = headers;
    [("webhook-id", id), ("webhook-timestamp", timestamp), ("webhook-signature", signature)]
        .into_iter()
        .map(|(name, value)| (HeaderName::from_static(name), value.parse().unwrap()))
        .collect()
}
