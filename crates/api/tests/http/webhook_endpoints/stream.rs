//! The stream of events, as a list and as server-sent events.

use axum::http::header;
use futures_util::StreamExt as _;
use serde_json::{Value, json};

use super::{EVENTS, app, ended_bot};
use crate::{
    PLAN,
    test_app::{Plan, TestApp},
};

#[tokio::test]
async fn events_can_be_listed_from_any_number() {
    let app = app().await;
    let bot = ended_bot(&app).await;
    ended_bot(&app).await;
    let page = app.get(EVENTS).await.ok();
    let numbers = |page: &Value| {
        page["results"].as_array().unwrap().iter().map(|event| event["sequence"].clone()).collect::<Vec<_>>()
    };
    assert_eq!((numbers(&page), &page["next"]), (vec![json!(1), json!(2), json!(3), json!(4)], &Value::Null));
    assert_eq!(page["results"][1]["body"]["event"], "bot.done");
    assert_eq!(numbers(&app.get(&format!("{EVENTS}?after=3")).await.ok()), [4]);
    assert_eq!(numbers(&app.get(&format!("{EVENTS}?event_type=bot.done")).await.ok()), [2, 4]);
    assert_eq!(numbers(&app.get(&format!("{EVENTS}?subject={bot}")).await.ok()), [1, 2]);
    let wrong = app.get(&format!("{EVENTS}?after=x")).await.refused();
    assert_eq!(wrong, json!({ "after": ["It must be the number of an event, or 0."] }));
}

#[tokio::test]
async fn a_stream_of_events_resumes_where_it_broke_off() {
    let app = TestApp::build(&Plan { public_base: None, ..PLAN }).await;
    #[expect(clippy::disallowed_methods, reason = "a plain client, as a caller has one")]
    let client = reqwest::Client::new();
    let follow = async |last: &str| {
        let request = client
            .get(app.address(EVENTS))
            .header(header::AUTHORIZATION, format!("Token {}", app.api_key))
            .header(header::ACCEPT, "text/event-stream")
            .header("last-event-id", last);
        let answer = request.send().await.unwrap();
        assert_eq!(answer.headers()[header::CONTENT_TYPE], "text/event-stream");
        Box::pin(answer.bytes_stream().map(|chunk| String::from_utf8(chunk.unwrap().to_vec()).unwrap()))
    };
    ended_bot(&app).await;
    let mut stream = follow("1").await;
    let second = stream.next().await.unwrap();
    assert!(second.starts_with("id: 2\nevent: bot.done\ndata: {"), "{second}");
    let (third, _) = tokio::join!(stream.next(), ended_bot(&app));
    let third = third.unwrap();
    assert!(third.starts_with("id: 3\n"), "{third}");
    drop(stream);
    let mut stream = follow("3").await;
    let fourth = stream.next().await.unwrap();
    assert!(fourth.starts_with("id: 4\n"), "{fourth}");
}
