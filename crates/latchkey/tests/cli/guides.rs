//! Runs the commands and programs of the guides unchanged.
//!
//! A page's blocks marked `sh` run in order, in one shell. Those marked `sh not-run` do not. Steps that a reader does by
//! hand are in a comment that begins with `<!-- run`. A line that begins with `# ` must be in the output, where `…` stands
//! for anything.

use std::{env, fs, net::TcpListener, path::Path, process::Output, time::Duration};

use model::Environment;

use reqwest::{Client, redirect::Policy};
use serde_json::{Value, json};
use tokio::process::Command;

use crate::{
    server,
    support::{BROKER_ALONE, Installation, Running, http, latchkey, within},
};

const OWN_BOTS: &str = include_str!("../../../../docs/guides/your-own-bots.md");
/// The longest guide sends two bots, on a machine that may be busy.
const GUIDE_TIMEOUT: Duration = Duration::from_secs(400);

/// A simulator and a server with one connected account.
struct Connected {
    installation: Installation,
    url: String,
    key: String,
    account: String,
    client: Client,
    _processes: [Running; 2],
}

impl Connected {
    async fn start() -> Self {
        let installation = Installation::new();
        let mut zoom =
            Running::start(latchkey(installation.folder.path(), &["sim"]), &installation.path("sim.log"));
        let sim = zoom.ready().await;
        let ca_file = installation.path(sim["ca_file"].as_str().unwrap());
        let configuration = format!(
            "{BROKER_ALONE}[zoom]\noauth_base = '{}'\napi_base = '{}'\nca_file = '{}'\n",
            sim["zoom_base"].as_str().unwrap(),
            sim["api_base"].as_str().unwrap(),
            ca_file.display(),
        );
        let mut server = Running::start(installation.serve_with(&configuration), &installation.path("log"));
        let ready = server.ready().await;
        let client = http().redirect(Policy::none()).build().unwrap();
        let control = format!("{}/", sim["control"].as_str().unwrap());
        let control = async |path: &str, body: Value| -> Value {
            let answer = client.post(format!("{control}{path}")).json(&body).send().await.unwrap();
            assert!(answer.status().is_success(), "{path}: {}", answer.text().await.unwrap());
            answer.json().await.unwrap()
        };
        control("users", json!({ "email": "ada@example.test", "display_name": "Ada" })).await;
        let scopes = ["user:read:zak:admin", "user:read:user:admin", "user:read:token:admin"];
        let zoom_app = json!({ "client_id": "client", "client_secret": "secret", "kind": "server_to_server",
                               "scopes": scopes });
        let zoom_app = control("apps", zoom_app).await;
        let (url, key) =
            (ready["url"].as_str().unwrap().to_owned(), ready["api_key"].as_str().unwrap().to_owned());
        let mut this =
            Self { installation, url, key, account: String::new(), client, _processes: [zoom, server] };
        let app = json!({ "kind": "server_to_server", "client_id": "client", "client_secret": "secret",
                          "webhook_secret": "webhook", "account_id": zoom_app["account_id"] });
        let app = this.call("POST", "/api/v2/zoom-oauth-apps/", app).await;
        let account = json!({ "oauth_app": app["id"], "server_to_server": {} });
        let account = this.call("POST", "/api/v2/zoom-oauth-credentials/", account).await;
        account["id"].as_str().unwrap().clone_into(&mut this.account);
        this
    }

    async fn call(&self, method: &str, path: &str, body: Value) -> Value {
        let request = self.client.request(method.parse().unwrap(), format!("{}{path}", self.url));
        let request = request.header("authorization", format!("Token {}", self.key)).json(&body);
        let answer = request.send().await.unwrap();
        assert!(answer.status().is_success(), "{method} {path}: {}", answer.text().await.unwrap());
        answer.json().await.unwrap()
    }

    async fn link(&self, dialect: &str) -> Value {
        let link = json!({ "dialect": dialect, "credential": self.account, "user": "ada@example.test",
                           "kind": "zak", "meeting_in_request": true });
        self.call("POST", "/api/latchkey/v1/token-links/", link).await
    }

    /// Runs a program of the guide; returns what it prints.
    async fn run(&self, interpreter: &str, file: &str, environment: &[(&str, &str)]) -> String {
        // Node.js before 22.18 does not accept types. These programs have no other types.
        let program = program(OWN_BOTS, file).replace(": Promise<string>", "").replace(": string", "");
        let file = &file.replace(".mts", ".mjs");
        fs::write(self.installation.path(file), program).unwrap();
        let mut command = Command::new(interpreter);
        command.arg(self.installation.path(file)).envs(environment.iter().copied()).kill_on_drop(true);
        let Output { status, stdout, stderr } = within(command.output()).await.unwrap();
        assert!(status.success(), "{file}: {}", String::from_utf8_lossy(&stderr));
        String::from_utf8(stdout).unwrap().trim().to_owned()
    }
}

/// The fenced program of a guide whose first line names `file`.
fn program(guide: &str, file: &str) -> String {
    let blocks = guide.split("\n```").skip(1).step_by(2);
    let mut programs = blocks.filter_map(|block| block.split_once('\n')).map(|(_language, text)| text);
    let named = |text: &&str| text.lines().next().is_some_and(|line| line.contains(&format!("{file}:")));
    programs.find(named).unwrap_or_else(|| panic!("the guide has no {file}")).to_owned()
}

/// Every guide with commands or programs must have a test here.
#[test]
fn every_guide_is_tested() {
    let tests = include_str!("guides.rs");
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs/guides");
    for guide in fs::read_dir(folder).unwrap() {
        let guide = guide.unwrap();
        let name = guide.file_name().into_string().unwrap();
        let has_code = fs::read_to_string(guide.path()).unwrap().contains("```");
        assert!(!has_code || tests.contains(&format!("docs/guides/{name}")), "no test follows {name}");
    }
}

#[tokio::test]
async fn programs_of_the_guide_for_own_bots_print_a_zak() {
    let connected = Connected::start().await;
    let link = connected.link("bearer").await;
    let environment = [
        ("LINK", link["url"].as_str().unwrap()),
        ("AUTHORIZATION", link["authorization"].as_str().unwrap()),
        ("MEETING", "12345678901"),
    ];
    for (interpreter, file) in [("python3", "zak_bearer.py"), ("node", "zak_bearer.mts")] {
        let zak = connected.run(interpreter, file, &environment).await;
        assert_eq!(zak.split('.').count(), 3, "{file}: a ZAK is a JWT");
    }

    let link = connected.link("recall").await;
    let secret = connected.call("GET", "/api/latchkey/v1/callback-secret/", Value::Null).await;
    let environment =
        [("LINK", link["url"].as_str().unwrap()), ("SECRET", secret["secret"].as_str().unwrap())];
    for (interpreter, file) in [("python3", "zak_signed.py"), ("node", "zak_signed.mts")] {
        let zak = connected.run(interpreter, file, &environment).await;
        assert_eq!(zak.split('.').count(), 3, "{file}: a ZAK is a JWT");
    }
}

/// A page's commands, and its expected output lines.
fn commands(guide: &str) -> (String, Vec<String>) {
    let (mut script, mut printed, mut within) = (String::new(), Vec::new(), None);
    for line in guide.lines() {
        match within {
            None if line == "```sh" => within = Some("```"),
            None if line.starts_with("<!-- run") => within = Some("-->"),
            Some(end) if line == end => within = None,
            Some(_) => {
                script = format!("{script}{line}\n");
                printed.extend(line.strip_prefix("# ").map(str::to_owned));
            }
            None => {}
        }
    }
    (script, printed)
}

/// Runs the commands of a page in `folder`, and checks the expected output.
async fn follow(guide: &str, folder: &Path, environment: &[(&str, &str)]) {
    let (script, printed) = commands(guide);
    assert!(script.lines().count() > 1 && !printed.is_empty());
    let script =
        format!("set -euo pipefail\ntrap 'kill $(jobs -p) 2>/dev/null || true; wait' EXIT\n{script}");
    let program = Path::new(env!("CARGO_BIN_EXE_latchkey")).parent().unwrap();
    let path = format!("{}:{}", program.display(), env::var("PATH").unwrap());
    let mut command = latchkey(folder, &[]);
    command = {
        let mut bash = Command::new("bash");
        bash.args(["-c", &script]).current_dir(folder).kill_on_drop(true).env("PATH", path);
        for (name, value) in command.as_std().get_envs() {
            assert!(value.is_none(), "{} may only be removed", name.display());
            bash.env_remove(name);
        }
        bash
    };
    command.envs(environment.iter().copied());
    let output = Environment::system().clock.timeout(GUIDE_TIMEOUT, command.output()).await;
    let Output { status, stdout, stderr } = output.expect("the guide timed out").unwrap();
    let (stdout, stderr) = (String::from_utf8_lossy(&stdout), String::from_utf8_lossy(&stderr));
    assert!(status.success(), "{stdout}{stderr}");
    for line in printed {
        let mut rest = &*stdout;
        for part in line.split('…') {
            let found = rest.find(part).unwrap_or_else(|| panic!("{line:?} is not in: {stdout}{stderr}"));
            rest = &rest[found + part.len()..];
        }
    }
}

#[tokio::test]
async fn the_ten_minutes_guide_works() {
    let folder = tempfile::tempdir().unwrap();
    let mut guide = include_str!("../../../../docs/guides/ten-minutes.md").to_owned();
    let free: Vec<_> = (0..3).map(|_| TcpListener::bind("127.0.0.1:0").unwrap()).collect();
    for (port, free) in ["8080", "9443", "9444"].into_iter().zip(&free) {
        assert!(guide.contains(port));
        guide = guide.replace(port, &free.local_addr().unwrap().port().to_string());
    }
    guide = guide.replace(
        "latchkey serve ",
        &format!("LATCHKEY_LISTEN=127.0.0.1:{} latchkey serve ", free[0].local_addr().unwrap().port()),
    );
    drop(free);
    let sdk = crate::support::sdk_dir().display().to_string();
    follow(&guide, folder.path(), &[("LATCHKEY_BROWSER__SDK_DIR", &sdk)]).await;
}

#[tokio::test]
async fn each_platforms_guide_works() {
    let connected = Connected::start().await;
    let account = format!("{}:ada@example.test", connected.account);
    let secret = "TGF0Y2hrZXkgcGxheXMgdGhlIHBsYXRmb3JtIGhlcmU=";
    let recall = format!("whsec_{secret}");
    for (guide, program_of) in [
        (include_str!("../../../../docs/guides/recall.md"), Some("ask_as_recall.py")),
        (include_str!("../../../../docs/guides/attendee.md"), Some("ask_as_attendee.py")),
        (include_str!("../../../../docs/guides/meeting-baas.md"), None),
    ] {
        if let Some(file) = program_of {
            fs::write(connected.installation.path(file), program(guide, file)).unwrap();
        }
        let environment = [
            ("LATCHKEY_URL", &*connected.url),
            ("LATCHKEY_API_KEY", &*connected.key),
            ("ACCOUNT", &*account),
            ("RECALL_SECRET", &*recall),
            ("ATTENDEE_SECRET", secret),
        ];
        follow(guide, connected.installation.folder.path(), &environment).await;
    }
}

/// A simulator and a server without an app, at an address known before the start, and the environment of a guide.
struct Started {
    installation: Installation,
    environment: Vec<(&'static str, String)>,
    control: String,
    client: Client,
    _processes: Vec<Running>,
}

impl Started {
    /// If `server` is false, starts only the simulator, whose address and certificate are settings in the environment.
    async fn new(server: bool) -> Self {
        let installation = Installation::new();
        let mut zoom =
            Running::start(latchkey(installation.folder.path(), &["sim"]), &installation.path("sim.log"));
        let sim = zoom.ready().await;
        let of = |field: &str| sim[field].as_str().unwrap().to_owned();
        let ca_file = installation.path(&of("ca_file")).display().to_string();
        let listen = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().to_string();
        let mut environment = vec![("SIM", of("control")), ("ZOOM", of("zoom_base"))];
        let mut processes = vec![zoom];
        if server {
            let configuration = format!(
                "{}[zoom]\noauth_base = '{}'\napi_base = '{}'\nca_file = '{ca_file}'\n",
                BROKER_ALONE.replace("127.0.0.1:0", &listen),
                of("zoom_base"),
                of("api_base"),
            );
            let mut server =
                Running::start(installation.serve_with(&configuration), &installation.path("log"));
            let ready = server.ready().await;
            environment.push(("LATCHKEY_URL", ready["url"].as_str().unwrap().to_owned()));
            environment.push(("LATCHKEY_API_KEY", ready["api_key"].as_str().unwrap().to_owned()));
            processes.push(server);
        } else {
            environment.push(("LATCHKEY_LISTEN", listen));
            environment.push(("LATCHKEY_BOTS__CAPACITY", "0".to_owned()));
            environment.push(("LATCHKEY_ZOOM__OAUTH_BASE", of("zoom_base")));
            environment.push(("LATCHKEY_ZOOM__API_BASE", of("api_base")));
            environment.push(("LATCHKEY_ZOOM__CA_FILE", ca_file));
        }
        let client = http().redirect(Policy::none()).build().unwrap();
        Self { control: of("control"), installation, environment, client, _processes: processes }
    }

    async fn at_zoom(&self, path: &str, body: Value) -> Value {
        let answer = self.client.post(format!("{}/{path}", self.control)).json(&body).send().await.unwrap();
        assert!(answer.status().is_success(), "{path}: {}", answer.text().await.unwrap());
        answer.json().await.unwrap()
    }

    /// Creates the app that a reader has created at Zoom.
    async fn app(&self) -> Value {
        let url = self.of("LATCHKEY_URL");
        let app = json!({ "client_id": "client", "client_secret": "secret",
                          "redirect_uris": [format!("{url}/oauth/zoom/callback")] });
        fs::write(self.installation.path("client-secret"), "secret\n").unwrap();
        fs::write(self.installation.path("webhook-secret"), "until-then\n").unwrap();
        self.at_zoom("users", json!({ "email": "ada@example.test", "display_name": "Ada" })).await;
        self.at_zoom("apps", app).await
    }

    fn of(&self, name: &str) -> &str {
        self.environment.iter().find(|(known, _)| *known == name).map(|(_, value)| &**value).unwrap()
    }

    async fn follow(&self, guide: &str, more: &[(&str, &str)]) {
        let given = self.environment.iter().map(|(name, value)| (*name, &**value));
        let environment: Vec<_> = given.chain(more.iter().copied()).collect();
        follow(guide, self.installation.folder.path(), &environment).await;
    }
}

#[tokio::test]
async fn the_guide_for_zoom_apps_works() {
    let started = Started::new(true).await;
    started.app().await;
    let guide = include_str!("../../../../docs/guides/your-zoom-app.md");
    started.follow(guide, &[("CLIENT_ID", "client"), ("SECRET", "the-secret-token")]).await;
}

#[tokio::test]
async fn the_guide_for_recalls_sample_works() {
    let started = Started::new(true).await;
    started.app().await;
    let add = ["app", "add", "--client-id", "client", "--client-secret-file", "client-secret"];
    let mut add = latchkey(
        started.installation.folder.path(),
        &[&add[..], &["--webhook-secret-file", "webhook-secret"]].concat(),
    );
    add.env("LATCHKEY_URL", started.of("LATCHKEY_URL"));
    add.env("LATCHKEY_API_KEY", started.of("LATCHKEY_API_KEY"));
    let app = String::from_utf8(within(add.output()).await.unwrap().stdout).unwrap();
    let consents = started.at_zoom("consents", json!({ "client_id": "client", "count": 2 })).await;
    // As the sample stores it: the answer of Zoom's token endpoint.
    fs::write(started.installation.path("tokens.json"), consents[0].to_string()).unwrap();
    let token = consents[1]["refresh_token"].as_str().unwrap();
    let guide = include_str!("../../../../docs/coming-from-recalls-sample.md");
    started.follow(guide, &[("APP", app.trim()), ("REFRESH_TOKEN", token)]).await;
}

#[tokio::test]
async fn the_guide_for_running_a_server_works() {
    let started = Started::new(false).await;
    let socket = server::server().socket();
    let socket = socket.parent().unwrap().display().to_string();
    let folder = started.installation.folder.path().display();
    let mut guide = include_str!("../../../../docs/guides/run-it.md").to_owned();
    for (theirs, ours) in [
        ("/etc/latchkey", format!("{folder}/etc/latchkey")),
        ("/var/lib/latchkey", format!("{folder}/var/lib/latchkey")),
        ("http://127.0.0.1:8080", format!("http://{}", started.of("LATCHKEY_LISTEN"))),
        ("https://latchkey.example.com", format!("http://{}", started.of("LATCHKEY_LISTEN"))),
        ("@localhost/latchkey", format!("@localhost/latchkey?host={socket}")),
        // The test's PostgreSQL already has this user.
        ("CREATE ROLE latchkey", "ALTER ROLE latchkey".to_owned()),
    ] {
        assert!(guide.contains(theirs), "{theirs}");
        guide = guide.replace(theirs, &ours);
    }
    let postgres = [("PGHOST", &*socket), ("PGUSER", "latchkey"), ("PGDATABASE", "postgres")];
    started.follow(&guide, &postgres).await;
}
