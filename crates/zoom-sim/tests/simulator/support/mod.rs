//! A simulator for one test, and its callers: an app, a browser and the SDK.

pub(crate) mod receiver;
pub(crate) mod room;
pub(crate) mod scene;
pub(crate) mod socket;

use std::path::Path;

use reqwest::header::HeaderMap;
use reqwest::{Certificate, Client, ClientBuilder, Method, Response, redirect};
use serde_json::{Value, json};
use tempfile::TempDir;
use url::Url;
use zoom_sim::{Simulator, SimulatorConfig};

pub(crate) use room::RunningMeeting;
pub(crate) use socket::Socket;

/// The redirect URI of every app in the tests.
pub(crate) const CALLBACK: &str = "http://127.0.0.1:9999/callback";

/// A running simulator and a client that trusts it.
pub(crate) struct Zoom {
    pub(crate) simulator: Simulator,
    http: Client,
    _directory: TempDir,
}

/// A complete answer.
#[derive(Debug)]
pub(crate) struct Answer {
    pub(crate) status: u16,
    pub(crate) body: Value,
}

/// An app and its tokens for the signed-in user.
pub(crate) struct Connected {
    pub(crate) access: String,
    pub(crate) refresh: String,
}

impl Zoom {
    pub(crate) async fn start() -> Self {
        let directory = tempfile::tempdir().unwrap();
        let config = SimulatorConfig {
            zoom_port: 0,
            control_port: 0,
            directory: directory.path().to_owned(),
            seed: Some(1),
        };
        let simulator = Simulator::start(config).await.unwrap();
        let http = client_of(&simulator.ready().ca_file, |client| client);
        Self { simulator, http, _directory: directory }
    }

    // Control API

    /// Sends a JSON value; text is sent unchanged.
    pub(crate) async fn ask(&self, method: &str, path: &str, body: Value) -> Answer {
        let url = format!("{}{path}", self.simulator.ready().control);
        let method: Method = method.parse().unwrap();
        let request = self.http.request(method, url);
        let request = match body {
            Value::Null => request,
            Value::String(text) => request.body(text),
            body => request.body(body.to_string()),
        };
        read(request.send().await.unwrap()).await
    }

    /// Like [`Self::ask`], but must succeed.
    pub(crate) async fn control(&self, method: &str, path: &str, body: Value) -> Value {
        let answer = self.ask(method, path, body).await;
        assert!(answer.status < 300, "{method} {path}: {answer:?}");
        answer.body
    }

    pub(crate) async fn user(&self, name: &str) -> String {
        let body = json!({"email": format!("{name}@example.test"), "display_name": name});
        text(&self.control("POST", "/users", body).await, "id")
    }

    pub(crate) async fn app(&self, extra: Value) -> App {
        let mut body = json!({"name": "Latchkey", "redirect_uris": [CALLBACK], "sdk": true});
        body.as_object_mut().unwrap().extend(extra.as_object().unwrap().clone());
        let app = self.control("POST", "/apps", body).await;
        App { id: text(&app, "client_id"), secret: text(&app, "client_secret") }
    }

    pub(crate) async fn meeting(&self, body: Value) -> String {
        text(&self.control("POST", "/meetings", body).await, "meeting_number")
    }

    /// Zoom's time, in seconds since 1970.
    pub(crate) async fn now(&self) -> i64 {
        let now = text(&self.control("GET", "/clock", Value::Null).await, "now");
        now.parse::<jiff::Timestamp>().unwrap().as_second()
    }

    pub(crate) async fn advance(&self, seconds: i64) {
        self.control("POST", "/clock", json!({"advance_seconds": seconds})).await;
    }

    pub(crate) async fn stat(&self, name: &str) -> u64 {
        self.control("GET", "/stats", Value::Null).await[name].as_u64().unwrap()
    }

    // Simulated Zoom

    pub(crate) fn url(&self, path: &str) -> String {
        format!("{}{path}", self.simulator.ready().zoom_base)
    }

    /// Opens the consent page as a browser does.
    pub(crate) async fn authorize(&self, query: &[(&str, &str)]) -> Response {
        let url = Url::parse_with_params(&self.url("/oauth/authorize"), query).unwrap();
        self.http.get(url).send().await.unwrap()
    }

    /// Opens the consent page, presses `allow` or `deny`, and returns the URL of the redirect.
    pub(crate) async fn consent(&self, app: &App, decision: &str, extra: &[(&str, &str)]) -> Url {
        let query = [("response_type", "code"), ("client_id", &app.id), ("redirect_uri", CALLBACK)];
        let page = self.authorize(&[&query, extra].concat()).await.text().await.unwrap();
        let response = self.press(&consent_id(&page), decision).await;
        Url::parse(response.headers()["location"].to_str().unwrap()).unwrap()
    }

    /// Posts the consent page's form.
    pub(crate) async fn press(&self, consent: &str, decision: &str) -> Response {
        let form = [("consent", consent), ("decision", decision)];
        self.http.post(self.url("/oauth/authorize")).form(&form).send().await.unwrap()
    }

    pub(crate) async fn code(&self, app: &App, extra: &[(&str, &str)]) -> String {
        query(&self.consent(app, "allow", extra).await, "code").unwrap()
    }

    /// `POST /oauth/token` with Basic.
    pub(crate) async fn token(&self, app: &App, form: &[(&str, &str)]) -> Answer {
        read(self.try_token(app, form).await.unwrap()).await
    }

    pub(crate) async fn try_token(&self, app: &App, form: &[(&str, &str)]) -> reqwest::Result<Response> {
        let request = self.http.post(self.url("/oauth/token")).basic_auth(&app.id, Some(&app.secret));
        request.form(form).send().await
    }

    pub(crate) async fn exchange(&self, app: &App, code: &str) -> Answer {
        let form = [("grant_type", "authorization_code"), ("code", code), ("redirect_uri", CALLBACK)];
        self.token(app, &form).await
    }

    pub(crate) async fn refresh(&self, app: &App, token: &str) -> Answer {
        self.token(app, &[("grant_type", "refresh_token"), ("refresh_token", token)]).await
    }

    /// From consent to tokens, for the signed-in user.
    pub(crate) async fn connect(&self, app: &App) -> Connected {
        let answer = self.exchange(app, &self.code(app, &[]).await).await;
        assert_eq!(answer.status, 200, "{answer:?}");
        Connected { access: text(&answer.body, "access_token"), refresh: text(&answer.body, "refresh_token") }
    }

    /// `POST` of a form, without any client authentication that is not in the form or path.
    pub(crate) async fn post(&self, path: &str, form: &[(&str, &str)]) -> Answer {
        read(self.try_post(path, form).await.unwrap()).await
    }

    /// Like [`Self::post`], but the connection may break.
    pub(crate) async fn try_post(&self, path: &str, form: &[(&str, &str)]) -> reqwest::Result<Response> {
        self.http.post(self.url(path)).form(form).send().await
    }

    pub(crate) async fn get(&self, path: &str, bearer: &str) -> Answer {
        read(self.try_get(path, bearer).await.unwrap()).await
    }

    /// Any other method, with a JSON body where one is given.
    pub(crate) async fn call(&self, method: &str, path: &str, bearer: &str, body: Value) -> Answer {
        let request = self.http.request(method.parse().unwrap(), self.url(path)).bearer_auth(bearer);
        let request = if body.is_null() { request } else { request.body(body.to_string()) };
        read(request.send().await.unwrap()).await
    }

    /// An access token of a server-to-server app of the home account.
    pub(crate) async fn account_token(&self, scopes: &[&str]) -> String {
        let body = json!({"kind": "server_to_server", "scopes": scopes});
        let app = self.control("POST", "/apps", body).await;
        let account = text(&app, "account_id");
        let app = App { id: text(&app, "client_id"), secret: text(&app, "client_secret") };
        let form = [("grant_type", "account_credentials"), ("account_id", &*account)];
        text(&self.token(&app, &form).await.body, "access_token")
    }

    pub(crate) async fn try_get(&self, path: &str, bearer: &str) -> reqwest::Result<Response> {
        self.http.get(self.url(path)).bearer_auth(bearer).send().await
    }

    /// A ZAK of `user`, through OAuth and REST.
    pub(crate) async fn zak(&self, app: &App, user: &str) -> String {
        self.control("PUT", "/signed-in", json!({"user_id": user})).await;
        let tokens = self.connect(app).await;
        text(&self.get("/v2/users/me/token?type=zak", &tokens.access).await.body, "token")
    }

    /// Headers of an answer to a page of `origin`.
    pub(crate) async fn headers(&self, origin: &str, path: &str) -> HeaderMap {
        let request = self.http.get(self.url(path)).header("origin", origin);
        request.send().await.unwrap().headers().clone()
    }

    /// A WebSocket to a path of the simulated Zoom.
    pub(crate) async fn open(&self, path: &str, query: &[(&str, &str)]) -> Socket {
        let url = Url::parse_with_params(&self.url(path), query).unwrap();
        Socket::open(self.http.get(url)).await
    }
}

/// Registered credentials.
#[derive(Clone)]
pub(crate) struct App {
    pub(crate) id: String,
    pub(crate) secret: String,
}

/// A client that trusts only the given authority.
#[expect(clippy::disallowed_methods, reason = "the tests' only client; it must trust the simulator's CA")]
pub(crate) fn client_of(ca_file: &Path, more: impl FnOnce(ClientBuilder) -> ClientBuilder) -> Client {
    let ca = Certificate::from_pem(&std::fs::read(ca_file).unwrap()).unwrap();
    let client = Client::builder().tls_certs_only([ca]).redirect(redirect::Policy::none()).no_proxy();
    more(client).build().unwrap()
}

pub(crate) async fn read(response: Response) -> Answer {
    let status = response.status().as_u16();
    let text = response.text().await.unwrap();
    Answer { status, body: serde_json::from_str(&text).unwrap_or(Value::String(text)) }
}

/// A field that must be text.
pub(crate) fn text(value: &Value, field: &str) -> String {
    value[field].as_str().unwrap_or_else(|| panic!("no {field} in {value}")).to_owned()
}

/// A query parameter of a URL.
pub(crate) fn query(url: &Url, name: &str) -> Option<String> {
    url.query_pairs().find(|(key, _)| key == name).map(|(_, value)| value.into_owned())
}

/// The one-time id in the consent page.
pub(crate) fn consent_id(page: &str) -> String {
    let (_, rest) = page.split_once(r#"name="consent" value=""#).expect("a consent page");
    rest.split('"').next().unwrap().to_owned()
}
