//! Latchkey's API, as a user calls it.

use std::time::Duration;

use anyhow::{Context as _, bail};
use model::{Environment, Secret, Timestamp};
use reqwest::{Client, Method, header};
use serde::Deserialize;
use serde_json::Value;

const LOOK: Duration = Duration::from_millis(100);

/// `serve`'s first line.
#[derive(Deserialize)]
pub(super) struct Ready {
    pub(super) url: String,
    pub(super) chromium: Option<String>,
    pub(super) api_key: Option<Secret>,
}

/// The server, with its first key.
pub(super) struct Latchkey {
    http: Client,
    pub(super) url: String,
    pub(super) api_key: Secret,
    env: Environment,
}

/// A bot as the API shows it.
#[derive(Deserialize)]
pub(super) struct Bot {
    pub(super) id: String,
    pub(super) status_changes: Vec<Change>,
}

#[derive(Deserialize)]
pub(super) struct Change {
    pub(super) code: String,
    pub(super) sub_code: Option<String>,
    pub(super) message: Option<String>,
    pub(super) created_at: Timestamp,
}

impl Bot {
    pub(super) fn code(&self) -> &str {
        self.status_changes.last().map_or("", |change| &change.code)
    }

    pub(super) fn has_ended(&self) -> bool {
        ["done", "fatal"].contains(&self.code())
    }

    pub(super) fn at(&self, code: &str) -> Option<&Change> {
        self.status_changes.iter().find(|change| change.code == code)
    }
}

impl Latchkey {
    pub(super) fn new(http: Client, url: String, api_key: Secret, env: Environment) -> Self {
        Self { http, url, api_key, env }
    }

    pub(super) async fn post(&self, path: &str, body: &Value) -> anyhow::Result<Value> {
        self.call(Method::POST, path, Some(body)).await
    }

    pub(super) async fn get(&self, path: &str) -> anyhow::Result<Value> {
        self.call(Method::GET, path, None).await
    }

    async fn call(&self, method: Method, path: &str, body: Option<&Value>) -> anyhow::Result<Value> {
        let token = format!("Token {}", self.api_key.expose());
        let mut request = self.http.request(method.clone(), format!("{}{path}", self.url));
        request = request.header(header::AUTHORIZATION, token);
        if let Some(body) = body {
            request = request.json(body);
        }
        let response = request.send().await.with_context(|| format!("{method} {path}"))?;
        let status = response.status();
        let body: Value = response.json().await.with_context(|| format!("{method} {path}: not JSON"))?;
        if !status.is_success() {
            bail!("{method} {path} answered {status}: {body}");
        }
        Ok(body)
    }

    pub(super) async fn bot(&self, id: &str) -> anyhow::Result<Bot> {
        Ok(serde_json::from_value(self.get(&format!("/api/v1/bot/{id}/")).await?)?)
    }

    /// Watches a bot until `reached`, its end, or `patience` is over; then answers what it is. Its first `seen` states
    /// are no news.
    pub(super) async fn watch(
        &self,
        (id, mut seen): (&str, usize),
        patience: Duration,
        reached: impl Fn(&Bot) -> bool,
        mut changed: impl FnMut(&Change),
    ) -> anyhow::Result<Bot> {
        let give_up = self.env.now() + patience;
        loop {
            let bot = self.bot(id).await?;
            bot.status_changes.iter().skip(seen).for_each(&mut changed);
            seen = bot.status_changes.len();
            if reached(&bot) || bot.has_ended() || self.env.now() > give_up {
                return Ok(bot);
            }
            self.pause().await;
        }
    }

    /// A moment before looking again.
    pub(super) async fn pause(&self) {
        self.env.clock.sleep(LOOK).await;
    }

    /// `work`, or `None` when it took longer than `span`.
    pub(super) async fn within<T>(&self, span: Duration, work: impl Future<Output = T>) -> Option<T> {
        self.env.clock.timeout(span, work).await
    }

    /// The newest picture of a bot.
    pub(super) async fn picture(&self, id: &str) -> anyhow::Result<Option<Vec<u8>>> {
        let list = self.get(&format!("/api/v1/bot/{id}/screenshots/")).await?;
        let Some(url) = list["results"].as_array().and_then(|shots| shots.last()?["url"].as_str()) else {
            return Ok(None);
        };
        let token = format!("Token {}", self.api_key.expose());
        let response =
            self.http.get(url).header(header::AUTHORIZATION, token).send().await?.error_for_status()?;
        Ok(Some(response.bytes().await?.to_vec()))
    }
}
