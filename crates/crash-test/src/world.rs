//! The environment of every case: a workspace with an app, and people who connect their accounts.

use std::sync::{Arc, Mutex, PoisonError};

use anyhow::{Context as _, ensure};
use model::Secret;
use outbound::signature::SigningKey;
use reqwest::Method;
use serde_json::{Value, json};
use stage::{Postgres, Server, text};

use crate::{
    Place,
    account::Account,
    fixture::{Database, Fixture},
    leaked_secrets::{self, Searched},
};

/// Zoom and the simulator accept any port on loopback.
const REDIRECT: &str = "http://127.0.0.1/oauth/zoom/callback";
/// Upper bound of the servers in a case.
const REPLICAS: u32 = 4;

pub(crate) struct World {
    pub(crate) fixture: Fixture,
    api_key: Secret,
    app: String,
    /// Client id and secret of the app at Zoom.
    client: (String, Secret),
    key: Arc<SigningKey>,
    /// Secrets that must not leak, in addition to those that the simulator issued.
    secrets: Mutex<Vec<String>>,
    searched: Mutex<Searched>,
}

impl World {
    pub(crate) async fn make(place: &Place, name: &str, database: Database) -> anyhow::Result<Self> {
        let fixture = Fixture::make(place, name, database).await?;
        let server = fixture.start(0, &[], None).await?;
        let redirect = REDIRECT;
        let app = json!({ "name": "Crash", "kind": "user_level", "redirect_uris": [redirect], "sdk": true });
        let app = fixture.simulator.post("/apps", &app).await?;
        let webhook_secret = "planted-webhook-secret";
        let registration = json!({ "kind": "user_level", "client_id": app["client_id"],
                                   "client_secret": app["client_secret"], "webhook_secret": webhook_secret });
        let registered = server.post("/api/v2/zoom-oauth-apps/", &registration).await?;
        let callback = server.get("/api/latchkey/v1/callback-secret/").await?;
        let callback = text(&callback, "secret")?;
        let secrets = [webhook_secret, text(&app, "client_secret")?, callback, server.api_key.expose()];
        let world = Self {
            api_key: server.api_key.clone(),
            app: text(&registered, "id")?.to_owned(),
            client: (text(&app, "client_id")?.to_owned(), Secret::new(text(&app, "client_secret")?)),
            key: SigningKey::parse(&Secret::new(callback)).context("the callback secret is invalid")?.into(),
            secrets: Mutex::new(secrets.map(str::to_owned).into()),
            searched: Mutex::default(),
            fixture,
        };
        server.stop().await;
        Ok(world)
    }

    /// Starts the server with this number.
    pub(crate) async fn serve(&self, replica: u32, variables: &[(&str, &str)]) -> anyhow::Result<Server> {
        self.fixture.start(replica, variables, Some(self.api_key.clone())).await
    }

    /// Starts the server with this number, with these bot settings.
    pub(crate) async fn serve_with_bots(&self, replica: u32, bots: &Value) -> anyhow::Result<Server> {
        self.fixture.start_with_bots(replica, bots, Some(self.api_key.clone())).await
    }

    /// Starts the server with this number, with these bot settings and environment variables.
    pub(crate) async fn serve_bots_with(
        &self,
        replica: u32,
        bots: &Value,
        variables: &[(&str, &str)],
    ) -> anyhow::Result<Server> {
        self.fixture.start_bots_with(replica, bots, variables, Some(self.api_key.clone())).await
    }

    /// Starts the server with this number, with stand-ins for Chromium.
    pub(crate) async fn serve_with_stand_ins(&self, replica: u32, bots: &Value) -> anyhow::Result<Server> {
        self.fixture.start_with_stand_ins(replica, bots, Some(self.api_key.clone())).await
    }

    /// The API key of the workspace.
    pub(crate) fn api_key(&self) -> Secret {
        self.api_key.clone()
    }

    /// Creates a user at Zoom who connects an account.
    pub(crate) async fn connect(&self, server: &Server) -> anyhow::Result<Account> {
        let number = self.fixture.count();
        let user = json!({ "email": format!("user{number}@example.test"), "display_name": "Ada Lovelace" });
        let user = self.fixture.simulator.post("/users", &user).await?;
        self.connect_link(server, text(&user, "id")?).await?;
        self.account(server).await
    }

    /// The newest account, with a new token link.
    pub(crate) async fn account(&self, server: &Server) -> anyhow::Result<Account> {
        let credentials = self.credentials(server).await?;
        let newest = credentials.first().context("there is no account")?;
        ensure!(
            newest["latchkey_status"] == "healthy",
            "the status of a new account is {}",
            newest["latchkey_status"]
        );
        let link = json!({ "credential": newest["id"], "kind": "zak" });
        let link = server.post("/api/latchkey/v1/token-links/", &link).await?;
        let link = text(&link, "url")?.strip_prefix(&server.url).context("a link of another server")?;
        self.must_not_leak(link.split_once('.').context("a link without a secret")?.1);
        Ok(Account {
            id: text(newest, "id")?.to_owned(),
            user: text(newest, "user_id")?.to_owned(),
            link: link.to_owned(),
            key: Arc::clone(&self.key),
            http: self.fixture.http.clone(),
            env: self.fixture.env.clone(),
        })
    }

    /// The same user consents again; the account keeps its id.
    pub(crate) async fn connect_again(&self, server: &Server, account: &Account) -> anyhow::Result<()> {
        self.connect_link(server, &account.user).await?;
        let status = account.status(server).await?;
        ensure!(status == "healthy", "after a new consent the status is {status}");
        Ok(())
    }

    /// Creates a user at Zoom with a grant for another program. Returns the user's id and the refresh token.
    pub(crate) async fn grant_of_another_program(&self) -> anyhow::Result<(String, Secret)> {
        let user = json!({ "email": "elsewhere@example.test", "display_name": "Ada Lovelace" });
        let user = self.fixture.simulator.post("/users", &user).await?;
        let user = text(&user, "id")?.to_owned();
        self.sign_in(&user).await?;
        let client = (&*self.client.0, &self.client.1);
        let held = stage::refresh_token_of_another_program(&self.fixture.simulator, client, REDIRECT).await?;
        Ok((user, held))
    }

    /// The app's id.
    pub(crate) fn app(&self) -> &str {
        &self.app
    }

    async fn sign_in(&self, user: &str) -> anyhow::Result<()> {
        self.fixture.simulator.call(Method::PUT, "/signed-in", &json!({ "user_id": user })).await.map(drop)
    }

    /// Lets the user consent to Latchkey.
    pub(crate) async fn connect_link(&self, server: &Server, user: &str) -> anyhow::Result<()> {
        self.sign_in(user).await?;
        let invitation =
            server.post("/api/latchkey/v1/connect-links/", &json!({ "oauth_app": self.app })).await?;
        let invitation = text(&invitation, "url")?;
        self.must_not_leak(invitation.rsplit(['=', '.']).next().unwrap_or_default());
        stage::consent(&self.fixture.simulator, invitation).await
    }

    /// All accounts, newest first.
    pub(crate) async fn credentials(&self, server: &Server) -> anyhow::Result<Vec<Value>> {
        let list = server.get("/api/v2/zoom-oauth-credentials/").await?;
        Ok(list["results"].as_array().cloned().unwrap_or_default())
    }

    /// Moves Zoom's time forward until all access tokens have expired.
    pub(crate) async fn expire(&self) -> anyhow::Result<()> {
        self.fixture.simulator.post("/clock", &json!({ "advance_seconds": 3700 })).await.map(drop)
    }

    /// Adds a secret that must not leak.
    pub(crate) fn must_not_leak(&self, secret: &str) {
        self.secrets.lock().unwrap_or_else(PoisonError::into_inner).push(secret.to_owned());
    }

    /// Sets the lifetime of Zoom's access tokens in seconds. Latchkey refreshes a token when it has a minute left.
    pub(crate) async fn tokens_live(&self, seconds: u32) -> anyhow::Result<()> {
        let switch = json!({ "access_token_seconds": seconds });
        self.fixture.simulator.call(Method::PATCH, "/switches", &switch).await.map(drop)
    }

    /// All secrets that must not leak.
    async fn all_secrets(&self) -> anyhow::Result<Vec<String>> {
        let issued = self.fixture.simulator.get("/issued").await?;
        let issued = issued.as_array().into_iter().flatten().filter_map(|it| it["secret"].as_str());
        let mut secrets: Vec<_> = issued.map(str::to_owned).collect();
        secrets.extend_from_slice(&self.secrets.lock().unwrap_or_else(PoisonError::into_inner));
        secrets.retain(|secret| secret.len() >= 16);
        Ok(secrets)
    }

    /// Searches for secrets in what a dead server left on its disk.
    pub(crate) async fn search_escrow(&self) -> anyhow::Result<()> {
        let found = self.files_of(&self.all_secrets().await?, 0)?;
        self.searched.lock().unwrap_or_else(PoisonError::into_inner).add(found);
        Ok(())
    }

    /// Searches a server's folder: the escrow, the audit's journal and, unless it is PostgreSQL, the database.
    fn files_of(&self, secrets: &[String], replica: u32) -> anyhow::Result<Searched> {
        let (mut searched, data) = (Searched::default(), self.fixture.data(replica));
        for folder in [data.clone(), data.join("escrow"), data.join("audit")] {
            searched.add(leaked_secrets::files(secrets, &folder)?);
        }
        Ok(searched)
    }

    /// Searches for secrets in logs, the database, the audit and files, and stops the simulator.
    pub(crate) async fn close(self) -> anyhow::Result<Searched> {
        let secrets = self.all_secrets().await?;
        let mut searched = std::mem::take(&mut *self.searched.lock().unwrap_or_else(PoisonError::into_inner));
        searched.add(leaked_secrets::files(&secrets, &self.fixture.logs())?);
        for replica in 0..REPLICAS {
            searched.add(self.files_of(&secrets, replica)?);
        }
        if let Some(address) = &self.fixture.postgres {
            searched.add(leaked_secrets::text(&secrets, address, &Postgres::dump(address)?));
        }
        searched.add(leaked_secrets::text(&secrets, "the audit's export", &self.fixture.audit().await?));
        searched.sharpen(&secrets)?;
        self.fixture.simulator.stop(&self.fixture.env).await;
        Ok(searched)
    }
}
