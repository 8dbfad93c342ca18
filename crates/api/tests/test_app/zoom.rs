//! The simulated Zoom: actions of its users and hosts.

use std::path::Path;

use model::Timestamp;
use reqwest::{Certificate, Client, redirect::Policy};
use serde_json::{Value, json};
use url::Url;
use zoom_sim::{Ready, Simulator, SimulatorConfig};

/// A running simulator with one host.
pub(crate) struct Zoom {
    pub(crate) ready: Ready,
    http: Client,
    host: Value,
    _simulator: Simulator,
}

/// A meeting of the host.
pub(crate) struct Meeting<'a> {
    pub(crate) number: String,
    pub(crate) url: String,
    zoom: &'a Zoom,
}

impl Zoom {
    #[expect(clippy::disallowed_methods, reason = "a browser, and the simulator's own client")]
    pub(super) async fn start(directory: &Path) -> Self {
        let config =
            SimulatorConfig { zoom_port: 0, control_port: 0, directory: directory.into(), seed: Some(7) };
        let simulator = Simulator::start(config).await.unwrap();
        let ready = simulator.ready().clone();
        let root = Certificate::from_pem(&std::fs::read(&ready.ca_file).unwrap()).unwrap();
        let http =
            Client::builder().redirect(Policy::none()).tls_certs_merge([root]).no_proxy().build().unwrap();
        let mut zoom = Self { ready, http, host: Value::Null, _simulator: simulator };
        zoom.host = zoom.user("host@example.test", "Hana Host").await;
        zoom
    }

    /// One call of the control API.
    pub(crate) async fn control(&self, method: &str, path: &str, body: Value) -> Value {
        let address = format!("{}/{path}", self.ready.control);
        let answer = self.http.request(method.parse().unwrap(), address).json(&body).send().await.unwrap();
        assert!(answer.status().is_success(), "{method} {path}: {}", answer.text().await.unwrap());
        answer.json().await.unwrap_or_default()
    }

    pub(crate) async fn now(&self) -> Timestamp {
        self.control("GET", "clock", Value::Null).await["now"].as_str().unwrap().parse().unwrap()
    }

    pub(crate) async fn user(&self, email: &str, name: &str) -> Value {
        self.control("POST", "users", json!({ "email": email, "display_name": name })).await
    }

    /// The host of all meetings.
    pub(crate) fn host(&self) -> &Value {
        &self.host
    }

    /// A running meeting with `settings`.
    pub(crate) async fn meeting(&self, settings: Value) -> Meeting<'_> {
        let mut meeting = json!({ "host_id": self.host["id"], "started": true, "passcode": "latch1" });
        meeting.as_object_mut().unwrap().extend(settings.as_object().unwrap().clone());
        let meeting = self.control("POST", "meetings", meeting).await;
        let text = |field: &str| meeting[field].as_str().unwrap().to_owned();
        Meeting { number: text("meeting_number"), url: text("join_url"), zoom: self }
    }

    /// Plays a script in a meeting.
    pub(crate) async fn play(&self, meeting: &str, script: &'static str) {
        let address = format!("{}/scripts?meeting_number={meeting}", self.ready.control);
        let answer = self.http.post(address).body(script).send().await.unwrap();
        assert!(answer.status().is_success(), "{}", answer.text().await.unwrap());
    }

    /// How often this was done.
    pub(crate) async fn count(&self, what: &str) -> u64 {
        self.control("GET", "stats", Value::Null).await[what].as_u64().unwrap()
    }

    /// Delays the next request at `place`, in real time.
    pub(crate) async fn hold_up(&self, place: &str, ms: u64) {
        self.control("POST", "faults", json!({ "where": place, "kind": "delay", "delay_ms": ms })).await;
    }

    /// An authorization code for `client_id` from a consent page that another client than Latchkey shows.
    pub(crate) async fn code(&self, client_id: &str, redirect_uri: &str) -> String {
        let mut page = Url::parse(&format!("{}/oauth/authorize", self.ready.zoom_base)).unwrap();
        page.query_pairs_mut()
            .append_pair("response_type", "code")
            .append_pair("client_id", client_id)
            .append_pair("redirect_uri", redirect_uri);
        let back = Url::parse(&self.decide(page.as_str(), "allow").await).unwrap();
        back.query_pairs().find(|(name, _)| name == "code").unwrap().1.into_owned()
    }

    /// An access token that another client than Latchkey gets for a code.
    pub(crate) async fn access_token(
        &self,
        zoom_app: (&str, &str),
        code: &str,
        redirect_uri: &str,
    ) -> String {
        self.grant(zoom_app, code, redirect_uri).await["access_token"].as_str().unwrap().to_owned()
    }

    /// The refresh token of the same authorization.
    pub(crate) async fn refresh_token(
        &self,
        zoom_app: (&str, &str),
        code: &str,
        redirect_uri: &str,
    ) -> String {
        self.grant(zoom_app, code, redirect_uri).await["refresh_token"].as_str().unwrap().to_owned()
    }

    async fn grant(&self, zoom_app: (&str, &str), code: &str, redirect_uri: &str) -> Value {
        let form = [("grant_type", "authorization_code"), ("code", code), ("redirect_uri", redirect_uri)];
        let request = self.http.post(format!("{}/oauth/token", self.ready.zoom_base));
        let answer = request.basic_auth(zoom_app.0, Some(zoom_app.1)).form(&form).send().await.unwrap();
        answer.json().await.unwrap()
    }

    /// A token that another client than Latchkey mints: `GET /v2/…` with an access token.
    pub(crate) async fn token(&self, path: &str, access_token: &str) -> String {
        let request = self.http.get(format!("{}{path}", self.ready.api_base)).bearer_auth(access_token);
        let answer: Value = request.send().await.unwrap().json().await.unwrap();
        answer["token"].as_str().unwrap_or_else(|| panic!("{path}: {answer}")).to_owned()
    }

    /// Opens the consent page at `location` and presses a button. Returns where the browser is redirected.
    pub(crate) async fn decide(&self, location: &str, decision: &str) -> String {
        let page = self.http.get(location).send().await.unwrap().text().await.unwrap();
        let (_, rest) = page.split_once("name=\"consent\" value=\"").unwrap();
        let (consent, _) = rest.split_once('"').unwrap();
        let form = [("consent", consent), ("decision", decision)];
        let address = format!("{}/oauth/authorize", self.ready.zoom_base);
        let answer = self.http.post(address).form(&form).send().await.unwrap();
        answer.headers()["location"].to_str().unwrap().to_owned()
    }
}

impl Meeting<'_> {
    /// The participants, as Zoom sees them.
    pub(crate) async fn people(&self) -> Vec<Value> {
        let meeting = self.zoom.control("GET", &format!("meetings/{}", self.number), Value::Null).await;
        meeting["participants"].as_array().unwrap().clone()
    }

    /// The only participant called `name`.
    pub(crate) async fn person(&self, name: &str) -> Value {
        let people = self.people().await;
        let mut called = people.iter().filter(|person| person["name"] == name);
        let person = called.next().unwrap_or_else(|| panic!("no {name} among {people:?}")).clone();
        assert!(called.next().is_none(), "{name} is there twice: {people:?}");
        person
    }

    /// Adds a participant to the meeting.
    pub(crate) async fn seat(&self, name: &str) {
        self.does("participants", json!({ "name": name })).await;
    }

    /// Adds a participant who is signed in as `user`.
    pub(crate) async fn seat_user(&self, name: &str, user: &Value) {
        self.does("participants", json!({ "name": name, "user_id": user["id"] })).await;
    }

    /// The host does `deed` (admit, hold, remove) to the participant called `name`.
    pub(crate) async fn host_does(&self, action: &str, name: &str) {
        let id = self.person(name).await["id"].clone();
        self.does(&format!("participants/{id}/{action}"), json!({})).await;
    }

    /// Breaks a connection, as `how` describes.
    pub(crate) async fn cut_line(&self, how: Value) {
        self.does("cut-line", how).await;
    }

    pub(crate) async fn heal_line(&self) {
        self.zoom.control("DELETE", &format!("meetings/{}/cut-line", self.number), json!({})).await;
    }

    pub(crate) async fn start(&self) {
        self.does("start", json!({})).await;
    }

    pub(crate) async fn end(&self) {
        self.does("end", json!({})).await;
    }

    /// One call of the control API about this meeting.
    pub(crate) async fn call(&self, method: &str, what: &str, body: Value) -> Value {
        self.zoom.control(method, &format!("meetings/{}/{what}", self.number), body).await
    }

    async fn does(&self, what: &str, body: Value) {
        self.zoom.control("POST", &format!("meetings/{}/{what}", self.number), body).await;
    }

    /// Joins of this meeting that the SDK started.
    pub(crate) async fn join_requests(&self) -> Vec<Value> {
        let all = self.zoom.control("GET", "join-requests", Value::Null).await;
        let here = all.as_array().unwrap().iter().filter(|join| join["meeting_number"] == *self.number);
        here.cloned().collect()
    }

    /// The registered link with another passcode.
    pub(crate) fn with_passcode(&self, passcode: &str) -> String {
        let mut url = Url::parse(&self.url).unwrap();
        url.set_query(Some(&format!("pwd={passcode}")));
        url.into()
    }
}
