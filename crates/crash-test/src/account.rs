//! A connected account, as a bot platform sees it.

use std::time::Duration;

use anyhow::{Context as _, bail};
use model::Environment;
use outbound::signature::SigningKey;
use reqwest::{Client, StatusCode};
use stage::{Server, text};

use crate::kill_points::Outcome;

/// A dead server's lease, its successor's patience, and two calls to a slow Zoom.
const SETTLES_WITHIN: Duration = Duration::from_secs(150);
const POLL_INTERVAL: Duration = Duration::from_millis(500);
/// A platform waits no longer.
const WAIT_TIMEOUT: Duration = Duration::from_secs(10);

/// An account, and the link to its ZAKs.
#[derive(Clone)]
pub(crate) struct Account {
    pub(crate) id: String,
    /// At Zoom.
    pub(crate) user: String,
    /// Without its server: `/t/…`.
    pub(crate) link: String,
    pub(crate) key: std::sync::Arc<SigningKey>,
    pub(crate) http: Client,
    pub(crate) env: Environment,
}

/// What a platform hears.
pub(crate) struct Answer {
    pub(crate) status: StatusCode,
    pub(crate) retry_after: Option<String>,
    pub(crate) body: String,
}

impl Answer {
    /// The stable code of a refusal.
    pub(crate) fn code(&self) -> &str {
        self.body.split_once(':').map_or("", |(code, _)| code)
    }
}

impl Account {
    /// Asks for a new ZAK, which needs an access token that Zoom takes.
    pub(crate) async fn ask(&self, server: &Server) -> anyhow::Result<Answer> {
        self.fetch(server, "?fresh=1").await
    }

    /// Asks for a ZAK, be it one from memory.
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

    /// Asks for an access token that our own record calls valid.
    pub(crate) async fn access_token(&self, server: &Server) -> anyhow::Result<String> {
        let path = format!("/api/v2/zoom-oauth-credentials/{}/access-token/", self.id);
        Ok(text(&server.get(&path).await?, "access_token")?.to_owned())
    }

    /// What the API says of it.
    pub(crate) async fn status(&self, server: &Server) -> anyhow::Result<String> {
        let account = server.get(&format!("/api/v2/zoom-oauth-credentials/{}/", self.id)).await?;
        Ok(text(&account, "latchkey_status")?.to_owned())
    }

    /// Asks until there is a token, or the API says that a person is needed.
    pub(crate) async fn settle(&self, server: &Server) -> anyhow::Result<Outcome> {
        let give_up = self.env.now() + SETTLES_WITHIN;
        loop {
            let answer = self.ask(server).await.context("the server does not answer")?;
            let status = self.status(server).await?;
            match (answer.status, status.as_str()) {
                (StatusCode::OK, "healthy") => return Ok(Outcome::Recovered),
                (_, "needs_reauth:response_lost") => return Ok(Outcome::ResponseLost),
                (StatusCode::OK, other) => bail!("it gives tokens, and is called {other}"),
                (_, other) if other.starts_with("needs_reauth") => bail!("it is called {other}"),
                (_, other) if self.env.now() > give_up => {
                    bail!("it is still called {other}, and a platform hears {}", answer.body)
                }
                _ => self.env.clock.sleep(POLL_INTERVAL).await,
            }
        }
    }
}
