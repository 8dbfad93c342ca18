//! Raw calls to Zoom. The crate `zoom` interprets answers; the probe needs the raw ones, so it makes its own calls.

use std::{path::Path, time::Duration};

use anyhow::Context as _;
use base64::{Engine as _, prelude::BASE64_URL_SAFE_NO_PAD};
use model::Secret;
use reqwest::{Certificate, Client, Method, header::HeaderMap, redirect::Policy};
use serde_json::Value;
use url::Url;

const ANSWERS_WITHIN: Duration = Duration::from_secs(15);
/// Most characters of a message from Zoom in a report.
const MAX_WORDS: usize = 200;

/// A client of Zoom with the app's credentials.
pub(super) struct Zoom {
    http: Client,
    pub(super) oauth: Url,
    pub(super) api: Url,
    pub(super) client_id: String,
    pub(super) client_secret: Secret,
}

/// An answer of Zoom.
pub(super) struct Answer {
    pub(super) status: u16,
    pub(super) headers: HeaderMap,
    pub(super) body: Value,
    pub(super) text: String,
}

impl Zoom {
    #[expect(
        clippy::disallowed_methods,
        reason = "the probe needs raw answers: see this module's documentation"
    )]
    pub(super) fn new(
        oauth: Url,
        api: Url,
        ca_file: Option<&Path>,
        client_id: String,
        client_secret: Secret,
    ) -> anyhow::Result<Self> {
        let mut http = Client::builder().redirect(Policy::none()).timeout(ANSWERS_WITHIN);
        if let Some(path) = ca_file {
            let pem = std::fs::read(path).with_context(|| format!("zoom.ca_file {}", path.display()))?;
            http =
                http.tls_certs_merge(Certificate::from_pem_bundle(&pem).context("zoom.ca_file is not PEM")?);
        }
        Ok(Self { http: http.build()?, oauth, api, client_id, client_secret })
    }

    /// The consent page, as a browser that is not signed in gets it.
    pub(super) async fn consent_page(&self, url: Url) -> anyhow::Result<Answer> {
        self.send(self.http.get(url)).await
    }

    /// `/oauth/token` or `/oauth/revoke`, with the app's secret and a form.
    pub(super) async fn oauth(&self, path: &str, form: &[(&str, &str)]) -> anyhow::Result<Answer> {
        self.oauth_as(path, &self.client_secret, form).await
    }

    /// Like [`Self::oauth`], with another secret.
    pub(super) async fn oauth_as(
        &self,
        path: &str,
        secret: &Secret,
        form: &[(&str, &str)],
    ) -> anyhow::Result<Answer> {
        let request = self.http.post(below(&self.oauth, path)).form(form);
        self.send(request.basic_auth(&self.client_id, Some(secret.expose()))).await
    }

    /// Like [`Self::oauth`], with the parameters in the query.
    pub(super) async fn oauth_in_query(&self, path: &str, query: &[(&str, &str)]) -> anyhow::Result<Answer> {
        let mut url = below(&self.oauth, path);
        url.query_pairs_mut().extend_pairs(query);
        self.send(self.http.post(url).basic_auth(&self.client_id, Some(self.client_secret.expose()))).await
    }

    /// A call of the REST API.
    pub(super) async fn rest(&self, path_and_query: &str, token: &Secret) -> anyhow::Result<Answer> {
        let (path, query) = path_and_query.split_once('?').unwrap_or((path_and_query, ""));
        let mut url = below(&self.api, &format!("v2/{path}"));
        url.set_query((!query.is_empty()).then_some(query));
        self.send(self.http.request(Method::GET, url).bearer_auth(token.expose())).await
    }

    async fn send(&self, request: reqwest::RequestBuilder) -> anyhow::Result<Answer> {
        let answer =
            request.send().await.map_err(reqwest::Error::without_url).context("Zoom does not answer")?;
        let (status, headers) = (answer.status().as_u16(), answer.headers().clone());
        let text = answer
            .text()
            .await
            .map_err(reqwest::Error::without_url)
            .context("Zoom's answer is incomplete")?;
        Ok(Answer { status, headers, body: serde_json::from_str(&text).unwrap_or_default(), text })
    }
}

impl Answer {
    pub(super) fn header(&self, name: &str) -> Option<&str> {
        self.headers.get(name)?.to_str().ok()
    }

    /// A secret field of the answer.
    pub(super) fn secret(&self, field: &str) -> Option<Secret> {
        Some(Secret::new(self.body[field].as_str()?))
    }

    /// Whether the answer has this status and this text or number in `field`.
    pub(super) fn is(&self, status: u16, field: &str, value: &str) -> bool {
        let found = match &self.body[field] {
            Value::String(text) => text.clone(),
            other => other.to_string(),
        };
        self.status == status && found == value
    }

    /// The status, the error texts and the names of all fields, without secrets.
    pub(super) fn words(&self) -> String {
        let mut words = self.status.to_string();
        for field in ["error", "reason", "code", "message"] {
            match &self.body[field] {
                Value::Null => {}
                Value::String(text) => {
                    let text: String = text.chars().take(MAX_WORDS).collect();
                    words = format!("{words}, {field} {text:?}");
                }
                other => words = format!("{words}, {field} {other}"),
            }
        }
        let fields: Vec<_> =
            self.body.as_object().into_iter().flatten().map(|(name, _)| name.as_str()).collect();
        if fields.is_empty() { words } else { format!("{words}, fields: {}", fields.join(" ")) }
    }
}

/// Header and payload of a JWT, unverified.
pub(super) fn jwt(token: &Secret) -> Option<(Value, Value)> {
    let mut parts = token.expose().split('.').map(|part| {
        let part = BASE64_URL_SAFE_NO_PAD.decode(part).ok()?;
        serde_json::from_slice::<Value>(&part).ok()
    });
    Some((parts.next()??, parts.next()??))
}

/// Lifetime of a JWT, in seconds.
pub(super) fn life(payload: &Value) -> Option<i64> {
    Some(payload["exp"].as_i64()? - payload["iat"].as_i64()?)
}

fn below(base: &Url, path: &str) -> Url {
    let mut url = base.clone();
    url.set_path(&format!("{}/{path}", base.path().trim_end_matches('/')));
    url
}
