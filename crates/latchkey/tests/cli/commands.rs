//! The commands that call a running server, in the order in which a new user needs them, against the simulator.

use std::fs;

use reqwest::Method;
use serde_json::{Value, json};

use crate::support::{Installation, Running, http, latchkey, refusal, sdk_dir, within};

/// A server with its simulator, and the environment of a person's terminal.
struct Fixture {
    installation: Installation,
    control: String,
    url: String,
    key: String,
    _simulator: Running,
    _server: Running,
}

/// Result of a command: exit code, standard output, standard error.
struct Left(i32, String, String);

impl Left {
    #[track_caller]
    fn printed(self) -> String {
        assert_eq!(self.0, 0, "{}{}", self.1, self.2);
        self.1.trim().to_owned()
    }

    #[track_caller]
    fn json(self) -> Value {
        let text = self.printed();
        serde_json::from_str(&text).unwrap_or_else(|error| panic!("{error}: {text}"))
    }
}

impl Fixture {
    async fn new() -> Self {
        let installation = Installation::new();
        let sim = latchkey(installation.folder.path(), &["sim"]);
        let mut simulator = Running::start(sim, &installation.path("simulator.log"));
        let zoom = simulator.ready().await;
        let of = |field: &str| zoom[field].as_str().unwrap().to_owned();
        let configuration = format!(
            "listen = '127.0.0.1:0'\n[zoom]\noauth_base = '{}'\napi_base = '{}'\nca_file = '{}'\nmeeting_address = '{}'\n\
             meeting_spki = '{}'\n[browser]\nsdk_dir = '{}'\n[bots]\ncapacity = 1\n",
            of("zoom_base"),
            of("api_base"),
            of("ca_file"),
            of("zoom_address"),
            of("spki"),
            sdk_dir().display()
        );
        let mut server = Running::start(installation.serve_with(&configuration), &installation.path("log"));
        let ready = server.ready().await;
        let (url, key) =
            (ready["url"].as_str().unwrap().to_owned(), ready["api_key"].as_str().unwrap().to_owned());
        Self { control: of("control"), installation, url, key, _simulator: simulator, _server: server }
    }

    async fn run(&self, arguments: &[&str]) -> Left {
        let mut command = latchkey(self.installation.folder.path(), arguments);
        command.env("LATCHKEY_URL", &self.url).env("LATCHKEY_API_KEY", &self.key);
        let output = within(command.output()).await.unwrap();
        let text = |bytes| String::from_utf8(bytes).unwrap();
        Left(output.status.code().unwrap(), text(output.stdout), text(output.stderr))
    }

    async fn at_zoom(&self, path: &str, fields: Value) -> Value {
        self.control(Method::POST, path, fields).await
    }

    async fn control(&self, method: Method, path: &str, fields: Value) -> Value {
        let url = format!("{}{path}", self.control);
        let request = http().build().unwrap().request(method, url).json(&fields);
        let answer = within(request.send()).await.unwrap();
        assert!(answer.status().is_success(), "{path}: {}", answer.text().await.unwrap());
        answer.json().await.unwrap()
    }
}

#[tokio::test]
async fn from_an_app_to_a_bot_with_only_commands() {
    let fixture = Fixture::new().await;
    let Left(code, page, why) = fixture.run(&["status"]).await;
    assert_eq!(code, 3, "{page}{why}");
    assert!(
        page.starts_with("Can my bots sign in now?  No.") && why.contains("latchkey account connect"),
        "{page}{why}"
    );
    let none = fixture.run(&["account", "connect"]).await;
    assert!(none.0 == 1 && none.2.contains("latchkey app add"), "{}", none.2);

    let app =
        fixture.at_zoom("/apps", json!({ "name": "Latchkey", "kind": "user_level", "sdk": true })).await;
    let client = app["client_id"].as_str().unwrap();
    fs::write(fixture.installation.path("client-secret"), app["client_secret"].as_str().unwrap()).unwrap();
    fs::write(fixture.installation.path("webhook-secret"), "planted-webhook\n").unwrap();
    let add = ["app", "add", "--client-id", client, "--client-secret-file", "client-secret"];
    let unfinished = fixture.run(&add).await;
    assert!(unfinished.0 == 1 && unfinished.2.contains("webhook_secret: "), "{}", unfinished.2);
    let app = fixture.run(&[&add[..], &["--webhook-secret-file", "webhook-secret"]].concat()).await.printed();
    let apps = fixture.run(&["app", "list"]).await.printed();
    assert!(apps.contains(&app) && apps.contains(client) && !apps.contains("planted"), "{apps}");
    let wrong = fixture.run(&["app", "check", &app]).await;
    assert!(wrong.0 == 3 && wrong.2.contains("/oauth/zoom/callback as redirect URL"), "{}", wrong.2);
    let redirect = json!({ "redirect_uris": [format!("{}/oauth/zoom/callback", fixture.url)] });
    fixture.control(Method::PATCH, &format!("/apps/{client}"), redirect).await;
    let taken = fixture.run(&["app", "check", &app]).await.printed();
    assert!(taken.starts_with("Zoom accepts the app's id and secret, and http"), "{taken}");

    let link = fixture.run(&["account", "connect"]).await.printed();
    assert!(fixture.run(&["audit", "list", "--json"]).await.json().as_array().unwrap().is_empty());
    assert!(link.starts_with(&format!("{}/oauth/zoom/authorize?invitation=", fixture.url)), "{link}");
    let consent = fixture.at_zoom("/consents", json!({ "client_id": client, "count": 1 })).await[0].clone();
    fs::write(fixture.installation.path("token"), consent["refresh_token"].as_str().unwrap()).unwrap();
    let account = fixture.run(&["account", "import", "--refresh-token-file", "token"]).await.printed();
    let listed = fixture.run(&["account", "list", "--json"]).await.json();
    assert_eq!((&listed[0]["id"], &listed[0]["latchkey_status"]), (&json!(account), &json!("healthy")));
    for command in ["show", "check"] {
        let shown = fixture.run(&["account", command, &account]).await.printed();
        assert!(shown.contains(&account) && shown.contains("healthy"), "{shown}");
    }

    let again = fixture.run(&["account", "connect", "--account", &account, "--json"]).await.json();
    assert!(again["url"].as_str().unwrap().contains("invitation="), "{again}");

    let member = format!("{account}:2");
    let pool = fixture.run(&["pool", "create", "sales", "--member", &member]).await.printed();
    assert!(fixture.run(&["pool", "list"]).await.printed().contains("0 of 2"));
    assert!(fixture.run(&["pool", "show", &pool]).await.printed().contains(&account));

    let page = fixture.run(&["status"]).await.printed();
    for words in [
        "Yes.",
        "fine: ",
        "audit",
        "clock",
        "1 of 1 work; the next refresh is at ",
        "sales: 0 of 2 seats taken",
        "0 joined, 0 failed",
        "none requested yet",
        "failed in the last 24 hours",
    ] {
        assert!(page.contains(words), "{words}: {page}");
    }
    assert_eq!(fixture.run(&["status", "--json"]).await.json()["can_sign_in"], true);
    an_account_that_lacks_a_scope_does_not_work(&fixture, client).await;

    let unknown = "https://zoom.us/j/98765432101";
    let Left(code, steps, why) =
        fixture.run(&["bot", "create", unknown, "--name", "Notes", "--account", &account, "--watch"]).await;
    assert!(code == 3 && why.contains("the bot has failed: "), "{steps}{why}");
    let codes: Vec<_> = steps.lines().filter_map(|line| line.split_whitespace().nth(1)).collect();
    assert_eq!(codes, ["ready", "joining_call", "fatal"], "{steps}");
    let later = ["bot", "create", unknown, "--pool", &pool, "--join-at", "2099-01-01T00:00:00Z"];
    let later = fixture.run(&later).await.printed();
    assert!(fixture.run(&["bot", "list", "--status", "ready"]).await.printed().contains(&later));
    let early = fixture.run(&["bot", "leave", &later]).await;
    assert!(early.0 == 1 && early.2.contains("has not started yet"), "{}", early.2);
    assert_eq!(fixture.run(&["bot", "cancel", &later, "--json"]).await.json()["cancelled"], later);

    fixture.run(&["pool", "delete", &pool]).await.printed();
    fixture.run(&["account", "disconnect", &account]).await.printed();
    assert_eq!(fixture.run(&["status"]).await.0, 3);
}

/// The account is connected next to a working one, and disconnected afterwards.
async fn an_account_that_lacks_a_scope_does_not_work(fixture: &Fixture, client: &str) {
    let scopes = async |scopes: Value| {
        let request = http().build().unwrap().patch(format!("{}/apps/{client}", fixture.control));
        let answer = within(request.json(&json!({ "scopes": scopes })).send()).await.unwrap();
        assert!(answer.status().is_success(), "{}", answer.status());
    };
    scopes(json!(["user:read:user"])).await;
    let consent = fixture.at_zoom("/consents", json!({ "client_id": client, "count": 1 })).await[0].clone();
    fs::write(fixture.installation.path("poor"), consent["refresh_token"].as_str().unwrap()).unwrap();
    let poor = fixture.run(&["account", "import", "--refresh-token-file", "poor"]).await.printed();
    let page = fixture.run(&["status"]).await.printed();
    assert!(page.contains("1 of 2 work") && page.contains(" lacks user:read:zak: add it"), "{page}");
    let shown = fixture.run(&["status", "--json"]).await.json();
    assert_eq!(shown["cannot_sign_in"][0]["credential"], json!(poor), "{shown}");
    let Left(code, _, why) = fixture.run(&["account", "check", &poor]).await;
    assert!(code == 3 && why.contains("lacks user:read:zak"), "{why}");
    fixture.run(&["account", "disconnect", &poor]).await.printed();
    scopes(json!(["user:read:user", "user:read:zak"])).await;
}

#[tokio::test]
async fn a_refusal_names_what_to_do() {
    let installation = Installation::new();
    let mut server = Running::start(installation.serve(), &installation.path("log"));
    let ready = server.ready().await;
    let (url, key) = (ready["url"].as_str().unwrap(), ready["api_key"].as_str().unwrap());
    let nobody = "01900000-0000-7000-8000-000000000000";
    for (key, arguments, says) in [
        (key, vec!["account", "show", nobody], "no such account: see `latchkey account list`"),
        (key, vec!["bot", "show", nobody], "no such bot: see `latchkey bot list`"),
        (key, vec!["pool", "delete", nobody], "no such pool: see `latchkey pool list`"),
        ("lk_wrong", vec!["bot", "list"], "Set LATCHKEY_API_KEY, or --api-key-file"),
        ("lk_wrong", vec!["status"], "Set LATCHKEY_API_KEY, or --api-key-file"),
    ] {
        let mut command = latchkey(installation.folder.path(), &arguments);
        command.env("LATCHKEY_URL", url).env("LATCHKEY_API_KEY", key);
        let line = refusal(command).await;
        assert!(line.contains(says), "{arguments:?}: {line}");
    }
    let wrong =
        within(latchkey(installation.folder.path(), &["account", "show", "x"]).output()).await.unwrap();
    assert_eq!(wrong.status.code(), Some(2), "no id, no call");
}
