//! Lists of deliveries and events: pages, filters, and what is sent for each event.

use axum::http::header;
use futures_util::StreamExt as _;
use model::EventId;
use serde_json::{Value, json};
use store::NewEvent;

use super::{EVENTS, HOUR, Receiver, app, ended_bot, endpoint, path, until_all, until_heard};
use crate::{
    PLAN,
    test_app::{Plan, TestApp},
};

/// Creates this many events of one type, each about another subject.
async fn happened(app: &TestApp, kind: &str, count: usize) -> Vec<String> {
    let workspace = app.workspace().await;
    let mut subjects = Vec::new();
    for _ in 0..count {
        let (id, data) = (EventId::generate(&app.env), json!({}));
        let event = NewEvent::other(id, workspace, (kind, &id), &data, app.env.now());
        app.store.add_event(&event).await.unwrap();
        subjects.push(id.to_string());
    }
    subjects
}

/// The numbers on all pages of a list, and the number of pages.
async fn numbers(app: &TestApp, path: &str) -> (Vec<u64>, usize) {
    let (mut numbers, mut pages, mut next) = (Vec::new(), 0, path.to_owned());
    loop {
        let page = app.get(&next).await.ok();
        pages += 1;
        numbers
            .extend(page["results"].as_array().unwrap().iter().map(|one| one["sequence"].as_u64().unwrap()));
        match page["next"].as_str() {
            Some(address) => next = app.path_of(address),
            None => return (numbers, pages),
        }
    }
}

#[tokio::test]
async fn deliveries_and_events_are_listed_in_pages_and_filtered() {
    let app = app().await;
    let made = endpoint(&app, "http://127.0.0.1:9/", json!({ "enabled": true })).await;
    happened(&app, "bot.done", 90).await;
    let failed = happened(&app, "bot.fatal", 30).await;
    let last = happened(&app, "bot.done", 90).await;
    let all: Vec<u64> = (1..=210).collect();
    let newest_first: Vec<u64> = all.iter().rev().copied().collect();
    let deliveries = path(&made, "deliveries/");
    assert_eq!(numbers(&app, &deliveries).await, (newest_first.clone(), 3));
    assert_eq!(numbers(&app, EVENTS).await, (all.clone(), 3));

    let done = |list: &[u64]| {
        list.iter().copied().filter(|number| !(91..=120).contains(number)).collect::<Vec<u64>>()
    };
    let query = "?event_type=bot.done";
    assert_eq!(numbers(&app, &format!("{deliveries}{query}")).await, (done(&newest_first), 2));
    assert_eq!(numbers(&app, &format!("{EVENTS}{query}")).await, (done(&all), 2));
    for list in [deliveries.as_str(), EVENTS] {
        let narrowed = async |query: String| numbers(&app, &format!("{list}?{query}")).await.0;
        assert_eq!(narrowed(format!("subject={}", failed[0])).await, [91], "{list}");
        assert!(narrowed(format!("subject={}&event_type=bot.done", failed[0])).await.is_empty(), "{list}");
        let both = narrowed(format!("subject={}&event_type=bot.done,bot.fatal", last[89])).await;
        assert_eq!(both, [210], "{list}");
        assert!(narrowed("event_type=webhook_endpoint.test".into()).await.is_empty(), "{list}");

        let wrong = app.get(&format!("{list}?event_type=bot.done,bot.dun")).await.refused();
        let words = wrong["event_type"][0].as_str().unwrap();
        let beginning =
            "\"bot.dun\" is not an event type: did you mean bot.done? The types are: bot.joining_call, ";
        assert!(words.starts_with(beginning), "{words}");
    }
    assert_eq!(app.get(&format!("{deliveries}?cursor=nonsense")).await.status, 404);
}

#[tokio::test]
async fn more_events_than_can_be_replayed_at_once_are_refused_with_their_number() {
    let app = app().await;
    let made = endpoint(&app, "http://127.0.0.1:9/", json!({ "enabled": false })).await;
    happened(&app, "bot.done", 1).await;
    // Events at this very moment are not in the span that ends now.
    app.tick();
    app.in_the_store(
        "WITH RECURSIVE n(i) AS (SELECT 2 UNION ALL SELECT i + 1 FROM n WHERE i < 10001) \
         INSERT INTO events (id, workspace, sequence, kind, subject, body, happened_at) \
         SELECT id || i, workspace, i, kind, subject, body, happened_at FROM events, n WHERE sequence = 1",
    )
    .await;
    let since = json!({ "since": (app.env.now() - HOUR).to_string() });
    let refused = app.post(&path(&made, "replay/"), since).await.refused();
    assert_eq!(refused["code"], "replay_too_large");
    let detail = "The span has 10001 events; the limit is 10000. Choose a shorter span.";
    assert_eq!(refused["detail"], detail);
    let waiting = app.get(&path(&made, "deliveries/")).await.ok();
    assert_eq!(waiting["results"], json!([]), "nothing is sent again");
}

#[tokio::test]
async fn a_stream_starts_at_the_given_event_and_is_filtered() {
    let app = TestApp::build(&Plan { public_base: None, ..PLAN }).await;
    #[expect(clippy::disallowed_methods, reason = "a plain client, as a caller has one")]
    let client = reqwest::Client::new();
    let follow = async |query: &str| {
        let request = client
            .get(app.address(&format!("{EVENTS}?{query}")))
            .header(header::AUTHORIZATION, format!("Token {}", app.api_key))
            .header(header::ACCEPT, "text/event-stream");
        let answer = request.send().await.unwrap().error_for_status().unwrap();
        Box::pin(answer.bytes_stream().map(|chunk| String::from_utf8(chunk.unwrap().to_vec()).unwrap()))
    };
    let bots = [ended_bot(&app).await, ended_bot(&app).await];
    let ids = async |query: &str, count: usize| {
        let (mut stream, mut text) = (follow(query).await, String::new());
        while text.matches("\nevent: ").count() < count || !text.ends_with("\n\n") {
            text += &stream.next().await.unwrap();
        }
        let ids = text.lines().filter_map(|line| line.strip_prefix("id: "));
        ids.map(|id| id.parse().unwrap()).collect::<Vec<u64>>()
    };
    assert_eq!(ids("after=0", 4).await, [1, 2, 3, 4]);
    assert_eq!(ids("after=2", 2).await, [3, 4]);
    assert_eq!(ids("after=0&event_type=bot.done", 2).await, [2, 4]);
    assert_eq!(ids(&format!("after=0&subject={}", bots[1]), 2).await, [3, 4]);

    // Events that do not match the filter are skipped.
    let mut stream = follow("event_type=bot.done").await;
    let (next, _) = tokio::join!(stream.next(), ended_bot(&app));
    assert!(next.unwrap().starts_with("id: 6\nevent: bot.done\n"));
}

#[tokio::test]
async fn a_delivery_shows_what_is_sent() {
    let app = app().await;
    let ((signed, url), (slack, slack_url)) = (Receiver::start().await, Receiver::start().await);
    let kinds = json!(["zoom_oauth_credential.disconnected"]);
    let new = json!({ "event_types": kinds, "svix_headers": true });
    let program = endpoint(&app, &url, new).await;
    let people = endpoint(&app, &slack_url, json!({ "event_types": kinds, "kind": "slack" })).await;
    let account = app.connect(&app.zoom.user("ada@example.test", "Ada").await).await;
    let gone = format!("/api/v2/zoom-oauth-credentials/{account}/");
    app.call_as(&app.api_key, "DELETE", &gone, Value::Null).await;
    let (heard, said) = (until_heard(&app, &signed, 1).await, until_heard(&app, &slack, 1).await);
    let shown = until_all(&app, &program, "delivered").await[0]["request"].clone();
    let mut expected = heard[0].json();
    let link = expected["data"]["connect_link"].as_str().unwrap().to_owned();
    expected["data"]["connect_link"] = json!("********");
    assert_eq!(shown["body"], expected);
    let headers = shown["headers"].as_object().unwrap();
    for (name, value) in headers {
        let came = heard[0].header(name);
        let is_struck = name.ends_with("-timestamp") || name.ends_with("-signature");
        assert_eq!(value, if is_struck { "********" } else { came }, "{name}");
    }
    assert_eq!(headers.len(), 8, "{headers:?}");

    let shown = until_all(&app, &people, "delivered").await[0]["request"].clone();
    let text = said[0].json()["text"].as_str().unwrap().to_owned();
    let token = text.split("token=").nth(1).unwrap();
    assert!(link.contains("token=") && token.len() > 40, "{text}");
    let without_link = |text: &str| {
        text.lines().filter(|line| !line.starts_with("Connect it: ")).map(str::to_owned).collect::<Vec<_>>()
    };
    let shown_text = shown["body"]["text"].as_str().unwrap();
    assert_eq!(without_link(shown_text), without_link(&text));
    assert!(shown_text.ends_with("Connect it: ********"), "{shown_text}");
    let names: Vec<_> = shown["headers"].as_object().unwrap().keys().cloned().collect();
    assert_eq!(names, ["content-type", "latchkey-sequence"], "nothing is signed");
}
