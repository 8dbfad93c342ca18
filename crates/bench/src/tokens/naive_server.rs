//! A server as most teams write it: it verifies the signature, refreshes the access token when it is about to expire, and
//! lets Zoom mint a ZAK for every request.

use std::{fs, path::PathBuf, sync::Arc, time::Duration};

use anyhow::Context as _;
use axum::{
    Router,
    extract::State,
    http::{HeaderMap, StatusCode},
    routing::get,
};
use model::{Environment, Secret, Timestamp};
use outbound::signature::SigningKey;
use reqwest::{Certificate, Client, Response};
use serde::Deserialize;
use serde_json::Value;
use tokio::sync::Mutex;

use super::role::{Input, verify};

/// Remaining lifetime below which a token is refreshed.
const MARGIN: Duration = Duration::from_secs(60);

/// The input line.
#[derive(Deserialize)]
struct Given {
    secret: Secret,
    oauth_base: String,
    api_base: String,
    ca_file: PathBuf,
    client_id: String,
    client_secret: Secret,
    refresh_token: String,
}

struct Team {
    given: Given,
    key: SigningKey,
    zoom: Client,
    grant: Mutex<Grant>,
    env: Environment,
}

struct Grant {
    access_token: String,
    refresh_token: String,
    ends_at: Timestamp,
}

/// Serves until its standard input ends.
#[expect(clippy::disallowed_methods, reason = "a team's own client")]
pub(crate) async fn run(env: Environment) -> anyhow::Result<()> {
    let (given, input) = Input::read::<Given>().await?;
    let authority = Certificate::from_pem(&fs::read(&given.ca_file)?)?;
    let zoom = Client::builder().no_proxy().tls_certs_merge([authority]).build()?;
    let key = SigningKey::parse(&given.secret).context("the secret is invalid")?;
    let refresh_token = given.refresh_token.clone();
    let grant = Mutex::new(Grant { access_token: String::new(), refresh_token, ends_at: env.now() });
    let team = Arc::new(Team { given, key, zoom, grant, env });
    input.serve(Router::new().route("/t/{address}", get(handler)).with_state(team)).await
}

async fn handler(State(team): State<Arc<Team>>, headers: HeaderMap) -> Result<String, StatusCode> {
    verify(&headers, &team.key, team.env.now())?;
    team.zak().await.map_err(|_| StatusCode::BAD_GATEWAY)
}

impl Team {
    async fn zak(&self) -> anyhow::Result<String> {
        let address = format!("{}/v2/users/me/token?type=zak&ttl=7200", self.given.api_base);
        let answer = self.zoom.get(address).bearer_auth(self.access_token().await?).send().await?;
        text(answer, "token").await
    }

    async fn access_token(&self) -> anyhow::Result<String> {
        let mut grant = self.grant.lock().await;
        if grant.ends_at < self.env.now() + MARGIN {
            let form = [("grant_type", "refresh_token"), ("refresh_token", &*grant.refresh_token)];
            let address = format!("{}/oauth/token", self.given.oauth_base);
            let request = self.zoom.post(address).form(&form);
            let request = request.basic_auth(&self.given.client_id, Some(self.given.client_secret.expose()));
            let answer: Value = request.send().await?.error_for_status()?.json().await?;
            let seconds = answer["expires_in"].as_u64().context("no expires_in")?;
            let field = |name: &str| answer[name].as_str().map(str::to_owned).context("a token is missing");
            *grant = Grant {
                access_token: field("access_token")?,
                refresh_token: field("refresh_token")?,
                ends_at: self.env.now() + Duration::from_secs(seconds),
            };
        }
        Ok(grant.access_token.clone())
    }
}

async fn text(answer: Response, field: &str) -> anyhow::Result<String> {
    let answer: Value = answer.error_for_status()?.json().await?;
    answer[field].as_str().map(str::to_owned).with_context(|| format!("no {field}"))
}
