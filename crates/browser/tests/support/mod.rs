//! A simulated Zoom, a browser that reaches only it, and helpers.
#![expect(dead_code, reason = "each test file uses a part of it")]
#![expect(unreachable_pub, reason = "a module of several test programs")]

use std::{
    path::{Path, PathBuf},
    process::Command,
    time::Duration,
};

use browser::{BotPage, Browser, BrowserConfig, JoinRequest, JoinToken, PageEvent, ZoomOverride};
use jsonwebtoken::{EncodingKey, Header};
use model::{Environment, Secret};
use serde_json::{Value, json};
use tempfile::TempDir;
use zoom_sim::{Simulator, SimulatorConfig};

/// Longer than any step takes, even while another build runs.
const WAIT_TIMEOUT: Duration = Duration::from_secs(30);

/// A simulated Zoom with one host and one app, and a browser.
pub struct World {
    pub browser: Browser,
    pub state: TempDir,
    sim: Simulator,
    http: reqwest::Client,
    app: Value,
    host: String,
    _authority: TempDir,
}

impl World {
    pub async fn new() -> Self {
        Self::answering_within(Duration::from_secs(60)).await
    }

    /// The same, with this time limit for unresponsive browsers and pages.
    pub async fn answering_within(span: Duration) -> Self {
        let authority = tempfile::tempdir().unwrap();
        let directory = authority.path().to_owned();
        let ports = SimulatorConfig { zoom_port: 0, control_port: 0, directory, seed: Some(1) };
        let sim = Simulator::start(ports).await.unwrap();
        let ready = sim.ready();
        let ca = reqwest::Certificate::from_pem(&std::fs::read(&ready.ca_file).unwrap()).unwrap();
        #[expect(clippy::disallowed_methods, reason = "no product code calls out here")]
        let http = reqwest::Client::builder().tls_certs_merge([ca]).build().unwrap();
        let state = tempfile::tempdir().unwrap();
        let zoom = ZoomOverride { address: ready.zoom_address.parse().unwrap(), spki: ready.spki.clone() };
        let config = BrowserConfig { zoom_override: Some(zoom), answer_within: span, ..config(state.path()) };
        let browser = Browser::launch(config, Environment::system()).await.unwrap();
        let mut world =
            Self { browser, state, sim, http, app: Value::Null, host: String::new(), _authority: authority };
        let app = json!({ "kind": "server_to_server", "sdk": true, "scopes": ["user:read:token:admin"] });
        world.app = world.control("apps", app).await;
        world.host = world.user("host@example.com").await;
        world
    }

    /// Sends a `POST` request to the simulator's control API.
    pub async fn control(&self, path: &str, body: Value) -> Value {
        let address = format!("{}/{path}", self.sim.ready().control);
        let answer = self.http.post(address).json(&body).send().await.unwrap();
        assert!(answer.status().is_success(), "{path}: {}", answer.text().await.unwrap());
        answer.json().await.unwrap()
    }

    pub async fn user(&self, email: &str) -> String {
        let user = self.control("users", json!({ "email": email, "display_name": email })).await;
        user["id"].as_str().unwrap().to_owned()
    }

    /// Creates a meeting with `settings`. Returns its number.
    pub async fn meeting(&self, settings: Value) -> String {
        let mut meeting = json!({ "host_id": self.host, "started": true, "passcode": "pw" });
        meeting.as_object_mut().unwrap().extend(settings.as_object().unwrap().clone());
        self.control("meetings", meeting).await["meeting_number"].as_str().unwrap().to_owned()
    }

    /// Adds a participant to the roster.
    pub async fn seat(&self, meeting: &str, name: &str) {
        self.control(&format!("meetings/{meeting}/participants"), json!({ "name": name })).await;
    }

    /// Adds a participant with these fields to the roster. Returns their id.
    pub async fn seat_with(&self, meeting: &str, person: Value) -> Value {
        self.control(&format!("meetings/{meeting}/participants"), person.clone()).await;
        self.person(meeting, person["name"].as_str().unwrap()).await["id"].clone()
    }

    /// A participant in the roster, as the simulator shows them.
    pub async fn person(&self, meeting: &str, name: &str) -> Value {
        let meeting = self.read(&format!("meetings/{meeting}")).await;
        let people = meeting["participants"].as_array().unwrap();
        people.iter().find(|person| person["name"] == name).unwrap().clone()
    }

    /// Sends a `GET` request to the simulator's control API.
    pub async fn read(&self, path: &str) -> Value {
        let address = format!("{}/{path}", self.sim.ready().control);
        self.http.get(address).send().await.unwrap().json().await.unwrap()
    }

    /// Sends a `PATCH` request to the simulator's control API.
    pub async fn change(&self, path: &str, body: Value) {
        let address = format!("{}/{path}", self.sim.ready().control);
        let answer = self.http.patch(address).json(&body).send().await.unwrap();
        assert!(answer.status().is_success(), "{path}: {}", answer.text().await.unwrap());
    }

    /// The names in the roster.
    pub async fn names(&self, meeting: &str) -> Vec<String> {
        let address = format!("{}/meetings/{meeting}", self.sim.ready().control);
        let meeting: Value = self.http.get(address).send().await.unwrap().json().await.unwrap();
        let people = meeting["participants"].as_array().unwrap();
        people.iter().map(|person| person["name"].as_str().unwrap().to_owned()).collect()
    }

    /// Makes the host admit, hold or remove the participant `name`.
    pub async fn host_does(&self, deed: &str, meeting: &str, name: &str) {
        let address = format!("{}/meetings/{meeting}", self.sim.ready().control);
        let meeting_now: Value = self.http.get(address).send().await.unwrap().json().await.unwrap();
        let people = meeting_now["participants"].as_array().unwrap();
        let person = people.iter().find(|person| person["name"] == name).unwrap();
        self.control(&format!("meetings/{meeting}/participants/{}/{deed}", person["id"]), json!({})).await;
    }

    /// A fresh ZAK of the user `email`.
    pub async fn zak(&self, email: &str) -> Secret {
        let ready = self.sim.ready();
        let account = self.app["account_id"].as_str().unwrap();
        let form = [("grant_type", "account_credentials"), ("account_id", account)];
        let token = self
            .http
            .post(format!("{}/oauth/token", ready.zoom_base))
            .basic_auth(self.app["client_id"].as_str().unwrap(), self.app["client_secret"].as_str())
            .form(&form);
        let token: Value = token.send().await.unwrap().json().await.unwrap();
        let zak = self
            .http
            .get(format!("{}/v2/users/{email}/token?type=zak", ready.api_base))
            .bearer_auth(token["access_token"].as_str().unwrap());
        let zak: Value = zak.send().await.unwrap().json().await.unwrap();
        Secret::new(zak["token"].as_str().unwrap())
    }

    /// The join parameters of a bot `name` in `meeting`.
    pub fn request(&self, meeting: &str, name: &str, zak: Option<Secret>) -> JoinRequest {
        let now = Environment::system().now().as_second();
        let app = &self.app["client_id"];
        let claims = json!({
            "appKey": app, "sdkKey": app, "mn": meeting, "role": 0,
            "iat": now - 30, "exp": now + 7200, "tokenExp": now + 7200,
        });
        let key = EncodingKey::from_secret(self.app["client_secret"].as_str().unwrap().as_bytes());
        JoinRequest {
            signature: jsonwebtoken::encode(&Header::default(), &claims, &key).unwrap().into(),
            meeting_number: meeting.to_owned(),
            passcode: Secret::new("pw"),
            bot_name: name.to_owned(),
            user_email: None,
            token: zak.map(JoinToken::Zak),
            recording: None,
            registration: None,
        }
    }

    /// Makes a bot with this name join `meeting`. Returns its page.
    pub async fn bot_in(&self, meeting: &str, name: &str) -> BotPage {
        let mut page = self.browser.open().await.unwrap();
        page.join(self.request(meeting, name, None)).await.unwrap();
        until(&mut page, |event| matches!(event, PageEvent::InMeeting { .. })).await;
        page
    }
}

/// Chromium and the SDK as `make test` installs them.
pub fn config(state: &Path) -> BrowserConfig {
    BrowserConfig {
        chromium: "chromium".into(),
        sdk_dir: concat!(env!("CARGO_MANIFEST_DIR"), "/../../web/node_modules/@zoom/meetingsdk/dist").into(),
        state_dir: state.to_owned(),
        zoom_override: None,
        sandbox: false,
        answer_within: Duration::from_secs(60),
    }
}

/// The next event of the bot. Exceptions of the SDK are skipped.
pub async fn next(page: &mut BotPage) -> PageEvent {
    within(async {
        loop {
            match page.event().await {
                PageEvent::Script { message } => eprintln!("thrown: {message}"),
                // These have their own tests: `api/tests/bots/meeting_events.rs`, `tests/evidence.rs`.
                PageEvent::Meeting(_) | PageEvent::Call(_) | PageEvent::Console(_) => {}
                event => return event,
            }
        }
    })
    .await
}

/// Reads events up to one that is `wanted`. Fails at an event after which that can't come.
pub async fn until(page: &mut BotPage, wanted: impl Fn(&PageEvent) -> bool) -> PageEvent {
    loop {
        let event = next(page).await;
        if wanted(&event) {
            return event;
        }
        let over = matches!(event, PageEvent::Refused { .. } | PageEvent::Ended { .. } | PageEvent::Gone(_));
        assert!(!over, "unexpected {event:?}");
    }
}

/// Fails when `work` takes longer than [`WAIT_TIMEOUT`].
pub async fn within<T>(work: impl Future<Output = T>) -> T {
    let clock = Environment::system().clock;
    clock.timeout(WAIT_TIMEOUT, work).await.expect("it takes too long")
}

/// The processes whose command line names `needle` and all of `more`.
pub fn processes(needle: &Path, more: &[&str]) -> Vec<u32> {
    let needle = format!("--user-data-dir={}", needle.canonicalize().unwrap().display());
    let mut found = Vec::new();
    for entry in std::fs::read_dir("/proc").unwrap().flatten() {
        let Some(pid) = entry.file_name().to_str().and_then(|name| name.parse().ok()) else { continue };
        let arguments = std::fs::read(entry.path().join("cmdline")).unwrap_or_default();
        let arguments = String::from_utf8_lossy(&arguments);
        if arguments.contains(&needle) && more.iter().all(|part| arguments.contains(part)) {
            found.push(pid);
        }
    }
    found
}

/// All descendants of the process `pid`.
pub fn tree_of(pid: u32) -> Vec<u32> {
    let mut tree = vec![pid];
    let mut parents = Vec::new();
    for entry in std::fs::read_dir("/proc").unwrap().flatten() {
        let Some(child) = entry.file_name().to_str().and_then(|name| name.parse::<u32>().ok()) else {
            continue;
        };
        let stat = std::fs::read_to_string(entry.path().join("stat")).unwrap_or_default();
        let parent =
            stat.rsplit(')').next().and_then(|rest| rest.split_whitespace().nth(1)?.parse::<u32>().ok());
        parents.extend(parent.map(|parent| (child, parent)));
    }
    let mut next = 0;
    while let Some(parent) = tree.get(next).copied() {
        tree.extend(parents.iter().filter(|(_, of)| *of == parent).map(|(child, _)| *child));
        next += 1;
    }
    tree.split_off(1)
}

/// Sends `signal` to `processes`.
pub fn send(signal: &str, processes: &[u32]) {
    assert!(!processes.is_empty());
    let pids = processes.iter().map(u32::to_string);
    assert!(Command::new("kill").arg(format!("-{signal}")).args(pids).status().unwrap().success());
}

/// The profiles in `state`.
pub fn profiles(state: &Path) -> Vec<PathBuf> {
    let entries = std::fs::read_dir(state).unwrap().flatten().map(|entry| entry.path());
    entries.filter(|path| path.is_dir()).collect()
}
