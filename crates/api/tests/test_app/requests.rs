//! Requests of people and programs.

use axum::{
    body::Body,
    http::{Request, header},
};
use model::Timestamp;
use serde_json::Value;
use store::BotServer;
use tenants::NewApiKey;

use super::{Answer, MINUTE, PEER, TestApp, within};

impl TestApp {
    /// Sends any request unchanged.
    pub(crate) async fn send(&self, request: Request<Body>) -> Answer {
        self.see_bots_elsewhere().await;
        // Boxed: otherwise the future of a test that calls this several times would grow.
        let answered =
            Box::pin(async { Answer::read(self.server.connection(PEER).answer(request).await).await });
        within(answered).await
    }

    /// Records that the other server is alive, however far the clock has jumped.
    async fn see_bots_elsewhere(&self) {
        let Some(seen_at) = &self.bots_elsewhere else { return };
        let now = self.env.now();
        if seen_at.lock().unwrap().is_some_and(|at| at.was_within(MINUTE, now)) {
            return;
        }
        let elsewhere = BotServer { id: "elsewhere".to_owned(), capacity: 1_000_000, seen_at: now };
        self.store.report_bot_server(&elsewhere, Timestamp::MIN).await.unwrap();
        *seen_at.lock().unwrap() = Some(now);
    }

    /// `method` on `path` with this app's key.
    pub(crate) async fn call(&self, method: &str, path: &str, body: Body) -> Answer {
        self.send(self.request(method, path).body(body).unwrap()).await
    }

    /// A request builder with this app's key.
    pub(crate) fn request(&self, method: &str, path: &str) -> axum::http::request::Builder {
        let key = format!("Token {}", self.api_key);
        Request::builder().method(method).uri(path).header(header::AUTHORIZATION, key)
    }

    pub(crate) async fn get(&self, path: &str) -> Answer {
        self.call("GET", path, Body::empty()).await
    }

    pub(crate) async fn post(&self, path: &str, body: Value) -> Answer {
        let request = self.request("POST", path).header(header::CONTENT_TYPE, "application/json");
        self.send(request.body(Body::from(body.to_string())).unwrap()).await
    }

    /// An address of this server.
    pub(crate) fn address(&self, path: &str) -> String {
        self.base.as_str().trim_end_matches('/').to_owned() + path
    }

    /// The path of an address of this server, without the part that a proxy would remove.
    pub(crate) fn path_of(&self, address: &str) -> String {
        let path = address.strip_prefix(self.base.as_str().trim_end_matches('/'));
        path.unwrap_or_else(|| panic!("{address} is not at {}", self.base)).to_owned()
    }

    /// This app's own workspace.
    pub(crate) async fn workspace(&self) -> model::WorkspaceId {
        self.workspaces.all().await.unwrap()[0].id
    }

    /// The key of another workspace.
    pub(crate) async fn another_workspace(&self) -> String {
        let (_, issued) = self.workspaces.create("other", None).await.unwrap();
        issued.key.expose().to_owned()
    }

    /// A key of this app's workspace with exactly these scopes, as the command line creates it.
    pub(crate) async fn key_with(&self, scopes: &str) -> String {
        let workspace = self.workspaces.all().await.unwrap()[0].id;
        let new = NewApiKey { scopes: scopes.parse().unwrap(), ..NewApiKey::for_everything(scopes) };
        let issued = self.workspaces.create_key(workspace, &new).await.unwrap().unwrap();
        issued.key.expose().to_owned()
    }

    /// `method` on `path` with another key.
    pub(crate) async fn call_as(&self, key: &str, method: &str, path: &str, body: Value) -> Answer {
        let request = Request::builder().method(method).uri(path);
        let request = request.header(header::AUTHORIZATION, format!("Token {key}"));
        let request = request.header(header::CONTENT_TYPE, "application/json");
        let body = if body.is_null() { Body::empty() } else { Body::from(body.to_string()) };
        self.send(request.body(body).unwrap()).await
    }
}
