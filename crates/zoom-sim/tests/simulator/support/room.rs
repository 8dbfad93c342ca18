//! A running meeting, with its host, an app and another user.

use serde_json::{Value, json};

use super::socket::{Joined, Joiner};
use super::{App, Zoom};

/// A simulator with one meeting, an app to join it with, its host, and another user.
pub(crate) struct RunningMeeting {
    pub(crate) zoom: Zoom,
    pub(crate) app: App,
    pub(crate) host: String,
    pub(crate) guest: String,
    pub(crate) number: String,
}

impl RunningMeeting {
    /// Starts an empty meeting, unless the settings differ.
    pub(crate) async fn with(settings: Value) -> Self {
        let zoom = Zoom::start().await;
        let (host, guest) = (zoom.user("host").await, zoom.user("guest").await);
        let app = zoom.app(json!({})).await;
        let mut body = json!({"host_id": host, "started": true});
        body.as_object_mut().unwrap().extend(settings.as_object().unwrap().clone());
        let number = zoom.meeting(body).await;
        Self { zoom, app, host, guest, number }
    }

    /// The meeting as the control API shows it.
    pub(crate) async fn show(&self) -> Value {
        self.zoom.control("GET", &format!("/meetings/{}", self.number), Value::Null).await
    }

    pub(crate) async fn change(&self, settings: Value) {
        self.zoom.control("PATCH", &format!("/meetings/{}", self.number), settings).await;
    }

    /// `POST` to a path of the meeting.
    pub(crate) async fn act(&self, path: &str) -> Value {
        self.zoom.control("POST", &format!("/meetings/{}{path}", self.number), Value::Null).await
    }

    pub(crate) async fn names(&self) -> Vec<String> {
        let meeting = self.show().await;
        let people = meeting["participants"].as_array().unwrap().iter();
        people.map(|person| person["name"].as_str().unwrap().to_owned()).collect()
    }

    /// A joiner with a valid signature and no other credentials.
    pub(crate) fn anonymous(&self) -> Joiner<'_> {
        Joiner::new(&self.app, &self.number)
    }

    pub(crate) async fn join(&self, joiner: &Joiner<'_>) -> Joined {
        self.zoom.join(joiner).await.expect("the join is admitted")
    }

    /// Whether step 1 of a participant with this name gets no answer.
    pub(crate) async fn is_cut_off(&self, name: &str) -> bool {
        let form = [("meetingNumber", self.number.as_str()), ("userName", name)];
        self.zoom.try_post("/api/v1/wc/info", &form).await.is_err()
    }

    /// The code of the refusal; 0 if the join is admitted.
    pub(crate) async fn refused(&self, joiner: &Joiner<'_>) -> u64 {
        self.zoom.join(joiner).await.err().unwrap_or_default()
    }
}
