//! What every measurement needs: a simulated Zoom with one account and one meeting, and a Latchkey that knows both.

use std::{fs, net::SocketAddr, path::PathBuf};

use anyhow::{Context as _, bail};
use browser::{Browser, BrowserConfig};
use model::{Environment, Secret};
use reqwest::{Client, Method};
use serde_json::{Value, json};
use zoom::{AppKeys, Role};

use crate::{
    Arguments,
    process::{Process, latchkey},
    server::{Ready, Server},
    simulator::Simulator,
};

const PASSCODE: &str = "bench1";

/// The world. Servers and browsers come and go in it.
pub(crate) struct World {
    pub(crate) env: Environment,
    pub(crate) http: Client,
    pub(crate) simulator: Simulator,
    pub(crate) data: PathBuf,
    pub(crate) sdk_dir: PathBuf,
    chromium: PathBuf,
    /// Fixed by the first server, so that addresses stay true.
    listen: SocketAddr,
    api_key: Secret,
    app: AppKeys,
    pub(crate) credential: String,
    /// Gives the account's ZAK to whoever signs the request.
    pub(crate) token_link: String,
    /// `whsec_…`
    pub(crate) callback_secret: Secret,
    pub(crate) join_url: String,
    meeting_number: String,
}

impl World {
    pub(crate) async fn make(arguments: &Arguments, env: &Environment) -> anyhow::Result<Self> {
        let data = &arguments.data;
        if data.exists() {
            fs::remove_dir_all(data)?;
        }
        fs::create_dir_all(data).with_context(|| format!("cannot make {}", data.display()))?;
        let http = client()?;
        let simulator = Simulator::start(data, http.clone(), env).await?;
        // Many bots of one account, in one meeting.
        let switches = json!({ "duplicate_identity": "allow" });
        simulator.call(Method::PATCH, "/switches", &switches).await?;
        let user = json!({ "email": "robin@example.com", "display_name": "Robin Notes" });
        let user = simulator.call(Method::POST, "/users", &user).await?;
        let meeting = json!({ "host_id": user["id"], "passcode": PASSCODE, "started": true });
        let meeting = simulator.call(Method::POST, "/meetings", &meeting).await?;

        let mut world = Self {
            env: env.clone(),
            http,
            simulator,
            data: data.clone(),
            sdk_dir: arguments.sdk_dir.clone(),
            chromium: arguments.chromium.clone(),
            listen: SocketAddr::from(([127, 0, 0, 1], 0)),
            api_key: Secret::new(""),
            app: AppKeys { client_id: String::new(), client_secret: Secret::new("") },
            credential: String::new(),
            token_link: String::new(),
            callback_secret: Secret::new(""),
            join_url: text(&meeting, "join_url")?,
            meeting_number: text(&meeting, "meeting_number")?,
        };
        world.connect_account().await?;
        Ok(world)
    }

    pub(crate) async fn close(self) {
        self.simulator.stop(&self.env).await;
    }

    /// `latchkey serve`, on the same data every time, with `bots` as that section of its configuration.
    pub(crate) async fn serve(&self, bots: &Value) -> anyhow::Result<Server> {
        let config = self.data.join("latchkey.toml");
        fs::write(&config, toml::to_string(&self.configuration(bots))?)?;
        let arguments =
            ["serve".as_ref(), "--stop-with-stdin".as_ref(), "--config".as_ref(), config.as_os_str()];
        let log = self.data.join("latchkey.log");
        let (process, mut ready): (_, Ready) =
            Process::start(&latchkey()?, &arguments, "", &log, &self.env).await?;
        let api_key = ready.api_key.take().unwrap_or_else(|| self.api_key.clone());
        Ok(Server { process, ready, api_key, http: self.http.clone(), env: self.env.clone() })
    }

    /// A browser as the server's own is started.
    pub(crate) async fn browser(&self) -> anyhow::Result<Browser> {
        let config = BrowserConfig {
            chromium: self.chromium.clone(),
            sdk_dir: self.sdk_dir.clone(),
            state_dir: self.data.join("browser"),
            zoom_override: Some(self.simulator.for_browsers()?),
            sandbox: sandbox(),
        };
        Ok(Browser::launch(config, self.env.clone()).await?)
    }

    /// What the SDK's `join` takes from a guest.
    pub(crate) fn guest(&self, name: &str) -> [(&'static str, String); 5] {
        let signature = zoom::sdk_signature(&self.app, &self.meeting_number, Role::Join, self.env.now());
        [
            ("signature", signature.expose().to_owned()),
            ("meetingNumber", self.meeting_number.clone()),
            ("password", PASSCODE.to_owned()),
            ("userName", name.to_owned()),
            ("userEmail", String::new()),
        ]
    }

    fn configuration(&self, bots: &Value) -> Value {
        let zoom = &self.simulator.ready;
        json!({
            "listen": self.listen,
            "data_dir": self.data.join("latchkey"),
            "zoom": {
                "oauth_base": zoom.zoom_base,
                "api_base": zoom.api_base,
                "ca_file": zoom.ca_file,
                "meeting_address": zoom.zoom_address,
                "meeting_spki": zoom.spki,
            },
            "browser": { "chromium": self.chromium, "sdk_dir": self.sdk_dir, "sandbox": sandbox() },
            "bots": bots,
            // The zak_url of our own token link.
            "callbacks": { "allow_networks": ["127.0.0.0/8"] },
        })
    }

    /// Registers the app, and goes through Zoom's consent as a person would.
    async fn connect_account(&mut self) -> anyhow::Result<()> {
        let server = self.serve(&json!({ "capacity": 0 })).await?;
        self.api_key = server.api_key.clone();
        self.listen = server.ready.url.trim_start_matches("http://").parse()?;
        let redirect = format!("{}/oauth/zoom/callback", server.ready.url);
        let app = json!({ "name": "Bench", "kind": "user_level", "sdk": true, "redirect_uris": [redirect] });
        let app = self.simulator.call(Method::POST, "/apps", &app).await?;
        self.app = AppKeys {
            client_id: text(&app, "client_id")?,
            client_secret: Secret::new(text(&app, "client_secret")?),
        };
        let registration = json!({ "kind": "user_level", "client_id": app["client_id"],
                                   "client_secret": app["client_secret"], "webhook_secret": "unused" });
        let app = server.post("/api/v2/zoom-oauth-apps/", &registration).await?;
        let invitation = json!({ "oauth_app": app["id"] });
        let invitation = server.post("/api/latchkey/v1/connect-links/", &invitation).await?;
        let browser = self.browser().await?;
        let page = browser.open_plain(&text(&invitation, "url")?).await?;
        page.click("#allow").await?;
        page.wait_for("#connected, #trouble").await?;
        let said = page.text("h1").await?;
        browser.close().await;

        let accounts = server.get("/api/v2/zoom-oauth-credentials/").await?;
        let account = &accounts["results"][0];
        if account["status"] != "healthy" {
            bail!("connecting the account ended with {said:?}");
        }
        self.credential = text(account, "id")?;
        let link = json!({ "credential": self.credential, "kind": "zak" });
        self.token_link = text(&server.post("/api/latchkey/v1/token-links/", &link).await?, "url")?;
        let secret = server.get("/api/latchkey/v1/callback-secret/").await?;
        self.callback_secret = Secret::new(text(&secret, "secret")?);
        server.stop().await;
        Ok(())
    }
}

/// As `latchkey serve` decides it.
fn sandbox() -> bool {
    !rustix::process::geteuid().is_root()
}

pub(crate) fn text(value: &Value, field: &str) -> anyhow::Result<String> {
    Ok(value[field].as_str().with_context(|| format!("an answer lacks {field}"))?.to_owned())
}

#[expect(clippy::disallowed_methods, reason = "the benchmark is a user of its own, on loopback")]
fn client() -> anyhow::Result<Client> {
    Ok(Client::builder().no_proxy().build()?)
}
