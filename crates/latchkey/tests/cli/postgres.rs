//! `latchkey serve` on PostgreSQL: several servers with one database.

use std::fs;

use model::{Environment, Secret};
use reqwest::{Client, StatusCode, redirect::Policy};
use rustix::process::Signal;
use serde_json::{Value, json};

use crate::{
    server,
    support::{BROKER_ALONE, Installation, Running, http, latchkey, refusal},
};

/// One of the servers, called with the API key.
struct Replica {
    process: Running,
    url: String,
    http: Client,
}

impl Replica {
    async fn start(installation: &Installation, configuration: &str) -> (Self, Option<String>) {
        let mut process = Running::start(installation.serve_with(configuration), &installation.path("log"));
        let ready = process.ready().await;
        let url = ready["url"].as_str().unwrap().to_owned();
        let http = http().redirect(Policy::none()).build().unwrap();
        (Self { process, url, http }, ready["api_key"].as_str().map(str::to_owned))
    }

    async fn call(&self, key: &str, method: &str, path: &str, body: Value) -> Value {
        let request = self.http.request(method.parse().unwrap(), format!("{}{path}", self.url));
        let answer =
            request.header("authorization", format!("Token {key}")).json(&body).send().await.unwrap();
        assert!(answer.status().is_success(), "{method} {path}: {}", answer.text().await.unwrap());
        answer.json().await.unwrap()
    }

    /// Fetches from a token link, as a platform does. Returns the status, and the token or the error.
    async fn fetch(&self, link: &str, secret: &str) -> (StatusCode, String) {
        let (now, id) = (Environment::system().now(), "msg_1");
        let signature =
            outbound::signature::SigningKey::parse(&Secret::new(secret)).unwrap().sign(id, now, b"");
        let request = self.http.get(format!("{}{link}", self.url)).header("webhook-id", id);
        let request =
            request.header("webhook-timestamp", now.as_second()).header("webhook-signature", signature);
        let answer = request.send().await.unwrap();
        (answer.status(), answer.text().await.unwrap())
    }

    async fn stop(self) {
        self.process.signal(Signal::TERM);
        assert!(self.process.ended().await.success());
    }
}

#[tokio::test]
async fn an_empty_database_is_refused_until_it_is_migrated() {
    let installation = Installation::new();
    let url = server::database("template1").await;
    fs::write(installation.path("url"), format!("{url}\n")).unwrap();
    let configuration = format!("database_url_file = 'url'\n{BROKER_ALONE}");
    let line = refusal(installation.serve_with(&configuration)).await;
    assert!(line.contains("run `latchkey migrate`"), "{line}");

    for said in [": 0001_first, ", " already"] {
        let output = latchkey(installation.folder.path(), &["migrate"]).output().await.unwrap();
        let stdout = String::from_utf8(output.stdout).unwrap();
        assert!(output.status.success() && stdout.contains(said), "{stdout}");
    }
    let output = latchkey(installation.folder.path(), &["migrate", "--json"]).output().await.unwrap();
    let done: serde_json::Value = serde_json::from_slice(&output.stdout).unwrap();
    assert!(done["schema"].is_string() && done["taken"] == serde_json::json!([]), "{done}");
    for first in [true, false] {
        let (replica, key) = Replica::start(&installation, &configuration).await;
        assert_eq!(key.is_some(), first);
        replica.stop().await;
    }
}

#[tokio::test]
async fn a_link_created_on_one_server_works_on_another() {
    let (one, other) = (Installation::new(), Installation::new());
    let url = server::database("template1").await;
    let mut zoom = Running::start(latchkey(one.folder.path(), &["sim"]), &one.path("sim.log"));
    let sim = zoom.ready().await;
    let ca_file = one.path(sim["ca_file"].as_str().unwrap());
    let configuration = format!(
        "database_url = '{url}'\nkey_file = '{}'\n{BROKER_ALONE}\
         [zoom]\noauth_base = '{}'\napi_base = '{}'\nca_file = '{}'\n",
        one.path("keys.json").display(),
        sim["zoom_base"].as_str().unwrap(),
        sim["api_base"].as_str().unwrap(),
        ca_file.display(),
    );
    fs::write(one.path("latchkey.toml"), &configuration).unwrap();
    assert!(latchkey(one.folder.path(), &["migrate"]).output().await.unwrap().status.success());

    let (maker, key) = Replica::start(&one, &configuration).await;
    let key = key.expect("a first start shows the key");
    let (server, none) = Replica::start(&other, &configuration).await;
    assert_eq!(none, None, "the second start shows no key");

    // A person connects their account in a browser, through the first server.
    let ca = reqwest::Certificate::from_pem(&fs::read(&ca_file).unwrap()).unwrap();
    let browser = http().redirect(Policy::none()).tls_certs_merge([ca]).build().unwrap();
    let control = async |method: &str, path: &str, body: Value| -> Value {
        let url = format!("{}/{path}", sim["control"].as_str().unwrap());
        let answer = browser.request(method.parse().unwrap(), url).json(&body).send().await.unwrap();
        assert!(answer.status().is_success(), "{path}: {}", answer.text().await.unwrap());
        answer.json().await.unwrap_or_default()
    };
    let user = control("POST", "users", json!({ "email": "ada@example.test", "display_name": "Ada" })).await;
    control("PUT", "signed-in", json!({ "user_id": user["id"] })).await;
    let redirect = format!("{}/oauth/zoom/callback", maker.url);
    let app = json!({ "client_id": "client", "client_secret": "secret", "redirect_uris": [redirect] });
    control("POST", "apps", app).await;
    let app = json!({ "kind": "user_level", "client_id": "client", "client_secret": "secret",
                      "webhook_secret": "webhook" });
    let app = maker.call(&key, "POST", "/api/v2/zoom-oauth-apps/", app).await;
    let invitation = json!({ "oauth_app": app["id"] });
    let invitation = maker.call(&key, "POST", "/api/latchkey/v1/connect-links/", invitation).await;
    let redirect = format!("{}&go=zoom", invitation["url"].as_str().unwrap());
    let redirect = browser.get(redirect).send().await.unwrap();
    let header = |answer: &reqwest::Response, name: &str| answer.headers()[name].to_str().unwrap().to_owned();
    let cookie = header(&redirect, "set-cookie").split(';').next().unwrap().to_owned();
    let page = browser.get(header(&redirect, "location")).send().await.unwrap().text().await.unwrap();
    let consent = page.split_once("name=\"consent\" value=\"").unwrap().1.split_once('"').unwrap().0;
    let form = [("consent", consent), ("decision", "allow")];
    let authorize = format!("{}/oauth/authorize", sim["zoom_base"].as_str().unwrap());
    let back = header(&browser.post(authorize).form(&form).send().await.unwrap(), "location");
    let done = browser.get(back).header("cookie", cookie).send().await.unwrap();
    assert!(done.status().is_success(), "{}", done.text().await.unwrap());

    // The link is created on the first server, and fetched from the second.
    let accounts = maker.call(&key, "GET", "/api/v2/zoom-oauth-credentials/", Value::Null).await;
    let link = json!({ "credential": accounts["results"][0]["id"], "kind": "zak" });
    let link = maker.call(&key, "POST", "/api/latchkey/v1/token-links/", link).await;
    let link = link["url"].as_str().unwrap().strip_prefix(&maker.url).unwrap();
    let secret = server.call(&key, "GET", "/api/latchkey/v1/callback-secret/", Value::Null).await;
    let (status, zak) = server.fetch(link, secret["secret"].as_str().unwrap()).await;
    assert_eq!(status, StatusCode::OK, "{zak}");
    assert_eq!(zak.split('.').count(), 3, "a ZAK is a JWT");

    maker.stop().await;
    server.stop().await;
}
