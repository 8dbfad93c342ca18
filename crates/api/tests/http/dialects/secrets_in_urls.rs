//! Links whose secret is in the query, under a configurable name.

use axum::{body::Body, http::Request};
use model::TokenKind;
use serde_json::{Value, json};
use store::{Dialect, LinkVerification};
use token_links::NewLink;

use super::{LINKS, ask, attendee, bare, call, fetch, link, with_account};

#[tokio::test]
async fn urls_with_a_secret_in_their_query_keep_working() {
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
    // A secret that is already in use.
    let asked = json!({ "credential": account, "verification": "query_secret", "query_secret": "0123456789abcdef&=" });
    let (_, path) = link(&app, asked).await;
    assert!(path.ends_with("?token=0123456789abcdef%26%3D"), "{path}");
    assert_eq!(bare(&app, &path).await.status, 200);
    let list = app.get(LINKS).await.text;
    assert!(!list.contains("0123456789abcdef"));
}

/// Otherwise the secret would be read as a field of the request, or a field as the secret.
#[tokio::test]
async fn a_query_secret_cannot_have_a_reserved_name() {
    let (app, account) = with_account().await;
    for name in ["kind", "meeting", "fresh", "extra", "bot", "bot_id", "bot_uuid"] {
        let asked = json!({ "credential": account, "verification": "query_secret", "query_parameter": name });
        let words = "kind, meeting, fresh, extra, bot_id, bot_uuid, bot are reserved for requests: choose another name.";
        assert_eq!(app.post(LINKS, asked).await.refused(), json!({ "query_parameter": [words] }), "{name}");
    }
}

/// A misspelt parameter that was ignored would lead to another token than intended.
#[tokio::test]
async fn a_misspelt_parameter_is_refused_in_every_dialect_that_reads_a_query() {
    let (app, account) = with_account().await;
    let asked = |dialect: &str, changes: Value| {
        let mut asked = json!({ "credential": account, "dialect": dialect, "kinds": ["zak", "obf"] });
        asked.as_object_mut().unwrap().extend(changes.as_object().unwrap().clone());
        asked
    };
    let (_, recall) = link(&app, asked("recall", json!({ "meeting_in_request": true }))).await;
    let (_, baas) = link(&app, asked("meeting_baas", json!({ "meeting_in_request": true }))).await;
    // The secret's own name is similar to a reserved one.
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
        // An empty value, another service's parameter, and a correct one.
        ("knd=", None),
        ("job_id=7&meeting_id=12345678901&svix-id=msg", None),
        ("kind=zak&fresh=1&bot_uuid=b", None),
    ]
    .into_iter()
    .enumerate()
    {
        for dialect in ["recall", "meeting_baas", "query_secret", "bearer", "attendee"] {
            let answer = send(dialect, query, &format!("{dialect}-{number}")).await;
            // Attendee has all fields in its body: the query is not read.
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

/// Links that were created before such names were refused.
#[tokio::test]
async fn an_old_query_secret_with_a_reserved_name_still_works() {
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
        new.terms.proof =
            LinkVerification::QuerySecret { name: name.to_owned(), digest: tenants::digest(&secret) };
        let made = app.links.manager.create(workspace, &new).await.unwrap().unwrap();
        let path = app.path_of(made.url.expose());
        let answer = bare(&app, &format!("{path}?{name}={secret}")).await;
        assert_eq!(answer.status, 200, "{name}: {}", answer.text);
        // The request's own field has another name.
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
    assert!(!stored.windows(8).any(|bytes| bytes == b"planted-"), "the store contains no secret");
}
