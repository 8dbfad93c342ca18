//! Accounts and links.

use std::{num::NonZeroU32, sync::Arc};

use axum::{
    body::Body,
    http::{Request, header},
};
use broker::DueLists;
use model::Secret;
use outbound::signature::SigningKey;
use serde_json::{Value, json};
use workers::{NoopObserver, Settings, Worker, Workers};

use super::{Answer, MINUTE, TestApp};

impl TestApp {
    /// An invitation to connect an account: the path that a browser opens.
    pub(crate) async fn invitation(&self) -> String {
        let answer =
            self.post("/api/latchkey/v1/connect-links/", json!({ "oauth_app": self.zoom_app })).await;
        self.path_of(answer.created()["url"].as_str().unwrap())
    }

    /// Opens an invitation: the address at Zoom, and the cookie as the browser sends it back.
    pub(crate) async fn begin_consent(&self, invitation: &str) -> (String, String) {
        let answer = self.get(&format!("{invitation}&go=zoom")).await;
        assert_eq!(answer.status, 303, "{}", answer.text);
        let cookie = answer.header("set-cookie").split(';').next().unwrap().to_owned();
        (answer.header("location").to_owned(), cookie)
    }

    /// Returns from Zoom to `address` with `cookie`.
    pub(crate) async fn finish_consent(&self, address: &str, cookie: &str) -> Answer {
        let request = Request::builder().uri(self.path_of(address)).header(header::COOKIE, cookie);
        self.send(request.body(Body::empty()).unwrap()).await
    }

    /// Connects a Zoom user through the browser flow. Returns the account's id.
    pub(crate) async fn connect(&self, user: &Value) -> String {
        self.zoom.control("PUT", "signed-in", json!({ "user_id": user["id"] })).await;
        let (location, cookie) = self.begin_consent(&self.invitation().await).await;
        let back = self.zoom.decide(&location, "allow").await;
        let page = self.finish_consent(&back, &cookie).await;
        assert_eq!(page.status, 200, "{}", page.text);
        let user = user["id"].as_str().unwrap();
        let found = self.get(&format!("/api/v2/zoom-oauth-credentials/?user_id={user}")).await;
        found.ok()["results"][0]["id"].as_str().unwrap().to_owned()
    }

    /// A token link of an account: its address.
    pub(crate) async fn token_link(&self, account: &str) -> String {
        let link = json!({ "credential": account, "kind": "zak" });
        let link = self.post("/api/latchkey/v1/token-links/", link).await;
        link.created()["url"].as_str().unwrap().to_owned()
    }

    /// The headers of a platform's request to a link, signed now.
    pub(crate) async fn signature(&self, id: &str) -> [(&'static str, String); 3] {
        let secret = self.get("/api/latchkey/v1/callback-secret/").await.ok();
        let key = SigningKey::parse(&Secret::new(secret["secret"].as_str().unwrap())).unwrap();
        let now = self.env.now();
        [
            ("webhook-id", id.to_owned()),
            ("webhook-timestamp", now.as_second().to_string()),
            ("webhook-signature", key.sign(id, now, b"")),
        ]
    }

    /// Syncs the meetings of all accounts that are due.
    pub(crate) async fn list_meetings(&self) {
        let workers = Workers::new(self.env.clone(), Arc::new(NoopObserver));
        let lists = DueLists::new(self.broker.meeting_map.clone(), workers.stopping().clone());
        let settings = Settings {
            most_at_once: NonZeroU32::new(99).unwrap(),
            claim_at_least: NonZeroU32::MIN,
            poll_interval: MINUTE,
        };
        Worker::new(&workers, lists, settings).claim().await.unwrap();
        let listed = async || {
            let waiting = "/api/v2/zoom-oauth-credentials/?meeting_sync_status=in_progress";
            let waiting = self.get(waiting).await.ok();
            waiting["results"].as_array()?.is_empty().then_some(())
        };
        self.wait_for("meetings are listed", listed).await;
    }
}
