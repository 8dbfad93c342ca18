//! A client of a running server, with an API key.

use std::{fs, path::PathBuf, str::FromStr};

use anyhow::{Context as _, anyhow, bail};
use model::Secret;
use reqwest::{Method, StatusCode};
use serde_json::Value;
use url::Url;

use crate::{
    output::{COMMON, Output},
    progress::counter,
};

#[derive(Clone, clap::Args)]
pub(crate) struct ServerArguments {
    /// The address of the server.
    #[arg(
        long,
        env = "LATCHKEY_URL",
        value_name = "URL",
        default_value = "http://127.0.0.1:8080",
        global = true,
        help_heading = COMMON
    )]
    server: Url,
    /// A file with an API key of the workspace. Alternatively, set the key itself in LATCHKEY_API_KEY.
    #[arg(long, env = "LATCHKEY_API_KEY_FILE", value_name = "FILE", global = true, help_heading = COMMON)]
    api_key_file: Option<PathBuf>,
    /// The API key itself, from the environment.
    #[arg(long, env = "LATCHKEY_API_KEY", hide = true, hide_env_values = true, global = true)]
    api_key: Option<String>,
}

/// A command whose subcommands call a running server.
#[derive(clap::Args)]
pub(crate) struct OnServer<C: clap::Subcommand> {
    #[command(subcommand)]
    pub(crate) command: C,
    #[command(flatten)]
    pub(crate) server: ServerArguments,
    #[command(flatten)]
    pub(crate) output: Output,
}

/// The paths of the API, what they contain, and the command that lists it.
const RESOURCES: [(&str, &str, &str); 8] = [
    ("api/v2/zoom-oauth-credentials/", "account", "latchkey account list"),
    ("api/v2/zoom-oauth-apps/", "Zoom app", "latchkey app list"),
    ("api/latchkey/v1/zoom-oauth-apps/", "Zoom app", "latchkey app list"),
    ("api/v1/bot/", "bot", "latchkey bot list"),
    ("api/latchkey/v1/bot/", "bot", "latchkey bot list"),
    ("api/latchkey/v1/pools/", "pool", "latchkey pool list"),
    ("api/latchkey/v1/token-links/", "token link", "latchkey token-link list"),
    ("api/latchkey/v1/webhook-endpoints/", "endpoint or delivery", "latchkey webhook list"),
];

/// Parses an id on the command line.
pub(crate) fn id<T: FromStr>(text: &str) -> Result<T, String> {
    text.parse().map_err(|_| "this is not an id: the command `list` shows them".to_owned())
}

pub(crate) struct Server {
    /// The server's URL.
    root: Url,
    /// The called path of its API.
    base: Url,
    api_key: Secret,
    http: reqwest::Client,
}

impl Server {
    pub(crate) fn of(arguments: ServerArguments, path: &str) -> anyhow::Result<Self> {
        let api_key = match (arguments.api_key_file, arguments.api_key) {
            (Some(path), None) => {
                let text =
                    fs::read_to_string(&path).with_context(|| format!("cannot read {}", path.display()))?;
                let key = model::pasted(&text);
                key.with_context(|| format!("{} contains no API key", path.display()))?.to_owned()
            }
            (None, Some(key)) => {
                model::pasted(&key).context("LATCHKEY_API_KEY is not an API key")?.to_owned()
            }
            (None, None) => {
                bail!("an API key is required: set LATCHKEY_API_KEY, or give a file with --api-key-file")
            }
            (Some(_), Some(_)) => {
                bail!("there are two API keys: leave out LATCHKEY_API_KEY or --api-key-file")
            }
        };
        let mut root = arguments.server;
        if !root.path().ends_with('/') {
            root.set_path(&format!("{}/", root.path()));
        }
        #[expect(clippy::disallowed_methods, reason = "an operator at a terminal calls their own server")]
        let http = reqwest::Client::builder().redirect(reqwest::redirect::Policy::none()).build()?;
        Ok(Self { base: root.join(path)?, root, api_key: Secret::new(api_key), http })
    }

    /// Makes one call below the path. If the server refuses, the error contains its message.
    pub(crate) async fn call(
        &self,
        method: Method,
        rest: &str,
        body: Option<Value>,
    ) -> anyhow::Result<Value> {
        let url = self.base.join(rest).context("this is not a valid id: list the ids first")?;
        let mut request = self.http.request(method, url).header("authorization", self.authorization());
        if let Some(body) = body {
            request = request.json(&body);
        }
        let answer = request.send().await.map_err(|error| self.silent(error))?;
        let (status, text) = (answer.status(), answer.text().await?);
        let body: Value = serde_json::from_str(&text).unwrap_or_default();
        if status.is_success() {
            return Ok(body);
        }
        let thing = RESOURCES.iter().find(|(path, ..)| self.base.path().ends_with(path));
        match (status, thing) {
            (StatusCode::NOT_FOUND, Some((_, thing, list))) if !rest.is_empty() => {
                Err(anyhow!("the key's workspace has no such {thing}: see `{list}`"))
            }
            (StatusCode::UNAUTHORIZED, _) => Err(anyhow!(
                "the server refused the API key: {} Set LATCHKEY_API_KEY, or --api-key-file; `latchkey api-key create` makes a \
                 key on the server's machine",
                complaint(&body)
            )),
            _ => Err(anyhow!("the server refused ({status}): {}", complaint(&body))),
        }
    }

    /// All items of a list, page by page. Shows a count at a terminal meanwhile.
    pub(crate) async fn all(&self, query: &str) -> anyhow::Result<Vec<Value>> {
        self.up_to(usize::MAX, query).await
    }

    /// The first `most` items of a list.
    pub(crate) async fn up_to(&self, most: usize, query: &str) -> anyhow::Result<Vec<Value>> {
        let (mut things, mut next, progress) = (Vec::new(), Some(query.to_owned()), counter("read"));
        while let Some(page) = next.filter(|_| things.len() < most) {
            let mut answer = self.call(Method::GET, &page, None).await?;
            if let Value::Array(results) = answer["results"].take() {
                progress.inc(results.len() as u64);
                things.extend(results);
            }
            // The URL of the next page has the server's own base URL: only its query is used here.
            next = answer["next"].as_str().and_then(|next| Some(format!("?{}", next.split_once('?')?.1)));
        }
        progress.finish_and_clear();
        things.truncate(most);
        Ok(things)
    }

    /// The server's `/readyz`. It answers 503 if it cannot issue tokens, with the same body that gives the reasons.
    pub(crate) async fn readiness(&self) -> anyhow::Result<Value> {
        let request = self.http.get(self.base.join("readyz")?);
        let answer = request.send().await.map_err(|error| self.silent(error))?;
        answer.json().await.context("the server's answer is not that of /readyz: is it Latchkey?")
    }

    /// The error for a server that does not answer.
    fn silent(&self, error: reqwest::Error) -> anyhow::Error {
        anyhow!(
            "the server does not answer ({}): is it running at {}?",
            error.without_url(),
            self.base.origin().ascii_serialization()
        )
    }

    /// Opens a stream of server-sent events below the path. `last` is the id of the last received event.
    pub(crate) async fn follow(&self, rest: &str, last: Option<&str>) -> anyhow::Result<reqwest::Response> {
        let mut request = self
            .http
            .get(self.base.join(rest)?)
            .header("authorization", self.authorization())
            .header("accept", "text/event-stream");
        if let Some(last) = last {
            request = request.header("last-event-id", last);
        }
        let answer = request.send().await.map_err(|error| {
            anyhow!("the server does not answer ({}): is it running?", error.without_url())
        })?;
        let status = answer.status();
        if status.is_success() {
            return Ok(answer);
        }
        let body: Value = serde_json::from_str(&answer.text().await?).unwrap_or_default();
        Err(anyhow!("the server refused ({status}): {}", complaint(&body)))
    }

    /// URL of the server's documentation of a sub code.
    pub(crate) fn page_of_sub_code(&self, code: &str) -> String {
        format!("{}docs/sub-codes#{code}", self.root)
    }

    fn authorization(&self) -> String {
        format!("Token {}", self.api_key.expose())
    }
}

/// The error in one line: the detail of a coded answer, or `field: words` for each field at any depth.
fn complaint(body: &Value) -> String {
    if let Some(detail) = body["detail"].as_str() {
        // The URL of the server's page about the code.
        let page = body["docs"].as_str().map(|page| format!(" ({page})"));
        return format!("{detail}{}", page.unwrap_or_default());
    }
    let mut complaints = Vec::new();
    gather("", body, &mut complaints);
    if complaints.is_empty() { "no reason given".to_owned() } else { complaints.join("; ") }
}

fn gather(field: &str, value: &Value, complaints: &mut Vec<String>) {
    match value {
        Value::String(words) => complaints.push(format!("{field}: {words}")),
        Value::Array(values) => {
            for (place, value) in values.iter().enumerate() {
                let field = if value.is_string() { field.to_owned() } else { format!("{field}[{place}]") };
                gather(&field, value, complaints);
            }
        }
        Value::Object(fields) => {
            for (name, value) in fields {
                let name = if field.is_empty() { name.clone() } else { format!("{field}.{name}") };
                gather(&name, value, complaints);
            }
        }
        Value::Null | Value::Bool(_) | Value::Number(_) => {}
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::complaint;

    #[test]
    fn a_complaint_names_its_field() {
        let id = json!(["It must be the id of an account."]);
        for (body, line) in [
            (json!({ "detail": "Not found." }), "Not found."),
            (json!({ "detail": "Not found.", "code": "not_found" }), "Not found."),
            (
                json!({ "detail": "Every seat is taken.", "code": "pool_full",
                        "docs": "https://latchkey.test/docs/error-codes#pool_full" }),
                "Every seat is taken. (https://latchkey.test/docs/error-codes#pool_full)",
            ),
            (
                json!({ "pool": ["This workspace has no such pool."] }),
                "pool: This workspace has no such pool.",
            ),
            (
                json!({ "accounts": [{}, { "credential": id }] }),
                "accounts[1].credential: It must be the id of an account.",
            ),
            (
                json!({ "kinds": ["One.", "Two."], "zoom": { "a": ["Three."] } }),
                "kinds: One.; kinds: Two.; zoom.a: Three.",
            ),
            (json!(null), "no reason given"),
            (json!({}), "no reason given"),
        ] {
            assert_eq!(complaint(&body), line);
        }
    }
}
