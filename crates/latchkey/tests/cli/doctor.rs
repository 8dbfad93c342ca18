//! `latchkey doctor`: faults are planted, and each is found by name, with its fix.

mod proxies;

use std::{fs, net::TcpListener, os::unix::fs::PermissionsExt as _, path::Path, time::Duration};

use model::Environment;
use serde_json::{Value, json};
use tokio::process::Command;

use self::proxies::{proxy_without, tls_in_front};
use crate::support::{Installation, Running, after, http, latchkey, within};

/// The doctor's exit code and findings.
struct Said(i32, Vec<Value>);

impl Said {
    async fn of(mut command: Command) -> Self {
        let output = within(command.output()).await.unwrap();
        let (stdout, stderr) =
            (String::from_utf8(output.stdout).unwrap(), String::from_utf8(output.stderr).unwrap());
        let report: Value =
            serde_json::from_str(&stdout).unwrap_or_else(|error| panic!("{error}: {stdout}{stderr}"));
        assert!(!stdout.contains("planted"), "a secret is printed: {stdout}");
        let code = output.status.code().unwrap();
        assert_eq!(report["healthy"], code == 0, "{stdout}");
        Self(code, report["findings"].as_array().unwrap().clone())
    }

    fn faults(&self) -> Vec<&Value> {
        self.0
            .eq(&3)
            .then_some(())
            .into_iter()
            .flat_map(|()| &self.1)
            .filter(|it| it["state"] == "fault")
            .collect()
    }

    /// Asserts that the only fault is of this check, has a `why`, and that its fix contains `fix`.
    #[track_caller]
    fn names(&self, check: &str, fix: &str) {
        let faults = self.faults();
        let [fault] = &faults[..] else { panic!("not one fault: {:#?}", self.1) };
        assert_eq!(fault["check"], check, "{fault:#}");
        assert!(fault["why"].as_str().is_some_and(|why| why.len() > 10), "{fault:#}");
        assert!(
            fault["fix"].as_str().is_some_and(|words| words.contains(fix)),
            "{fix:?} is not in {fault:#}"
        );
    }
}

/// A token broker that can be examined without other servers.
const ALONE: &str = "[bots]\ncapacity = 0\n";

fn doctor(installation: &Installation, configuration: &str, more: &[&str]) -> Command {
    fs::write(installation.path("latchkey.toml"), configuration).unwrap();
    latchkey(installation.folder.path(), &[&["doctor", "--json"], more].concat())
}

async fn offline(installation: &Installation, configuration: &str) -> Said {
    Said::of(doctor(installation, configuration, &["--offline"])).await
}

fn chmod(path: &Path, mode: u32) {
    fs::set_permissions(path, fs::Permissions::from_mode(mode)).unwrap();
}

/// An address on which nothing listens.
fn nobody() -> String {
    TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().to_string()
}

#[tokio::test]
async fn an_installation_before_its_first_start_has_no_fault() {
    let installation = Installation::new();
    let said = offline(&installation, ALONE).await;
    assert_eq!(said.0, 0, "{:#?}", said.1);
}

#[tokio::test]
async fn faults_of_the_configuration() {
    let installation = Installation::new();
    offline(&installation, "lisen = '127.0.0.1:0'").await.names("configuration", "docs/latchkey.sample.toml");
    let secret = format!("{ALONE}[metrics]\ntoken = 'planted-token'\n");
    fs::write(installation.path("latchkey.toml"), "").unwrap();
    chmod(&installation.path("latchkey.toml"), 0o644);
    offline(&installation, &secret).await.names("configuration", "chmod 600");
}

#[tokio::test]
async fn faults_of_the_machine() {
    let installation = Installation::new();
    let data = installation.path("data");
    fs::create_dir(&data).unwrap();
    chmod(&data, 0o755);
    offline(&installation, ALONE).await.names("data_dir", "chmod 700");
    chmod(&data, 0o700);
    fs::write(data.join("screenshot.jpg"), "").unwrap();
    chmod(&data.join("screenshot.jpg"), 0o644);
    offline(&installation, ALONE).await.names("data_dir", "chmod -R go=");
    fs::remove_file(data.join("screenshot.jpg")).unwrap();

    let pictures = installation.path("pictures");
    fs::create_dir(&pictures).unwrap();
    chmod(&pictures, 0o755);
    let apart = format!("{ALONE}[screenshots]\nfolder = '{}'\n", pictures.display());
    offline(&installation, &apart).await.names("screenshots", "chmod 700");

    let shared = "database_url = 'postgres://nobody@127.0.0.1:1/nothing'\n";
    let Said(_, findings) = offline(&installation, shared).await;
    let local = findings.iter().find(|finding| finding["check"] == "screenshots").unwrap();
    assert!(local["fix"].as_str().unwrap().contains("screenshots.s3"), "{local}");

    let full = ["--offline", "--least-free-space", "1000000000"];
    Said::of(doctor(&installation, ALONE, &full)).await.names("disk", "keep_days");

    let doctor = doctor(&installation, ALONE, &["--offline"]);
    Said::of(after("ulimit -n 300", &doctor)).await.names("descriptors", "LimitNOFILE");
}

#[tokio::test]
async fn faults_of_the_browser() {
    let installation = Installation::new();
    let sdk = installation.path("sdk/dist");
    fs::create_dir_all(&sdk).unwrap();
    let package = |version: &str| {
        fs::write(installation.path("sdk/package.json"), json!({ "version": version }).to_string()).unwrap();
    };
    package(browser::SDK_VERSION);
    let chromium = installation.path("chromium");
    fs::write(&chromium, "#!/bin/sh\necho Chromium 156\n").unwrap();
    chmod(&chromium, 0o755);
    let with = |chromium: &Path| {
        format!("[browser]\nchromium = '{}'\nsdk_dir = '{}'", chromium.display(), sdk.display())
    };
    assert_eq!(offline(&installation, &with(&chromium)).await.0, 0);
    let nowhere = installation.path("nowhere/chromium");
    offline(&installation, &with(&nowhere)).await.names("chromium", "browser.chromium");
    package("1.0.0");
    offline(&installation, &with(&chromium)).await.names("sdk", "npm ci");
}

#[tokio::test]
async fn faults_of_database_and_keys() {
    let installation = Installation::new();
    let away = format!("database_url = 'postgres://ana:planted@{}/keys'\n{ALONE}", nobody());
    let file = installation.path("latchkey.toml");
    fs::write(&file, "").unwrap();
    chmod(&file, 0o600);
    offline(&installation, &away).await.names("database", "database_url");

    installation.starts().await.unwrap();
    assert_eq!(offline(&installation, ALONE).await.0, 0);
    let keys = installation.path("data/keys.json");
    chmod(&keys, 0o644);
    let said = offline(&installation, ALONE).await;
    let checks: Vec<_> = said.faults().iter().map(|fault| fault["check"].clone()).collect();
    assert_eq!(checks, ["data_dir", "key_ring"], "{:#?}", said.1);
    chmod(&keys, 0o600);
    fs::remove_file(&keys).unwrap();
    offline(&installation, ALONE).await.names("key_ring", "backup");
    let another = latchkey(installation.folder.path(), &["keys", "create", "--to", "data/keys.json"]);
    let mut another = another;
    assert!(within(another.status()).await.unwrap().success());
    offline(&installation, ALONE).await.names("key_ring", "restore");
}

/// A simulator and a server with an app and an account, without faults.
struct Ward {
    installation: Installation,
    configuration: String,
    listen: String,
    url: String,
    key: String,
    control: String,
    zoom: String,
    client: String,
    app: String,
    account: String,
    http: reqwest::Client,
    _simulator: Running,
    _server: Running,
}

impl Ward {
    async fn open() -> Self {
        let installation = Installation::new();
        let sim = latchkey(installation.folder.path(), &["sim"]);
        let mut simulator = Running::start(sim, &installation.path("sim.log"));
        let sim = simulator.ready().await;
        let of = |field: &str| sim[field].as_str().unwrap().to_owned();
        let listen = nobody();
        let configuration = format!(
            "listen = '{listen}'\n{ALONE}[limits]\nenabled = false\n[callbacks]\nallow_networks = ['127.0.0.0/8']\n\
             [zoom]\noauth_base = '{}'\napi_base = '{}'\nca_file = '{}'\n",
            of("zoom_base"),
            of("api_base"),
            installation.path(&of("ca_file")).display(),
        );
        let mut server = Running::start(installation.serve_with(&configuration), &installation.path("log"));
        let ready = server.ready().await;
        let text = |field: &str| ready[field].as_str().unwrap().to_owned();
        let mut ward = Self {
            configuration,
            listen,
            url: text("url"),
            key: text("api_key"),
            control: of("control"),
            zoom: of("zoom_base"),
            client: String::new(),
            app: String::new(),
            account: String::new(),
            http: http().build().unwrap(),
            installation,
            _simulator: simulator,
            _server: server,
        };
        let callback = format!("{}/oauth/zoom/callback", ward.url);
        let app = ward.at_zoom("POST", "/apps", json!({ "redirect_uris": [callback] })).await;
        let text = |field: &str| app[field].as_str().unwrap().to_owned();
        ward.client = text("client_id");
        let registered = json!({ "kind": "user_level", "client_id": text("client_id"),
                                 "client_secret": text("client_secret"), "webhook_secret": "planted-webhook" });
        let registered = ward.call("/api/v2/zoom-oauth-apps/", registered).await;
        registered["id"].as_str().unwrap().clone_into(&mut ward.app);
        ward.account = ward.account().await;
        ward
    }

    /// Connects one more account of the app.
    async fn account(&self) -> String {
        let consents = json!({ "client_id": self.client, "count": 1 });
        let consent = self.at_zoom("POST", "/consents", consents).await[0].clone();
        let account = json!({ "oauth_app": self.app, "refresh_token": consent["refresh_token"] });
        let account = self.call("/api/v2/zoom-oauth-credentials/", account).await;
        account["id"].as_str().unwrap().to_owned()
    }

    async fn at_zoom(&self, method: &str, path: &str, body: Value) -> Value {
        let request = self.http.request(method.parse().unwrap(), format!("{}{path}", self.control));
        let answer = within(request.json(&body).send()).await.unwrap();
        assert!(answer.status().is_success(), "{path}: {}", answer.text().await.unwrap());
        answer.json().await.unwrap_or_default()
    }

    async fn call(&self, path: &str, body: Value) -> Value {
        let request = self.http.post(format!("{}{path}", self.url));
        let request = request.header("authorization", format!("Token {}", self.key)).json(&body);
        let answer = within(request.send()).await.unwrap();
        assert!(answer.status().is_success(), "{path}: {}", answer.text().await.unwrap());
        answer.json().await.unwrap()
    }

    /// The doctor's findings, with `changed` instead of the server's configuration.
    async fn examined(&self, changed: &str) -> Said {
        Said::of(doctor(&self.installation, changed, &[])).await
    }

    async fn now(&self) -> Said {
        self.examined(&self.configuration).await
    }

    async fn with_public_url(&self, url: &str) -> Said {
        self.examined(&format!("public_url = '{url}'\n{}", self.configuration)).await
    }
}

#[tokio::test]
async fn faults_of_apps_accounts_and_endpoints() {
    let ward = Ward::open().await;
    let said = ward.now().await;
    assert_eq!(said.0, 0, "{:#?}", said.1);

    let app = format!("/apps/{}", ward.client);
    let callback = json!([format!("{}/oauth/zoom/callback", ward.url)]);
    ward.at_zoom("PATCH", &app, json!({ "redirect_uris": ["https://other.example.com/callback"] })).await;
    ward.now().await.names("app_redirect", &format!("{}/oauth/zoom/callback", ward.url));
    ward.at_zoom("PATCH", &app, json!({ "redirect_uris": callback, "client_secret": "another" })).await;
    ward.now().await.names("app_secret", "Copy id and secret again");
    let secret = json!({ "client_secret": "another" });
    let change = ward.http.patch(format!("{}/api/v2/zoom-oauth-apps/{}/", ward.url, ward.app)).json(&secret);
    let change = change.header("authorization", format!("Token {}", ward.key));
    assert!(within(change.send()).await.unwrap().status().is_success());
    assert_eq!(ward.now().await.0, 0);

    let hook = json!({ "url": format!("http://{}/hook?secret=planted", nobody()) });
    let hook = ward.call("/api/latchkey/v1/webhook-endpoints/", hook).await;
    ward.now().await.names("webhook_endpoint", "callbacks.allow_networks");
    let hook = format!("{}/api/latchkey/v1/webhook-endpoints/{}/", ward.url, hook["id"].as_str().unwrap());
    let delete = ward.http.delete(hook).header("authorization", format!("Token {}", ward.key));
    assert!(within(delete.send()).await.unwrap().status().is_success());

    let mail = format!(
        "{}[mail]\nserver = '{}'\nfrom = 'latchkey@example.com'\ntls = 'none'\n",
        ward.configuration,
        nobody()
    );
    ward.examined(&mail).await.names("mail", "server and port");

    // The app requests fewer scopes from now on: no ZAK can be minted for later consents.
    ward.at_zoom("PATCH", &app, json!({ "scopes": ["user:read:user"] })).await;
    let poor = ward.account().await;
    let said = ward.now().await;
    said.names("app_scopes", "user:read:zak");
    assert!(said.faults()[0]["about"].as_str().unwrap().contains(&poor));
}

#[tokio::test]
async fn an_account_that_needs_a_new_consent() {
    let ward = Ward::open().await;
    let users = ward.at_zoom("GET", "/users", Value::Null).await;
    for user in users.as_array().unwrap() {
        let path = format!("{}/users/{}/apps/{}", ward.control, user["id"].as_str().unwrap(), ward.client);
        within(ward.http.delete(path).send()).await.unwrap();
    }
    let check = format!("{}/api/v2/zoom-oauth-credentials/{}/validate/", ward.url, ward.account);
    let check = ward.http.post(check).header("authorization", format!("Token {}", ward.key));
    within(check.send()).await.unwrap();
    ward.now().await.names("account", "latchkey account connect");
}

#[tokio::test]
async fn faults_of_zoom_and_the_clock() {
    let ward = Ward::open().await;
    ward.at_zoom("POST", "/clock", json!({ "advance_seconds": 600 })).await;
    ward.now().await.names("clock", "timedatectl");
    let away = ward.configuration.replace(&ward.zoom, &format!("https://{}", nobody()));
    let said = ward.examined(&away).await;
    assert!(said.faults().iter().all(|fault| fault["check"] == "zoom"), "{:#?}", said.1);
    assert!(said.faults()[0]["fix"].as_str().unwrap().contains("zoom.ca_file"));
}

#[tokio::test]
async fn faults_of_access_from_outside() {
    let ward = Ward::open().await;
    // An address of this machine that does not look like one.
    let port = ward.listen.rsplit_once(':').unwrap().1;
    let plain = ward.with_public_url(&format!("http://[::ffff:127.0.0.1]:{port}")).await;
    assert!(plain.faults().iter().any(|fault| fault["check"] == "public_url"), "{:#?}", plain.1);
    let away = ward.with_public_url(&format!("https://{}", nobody())).await;
    let fault = away.faults().into_iter().find(|fault| fault["check"] == "public_url").unwrap();
    assert!(fault["fix"].as_str().unwrap().contains("firewall"), "{fault}");
    let untrusted = ward.with_public_url(&ward.zoom).await;
    let fault = untrusted.faults().into_iter().find(|fault| fault["check"] == "certificate").unwrap();
    assert!(fault["fix"].as_str().unwrap().contains("public authority"), "{fault}");
    let control = ward.control.trim_end_matches("/_sim");
    let another = ward.with_public_url(control).await;
    let fault = another.faults().into_iter().find(|fault| fault["check"] == "public_url").unwrap();
    assert!(fault["found"].as_str().unwrap().contains("something other than Latchkey"), "{fault}");
}

#[tokio::test]
async fn a_proxy_that_strips_headers() {
    let ward = Ward::open().await;
    for (stripped, check) in [("authorization", "proxy"), ("x-zm-signature", "app_webhook")] {
        let proxy = proxy_without(stripped, ward.listen.clone()).await;
        let url = format!("http://{proxy}");
        let redirects = json!({ "redirect_uris": [format!("{url}/oauth/zoom/callback")] });
        ward.at_zoom("PATCH", &format!("/apps/{}", ward.client), redirects).await;
        let said = ward.with_public_url(&url).await;
        said.names(check, "Let the proxy pass");
    }
}

/// Year, month and day at this distance from today.
fn day(ahead: Duration) -> (i32, u8, u8) {
    let text = (Environment::system().now() + ahead).to_string();
    let mut parts = text[..10].split('-');
    let mut next = || parts.next().unwrap();
    (next().parse().unwrap(), next().parse().unwrap(), next().parse().unwrap())
}

#[tokio::test]
async fn a_valid_an_expiring_and_an_expired_certificate() {
    const DAY: Duration = Duration::from_secs(24 * 3600);
    let ward = Ward::open().await;
    let ca_file = ward.installation.path("authority.pem");
    for (ends, state) in [(day(60 * DAY), "ok"), (day(5 * DAY), "warning"), ((2025, 1, 1), "fault")] {
        let url = format!("https://{}", tls_in_front(ward.listen.clone(), ends, &ca_file).await);
        let redirects = json!({ "redirect_uris": [format!("{url}/oauth/zoom/callback")] });
        ward.at_zoom("PATCH", &format!("/apps/{}", ward.client), redirects).await;
        let configuration = format!("public_url = '{url}'\n{}", ward.configuration);
        let mut command = doctor(&ward.installation, &configuration, &[]);
        command.env("SSL_CERT_FILE", &ca_file).env_remove("SSL_CERT_DIR");
        let said = Said::of(command).await;
        let finding = said.1.iter().find(|finding| finding["check"] == "certificate").unwrap();
        assert_eq!(finding["state"], state, "{:#?}", said.1);
        if state == "fault" {
            assert!(finding["found"].as_str().unwrap().contains("expired"), "{finding}");
        } else {
            assert_eq!(said.0, 0, "everything else goes through the proxy: {:#?}", said.1);
        }
    }
}
