//! Latchkey: `latchkey serve` and its API.

use std::{path::Path, time::Duration};

use anyhow::Context as _;
use model::{Environment, Secret, Timestamp};
use reqwest::{Client, Method, RequestBuilder, header};
use serde::Deserialize;
use serde_json::{Value, json};

use crate::{Log, Process, Program, answer, text};

const POLL_INTERVAL: Duration = Duration::from_millis(100);

/// `serve`'s first line.
#[derive(Deserialize)]
struct Ready {
    url: String,
    chromium: Option<String>,
    /// Only on the first start.
    api_key: Option<Secret>,
    /// Only on the first start.
    console: Option<Secret>,
}

/// A running server, with an API key.
pub struct Server {
    /// The process.
    pub process: Process,
    /// The server's URL, without a slash at the end.
    pub url: String,
    /// API key of its only workspace.
    pub api_key: Secret,
    /// A link that signs a browser in to the console, once; only on the first start.
    pub console: Option<Secret>,
    /// The version of Chromium; empty without bots.
    pub chromium: String,
    http: Client,
    env: Environment,
}

/// A bot as the API shows it.
#[derive(Debug, Deserialize)]
pub struct Bot {
    /// The bot's id.
    pub id: String,
    /// All states so far, oldest first.
    pub status_changes: Vec<Change>,
}

/// A bot's state.
#[derive(Debug, Deserialize)]
pub struct Change {
    /// The state, such as `in_call_not_recording`.
    pub code: String,
    /// The reason, for machines.
    pub sub_code: Option<String>,
    /// The reason, for people.
    pub message: Option<String>,
    /// When the bot entered this state.
    pub created_at: Timestamp,
}

impl Bot {
    /// The latest state.
    pub fn code(&self) -> &str {
        self.status_changes.last().map_or("", |change| &change.code)
    }

    /// Whether the bot is in a final state.
    pub fn has_ended(&self) -> bool {
        ["done", "fatal"].contains(&self.code())
    }

    /// The bot's first change to this state.
    pub fn at(&self, code: &str) -> Option<&Change> {
        self.status_changes.iter().find(|change| change.code == code)
    }
}

impl Server {
    /// Starts `latchkey serve` with this configuration. `api_key` is required if the data was created by an earlier start.
    pub async fn start(
        latchkey: impl Into<Program<'_>>,
        config: &Path,
        api_key: Option<Secret>,
        log: &Path,
        http: Client,
        env: &Environment,
    ) -> anyhow::Result<Self> {
        let arguments =
            ["serve".as_ref(), "--stop-with-stdin".as_ref(), "--config".as_ref(), config.as_os_str()];
        let (process, ready): (_, Ready) =
            Process::start(latchkey, &arguments, "", Log("server", log), env).await?;
        let Ready { url, chromium, api_key: first, console } = ready;
        let api_key = first.or(api_key).context("the server did not print its first API key")?;
        let chromium = chromium.unwrap_or_default();
        Ok(Self { process, url, api_key, console, chromium, http, env: env.clone() })
    }

    /// Stops the server.
    pub async fn stop(self) {
        self.process.stop(&self.env).await;
    }

    /// `POST`
    pub async fn post(&self, path: &str, body: &Value) -> anyhow::Result<Value> {
        let request = self.request(Method::POST, &format!("{}{path}", self.url)).json(body);
        answer(request, &format!("POST {path}")).await
    }

    /// `PATCH`
    pub async fn patch(&self, path: &str, body: &Value) -> anyhow::Result<Value> {
        let request = self.request(Method::PATCH, &format!("{}{path}", self.url)).json(body);
        answer(request, &format!("PATCH {path}")).await
    }

    /// `GET`
    pub async fn get(&self, path: &str) -> anyhow::Result<Value> {
        answer(self.request(Method::GET, &format!("{}{path}", self.url)), &format!("GET {path}")).await
    }

    /// `GET` of an answer that is not JSON.
    pub async fn get_text(&self, path: &str) -> anyhow::Result<String> {
        let answer = self.request(Method::GET, &format!("{}{path}", self.url)).send().await?;
        Ok(answer.error_for_status()?.text().await?)
    }

    fn request(&self, method: Method, url: &str) -> RequestBuilder {
        let token = format!("Token {}", self.api_key.expose());
        self.http.request(method, url).header(header::AUTHORIZATION, token)
    }

    /// Sends a bot, and returns its id.
    pub async fn send_bot(&self, request: &Value) -> anyhow::Result<String> {
        Ok(text(&self.post("/api/v1/bot/", request).await?, "id")?.to_owned())
    }

    /// The bot's current state.
    pub async fn bot(&self, id: &str) -> anyhow::Result<Bot> {
        Ok(serde_json::from_value(self.get(&format!("/api/v1/bot/{id}/")).await?)?)
    }

    /// Tells a bot to leave.
    pub async fn tell_to_leave(&self, id: &str) -> anyhow::Result<()> {
        self.post(&format!("/api/v1/bot/{id}/leave_call/"), &json!({})).await.map(drop)
    }

    /// Watches a bot until `reached`, its end, or the timeout `patience`, and returns the bot. Its first `seen` states are
    /// not reported.
    pub async fn watch(
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
            self.env.clock.sleep(POLL_INTERVAL).await;
        }
    }

    /// The newest picture of a bot; waits up to `patience` for the first one.
    pub async fn picture(&self, id: &str, patience: Duration) -> anyhow::Result<Option<Vec<u8>>> {
        let (list, give_up) = (format!("/api/v1/bot/{id}/screenshots/"), self.env.now() + patience);
        loop {
            let shots = self.get(&list).await?;
            if let Some(shot) = shots["results"].as_array().and_then(|shots| shots.last()) {
                let response =
                    self.request(Method::GET, text(shot, "url")?).send().await?.error_for_status()?;
                return Ok(Some(response.bytes().await?.to_vec()));
            }
            if self.env.now() > give_up {
                return Ok(None);
            }
            self.env.clock.sleep(POLL_INTERVAL).await;
        }
    }
}
