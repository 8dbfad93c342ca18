//! Latchkey: `latchkey serve` and its API.

use std::time::Duration;

use anyhow::{Context as _, bail};
use model::{Environment, Secret, Timestamp};
use reqwest::{Client, Method, header};
use serde::Deserialize;
use serde_json::{Value, json};

use crate::process::Process;

const LOOK: Duration = Duration::from_millis(100);
/// Longer than a bot's own deadlines.
const PATIENCE: Duration = Duration::from_secs(120);

/// `serve`'s first line.
#[derive(Deserialize)]
pub(crate) struct Ready {
    pub(crate) url: String,
    /// On the first start alone.
    pub(crate) api_key: Option<Secret>,
}

/// A running server.
pub(crate) struct Server {
    pub(crate) process: Process,
    pub(crate) ready: Ready,
    pub(crate) api_key: Secret,
    pub(crate) http: Client,
    pub(crate) env: Environment,
}

#[derive(Deserialize)]
struct Bot {
    status_changes: Vec<Change>,
}

#[derive(Deserialize)]
struct Change {
    code: String,
    message: Option<String>,
    created_at: Timestamp,
}

impl Server {
    pub(crate) async fn stop(self) {
        self.process.stop(&self.env).await;
    }

    pub(crate) async fn post(&self, path: &str, body: &Value) -> anyhow::Result<Value> {
        self.call(Method::POST, path, Some(body)).await
    }

    pub(crate) async fn get(&self, path: &str) -> anyhow::Result<Value> {
        self.call(Method::GET, path, None).await
    }

    async fn call(&self, method: Method, path: &str, body: Option<&Value>) -> anyhow::Result<Value> {
        let mut request = self.http.request(method, format!("{}{path}", self.ready.url));
        request = request.header(header::AUTHORIZATION, format!("Token {}", self.api_key.expose()));
        if let Some(body) = body {
            request = request.json(body);
        }
        let response = request.send().await?;
        let (status, answer) = (response.status(), response.text().await?);
        if !status.is_success() {
            bail!("{path} answered {status}: {answer}");
        }
        Ok(serde_json::from_str(&answer)?)
    }

    /// Sends a bot; its id.
    pub(crate) async fn send_bot(&self, request: &Value) -> anyhow::Result<String> {
        let bot = self.post("/api/v1/bot/", request).await?;
        Ok(bot["id"].as_str().context("the answer lacks an id")?.to_owned())
    }

    /// When the bot came to the state `code`; fails when it ends before.
    pub(crate) async fn when(&self, id: &str, code: &str) -> anyhow::Result<Timestamp> {
        let give_up = self.env.now() + PATIENCE;
        while self.env.now() < give_up {
            let bot: Bot = serde_json::from_value(self.get(&format!("/api/v1/bot/{id}/")).await?)?;
            if let Some(change) = bot.status_changes.iter().find(|change| change.code == code) {
                return Ok(change.created_at);
            }
            let last = bot.status_changes.last().context("a bot without a state")?;
            if ["done", "fatal"].contains(&last.code.as_str()) {
                bail!(
                    "a bot ended as {} instead: {}",
                    last.code,
                    last.message.as_deref().unwrap_or("no message")
                );
            }
            self.env.clock.sleep(LOOK).await;
        }
        bail!("a bot did not come to {code} within 120 s")
    }

    /// Tells a bot to leave, and waits until it is done.
    pub(crate) async fn recall(&self, id: &str) -> anyhow::Result<()> {
        self.post(&format!("/api/v1/bot/{id}/leave_call/"), &json!({})).await?;
        self.when(id, "done").await.map(drop)
    }
}
