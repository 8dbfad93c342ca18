//! A connected account, as a bot platform sees it.

use std::time::Duration;

use anyhow::{Context as _, bail};
use model::Environment;
use outbound::signature::SigningKey;
use reqwest::{Client, StatusCode};
use stage::{Server, text};

use crate::kill_points::Outcome;

/// Covers a dead server's lease, its successor's wait, and two calls to a slow Zoom.
const SETTLES_WITHIN: Duration = Duration::from_secs(150);
const POLL_INTERVAL: Duration = Duration::from_millis(500);
/// Timeout of a bot platform.
const WAIT_TIMEOUT: Duration = Duration::from_secs(10);

/// An account, and the token link for its ZAKs.
#[derive(Clone)]
pub(crate) struct Account {
    pub(crate) id: String,
    /// The user's id at Zoom.
    pub(crate) user: String,
    /// Path of the token link: `/t/…`.
    pub(crate) link: String,
    pub(crate) key: std::sync::Arc<SigningKey>,
    pub(crate) http: Client,
    pub(crate) env: Environment,
}

/// The answer that a platform receives.
pub(crate) struct Answer {
    pub(crate) status: StatusCode,
    pub(crate) retry_after: Option<String>,
    pub(crate) body: String,
}

impl Answer {
    /// The error code of a refusal.
    pub(crate) fn code(&self) -> &str {
        self.body.split_once(':').map_or("", |(code, _)| code)
    }
}

impl Account {
    /// Requests a new ZAK, which needs an access token that Zoom accepts.
    pub(crate) async fn ask(&self, server: &Server) -> anyhow::Result<Answer> {
        self.fetch(server, "?fresh=1").await
    }

    /// Requests a ZAK, possibly from the cache.
    pub(crate) async fn ask_for_any(&self, server: &Server) -> anyhow::Result<Answer> {
        self.fetch(server, "").await
    }

    async fn fetch(&self, server: &Server, query: &str) -> anyhow::Result<Answer> {
        let (id, now) = (format!("msg_{}", self.env.entropy.token()), self.env.now());
        let request = self.http.get(format!("{}{}{query}", server.url, self.link)).timeout(WAIT_TIMEOUT);
        let request = request.header("webhook-signature", self.key.sign(&id, now, b""));
        let request = request.header("webhook-id", id).header("webhook-timestamp", now.as_second());
        let answer = request.send().await.map_err(reqwest::Error::without_url)?;
        let header = |name| answer.headers().get(name).and_then(|value| value.to_str().ok());
        let (status, retry_after) = (answer.status(), header("retry-after").map(str::to_owned));
        Ok(Answer { status, retry_after, body: answer.text().await? })
    }

    /// Requests an access token that Latchkey regards as valid.
    pub(crate) async fn access_token(&self, server: &Server) -> anyhow::Result<String> {
        let path = format!("/api/v2/zoom-oauth-credentials/{}/access-token/", self.id);
        Ok(text(&server.get(&path).await?, "access_token")?.to_owned())
    }

    /// The account's status in the API.
    pub(crate) async fn status(&self, server: &Server) -> anyhow::Result<String> {
        let account = server.get(&format!("/api/v2/zoom-oauth-credentials/{}/", self.id)).await?;
        Ok(text(&account, "latchkey_status")?.to_owned())
    }

    /// Requests ZAKs until one is issued, or the API reports that a person must act.
    pub(crate) async fn settle(&self, server: &Server) -> anyhow::Result<Outcome> {
        let give_up = self.env.now() + SETTLES_WITHIN;
        loop {
            let answer = self.ask(server).await.context("the server does not answer")?;
            let status = self.status(server).await?;
            match (answer.status, status.as_str()) {
                (StatusCode::OK, "healthy") => return Ok(Outcome::Recovered),
                (_, "needs_reauth:response_lost") => return Ok(Outcome::ResponseLost),
                (StatusCode::OK, other) => bail!("the account issues tokens, but its status is {other}"),
                (_, other) if other.starts_with("needs_reauth") => bail!("the account's status is {other}"),
                (_, other) if self.env.now() > give_up => {
                    bail!("the account's status is still {other}, and a platform receives {}", answer.body)
                }
                _ => self.env.clock.sleep(POLL_INTERVAL).await,
            }
        }
    }
}
