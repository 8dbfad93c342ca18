//! The environment of servers and browsers: a folder, a simulated Zoom, and the binary.

use std::{
    fs,
    net::SocketAddr,
    path::{Path, PathBuf},
    process::Command,
};

use anyhow::{Context as _, ensure};
use browser::{Browser, BrowserConfig};
use model::{Environment, Secret};
use reqwest::Client;
use serde_json::{Value, json};
use stage::{Program, Server, Simulator};

use crate::Arguments;

/// The environment of servers and browsers.
pub(crate) struct Place {
    pub(crate) env: Environment,
    pub(crate) http: Client,
    pub(crate) simulator: Simulator,
    pub(crate) data: PathBuf,
    pub(crate) sdk_dir: PathBuf,
    chromium: PathBuf,
    latchkey: PathBuf,
}

impl Place {
    pub(crate) async fn make(arguments: &Arguments, env: &Environment) -> anyhow::Result<Self> {
        let data = arguments.data.clone();
        if data.exists() {
            fs::remove_dir_all(&data)?;
        }
        fs::create_dir_all(&data).with_context(|| format!("cannot create {}", data.display()))?;
        // Cargo puts it next to this program, built with the same profile.
        let latchkey = std::env::current_exe()?.with_file_name("latchkey");
        let (http, log) = (stage::client()?, data.join("simulator.log"));
        let simulator = Simulator::start(&latchkey, &data.join("zoom"), &log, http.clone(), env).await?;
        let (chromium, sdk_dir) = (arguments.chromium.clone(), arguments.sdk_dir.clone());
        Ok(Self { env: env.clone(), http, simulator, data, sdk_dir, chromium, latchkey })
    }

    /// Starts a browser as a server does.
    pub(crate) async fn browser(&self) -> anyhow::Result<Browser> {
        let (profiles, zoom) = (self.data.join("browser"), self.simulator.for_browsers()?);
        let config = stage::browser_config(&self.chromium, &self.sdk_dir, profiles, zoom);
        Ok(Browser::launch(config, self.env.clone()).await?)
    }

    /// Starts `latchkey serve`, with the same data every time.
    pub(crate) async fn serve(
        &self,
        listen: SocketAddr,
        api_key: Option<Secret>,
        bots: &Value,
    ) -> anyhow::Result<Server> {
        let (config, log) = (self.data.join("latchkey.toml"), self.data.join("latchkey.log"));
        fs::write(&config, toml::to_string(&self.configuration(listen, bots))?)?;
        self.server(&config, api_key, &log, None).await
    }

    /// Starts `latchkey serve` with its own configuration, optionally on one core.
    pub(crate) async fn server(
        &self,
        config: &Path,
        api_key: Option<Secret>,
        log: &Path,
        core: Option<usize>,
    ) -> anyhow::Result<Server> {
        let latchkey = Program { core, ..Program::from(&self.latchkey) };
        Server::start(latchkey, config, api_key, log, self.http.clone(), &self.env).await
    }

    /// Runs a command of `latchkey` and returns the JSON that it prints.
    pub(crate) fn command(&self, arguments: &[&str], config: &Path) -> anyhow::Result<Value> {
        let output = Command::new(&self.latchkey).args(arguments).arg("--config").arg(config).output()?;
        ensure!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr).trim());
        Ok(serde_json::from_slice(&output.stdout)?)
    }

    pub(crate) async fn close(self) {
        self.simulator.stop(&self.env).await;
    }

    fn configuration(&self, listen: SocketAddr, bots: &Value) -> Value {
        let zoom = &self.simulator.ready;
        json!({
            "listen": listen,
            "data_dir": self.data.join("latchkey"),
            "zoom": {
                "oauth_base": zoom.zoom_base,
                "api_base": zoom.api_base,
                "ca_file": zoom.ca_file,
                "meeting_address": zoom.zoom_address,
                "meeting_spki": zoom.spki,
            },
            "browser": {
                "chromium": self.chromium,
                "sdk_dir": self.sdk_dir,
                "sandbox": BrowserConfig::sandbox_works(),
            },
            "bots": bots,
            // For the `zak_url` of our own token link.
            "callbacks": { "allow_networks": ["127.0.0.0/8"] },
            "limits": { "enabled": false },
        })
    }
}
