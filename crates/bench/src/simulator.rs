//! Zoom: `latchkey sim` and its control API.

use std::path::Path;

use anyhow::{Context as _, bail};
use browser::ZoomOverride;
use model::{Environment, Timestamp};
use reqwest::{Client, Method};
use serde_json::Value;

use crate::process::{Process, latchkey};

/// The simulated Zoom.
pub(crate) struct Simulator {
    process: Process,
    pub(crate) ready: zoom_sim::Ready,
    http: Client,
}

impl Simulator {
    pub(crate) async fn start(data: &Path, http: Client, env: &Environment) -> anyhow::Result<Self> {
        let directory = data.join("zoom");
        let arguments =
            ["sim".as_ref(), "--stop-with-stdin".as_ref(), "--directory".as_ref(), directory.as_os_str()];
        let (process, ready) =
            Process::start(&latchkey()?, &arguments, "", &data.join("simulator.log"), env).await?;
        Ok(Self { process, ready, http })
    }

    pub(crate) async fn stop(self, env: &Environment) {
        self.process.stop(env).await;
    }

    /// How a browser gets here instead of to Zoom.
    pub(crate) fn for_browsers(&self) -> anyhow::Result<ZoomOverride> {
        Ok(ZoomOverride { address: self.ready.zoom_address.parse()?, spki: self.ready.spki.clone() })
    }

    pub(crate) async fn call(&self, method: Method, path: &str, body: &Value) -> anyhow::Result<Value> {
        let address = format!("{}{path}", self.ready.control);
        let response = self.http.request(method, address).json(body).send().await?;
        let (status, answer) = (response.status(), response.text().await?);
        if !status.is_success() {
            bail!("the simulator answered {status} to {path}: {answer}");
        }
        Ok(serde_json::from_str(&answer)?)
    }

    pub(crate) async fn get(&self, path: &str) -> anyhow::Result<Value> {
        let address = format!("{}{path}", self.ready.control);
        Ok(self.http.get(address).send().await?.error_for_status()?.json().await?)
    }

    /// When the SDK of whoever bears this name last asked to join.
    pub(crate) async fn last_join_request(&self, name: &str) -> anyhow::Result<Timestamp> {
        let requests = self.get("/join-requests").await?;
        let mut requests = requests.as_array().into_iter().flatten().rev();
        let request = requests.find(|request| request["name"] == name);
        let at = request.and_then(|request| request["at_unix_ms"].as_i64());
        Ok(Timestamp::from_microsecond(at.with_context(|| format!("{name} never asked to join"))? * 1000))
    }

    pub(crate) async fn zak_mints(&self) -> anyhow::Result<u64> {
        self.get("/stats").await?["zak_mints"].as_u64().context("the simulator does not count ZAKs")
    }
}
