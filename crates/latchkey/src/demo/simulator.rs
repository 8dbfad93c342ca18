//! The simulator's control API, as a user calls it.

use anyhow::{Context as _, bail};
use reqwest::{Client, Method};
use serde::Deserialize;
use serde_json::Value;

use super::report::ZoomCounts;

/// `/_sim/`
pub(super) struct Simulator {
    http: Client,
    pub(super) control: String,
}

/// Somebody in a meeting.
#[derive(Deserialize)]
pub(super) struct Participant {
    pub(super) name: String,
    pub(super) user_id: Option<String>,
    pub(super) avatar: Option<String>,
    pub(super) role: String,
}

impl Simulator {
    pub(super) fn new(http: Client, control: String) -> Self {
        Self { http, control }
    }

    pub(super) async fn post(&self, path: &str, body: &Value) -> anyhow::Result<Value> {
        self.call(Method::POST, path, Some(body)).await
    }

    pub(super) async fn put(&self, path: &str, body: &Value) -> anyhow::Result<Value> {
        self.call(Method::PUT, path, Some(body)).await
    }

    pub(super) async fn get(&self, path: &str) -> anyhow::Result<Value> {
        self.call(Method::GET, path, None).await
    }

    async fn call(&self, method: Method, path: &str, body: Option<&Value>) -> anyhow::Result<Value> {
        let mut request = self.http.request(method.clone(), format!("{}{path}", self.control));
        if let Some(body) = body {
            request = request.json(body);
        }
        let response = request.send().await.with_context(|| format!("simulator: {method} {path}"))?;
        let status = response.status();
        let body: Value =
            response.json().await.with_context(|| format!("simulator: {method} {path}: not JSON"))?;
        if !status.is_success() {
            bail!("the simulator answered {status} to {method} {path}: {body}");
        }
        Ok(body)
    }

    pub(super) async fn participants(&self, meeting: &str) -> anyhow::Result<Vec<Participant>> {
        let meeting = self.get(&format!("/meetings/{meeting}")).await?;
        Ok(serde_json::from_value(meeting["participants"].clone())?)
    }

    /// When the SDK of the bot with this name first asked to join: Unix time in milliseconds.
    pub(super) async fn first_join_request(&self, name: &str) -> anyhow::Result<Option<i64>> {
        let requests = self.get("/join-requests").await?;
        let mut requests = requests.as_array().into_iter().flatten();
        Ok(requests
            .find(|request| request["name"] == name)
            .and_then(|request| request["at_unix_ms"].as_i64()))
    }

    pub(super) async fn counts(&self) -> anyhow::Result<ZoomCounts> {
        let stats = self.get("/stats").await?;
        let count = |name: &str| stats[name].as_u64().unwrap_or(0);
        Ok(ZoomCounts { refreshes: count("refreshes"), zak_mints: count("zak_mints"), joins: count("joins") })
    }
}
