//! An app with a webhook, and a user of it.

use serde_json::{Value, json};

use super::receiver::{Heard, Receiver, SECRET_TOKEN};
use super::{App, Zoom};

/// A user who has consented to an app, and the app's server.
pub(crate) struct Scene {
    pub(crate) zoom: Zoom,
    pub(crate) app: App,
    pub(crate) user: String,
    pub(crate) receiver: Receiver,
}

impl Scene {
    /// An app with a webhook, and a user who has consented to it.
    pub(crate) async fn start() -> Self {
        Self::with(json!({})).await
    }

    /// Like [`Self::start`], with more fields of the app.
    pub(crate) async fn with(app: Value) -> Self {
        let zoom = Zoom::start().await;
        let user = zoom.user("ada").await;
        let app = zoom.app(app).await;
        zoom.connect(&app).await;
        let receiver = Receiver::start().await;
        let scene = Self { zoom, app, user, receiver };
        let registered = scene.register(json!({})).await;
        assert_eq!(
            (&registered["validated"], &registered["last_validation"]["reason"]),
            (&json!(true), &Value::Null)
        );
        scene
    }

    pub(crate) fn hook(&self, action: &str) -> String {
        format!("/apps/{}/webhook{action}", self.app.id)
    }

    pub(crate) async fn register(&self, extra: Value) -> Value {
        let mut body = json!({"url": self.receiver.url, "secret_token": SECRET_TOKEN});
        body.as_object_mut().unwrap().extend(extra.as_object().unwrap().clone());
        self.zoom.control("PUT", &self.hook(""), body).await
    }

    pub(crate) async fn change_user(&self, change: Value) {
        self.zoom.control("PATCH", &format!("/users/{}", self.user), change).await;
    }

    pub(crate) async fn send(&self, event: &str, signed: &str) -> Value {
        let body = json!({"event": event, "user_id": self.user, "signed": signed});
        self.zoom.control("POST", &self.hook("/send"), body).await
    }

    /// Waits until the newest event has had this many attempts and none is in progress, and returns it.
    pub(crate) async fn after_attempts(&self, attempts: usize) -> Value {
        let rests = async || loop {
            let all = self.zoom.control("GET", "/webhooks", Value::Null).await;
            let newest =
                all.as_array().unwrap().iter().rfind(|one| one["event"] != "endpoint.url_validation");
            if let Some(newest) = newest
                && newest["state"] != "sending"
                && newest["attempts"].as_array().unwrap().len() == attempts
            {
                return newest.clone();
            }
        };
        tokio::time::timeout(std::time::Duration::from_secs(30), rests()).await.unwrap()
    }

    /// Waits until the app has received `count` events with this name, and returns them.
    pub(crate) async fn heard(&self, event: &str, count: usize) -> Vec<Heard> {
        let told = async || loop {
            let told: Vec<Heard> =
                self.receiver.events().into_iter().filter(|heard| heard.json["event"] == event).collect();
            if told.len() >= count {
                return told;
            }
            tokio::task::yield_now().await;
        };
        let told = tokio::time::timeout(std::time::Duration::from_secs(30), told()).await;
        told.unwrap_or_else(|_| panic!("waited for {count} {event}: {:?}", self.receiver.events()))
    }
}
