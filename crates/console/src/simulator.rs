//! The simulator that replaces Zoom, if this server is configured for one: its control API, and the consents of its users.
//!
//! Only for *Try it*. Nothing here is used against Zoom: the address must be on this machine (`latchkey serve` refuses
//! others), and it is absent if no simulator is configured.

use std::{path::PathBuf, time::Duration};

use reqwest::{Certificate, Client, Method, RequestBuilder, Response, redirect::Policy};
use serde::Deserialize;
use serde_json::{Value, json};
use url::Url;

/// The timeout of a call. The simulator answers from memory.
const WITHIN: Duration = Duration::from_secs(10);

/// The addresses of the simulator.
#[derive(Debug, Clone)]
pub struct SimulatorAddress {
    /// Its control API.
    pub control: Url,
    /// The certificate authority of its consent pages.
    pub ca_file: PathBuf,
}

/// Why a call of the simulator failed.
#[derive(Debug)]
pub(crate) enum SimulatorError {
    /// It does not answer.
    Away { control: String, cause: String },
    /// It answers with a refusal.
    Refused { call: String, answer: String },
}

impl SimulatorError {
    /// The error for a person.
    pub(crate) fn words(&self) -> String {
        match self {
            Self::Away { control, cause } => format!(
                "The simulator does not answer at {control} ({cause}). Start it again, or remove zoom.simulator_control from \
                 the configuration."
            ),
            Self::Refused { call, answer } => format!("The simulator refused {call}: {answer}"),
        }
    }
}

/// A user at the simulator.
#[derive(Debug, Deserialize)]
pub(crate) struct User {
    pub(crate) id: String,
    pub(crate) email: String,
}

/// An app at the simulator.
#[derive(Debug, Deserialize)]
pub(crate) struct SimulatedApp {
    pub(crate) client_id: String,
    pub(crate) client_secret: String,
    #[serde(default)]
    pub(crate) redirect_uris: Vec<String>,
}

/// A client of the simulator.
pub(crate) struct Simulator {
    control: String,
    http: Client,
}

impl Simulator {
    #[expect(
        clippy::disallowed_methods,
        reason = "the one constructor of HTTP to the simulator, on this machine"
    )]
    pub(crate) fn open(address: &SimulatorAddress) -> Result<Self, SimulatorError> {
        let control = address.control.as_str().trim_end_matches('/').to_owned();
        let away = |cause: String| SimulatorError::Away { control: control.clone(), cause };
        let pem = std::fs::read(&address.ca_file)
            .map_err(|error| away(format!("{}: {error}", address.ca_file.display())))?;
        let root = Certificate::from_pem(&pem).map_err(|error| away(error.to_string()))?;
        let http =
            Client::builder().no_proxy().redirect(Policy::none()).timeout(WITHIN).tls_certs_merge([root]);
        let http = http.build().map_err(|error| away(error.to_string()))?;
        Ok(Self { control, http })
    }

    async fn send(&self, call: &str, request: RequestBuilder) -> Result<Response, SimulatorError> {
        let away = |error: reqwest::Error| SimulatorError::Away {
            control: self.control.clone(),
            cause: error.to_string(),
        };
        let answer = request.send().await.map_err(away)?;
        if answer.status().is_client_error() || answer.status().is_server_error() {
            let answer = format!("{} {}", answer.status(), answer.text().await.map_err(away)?);
            return Err(SimulatorError::Refused { call: call.to_owned(), answer });
        }
        Ok(answer)
    }

    /// Makes one call of the control API.
    pub(crate) async fn call(
        &self,
        method: Method,
        path: &str,
        body: &Value,
    ) -> Result<Value, SimulatorError> {
        let call = format!("{method} {path}");
        let mut request = self.http.request(method, format!("{}{path}", self.control));
        if !body.is_null() {
            request = request.json(body);
        }
        Ok(self.send(&call, request).await?.json().await.unwrap_or_default())
    }

    async fn read<T: serde::de::DeserializeOwned>(
        &self,
        method: Method,
        path: &str,
        body: &Value,
    ) -> Result<T, SimulatorError> {
        let call = format!("{method} {path}");
        let answer = self.call(method, path, body).await?;
        serde_json::from_value(answer)
            .map_err(|error| SimulatorError::Refused { call, answer: error.to_string() })
    }

    /// The apps that are registered there.
    pub(crate) async fn apps(&self) -> Result<Vec<SimulatedApp>, SimulatorError> {
        self.read(Method::GET, "/apps", &Value::Null).await
    }

    /// Creates an app with this redirect URL, which may join meetings.
    pub(crate) async fn make_app(
        &self,
        redirect_url: &str,
        scopes: &[&str],
    ) -> Result<SimulatedApp, SimulatorError> {
        let app = json!({ "name": "Latchkey", "kind": "user_level", "sdk": true, "redirect_uris": [redirect_url], "scopes": scopes });
        self.read(Method::POST, "/apps", &app).await
    }

    /// The user with this address, who is created if there is none.
    pub(crate) async fn user(&self, email: &str, name: &str) -> Result<User, SimulatorError> {
        let users: Vec<User> = self.read(Method::GET, "/users", &Value::Null).await?;
        match users.into_iter().find(|user| user.email == email) {
            Some(user) => Ok(user),
            None => self.read(Method::POST, "/users", &json!({ "email": email, "display_name": name })).await,
        }
    }

    /// Creates a meeting in which a script is played. Returns its link.
    pub(crate) async fn meeting(
        &self,
        meeting: &Value,
        script: &'static str,
    ) -> Result<String, SimulatorError> {
        let made = self.call(Method::POST, "/meetings", meeting).await?;
        let number = made["meeting_number"].as_str().unwrap_or_default();
        let request =
            self.http.post(format!("{}/scripts?meeting_number={number}", self.control)).body(script);
        self.send("POST /scripts", request).await?;
        Ok(made["join_url"].as_str().unwrap_or_default().to_owned())
    }

    /// Consents as this user on the page that a browser is sent to. Returns the address that it is sent back to.
    pub(crate) async fn allow(&self, user: &str, consent_page: &str) -> Result<String, SimulatorError> {
        self.call(Method::PUT, "/signed-in", &json!({ "user_id": user })).await?;
        let refused = |answer: &str| SimulatorError::Refused {
            call: "the consent".to_owned(),
            answer: answer.to_owned(),
        };
        let page = self.send("the consent page", self.http.get(consent_page)).await?;
        let page = page.text().await.map_err(|error| refused(&error.to_string()))?;
        let consent = page.split_once("name=\"consent\" value=\"").and_then(|(_, rest)| rest.split_once('"'));
        let (consent, _) = consent.ok_or_else(|| refused("its page has no form"))?;
        let mut address = Url::parse(consent_page).map_err(|error| refused(&error.to_string()))?;
        address.set_query(None);
        let form = [("consent", consent), ("decision", "allow")];
        let answer = self.send("the consent", self.http.post(address).form(&form)).await?;
        let back = answer.headers().get("location").and_then(|back| back.to_str().ok());
        back.map(str::to_owned).ok_or_else(|| refused("the browser is not redirected"))
    }
}
