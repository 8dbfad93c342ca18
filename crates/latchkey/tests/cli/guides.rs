//! The programs of the guides, run as they stand there.

use std::{fs, process::Output};

use reqwest::{Client, redirect::Policy};
use serde_json::{Value, json};
use tokio::process::Command;

use crate::support::{BROKER_ALONE, Installation, Running, http, latchkey, within};

/// A simulator and a server with one connected account.
struct Connected {
    installation: Installation,
    url: String,
    key: String,
    account: String,
    client: Client,
    _processes: [Running; 2],
}

impl Connected {
    async fn start() -> Self {
        let installation = Installation::new();
        let mut zoom =
            Running::start(latchkey(installation.folder.path(), &["sim"]), &installation.path("sim.log"));
        let sim = zoom.ready().await;
        let ca_file = installation.path(sim["ca_file"].as_str().unwrap());
        let configuration = format!(
            "{BROKER_ALONE}[zoom]\noauth_base = '{}'\napi_base = '{}'\nca_file = '{}'\n",
            sim["zoom_base"].as_str().unwrap(),
            sim["api_base"].as_str().unwrap(),
            ca_file.display(),
        );
        let mut server = Running::start(installation.serve_with(&configuration), &installation.path("log"));
        let ready = server.ready().await;
        let client = http().redirect(Policy::none()).build().unwrap();
        let control = format!("{}/", sim["control"].as_str().unwrap());
        let control = async |path: &str, body: Value| -> Value {
            let answer = client.post(format!("{control}{path}")).json(&body).send().await.unwrap();
            assert!(answer.status().is_success(), "{path}: {}", answer.text().await.unwrap());
            answer.json().await.unwrap()
        };
        control("users", json!({ "email": "ada@example.test", "display_name": "Ada" })).await;
        let scopes = ["user:read:zak:admin", "user:read:user:admin", "user:read:token:admin"];
        let zoom_app = json!({ "client_id": "client", "client_secret": "secret", "kind": "server_to_server",
                               "scopes": scopes });
        let zoom_app = control("apps", zoom_app).await;
        let (url, key) =
            (ready["url"].as_str().unwrap().to_owned(), ready["api_key"].as_str().unwrap().to_owned());
        let mut this =
            Self { installation, url, key, account: String::new(), client, _processes: [zoom, server] };
        let app = json!({ "kind": "server_to_server", "client_id": "client", "client_secret": "secret",
                          "webhook_secret": "webhook", "account_id": zoom_app["account_id"] });
        let app = this.call("POST", "/api/v2/zoom-oauth-apps/", app).await;
        let account = json!({ "oauth_app": app["id"], "server_to_server": {} });
        let account = this.call("POST", "/api/v2/zoom-oauth-credentials/", account).await;
        account["id"].as_str().unwrap().clone_into(&mut this.account);
        this
    }

    async fn call(&self, method: &str, path: &str, body: Value) -> Value {
        let request = self.client.request(method.parse().unwrap(), format!("{}{path}", self.url));
        let request = request.header("authorization", format!("Token {}", self.key)).json(&body);
        let answer = request.send().await.unwrap();
        assert!(answer.status().is_success(), "{method} {path}: {}", answer.text().await.unwrap());
        answer.json().await.unwrap()
    }

    async fn link(&self, dialect: &str) -> Value {
        let link = json!({ "dialect": dialect, "credential": self.account, "user": "ada@example.test",
                           "kind": "zak", "meeting_in_request": true });
        self.call("POST", "/api/latchkey/v1/token-links/", link).await
    }

    /// Runs a program of the guide; returns what it prints.
    async fn run(&self, interpreter: &str, file: &str, environment: &[(&str, &str)]) -> String {
        fs::write(self.installation.path(file), program(file)).unwrap();
        let mut command = Command::new(interpreter);
        command.arg(self.installation.path(file)).envs(environment.iter().copied()).kill_on_drop(true);
        let Output { status, stdout, stderr } = within(command.output()).await.unwrap();
        assert!(status.success(), "{file}: {}", String::from_utf8_lossy(&stderr));
        String::from_utf8(stdout).unwrap().trim().to_owned()
    }
}

/// The fenced program whose first line names `file`.
fn program(file: &str) -> String {
    let guide = include_str!("../../../../docs/guides/your-own-bots.md");
    let blocks = guide.split("\n```").skip(1).step_by(2);
    let mut programs = blocks.filter_map(|block| block.split_once('\n')).map(|(_language, text)| text);
    let named = |text: &&str| text.lines().next().is_some_and(|line| line.contains(&format!("{file}:")));
    programs.find(named).unwrap_or_else(|| panic!("the guide has no {file}")).to_owned()
}

#[tokio::test]
async fn programs_of_the_guide_for_own_bots_print_a_zak() {
    let connected = Connected::start().await;
    let link = connected.link("bearer").await;
    let environment = [
        ("LINK", link["url"].as_str().unwrap()),
        ("AUTHORIZATION", link["authorization"].as_str().unwrap()),
        ("MEETING", "12345678901"),
    ];
    for (interpreter, file) in [("python3", "zak_bearer.py"), ("node", "zak_bearer.mjs")] {
        let zak = connected.run(interpreter, file, &environment).await;
        assert_eq!(zak.split('.').count(), 3, "{file}: a ZAK is a JWT");
    }

    let link = connected.link("recall").await;
    let secret = connected.call("GET", "/api/latchkey/v1/callback-secret/", Value::Null).await;
    let environment =
        [("LINK", link["url"].as_str().unwrap()), ("SECRET", secret["secret"].as_str().unwrap())];
    for (interpreter, file) in [("python3", "zak_signed.py"), ("node", "zak_signed.mjs")] {
        let zak = connected.run(interpreter, file, &environment).await;
        assert_eq!(zak.split('.').count(), 3, "{file}: a ZAK is a JWT");
    }
}
