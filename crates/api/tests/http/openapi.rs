//! `GET /openapi.json`: complete and correct.

use std::collections::{BTreeMap, BTreeSet};

use axum::{body::Body, http::Request};
use model::{BotStatus, SubCode};
use serde_json::{Value, json};

use crate::{
    app,
    recall::complain_unless_recalls,
    test_app::{Answer, CLIENT_ID, TestApp},
};

const METHODS: [&str; 5] = ["get", "post", "put", "patch", "delete"];

async fn document(app: &TestApp) -> Value {
    let answer = app.send(Request::builder().uri("/openapi.json").body(Body::empty()).unwrap()).await;
    assert!(!answer.text.contains("planted"));
    answer.ok()
}

/// Every operation: its path, its method, and its description.
fn operations(document: &Value) -> impl Iterator<Item = (&str, &str, &Value)> {
    let paths = document["paths"].as_object().unwrap().iter();
    paths.flat_map(|(path, item)| {
        let operations = item.as_object().unwrap().iter();
        operations.map(move |(method, operation)| (path.as_str(), method.as_str(), operation))
    })
}

#[tokio::test]
async fn every_route_is_in_the_document_with_each_of_its_methods_and_nothing_else_is() {
    let app = app().await;
    let document = document(&app).await;
    assert_eq!(document["openapi"], "3.1.0");
    assert_eq!(document["servers"], json!([{ "url": "https://latchkey.test/base" }]));
    let mut documented = BTreeMap::new();
    for (path, method, _) in operations(&document) {
        let path = path.trim_end_matches('/');
        documented.entry(path).or_insert_with(Vec::new).push(method);
    }
    let mut routes = BTreeMap::new();
    let paths = api::paths();
    for path in &paths {
        let garbage = path.replace('{', "garbage-").replace('}', "");
        for method in METHODS {
            let request = Request::builder().method(method.to_uppercase().as_str()).uri(&garbage);
            let answer = app.send(request.body(Body::empty()).unwrap()).await;
            if answer.status != 405 {
                routes.entry(path.as_str()).or_insert_with(Vec::new).push(method);
            }
        }
    }
    for methods in documented.values_mut().chain(routes.values_mut()) {
        methods.sort_unstable();
    }
    assert_eq!(documented, routes);
}

/// Client generators fail on tuples: they cannot read a schema that is `false`.
#[tokio::test]
async fn no_schema_is_a_tuple() {
    fn tuples(at: &str, value: &Value, found: &mut Vec<String>) {
        match value {
            Value::Object(members) => {
                if members.contains_key("prefixItems") {
                    found.push(at.to_owned());
                }
                members.iter().for_each(|(name, value)| tuples(&format!("{at}/{name}"), value, found));
            }
            Value::Array(items) => items.iter().for_each(|item| tuples(at, item, found)),
            _ => {}
        }
    }
    let mut found = Vec::new();
    tuples("", &document(&app().await).await, &mut found);
    assert_eq!(found, [""; 0]);
}

/// `a_form_says_the_same_as_json` and `a_form_in_parts_says_the_same_as_json` send each of them.
#[tokio::test]
async fn a_bot_can_be_created_in_each_encoding_that_recall_documents() {
    let app = app().await;
    let document = document(&app).await;
    for (path, method) in [("/api/v1/bot/", "post"), ("/api/v1/bot/{id}/", "patch")] {
        let content = document["paths"][path][method]["requestBody"]["content"].as_object().unwrap();
        let encodings: Vec<_> = content.keys().map(String::as_str).collect();
        assert_eq!(
            encodings,
            ["application/json", "application/x-www-form-urlencoded", "multipart/form-data"]
        );
        // Forms have a separate schema with the same content: generated clients choose the encoding by its type.
        let json = &content["application/json"]["schema"];
        assert!(content.values().skip(1).all(|each| each["schema"]["allOf"][0] == *json));
    }
}

/// A body that the document does not require can be left out, and a required one cannot.
#[tokio::test]
async fn calls_that_work_without_a_body_are_documented_so() {
    let app = app().await;
    let document = document(&app).await;
    let endpoint = json!({ "url": "https://endpoint.invalid/", "enabled": false });
    let endpoint = app.post("/api/latchkey/v1/webhook-endpoints/", endpoint).await.created();
    let endpoint = endpoint["id"].as_str().unwrap();
    let mut optional = Vec::new();
    for (path, method, operation) in operations(&document) {
        if method != "post" || is_public(operation) || operation["requestBody"].is_null() {
            continue;
        }
        let is_needed = operation["requestBody"]["required"] == true;
        let answer = app.call("POST", &path.replace("{id}", endpoint), Body::empty()).await;
        assert!(!is_needed || (400..500).contains(&answer.status), "{path}: {}", answer.text);
        if !is_needed {
            assert_eq!(answer.status, 200, "{path}: {}", answer.text);
            optional.push(path);
        }
    }
    assert_eq!(optional.len(), 2, "{optional:?}");
}

/// A key without one of the documented scopes is refused; a key with exactly these scopes is not.
#[tokio::test]
async fn the_documented_scopes_are_the_required_ones() {
    let app = app().await;
    let document = document(&app).await;
    let scopes = ["read", "bots", "tokens", "admin", "operator"];
    let mut keys = BTreeMap::new();
    for scope in scopes {
        let others = scopes.iter().filter(|other| **other != scope).copied().collect::<Vec<_>>().join(",");
        keys.insert(scope, app.key_with(&others).await);
    }
    let mut sufficient = BTreeMap::new();
    for (path, method, operation) in operations(&document) {
        let Some(needed) = operation["security"][0]["tokenAuth"].as_array() else {
            assert!(is_public(operation), "{method} {path}");
            continue;
        };
        let needed: Vec<_> = needed.iter().map(|scope| scope.as_str().unwrap()).collect();
        let garbage = path.replace('{', "garbage-").replace('}', "");
        let method = method.to_uppercase();
        for scope in &needed {
            let refused = app.call_as(&keys[scope], &method, &garbage, Value::Null).await;
            let words = format!("This API key lacks the scope {scope}: use one that has it.");
            assert_eq!(
                (refused.status, refused.json()["detail"].as_str()),
                (403, Some(&*words)),
                "{method} {path}"
            );
        }
        let needed = needed.join(",");
        if !sufficient.contains_key(&needed) {
            sufficient.insert(needed.clone(), app.key_with(&needed).await);
        }
        let allowed = app.call_as(&sufficient[&needed], &method, &garbage, Value::Null).await;
        assert!(![401, 403].contains(&allowed.status), "{method} {path}: {}", allowed.text);
    }
}

/// The status and the code of every error, from the page that is generated from the codes.
fn codes() -> Vec<(String, String)> {
    let page = api::error_codes_page();
    let sections = page.split("\n### `").skip(1).map(|section| {
        let (code, rest) = section.split_once('`').unwrap();
        let (_, status) = rest.split_once("Status ").unwrap();
        (status[..3].to_owned(), code.to_owned())
    });
    sections.collect()
}

/// Every code is listed under its status. Every example of an error is the server's real answer, in the documented form.
#[tokio::test]
async fn every_error_code_is_in_the_document() {
    let app = app().await;
    let document = document(&app).await;
    let mut documented = BTreeSet::new();
    let responses =
        operations(&document).flat_map(|(_, _, operation)| operation["responses"].as_object().unwrap());
    for (status, response) in responses {
        let response = resolved(&document, response);
        let examples = response["content"]["application/json"]["examples"].as_object().into_iter().flatten();
        let codes = examples.filter_map(|(_, example)| example["value"]["code"].as_str());
        // Token links list theirs in the description.
        let about = response["description"].as_str().unwrap();
        let named = about.strip_prefix("Refused with one of these codes: ").unwrap_or("");
        let named = named.trim_end_matches('.').split(", ");
        documented.extend(codes.chain(named).map(|code| (status.clone(), code.to_owned())));
    }
    for code in codes() {
        assert!(documented.contains(&code), "{code:?}");
    }
    for (path, method, operation) in operations(&document) {
        for (status, response) in operation["responses"].as_object().unwrap() {
            let response = resolved(&document, response);
            let Some(content) = response["content"].get("application/json") else { continue };
            for (name, example) in content["examples"].as_object().into_iter().flatten() {
                let answer = Answer::of_json(status.parse().unwrap(), &example["value"]);
                complain_unless_documented(&document, operation, &answer, &format!("{method} {path} {name}"));
            }
        }
    }
}

/// A workspace with all objects that the examples refer to.
struct Seeded {
    app: TestApp,
    user: Value,
}

impl Seeded {
    async fn new() -> Self {
        let app = app().await;
        let user = app.zoom.user("ada@example.test", "Ada").await;
        Self { app, user }
    }

    /// Creates an object and returns its id, for the parameter `name` of `path`.
    async fn id(&self, path: &str, name: &str) -> String {
        let app = &self.app;
        let id = |answer: Value| answer["id"].as_str().unwrap().to_owned();
        match (path.split('/').nth(if path.starts_with("/api/latchkey") { 4 } else { 3 }).unwrap_or(""), name)
        {
            (_, "credential") | ("zoom-oauth-credentials", "id") => app.connect(&self.user).await,
            (_, "oauth_app") | ("zoom-oauth-apps", "id") => app.zoom_app.clone(),
            (_, "pool") | ("pools", "id") => {
                let member = json!({ "credential": app.connect(&self.user).await, "max_joins": 2 });
                let name = app.env.now().to_string();
                let pool = json!({ "name": name, "members": [member] });
                app.jump(std::time::Duration::from_secs(1));
                id(app.post("/api/latchkey/v1/pools/", pool).await.created())
            }
            ("bot", "id") => app.bot(json!({ "meeting_url": "https://zoom.us/j/81234567890" })).await,
            ("bot", "file") => unreachable!("a picture has no request example"),
            ("api-keys", "id") => {
                let key = json!({ "name": "another", "scopes": ["read"] });
                id(app.post("/api/latchkey/v1/api-keys/", key).await.created())
            }
            ("workspaces", "id") => app.workspace().await.to_string(),
            ("token-links", "id") => {
                let link = json!({ "credential": app.connect(&self.user).await });
                id(app.post("/api/latchkey/v1/token-links/", link).await.created())
            }
            ("webhook-endpoints", "id") => {
                // Disabled, and with one recorded event: nothing is sent.
                let endpoint = json!({ "url": "https://endpoint.invalid/?secret", "enabled": false });
                let made = id(app.post("/api/latchkey/v1/webhook-endpoints/", endpoint).await.created());
                app.post(&format!("/api/latchkey/v1/webhook-endpoints/{made}/test/"), Value::Null).await.ok();
                made
            }
            (thing, name) => panic!("{path}: say what {name} of {thing} is"),
        }
    }

    /// An example in which the ids are those of existing objects.
    async fn filled(&self, path: &str, mut example: Value) -> Value {
        if let Some(members) = example.get_mut("members").and_then(Value::as_array_mut) {
            for member in members {
                member["credential"] = self.id(path, "credential").await.into();
            }
        }
        for name in ["credential", "oauth_app", "pool"] {
            if example.get(name).is_some() {
                example[name] = self.id(path, name).await.into();
            }
        }
        if example.pointer("/zoom/credential").is_some() {
            example["zoom"]["credential"] = self.id(path, "credential").await.into();
        }
        if example.get("authorization_code").is_some() {
            let redirect = self.app.address("/oauth/zoom/callback");
            let code = self.app.zoom.code(CLIENT_ID, &redirect).await;
            example["authorization_code"] = json!({ "code": code, "redirect_uri": redirect });
        }
        if example.get("server_to_server").is_some() {
            let registered = json!({ "client_id": "s2s", "client_secret": "planted-s2s", "kind": "server_to_server",
                                     "account_id": self.app.zoom.host()["account_id"] });
            self.app.zoom.control("POST", "apps", registered.clone()).await;
            let made = self.app.post("/api/v2/zoom-oauth-apps/", registered).await.created();
            example["oauth_app"] = made["id"].clone();
        }
        example
    }
}

/// Commands that a bot can execute only in a call.
const IN_A_CALL: [&str; 2] = ["/api/v1/bot/{id}/output_video/", "/api/v1/bot/{id}/send_chat_message/"];

/// An example that no longer works makes this test fail.
#[tokio::test]
async fn every_example_of_a_request_is_answered_as_documented() {
    let seeded = Seeded::new().await;
    let document = document(&seeded.app).await;
    let mut sent = 0;
    for (path, method, operation) in operations(&document) {
        let Some(content) = operation["requestBody"]["content"].get("application/json") else { continue };
        if is_public(operation) {
            // Signed requests cannot have an example that stays valid.
            continue;
        }
        let one = content.get("example").map(|value| ("", value.clone()));
        let several = content["examples"].as_object().into_iter().flatten();
        let examples: Vec<_> = one
            .into_iter()
            .chain(several.map(|(name, each)| (name.as_str(), each["value"].clone())))
            .collect();
        assert!(!examples.is_empty(), "{method} {path} has no example");
        let success =
            operation["responses"].as_object().unwrap().keys().find(|status| status.starts_with('2'));
        for (name, example) in examples {
            let mut address = path.to_owned();
            for parameter in operation["parameters"].as_array().into_iter().flatten() {
                if parameter["in"] == "path" {
                    let name = parameter["name"].as_str().unwrap();
                    address = address.replace(&format!("{{{name}}}"), &seeded.id(path, name).await);
                }
            }
            let body = seeded.filled(path, example).await;
            let key = if operation["security"][0]["tokenAuth"][0] == "operator" {
                seeded.app.key_with("operator").await
            } else {
                seeded.app.api_key.clone()
            };
            let answer = seeded.app.call_as(&key, &method.to_uppercase(), &address, body).await;
            let what = format!("{method} {path} {name}: {}", answer.text);
            // No bot is in a call here: `tests/bots/outputs.rs` has bots that are.
            if IN_A_CALL.contains(&path) {
                assert_eq!(answer.refused()["code"], "cannot_command_unstarted_bot", "{what}");
            } else {
                assert_eq!(Some(&answer.status.to_string()), success, "{what}");
            }
            complain_unless_documented(&document, operation, &answer, &what);
            sent += 1;
        }
    }
    assert!(sent > 15, "{sent}");
}

/// Every `GET` with only ids in its path answers according to its schema, with and without existing objects.
#[tokio::test]
async fn answers_match_their_schemas() {
    let seeded = Seeded::new().await;
    let app = &seeded.app;
    let document = document(app).await;
    for (path, method, operation) in operations(&document) {
        let is_ours = !is_public(operation) || ["/livez", "/healthz", "/readyz"].contains(&path);
        if method != "get" || !is_ours || path.contains("{file}") {
            continue;
        }
        let mut address = path.to_owned();
        if path.contains("{id}") {
            address = path.replace("{id}", &seeded.id(path, "id").await);
        }
        if let Some((list, _)) = address.split_once("{event}") {
            let listed = app.get(list).await.ok();
            address = format!("{list}{}/", listed["results"][0]["event"].as_str().unwrap());
        }
        let key = app.key_with("read,bots,tokens,admin,operator").await;
        let answer = app.call_as(&key, "GET", &address, Value::Null).await;
        assert_eq!(answer.status, 200, "{path}: {}", answer.text);
        complain_unless_documented(&document, operation, &answer, path);
    }
}

/// Whether the operation is documented as public.
fn is_public(operation: &Value) -> bool {
    operation["security"] == json!([])
}

/// The value, or what its reference points to.
fn resolved<'a>(document: &'a Value, response: &'a Value) -> &'a Value {
    let Some(reference) = response["$ref"].as_str() else { return response };
    document
        .pointer(reference.strip_prefix('#').unwrap())
        .unwrap_or_else(|| panic!("{reference} leads nowhere"))
}

/// Validates an answer against the schema of its status.
fn complain_unless_documented(document: &Value, operation: &Value, answer: &Answer, what: &str) {
    let response = resolved(document, &operation["responses"][answer.status.to_string()]);
    assert!(response.is_object(), "{what}: {} is not documented", answer.status);
    let Some(content) = response.get("content") else {
        assert_eq!(answer.text, "", "{what}");
        return;
    };
    let kind = answer.header("content-type");
    if !kind.is_empty() && !kind.contains("json") {
        assert!(content.get(kind).is_some(), "{what}: {kind} is not documented");
        return;
    }
    // The schema's references point into the document.
    let mut schema = json!({ "components": document["components"] });
    schema["allOf"] = json!([content["application/json"]["schema"]]);
    let validator = jsonschema::options().should_validate_formats(true).build(&schema).unwrap();
    let errors: Vec<_> = validator
        .iter_errors(&answer.json())
        .map(|error| format!("{error} at {}", error.instance_path()))
        .collect();
    assert!(errors.is_empty(), "{what}: {errors:?}");
}

/// Bots in answers fit a client that was generated from Recall's own schema.
#[tokio::test]
async fn bots_match_recalls_schema() {
    let seeded = Seeded::new().await;
    let app = &seeded.app;
    let everything = json!({
        "meeting_url": "https://zoom.us/j/81234567890?pwd=planted-pass",
        "bot_name": "Notes",
        "join_at": app.env.now() + std::time::Duration::from_secs(3600),
        "automatic_leave": { "everyone_left_timeout": 5, "silence_detection": { "timeout": 60 } },
        "zoom": { "credential": seeded.id("/", "credential").await, "user_email": "ada@example.test" },
        "metadata": { "customer": "42" },
        "variant": { "zoom": "web_4_core" },
        "chat": { "on_bot_join": { "send_to": "host", "message": "hello" } },
    });
    for asked in [json!({ "meeting_url": "https://zoom.us/j/81234567890" }), everything] {
        let made = app.post("/api/v1/bot/", asked).await.created();
        complain_unless_recalls("Bot", &made);
        let id = made["id"].as_str().unwrap();
        complain_unless_recalls("Bot", &app.get(&format!("/api/v1/bot/{id}/")).await.ok());
    }
    complain_unless_recalls("PaginatedBotList", &app.get("/api/v1/bot/").await.ok());
}

/// So do bots in a meeting, and ended bots: `tests/bots/meeting_events.rs` has one with recordings.
#[tokio::test]
async fn started_bots_match_recalls_schema() {
    let app = app().await;
    let asked = json!({ "meeting_url": "https://zoom.us/j/81234567890" });
    let (bot, lease) = app.leased(asked.clone()).await;
    for code in [BotStatus::JoiningCall, BotStatus::InWaitingRoom, BotStatus::InCallNotRecording] {
        app.step(&bot, &lease, code, None).await;
        complain_unless_recalls("Bot", &app.look_at(&bot.id.to_string()).await);
    }
    app.step(&bot, &lease, BotStatus::CallEnded, Some(SubCode::CallEndedByHost)).await;
    app.step(&bot, &lease, BotStatus::Done, None).await;
    let ended = app.look_at(&bot.id.to_string()).await;
    assert_eq!(ended["status_changes"][4]["sub_code"], "call_ended_by_host");
    complain_unless_recalls("Bot", &ended);

    let (bot, lease) = app.leased(asked).await;
    app.step(&bot, &lease, BotStatus::Fatal, Some(SubCode::MeetingNotFound)).await;
    complain_unless_recalls("Bot", &app.look_at(&bot.id.to_string()).await);
    complain_unless_recalls("PaginatedBotList", &app.get("/api/v1/bot/").await.ok());
}
