//! Tokens for every platform: each dialect as its platform speaks it, every kind of token, and what is refused how.

use std::time::Duration;

use axum::{body::Body, http::Request};
use model::{Secret, TokenKind};
use serde_json::{Value, json};
use store::{Dialect, Proof};
use token_links::{
    NewLink,
    attendee_signature::{AttendeeKey, canonical},
};

use crate::{
    app,
    test_app::{Answer, CLIENT_ID, TestApp},
};

const LINKS: &str = "/api/latchkey/v1/token-links/";
/// A project's secret, as Attendee shows it.
const PROJECT: &str = "Tk9ULUEtUkVBTC1TRUNSRVQtYXR0ZW5kZWUtdmVjMDE=";

/// A app with an account of the host.
async fn with_account() -> (TestApp, String) {
    let app = app().await;
    let account = app.connect(app.zoom.host()).await;
    (app, account)
}

/// A new link, and its path.
async fn link(app: &TestApp, asked: Value) -> (Value, String) {
    let made = app.post(LINKS, asked).await.created();
    let path = app.path_of(made["url"].as_str().unwrap());
    (made, path)
}

/// A signed fetch, as Recall makes it.
async fn fetch(app: &TestApp, path: &str, id: &str) -> Answer {
    let mut request = Request::builder().uri(path);
    for (name, value) in app.signature(id).await {
        request = request.header(name, value);
    }
    app.send(request.body(Body::empty()).unwrap()).await
}

/// A fetch that brings nothing but its address.
async fn bare(app: &TestApp, path: &str) -> Answer {
    app.send(Request::builder().uri(path).body(Body::empty()).unwrap()).await
}

/// What Attendee asks for a bot in a meeting, in the order and spelling of its Python.
fn ask(bot: &str, meeting: &str) -> String {
    format!(
        r#"{{"bot_id": "{bot}", "bot_metadata": {{"note": "Z\u00fcrich", "Order": 2}}, "callback_type": "zoom_tokens", "meeting_url": "https://zoom.us/j/{meeting}?pwd=abc.1"}}"#
    )
}

/// A call of Attendee's with this signature, or the right one.
async fn call(app: &TestApp, path: &str, body: &str, signature: Option<&str>) -> Answer {
    let key = AttendeeKey::parse(&Secret::new(PROJECT)).unwrap();
    let right = canonical(body.as_bytes()).map(|text| key.sign(&text)).unwrap_or_default();
    let request = Request::builder()
        .method("POST")
        .uri(path)
        .header("content-type", "application/json")
        .header("user-agent", "Attendee-Callback/1.0")
        .header("x-webhook-signature", signature.unwrap_or(&right));
    app.send(request.body(Body::from(body.to_owned())).unwrap()).await
}

fn attendee(account: &str, changes: &Value) -> Value {
    let mut asked = json!({ "credential": account, "dialect": "attendee", "signing_secret": PROJECT });
    asked.as_object_mut().unwrap().extend(changes.as_object().unwrap().clone());
    asked
}

/// A kind of refusal, in the object that Attendee logs.
fn refused(answer: &Answer, status: u16, code: &str, retryable: bool) {
    let error = &answer.json()["error"];
    assert_eq!(
        (answer.status, &error["code"], &error["retryable"]),
        (status, &json!(code), &json!(retryable))
    );
    assert!(!error["message"].as_str().unwrap().is_empty());
}

#[tokio::test]
async fn attendee_is_given_a_zak_for_a_request_that_its_project_signed() {
    let (app, account) = with_account().await;
    let (_, path) = link(&app, attendee(&account, &json!({}))).await;
    let answer = call(&app, &path, &ask("bot_1", "12345678901"), None).await;
    assert_eq!(answer.header("content-type"), "application/json");
    assert_eq!(answer.header("cache-control"), "no-store");
    let tokens = answer.ok();
    assert_eq!(tokens.as_object().unwrap().keys().collect::<Vec<_>>(), ["zak_token"]);
    assert_eq!(tokens["zak_token"].as_str().unwrap().split('.').count(), 3);

    for (body, signature, status, code) in [
        (
            ask("bot_2", "12345678901"),
            Some("MW4Cxsu3P1fNppKgrMQ7b8ng6pSivwYDlvHdXHDp5XM="),
            401,
            "signature_invalid",
        ),
        (ask("bot_2", "12345678901"), Some(""), 401, "signature_invalid"),
        ("{".into(), None, 400, "request_malformed"),
        (r#"{"bot_id": "bot_2", "bot_id": "bot_3"}"#.into(), None, 400, "request_malformed"),
        (r#"{"bot_id": "bot_2", "callback_type": "zoom_tokens"}"#.into(), None, 400, "request_malformed"),
        (ask("bot_2", "1234"), None, 400, "request_malformed"),
        (ask("", "12345678901"), None, 400, "request_malformed"),
        (ask("bot_2", "12345678901").replace("zoom_tokens", "other"), None, 400, "request_malformed"),
    ] {
        refused(&call(&app, &path, &body, signature).await, status, code, false);
    }
    let unsigned =
        Request::builder().method("POST").uri(&path).body(Body::from(ask("b", "12345678901"))).unwrap();
    refused(&app.send(unsigned).await, 401, "signature_missing", false);
    let stranger = path.replace("/t/", "/t/0");
    refused(&call(&app, &stranger, &ask("bot_2", "12345678901"), None).await, 404, "link_unknown", false);
    assert_eq!(app.zoom.count("zak_mints").await, 1);
}

#[tokio::test]
async fn attendees_request_counts_once_and_again_within_a_minute() {
    let (app, account) = with_account().await;
    let (_, path) = link(&app, attendee(&account, &json!({}))).await;
    let (body, minute) = (ask("bot_1", "12345678901"), Duration::from_secs(60));
    call(&app, &path, &body, None).await.ok();
    app.jump(minute);
    call(&app, &path, &body, None).await.ok();
    app.jump(Duration::from_secs(1));
    refused(&call(&app, &path, &body, None).await, 409, "replay_refused", false);
    // Spelled otherwise, it is the same request still; another process knows it, too.
    let compact = canonical(body.as_bytes()).unwrap();
    refused(&call(&app, &path, &compact, None).await, 409, "replay_refused", false);
    call(&app, &path, &ask("bot_2", "12345678901"), None).await.ok();

    let (_, again) = link(&app, attendee(&account, &json!({ "allow_repeat": true }))).await;
    let repeated = ask("bot_3", "12345678901");
    for _ in 0..2 {
        call(&app, &again, &repeated, None).await.ok();
        app.jump(minute * 2);
    }
    // By a clock that was set back to before the first one, and weeks later.
    let now = app.env.now();
    app.set_clock(now - minute * 60);
    refused(&call(&app, &path, &body, None).await, 409, "replay_refused", false);
    app.set_clock(now + Duration::from_secs(29 * 24 * 3600));
    refused(&call(&app, &path, &body, None).await, 409, "replay_refused", false);
}

#[tokio::test]
async fn attendees_meeting_is_the_links() {
    let (app, account) = with_account().await;
    let (_, path) = link(&app, attendee(&account, &json!({ "meeting": 12_345_678_901_u64 }))).await;
    call(&app, &path, &ask("bot_1", "12345678901"), None).await.ok();
    refused(&call(&app, &path, &ask("bot_2", "123456789"), None).await, 403, "meeting_not_allowed", false);
}

#[tokio::test]
async fn of_several_people_each_vouches_for_attendees_bot() {
    let app = app().await;
    let mut accounts = Vec::new();
    for name in ["ada", "eve", "zoe"] {
        let user = app.zoom.user(&format!("{name}@example.test"), name).await;
        accounts.push((app.connect(&user).await, user));
    }
    let named: Vec<_> = accounts.iter().map(|(account, _)| json!({ "credential": account })).collect();
    let asked = json!({ "accounts": named, "kind": "obf", "dialect": "attendee", "signing_secret": PROJECT });
    let (_, path) = link(&app, asked).await;
    let tokens = async |bot: &str| {
        let answer = call(&app, &path, &ask(bot, "12345678901"), None).await.ok();
        answer["onbehalf_token"].as_str().unwrap().split(',').map(str::to_owned).collect::<Vec<_>>()
    };
    let first = tokens("bot_1").await;
    assert_eq!(first.len(), 3);
    assert!(first.iter().all(|token| token.split('.').count() == 3), "no spaces, no blanks");
    assert!(tokens("bot_2").await.iter().all(|token| !first.contains(token)), "never the same twice");
    assert_eq!(app.zoom.count("obf_mints").await, 6);

    // An account that can't vouch is skipped, as long as another can.
    for (left, (_, user)) in [(2, &accounts[0]), (1, &accounts[1])] {
        let change = json!({ "active": false });
        app.zoom.control("PATCH", &format!("users/{}", user["id"].as_str().unwrap()), change).await;
        assert_eq!(tokens(&format!("bot_{left}_left")).await.len(), left);
    }
}

#[tokio::test]
async fn without_a_token_attendee_gets_an_error_unless_the_link_says_otherwise() {
    let (app, account) = with_account().await;
    // Nobody here is known to host this meeting.
    for (optional, status) in [(false, 422), (true, 200)] {
        let asked = attendee(&account, &json!({ "kind": "join_token", "optional": optional }));
        let (_, path) = link(&app, asked).await;
        let answer = call(&app, &path, &ask(&format!("bot_{status}"), "12345678901"), None).await;
        assert_eq!(answer.status, status, "{}", answer.text);
        if optional {
            assert_eq!(answer.json(), json!({}));
        } else {
            refused(&answer, 422, "token_not_available", false);
        }
    }
    // A dead grant is no reason to go in as nobody.
    let (_, path) = link(&app, attendee(&account, &json!({ "optional": true }))).await;
    let user = app.zoom.host()["id"].as_str().unwrap().to_owned();
    app.zoom.control("PATCH", &format!("users/{user}"), json!({ "active": false })).await;
    refused(
        &call(&app, &path, &ask("bot_1", "12345678901"), None).await,
        424,
        "credential_needs_consent",
        false,
    );
    // Its owner finds it in the account's log, once.
    call(&app, &path, &ask("bot_2", "12345678901"), None).await;
    let log = app.get(&format!("/api/v2/zoom-oauth-credential-logs/?credential={account}")).await.ok();
    let lines: Vec<_> =
        log["results"].as_array().unwrap().iter().map(|line| line["message"].as_str().unwrap()).collect();
    let told = lines.iter().filter(|line| line.contains("was refused its zak")).count();
    assert_eq!(told, 1, "{lines:?}");
}

#[tokio::test]
async fn meeting_baas_says_who_its_bot_is_and_signs_nothing() {
    let (app, account) = with_account().await;
    let asked = json!({ "credential": account, "dialect": "meeting_baas", "kind": "obf", "meeting_in_request": true });
    let (made, path) = link(&app, asked).await;
    assert_eq!(made["verification"], "unsigned");
    let bot = "6f1c6c0e-0000-4000-8000-00000000000a";
    for query in [
        format!("?bot_id={bot}&extra=%7B%22meeting_id%22%3A%20%22123%204567%208901%22%7D"),
        format!("?bot_uuid={bot}&extra={{\"meeting_id\":12345678901}}"),
        // Appended to a query that was there before, as if there were none.
        format!("?mine=1?bot_id={bot}&extra=%7B%22meeting_id%22%3A12345678901%7D"),
        format!("?meeting=12345678901?bot_id={bot}&extra=%7B%7D"),
        format!("?bot_id={bot}&extra=not%20JSON"),
        format!("?bot_id={bot}&extra=%7B%7D"),
        String::new(),
    ] {
        let uri = format!("{path}{}", query.replace('{', "%7B").replace('}', "%7D").replace('"', "%22"));
        let answer = bare(&app, &uri).await;
        assert_eq!(
            (answer.status, answer.header("content-type")),
            (200, "text/plain; charset=utf-8"),
            "{query}"
        );
    }
    assert_eq!(app.zoom.count("obf_mints").await, 7);
    let audit = app.get("/api/latchkey/v1/audit/").await.ok();
    let shown = |record: &Value| (record["bot"].clone(), record["meeting"].clone());
    let records: Vec<_> = audit["results"].as_array().unwrap().iter().map(shown).collect();
    let count =
        |bot: &Value, meeting: &Value| records.iter().filter(|(b, m)| b == bot && m == meeting).count();
    assert_eq!(count(&json!(bot), &json!(12_345_678_901_u64)), 4);
    assert_eq!((count(&json!(bot), &Value::Null), count(&Value::Null, &Value::Null)), (2, 1));

    for (query, status, code) in [
        ("?extra=%7B%22meeting_id%22%3A12%7D".to_owned(), 400, "request_malformed"),
        (format!("?bot_id={}", "x".repeat(129)), 400, "request_malformed"),
        (format!("?extra={}", "x".repeat(16 * 1024)), 400, "request_malformed"),
        ("?kind=zak".to_owned(), 422, "token_not_available"),
        ("?kind=password".to_owned(), 400, "request_malformed"),
    ] {
        let answer = bare(&app, &format!("{path}{query}")).await;
        assert_eq!((answer.status, answer.text.split(':').next()), (status, Some(code)), "{}", answer.text);
    }
    assert_eq!(app.zoom.count("obf_mints").await, 7);
}

#[tokio::test]
async fn a_link_can_be_kept_to_networks() {
    let (app, account) = with_account().await;
    let asked = json!({ "credential": account, "dialect": "meeting_baas", "networks": ["203.0.113.0/24"] });
    let (_, path) = link(&app, asked).await;
    let answer = bare(&app, &path).await;
    assert_eq!((answer.status, answer.text.split(':').next()), (403, Some("address_not_allowed")));
    assert_eq!(app.zoom.count("zak_mints").await, 0);
}

#[tokio::test]
async fn every_fetch_of_an_obf_token_is_a_mint_for_the_links_meeting() {
    let (app, account) = with_account().await;
    let (_, path) =
        link(&app, json!({ "credential": account, "kind": "obf", "meeting": "123-4567-8901" })).await;
    let mut tokens = std::collections::HashSet::new();
    for number in 0..3 {
        let answer = fetch(&app, &path, &format!("msg_{number}")).await;
        assert_eq!(answer.status, 200, "{}", answer.text);
        tokens.insert(answer.text);
    }
    assert_eq!((tokens.len(), app.zoom.count("obf_mints").await), (3, 3));
    // The request may say for which meeting, as long as it is this one.
    assert_eq!(fetch(&app, &format!("{path}?meeting=12345678901"), "msg_a").await.status, 200);
    let other = fetch(&app, &format!("{path}?meeting=12345678902"), "msg_b").await;
    assert_eq!(
        (other.status, other.text.split(';').next()),
        (403, Some("meeting_not_allowed: the link is for another meeting"))
    );
    let none = fetch(&app, &format!("{path}?meeting=12"), "msg_c").await;
    assert_eq!(
        (none.status, none.text.split(';').next()),
        (400, Some("request_malformed: a meeting number has 9 to 11 digits"))
    );
}

#[tokio::test]
async fn a_join_token_is_the_hosts_and_nobody_elses() {
    let app = app().await;
    let scopes = ["user:read:user", "user:read:zak", "meeting:read:local_recording_token"];
    app.zoom.control("PATCH", &format!("apps/{CLIENT_ID}"), json!({ "scopes": scopes })).await;
    let account = app.connect(app.zoom.host()).await;
    let meeting = app.zoom.meeting(json!({})).await.number;
    let (_, path) =
        link(&app, json!({ "credential": account, "kind": "join_token", "meeting": meeting })).await;
    let answer = fetch(&app, &path, "msg_1").await;
    assert_eq!((answer.status, app.zoom.count("join_token_mints").await), (200, 1), "{}", answer.text);

    let stranger = app.zoom.user("eve@example.test", "Eve").await;
    let stranger = app.connect(&stranger).await;
    for (credential, meeting) in [(&stranger, meeting.as_str()), (&account, "12345678901")] {
        let asked = json!({ "credential": credential, "kind": "join_token", "meeting": meeting });
        let (_, path) = link(&app, asked).await;
        let answer = fetch(&app, &path, &format!("msg_{meeting}_{credential}")).await;
        assert_eq!((answer.status, answer.text.split(':').next()), (404, Some("token_not_available")));
    }
    let (_, nowhere) = link(&app, json!({ "credential": account, "kind": "join_token" })).await;
    let answer = fetch(&app, &nowhere, "msg_2").await;
    assert_eq!(
        answer.text.split(';').next(),
        Some("request_malformed: a join token is for one meeting: name it")
    );
    let (_, unhosted) =
        link(&app, json!({ "host": true, "kind": "join_token", "meeting": "12345678901" })).await;
    assert_eq!(fetch(&app, &unhosted, "msg_3").await.status, 404, "which is how to say: join without");
}

#[tokio::test]
async fn an_access_token_lasts_five_minutes_more() {
    let (app, account) = with_account().await;
    let (_, path) = link(&app, json!({ "credential": account, "kind": "access_token" })).await;
    let first = fetch(&app, &path, "msg_1").await.text;
    assert_eq!(fetch(&app, &path, "msg_2").await.text, first);
    app.jump(Duration::from_secs(3600 - 301));
    app.zoom.control("POST", "clock", json!({ "advance_seconds": 3299 })).await;
    assert_eq!(fetch(&app, &path, "msg_3").await.text, first, "301 s are enough");
    app.jump(Duration::from_secs(2));
    assert_ne!(fetch(&app, &path, "msg_4").await.text, first, "299 s are not");
    assert_eq!(app.zoom.count("refreshes").await, 1);
}

#[tokio::test]
async fn one_link_gives_several_kinds_to_who_asks() {
    let (app, account) = with_account().await;
    let (_, path) = link(&app, json!({ "credential": account, "kinds": ["obf", "zak"] })).await;
    assert_eq!(fetch(&app, &path, "msg_1").await.status, 200);
    assert_eq!(app.zoom.count("obf_mints").await, 1, "the first is the usual one");
    assert_eq!(fetch(&app, &format!("{path}?kind=zak"), "msg_2").await.status, 200);
    assert_eq!(app.zoom.count("zak_mints").await, 1);
    assert_eq!(fetch(&app, &format!("{path}?kind=access_token"), "msg_3").await.status, 422);
}

#[tokio::test]
async fn urls_with_a_secret_in_their_query_go_on_working() {
    let (app, account) = with_account().await;
    let asked =
        json!({ "credential": account, "verification": "query_secret", "query_parameter": "auth_token" });
    let (made, path) = link(&app, asked).await;
    assert!(path.contains("?auth_token="), "{path}");
    assert_eq!(
        (&made["verification"], &made["query_parameter"]),
        (&json!("query_secret"), &json!("auth_token"))
    );
    assert_eq!(bare(&app, &path).await.status, 200);
    let (address, _) = path.split_once('?').unwrap();
    for (query, code) in [
        ("", "signature_missing"),
        ("?token=x", "signature_missing"),
        ("?auth_token=wrong", "signature_invalid"),
    ] {
        let answer = bare(&app, &format!("{address}{query}")).await;
        assert_eq!((answer.status, answer.text.split(':').next()), (401, Some(code)), "{query}");
    }
    // A secret that is in use already.
    let asked = json!({ "credential": account, "verification": "query_secret", "query_secret": "0123456789abcdef&=" });
    let (_, path) = link(&app, asked).await;
    assert!(path.ends_with("?token=0123456789abcdef%26%3D"), "{path}");
    assert_eq!(bare(&app, &path).await.status, 200);
    let list = app.get(LINKS).await.text;
    assert!(!list.contains("0123456789abcdef"));
}

/// It would be read as what a request says, or what a request says would be read as the secret.
#[tokio::test]
async fn a_secret_in_the_query_is_not_called_as_what_a_request_says() {
    let (app, account) = with_account().await;
    for name in ["kind", "meeting", "fresh", "extra", "bot", "bot_id", "bot_uuid"] {
        let asked = json!({ "credential": account, "verification": "query_secret", "query_parameter": name });
        let words = "Requests say something else with kind, meeting, fresh, extra, bot_id, bot_uuid, bot.";
        assert_eq!(app.post(LINKS, asked).await.refused(), json!({ "query_parameter": [words] }), "{name}");
    }
}

/// A misspelt parameter that was not read would give another token than was meant.
#[tokio::test]
async fn a_parameter_that_is_almost_one_of_ours_is_refused_in_every_dialect_that_reads_a_query() {
    let (app, account) = with_account().await;
    let asked = |dialect: &str, changes: Value| {
        let mut asked = json!({ "credential": account, "dialect": dialect, "kinds": ["zak", "obf"] });
        asked.as_object_mut().unwrap().extend(changes.as_object().unwrap().clone());
        asked
    };
    let (_, recall) = link(&app, asked("recall", json!({ "meeting_in_request": true }))).await;
    let (_, baas) = link(&app, asked("meeting_baas", json!({ "meeting_in_request": true }))).await;
    // The secret's own name is near to one of ours.
    let named = json!({ "verification": "query_secret", "query_parameter": "bots", "query_secret": "planted-secret-of-a-query" });
    let (made, _) = link(&app, asked("recall", named)).await;
    let in_the_query = app.path_of(made["url"].as_str().unwrap());
    let (made, bearer) = link(&app, asked("bearer", json!({ "meeting_in_request": true }))).await;
    let authorization = made["authorization"].as_str().unwrap().to_owned();
    let (_, of_attendee) = link(&app, attendee(&account, &json!({}))).await;

    let send = async |dialect: &str, query: &str, id: &str| match dialect {
        "recall" => fetch(&app, &format!("{recall}?{query}"), id).await,
        "meeting_baas" => bare(&app, &format!("{baas}?bot_id=b&{query}")).await,
        "query_secret" => bare(&app, &format!("{in_the_query}&{query}")).await,
        "bearer" => {
            let request = Request::builder().uri(format!("{bearer}?{query}"));
            app.send(request.header("authorization", &authorization).body(Body::empty()).unwrap()).await
        }
        _ => call(&app, &format!("{of_attendee}?{query}"), &ask(id, "12345678901"), None).await,
    };
    for (number, (query, meant)) in [
        ("knd=obf", Some("kind")),
        ("meting=12345678901", Some("meeting")),
        ("kind=zak&Fresh=1", Some("fresh")),
        ("botId=planted", Some("bot_id")),
        // Nothing is asked with it; it is somebody else's; it is right.
        ("knd=", None),
        ("job_id=7&meeting_id=12345678901&svix-id=msg", None),
        ("kind=zak&fresh=1&bot_uuid=b", None),
    ]
    .into_iter()
    .enumerate()
    {
        for dialect in ["recall", "meeting_baas", "query_secret", "bearer", "attendee"] {
            let answer = send(dialect, query, &format!("{dialect}-{number}")).await;
            // Attendee says everything in its body: nothing of the query is read.
            let Some(meant) = meant.filter(|_| dialect != "attendee") else {
                assert_eq!(answer.status, 200, "{dialect} {query}: {}", answer.text);
                continue;
            };
            let said = &answer.text;
            assert_eq!(answer.status, 400, "{dialect} {query}: {said}");
            assert!(
                said.contains("request_malformed") && said.contains(&format!("did you mean {meant}?")),
                "{said}"
            );
            assert!(!said.contains("planted"), "{said}");
        }
    }
}

/// Links that were made before such names were refused.
#[tokio::test]
async fn a_secret_that_is_called_as_what_a_request_says_is_a_secret_all_the_same() {
    let (app, account) = with_account().await;
    let workspace = app.workspace().await;
    for (name, dialect) in token_links::QUERY_PARAMETERS
        .into_iter()
        .flat_map(|name| [Dialect::Recall, Dialect::MeetingBaas].map(|dialect| (name, dialect)))
    {
        let secret = format!("planted-{name}-secret");
        let mut new = NewLink::usual(TokenKind::Zak, account.parse().unwrap());
        new.terms.dialect = dialect;
        new.terms.meeting_in_request = true;
        new.terms.proof = Proof::QuerySecret { name: name.to_owned(), digest: tenants::digest(&secret) };
        let made = app.links.manager.create(workspace, &new).await.unwrap().unwrap();
        let path = app.path_of(made.url.expose());
        let answer = bare(&app, &format!("{path}?{name}={secret}")).await;
        assert_eq!(answer.status, 200, "{name}: {}", answer.text);
        // What the request does say has its own name.
        let other = if name == "bot" { "bot_id" } else { "bot" };
        assert_eq!(bare(&app, &format!("{path}?{name}={secret}&{other}=b-{name}")).await.status, 200);
        let wrong = bare(&app, &format!("{path}?{name}=planted-wrong")).await;
        assert_eq!((wrong.status, wrong.text.contains("planted")), (401, false));
    }
    app.links.recent_uses.write().await;
    for place in [LINKS, "/api/latchkey/v1/audit/", "/api/latchkey/v1/credential-events/"] {
        let shown = app.get(place).await.text;
        assert!(!shown.contains("planted"), "{place}: {shown}");
    }
    assert!(app.get(LINKS).await.text.contains("b-extra"), "the bot is shown");
    let stored = app.bytes_of_the_store();
    assert!(!stored.windows(8).any(|bytes| bytes == b"planted-"), "the store holds no secret");
}

#[tokio::test]
async fn either_of_two_secrets_verifies_while_one_is_replaced() {
    let (app, account) = with_account().await;
    let secrets = ["whsec_dGhlIG5ldyBzZWNyZXQgb2YgdGhpcw==", "whsec_dGhlIG9sZCBzZWNyZXQgb2YgdGhpcw=="];
    let (made, path) = link(&app, json!({ "credential": account, "signing_secret": secrets })).await;
    let signed = async |secret: &str, id: &str| {
        let key = outbound::signature::SigningKey::parse(&Secret::new(secret)).unwrap();
        let now = app.env.now();
        let request = Request::builder()
            .uri(&path)
            .header("webhook-id", id)
            .header("webhook-timestamp", now.as_second().to_string())
            .header("webhook-signature", key.sign(id, now, b""));
        app.send(request.body(Body::empty()).unwrap()).await.status
    };
    assert_eq!((signed(secrets[0], "a").await, signed(secrets[1], "b").await), (200, 200));
    let at = format!("{LINKS}{}/", made["id"].as_str().unwrap());
    let only = json!({ "signing_secret": secrets[0] }).to_string();
    let request = app.request("PATCH", &at).header("content-type", "application/json");
    assert_eq!(app.send(request.body(Body::from(only)).unwrap()).await.status, 200);
    assert_eq!((signed(secrets[0], "c").await, signed(secrets[1], "d").await), (200, 401));
}

#[tokio::test]
async fn a_link_is_used_up_not_yet_valid_or_asked_too_often() {
    let (app, account) = with_account().await;
    let (_, path) = link(&app, json!({ "credential": account, "max_uses": 2 })).await;
    let codes = async |path: &str, count: usize| {
        let mut codes = Vec::new();
        for number in 0..count {
            // Ids have no dots, as paths and times do.
            let id = format!("msg_{number}_{path}_{}", app.env.now()).replace('.', "_");
            codes.push(fetch(&app, path, &id).await.status);
        }
        codes
    };
    assert_eq!(codes(&path, 3).await, [200, 200, 410]);

    let not_before = app.env.now() + Duration::from_secs(60);
    let (_, path) = link(&app, json!({ "credential": account, "not_before": not_before })).await;
    assert_eq!(codes(&path, 1).await, [410]);
    app.jump(Duration::from_secs(60));
    assert_eq!(codes(&path, 1).await, [200]);

    let (_, path) = link(&app, json!({ "credential": account, "per_minute": 2 })).await;
    assert_eq!(codes(&path, 3).await, [200, 200, 429]);
    let answer = fetch(&app, &path, "once more").await;
    assert_eq!(answer.text, "rate_limited: try again after the time in Retry-After");
    let wait: u64 = answer.header("retry-after").parse().unwrap();
    app.jump(Duration::from_secs(wait));
    assert_eq!(codes(&path, 1).await, [200]);

    // What gives nothing is not counted.
    let (made, path) = link(&app, json!({ "credential": account, "kinds": ["zak"], "max_uses": 1 })).await;
    app.zoom.control("POST", "faults", json!({ "where": "refresh", "kind": "http_500", "times": 9 })).await;
    app.jump(Duration::from_secs(7200));
    assert_eq!(codes(&path, 1).await, [503]);
    let shown = app.get(&format!("{LINKS}{}/", made["id"].as_str().unwrap())).await.ok();
    assert_eq!(shown["uses"], 0);
}

#[tokio::test]
async fn a_link_is_narrowed_and_never_widened() {
    let (app, account) = with_account().await;
    let end = app.env.now() + Duration::from_secs(3600);
    let asked = json!({ "credential": account, "kinds": ["zak", "obf"], "expires_at": end, "max_uses": 10,
                        "networks": ["203.0.113.0/24", "127.0.0.0/8"] });
    let (made, _) = link(&app, asked).await;
    let at = format!("{LINKS}{}/", made["id"].as_str().unwrap());
    let patch = async |change: Value| {
        let request = app.request("PATCH", &at).header("content-type", "application/json");
        app.send(request.body(Body::from(change.to_string())).unwrap()).await
    };
    let change = json!({ "name": "for Zoë", "kinds": ["obf"], "expires_at": end - Duration::from_secs(60), "max_uses": 9,
                           "meeting": 123_456_789, "per_minute": 5, "networks": ["203.0.113.7"] });
    let narrowed = patch(change.clone()).await.ok();
    for (field, value) in change.as_object().unwrap() {
        let expected = if field == "networks" { &json!(["203.0.113.7/32"]) } else { value };
        assert_eq!(&narrowed[field], expected, "{field}");
    }
    assert_eq!(app.get(&at).await.ok(), narrowed);
    let wider = json!(["A link can only be narrowed: for more, make a new one."]);
    for (field, value) in [
        ("kinds", json!(["zak"])),
        ("expires_at", json!(end)),
        ("max_uses", json!(10)),
        ("meeting", json!(123_456_780)),
        ("per_minute", json!(6)),
        ("networks", json!(["203.0.113.0/24"])),
    ] {
        assert_eq!(patch(json!({ field: value })).await.refused(), json!({ field: wider }), "{field}");
    }
    let fixed = patch(json!({ "credential": account, "optional": true })).await.refused();
    let words = json!(["It is fixed when the link is made."]);
    assert_eq!(fixed, json!({ "credential": words, "optional": words }));
    assert_eq!(app.get(&at).await.ok(), narrowed, "nothing of what was refused");
}

#[tokio::test]
async fn a_platforms_report_frees_the_seat_and_a_full_pool_says_so() {
    let (app, account) = with_account().await;
    let pool = json!({ "name": "one chair", "members": [{ "credential": account, "max_joins": 1 }] });
    let pool = app.post("/api/latchkey/v1/pools/", pool).await.created()["id"].clone();
    let (_, path) = link(&app, json!({ "pool": pool })).await;
    let first = fetch(&app, &format!("{path}?bot=ours-1"), "msg_1").await;
    assert_eq!(first.status, 200, "{}", first.text);
    assert_eq!(
        fetch(&app, &format!("{path}?bot=ours-1"), "msg_2").await.status,
        200,
        "the same bot, the same seat"
    );
    let full = fetch(&app, &format!("{path}?bot=ours-2"), "msg_3").await;
    assert_eq!(full.status, 503);
    assert!(full.text.starts_with("pool_full: ") && full.text.contains("1 of 1"), "{}", full.text);
    assert!(full.header("retry-after").parse::<u64>().unwrap() > 0);

    let report = json!({ "event": "bot.done", "data": {
        "data": { "code": "done", "sub_code": null, "updated_at": app.env.now() },
        "bot": { "id": "11111111-2222-3333-4444-555555555555", "metadata": { "latchkey_bot": "ours-1" } } } });
    let status = async |body: &str, signed: bool| {
        let secret = app.get("/api/latchkey/v1/callback-secret/").await.ok();
        let key =
            outbound::signature::SigningKey::parse(&Secret::new(secret["secret"].as_str().unwrap())).unwrap();
        let now = app.env.now();
        let signature =
            if signed { key.sign("evt_1", now, body.as_bytes()) } else { key.sign("evt_1", now, b"") };
        let request = Request::builder()
            .method("POST")
            .uri(format!("{path}/status"))
            .header("svix-id", "evt_1")
            .header("svix-timestamp", now.as_second().to_string())
            .header("svix-signature", signature);
        app.send(request.body(Body::from(body.to_owned())).unwrap()).await
    };
    let forged = status(&report.to_string(), false).await;
    assert_eq!((forged.status, forged.text.split(':').next()), (401, Some("signature_invalid")));
    assert_eq!(status("nonsense", true).await.status, 400);
    assert_eq!(fetch(&app, &format!("{path}?bot=ours-2"), "msg_4").await.status, 503);
    for _ in 0..2 {
        assert_eq!(status(&report.to_string(), true).await.status, 204, "as often as it comes");
    }
    assert_eq!(fetch(&app, &format!("{path}?bot=ours-2"), "msg_5").await.status, 200);
    assert_eq!(bare(&app, &format!("{path}/status")).await.status, 405);
}

/// `body` by `method`, signed as a platform with Standard Webhooks does.
async fn signed(app: &TestApp, (method, path): (&str, &str), id: &str, body: &str) -> Answer {
    let secret = app.get("/api/latchkey/v1/callback-secret/").await.ok();
    let key =
        outbound::signature::SigningKey::parse(&Secret::new(secret["secret"].as_str().unwrap())).unwrap();
    let now = app.env.now();
    let request = Request::builder()
        .method(method)
        .uri(path)
        .header("webhook-id", id)
        .header("webhook-timestamp", now.as_second().to_string())
        .header("webhook-signature", key.sign(id, now, body.as_bytes()));
    app.send(request.body(Body::from(body.to_owned())).unwrap()).await
}

/// No dialect signs method and address, so what a message is for has to show in what is signed.
#[tokio::test]
async fn a_signature_is_good_for_what_it_was_given_for() {
    let (app, account) = with_account().await;
    let malformed = |answer: &Answer| {
        assert_eq!(
            (answer.status, answer.text.contains("request_malformed")),
            (400, true),
            "{}",
            answer.text
        );
    };
    let reports = [
        ("recall", json!({ "event": "bot.done", "data": { "bot": { "id": "b" } } })),
        ("meeting_baas", json!({ "event": "bot.completed", "data": { "bot_id": "b" } })),
    ];
    for (dialect, report) in reports {
        let asked = json!({ "credential": account, "dialect": dialect, "verification": "signature" });
        let (_, path) = link(&app, asked).await;
        let (status, report) = (format!("{path}/status"), report.to_string());
        for method in ["GET", "POST"] {
            malformed(&signed(&app, (method, &path), "evt_1", &report).await);
        }
        malformed(&signed(&app, ("POST", &path), "msg_1", "").await);
        for body in ["", "{}", "[]", "null", "7", r#"{"event": 7}"#, r#"{"trigger": "bot.state_change"}"#] {
            malformed(&signed(&app, ("POST", &status), "evt_1", body).await);
        }
        // None of that has used an id up.
        assert_eq!(signed(&app, ("POST", &status), "evt_1", &report).await.status, 204);
        assert_eq!(app.zoom.count("zak_mints").await, 0, "{dialect}");
    }

    let (_, path) = link(&app, attendee(&account, &json!({}))).await;
    let status = format!("{path}/status");
    let fetch = ask("bot_1", "12345678901");
    let report = json!({ "idempotency_key": "k", "bot_id": "bot_1", "bot_metadata": null,
                         "trigger": "bot.state_change", "data": { "new_state": "ended" } });
    let both = json!({ "bot_id": "bot_1", "callback_type": "zoom_tokens", "trigger": "bot.state_change",
                       "meeting_url": "https://zoom.us/j/12345678901", "data": { "new_state": "ended" } });
    for (path, body) in [
        (&path, report.to_string()),
        (&path, both.to_string()),
        (&status, both.to_string()),
        (&status, fetch.clone()),
        (&status, json!({ "bot_id": "bot_1" }).to_string()),
    ] {
        refused(&call(&app, path, &body, None).await, 400, "request_malformed", false);
    }
    assert_eq!(app.zoom.count("zak_mints").await, 0);
    assert_eq!(call(&app, &status, &report.to_string(), None).await.status, 204);
    call(&app, &path, &fetch, None).await.ok();

    // Nor is it good at another address.
    let (_, other) = link(&app, attendee(&account, &json!({ "allow_repeat": true }))).await;
    refused(&call(&app, &other, &fetch, None).await, 409, "replay_refused", false);
}

#[tokio::test]
async fn a_report_that_comes_again_has_no_effect_and_is_no_mistake() {
    let (app, account) = with_account().await;
    let report = json!({ "event": "bot.fatal", "data": {
        "data": { "sub_code": "meeting_requires_sign_in" }, "bot": { "id": "b", "metadata": {} } } });
    let (_, path) = link(&app, json!({ "credential": account })).await;
    let status = format!("{path}/status");
    let number = std::cell::Cell::new(0);
    let zak = async || {
        number.set(number.get() + 1);
        fetch(&app, &path, &format!("msg_{}", number.get())).await.text
    };
    let minute = Duration::from_secs(60);
    let first = zak().await;
    app.jump(minute);
    let told = async |id: &str| signed(&app, ("POST", &status), id, &report.to_string()).await.status;
    assert_eq!(told("evt_1").await, 204);
    let second = zak().await;
    assert_ne!(second, first);
    app.jump(minute);
    assert_eq!((told("evt_1").await, zak().await == second), (204, true), "it was taken before");
    assert_eq!((told("evt_2").await, zak().await == second), (204, false), "a new one counts");
    // Its first time lies in the future of a clock that was set back.
    app.jump(minute);
    assert_eq!(told("evt_3").await, 204);
    app.set_clock(app.env.now() - minute * 2);
    let third = zak().await;
    app.jump(minute);
    assert_eq!((told("evt_3").await, zak().await == third), (204, true), "it was taken before");
    app.jump(minute);

    // Attendee's has no id and no time: it is remembered as a whole.
    let (_, path) = link(&app, attendee(&account, &json!({}))).await;
    let status = format!("{path}/status");
    let report = json!({ "bot_id": "bot_1", "trigger": "bot.state_change",
                         "data": { "new_state": "fatal_error", "event_sub_type": "meeting_requires_sign_in" } });
    let mints = async || app.zoom.count("zak_mints").await;
    let before = mints().await;
    for (bot, expected) in [("bot_1", 1), ("bot_2", 1)] {
        app.jump(minute);
        assert_eq!(call(&app, &status, &report.to_string(), None).await.status, 204);
        call(&app, &path, &ask(bot, "12345678901"), None).await.ok();
        assert_eq!(mints().await, before + expected, "{bot}");
    }
}

#[tokio::test]
async fn a_report_of_a_refused_token_makes_the_next_one_new() {
    let (app, account) = with_account().await;
    let (_, path) = link(&app, json!({ "credential": account, "dialect": "meeting_baas" })).await;
    let first = bare(&app, &path).await.text;
    let report =
        json!({ "event": "bot.failed", "data": { "bot_id": "b", "error_code": "meeting_requires_sign_in" } });
    let status = async || {
        let request = Request::builder().method("POST").uri(format!("{path}/status"));
        app.send(request.body(Body::from(report.to_string())).unwrap()).await.status
    };
    assert_eq!(status().await, 204);
    assert_eq!(bare(&app, &path).await.text, first, "a young one is not doubted");
    app.jump(Duration::from_secs(60));
    assert_eq!(status().await, 204);
    assert_ne!(bare(&app, &path).await.text, first);
    assert_eq!(app.zoom.count("zak_mints").await, 2);
}

#[tokio::test]
async fn a_link_shows_its_last_uses() {
    let (app, account) = with_account().await;
    let (made, path) = link(&app, json!({ "credential": account })).await;
    fetch(&app, &format!("{path}?bot=b-1"), "msg_1").await;
    app.jump(Duration::from_secs(1));
    fetch(&app, &format!("{path}?kind=obf"), "msg_2").await;
    let forged = bare(&app, &path).await;
    assert_eq!(forged.status, 401);
    app.links.recent_uses.write().await;
    let shown = app.get(&format!("{LINKS}{}/", made["id"].as_str().unwrap())).await.ok()["last_uses"].clone();
    let now = app.env.now();
    assert_eq!(
        shown,
        json!([
            { "at": now, "kind": "obf", "outcome": "token_not_available", "from": "127.0.0.1", "bot": null, "meeting": null },
            { "at": now - Duration::from_secs(1), "kind": "zak", "outcome": "given", "from": "127.0.0.1", "bot": "b-1", "meeting": null },
        ]),
        "newest first; who could not prove itself is not shown"
    );
}
