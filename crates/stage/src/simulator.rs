//! Zoom: `latchkey sim` and its control API.

use std::path::Path;

use browser::ZoomOverride;
use model::Environment;
use reqwest::{Client, Method};
use serde::Deserialize;
use serde_json::Value;

use crate::{Log, Process, answer};

/// The simulated Zoom.
pub struct Simulator {
    process: Process,
    http: Client,
    /// The simulator's addresses.
    pub ready: zoom_sim::Ready,
}

/// A participant of a meeting.
#[derive(Debug, Deserialize)]
pub struct Participant {
    /// The name that was given at the join.
    pub name: String,
    /// The signed-in user; `None` for a guest.
    pub user_id: Option<String>,
    /// URL of the signed-in user's picture.
    pub avatar: Option<String>,
    /// `host` or `attendee`.
    pub role: String,
}

impl Simulator {
    /// Starts `latchkey sim`, with its certificate authority in `directory`.
    pub async fn start(
        latchkey: &Path,
        directory: &Path,
        log: &Path,
        http: Client,
        env: &Environment,
    ) -> anyhow::Result<Self> {
        let arguments =
            ["sim".as_ref(), "--stop-with-stdin".as_ref(), "--directory".as_ref(), directory.as_os_str()];
        let (process, ready) = Process::start(latchkey, &arguments, "", Log("simulator", log), env).await?;
        Ok(Self { process, http, ready })
    }

    /// The process id.
    pub fn id(&self) -> u32 {
        self.process.id()
    }

    /// Stops the simulator.
    pub async fn stop(self, env: &Environment) {
        self.process.stop(env).await;
    }

    /// Browser settings for using the simulator instead of Zoom.
    pub fn for_browsers(&self) -> anyhow::Result<ZoomOverride> {
        Ok(ZoomOverride { address: self.ready.zoom_address.parse()?, spki: self.ready.spki.clone() })
    }

    /// Calls the control API.
    pub async fn call(&self, method: Method, path: &str, body: &Value) -> anyhow::Result<Value> {
        let request = self.http.request(method.clone(), format!("{}{path}", self.ready.control)).json(body);
        answer(request, &format!("simulator: {method} {path}")).await
    }

    /// `POST`
    pub async fn post(&self, path: &str, body: &Value) -> anyhow::Result<Value> {
        self.call(Method::POST, path, body).await
    }

    /// `GET`
    pub async fn get(&self, path: &str) -> anyhow::Result<Value> {
        answer(self.http.get(format!("{}{path}", self.ready.control)), &format!("simulator: GET {path}"))
            .await
    }

    /// Plays a script (TOML) in a meeting.
    pub async fn play(&self, meeting: &str, script: &'static str) -> anyhow::Result<()> {
        let url = format!("{}/scripts?meeting_number={meeting}", self.ready.control);
        answer(self.http.post(url).body(script), "simulator: POST /scripts").await.map(drop)
    }

    /// The participants of a meeting.
    pub async fn participants(&self, meeting: &str) -> anyhow::Result<Vec<Participant>> {
        let meeting = self.get(&format!("/meetings/{meeting}")).await?;
        Ok(serde_json::from_value(meeting["participants"].clone())?)
    }

    /// Times of the join requests with this name, in order, as Unix time in milliseconds.
    pub async fn join_requests(&self, name: &str) -> anyhow::Result<Vec<i64>> {
        let requests = self.get("/join-requests").await?;
        let requests = requests.as_array().into_iter().flatten().filter(|request| request["name"] == name);
        Ok(requests.filter_map(|request| request["at_unix_ms"].as_i64()).collect())
    }

    /// One of the simulator's counters.
    pub async fn count(&self, counter: &str) -> anyhow::Result<u64> {
        let stats = self.get("/stats").await?;
        stats[counter].as_u64().ok_or_else(|| anyhow::anyhow!("the simulator has no counter {counter}"))
    }
}
