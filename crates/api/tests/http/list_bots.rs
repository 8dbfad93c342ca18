//! `GET /api/v1/bot/` and `GET /api/v1/bot/{id}/`.

use std::time::Duration;

use axum::{
    body::Body,
    http::{Request, header::AUTHORIZATION},
};
use serde_json::{Value, json};

use crate::{app, test_app::TestApp};

const MEETING: &str = "https://zoom.us/j/81234567890?pwd=a%20b&x=1,2";

/// The names of the bots that a query finds, newest first.
async fn found(app: &TestApp, query: &str) -> Vec<String> {
    let page = app.get(&format!("/api/v1/bot/?{query}")).await.ok();
    let names: Vec<_> = page["results"].as_array().unwrap().iter().map(name).collect();
    assert_eq!(page["count"], names.len(), "{query}");
    names
}

fn name(bot: &Value) -> String {
    bot["bot_name"].as_str().unwrap().to_owned()
}

async fn three_bots() -> TestApp {
    let app = app().await;
    for request in [
        json!({ "meeting_url": MEETING, "bot_name": "a", "metadata": { "team": "x", "room": "1" } }),
        json!({ "meeting_url": "https://zoom.us/j/81234567890", "bot_name": "b", "join_at": "2030-06-01T12:00:00Z",
                "metadata": { "team": "x", "room": "2" } }),
        json!({ "meeting_url": "https://zoom.us/j/99999999999", "bot_name": "c", "join_at": "2030-06-03T00:00:00Z",
                "metadata": { "team": "y&=" } }),
    ] {
        app.bot(request).await;
        app.pass(Duration::from_secs(1)).await;
    }
    app
}

#[tokio::test]
async fn filters_are_combined() {
    let app = three_bots().await;
    for (query, names) in [
        ("", &["c", "b", "a"][..]),
        ("status=ready", &["c", "b", "a"]),
        ("status=done&status=fatal", &[]),
        ("status=done&status=ready", &["c", "b", "a"]),
        ("status=done,ready", &["c", "b", "a"]),
        ("status[]=done&status[]=ready", &["c", "b", "a"]),
        ("status=", &["c", "b", "a"]),
        ("status=in_call_recording", &[]),
        ("status=media_expired,ready", &["c", "b", "a"]),
        ("platform=zoom", &["c", "b", "a"]),
        ("platform=google_meet", &[]),
        ("platform=google_meet&platform=zoom", &["c", "b", "a"]),
        ("join_at_after=2030-06-01+11:59:59", &["c", "b"]),
        ("join_at_after=2030-06-02", &["c"]),
        ("join_at_before=2030-06-02%2000:00:00", &["b"]),
        ("join_at_after=2030-06-01T00:00:00Z&join_at_before=2030-06-03T00:00:00%2B01:00", &["b"]),
        ("meeting_url=https%3A%2F%2Fzoom.us%2Fj%2F81234567890%3Fpwd%3Da%2520b%26x%3D1%2C2", &["a"]),
        ("meeting_url=https://zoom.us/j/81234567890", &["b"]),
        ("meeting_url=https://zoom.us/j/11111111111", &[]),
        ("metadata__team=x", &["b", "a"]),
        ("metadata__team=x&metadata__room=2", &["b"]),
        ("metadata__team=y%26%3D", &["c"]),
        ("metadata__team=", &[]),
        ("metadata__nothing=x", &[]),
        ("metadata__team=x&status=ready&join_at_after=2030-01-01&page=1", &["b"]),
    ] {
        assert_eq!(found(&app, query).await, names, "{query}");
    }
}

#[tokio::test]
async fn an_invalid_filter_is_refused() {
    let app = app().await;
    for (query, complaints) in [
        ("status=asleep", json!({ "status": ["\"asleep\" is not a status."] })),
        ("status=ready&status=%00", json!({ "status": ["\"\\0\" is not a status."] })),
        ("join_at_after=soon", json!({ "join_at_after": ["It must be a date, or a time in ISO 8601."] })),
        ("join_at_before=12", json!({ "join_at_before": ["It must be a date, or a time in ISO 8601."] })),
    ] {
        assert_eq!(app.get(&format!("/api/v1/bot/?{query}")).await.refused(), complaints, "{query}");
    }
}

#[tokio::test]
async fn pages_are_followed_by_their_addresses() {
    let app = app().await;
    for number in 0..201 {
        app.bot(json!({ "meeting_url": MEETING, "bot_name": format!("{number}") })).await;
    }
    let mut seen = Vec::new();
    let mut next = Some("/api/v1/bot/?status=ready&status=done".to_owned());
    let mut pages = Vec::new();
    while let Some(path) = next {
        let page = app.get(&path).await.ok();
        assert_eq!(page["count"], 201);
        seen.extend(page["results"].as_array().unwrap().iter().map(name));
        next = page["next"].as_str().map(|address| app.path_of(address));
        pages.push((
            page["previous"].clone(),
            page["next"].clone(),
            page["results"].as_array().unwrap().len(),
        ));
    }
    let address = |page: u8| {
        json!(format!("https://latchkey.test/base/api/v1/bot/?status=ready&status=done&page={page}"))
    };
    assert_eq!(
        pages,
        [(Value::Null, address(2), 100), (address(1), address(3), 100), (address(2), Value::Null, 1),]
    );
    // They were created within one moment, so their order is that of their ids. None is missing or repeated.
    seen.sort_by_key(|name| name.parse::<u32>().unwrap());
    assert_eq!(seen, (0..201).map(|number| number.to_string()).collect::<Vec<_>>());

    for page in ["0", "4", "abc", "-1", "1.5", "99999999999999999999", "18446744073709551615"] {
        let answer = app.get(&format!("/api/v1/bot/?page={page}")).await;
        assert_eq!((answer.status, answer.json()), (404, json!({ "detail": "Invalid page." })), "{page}");
    }
    assert_eq!(
        app.get("/api/v1/bot/?status=done&page=1").await.ok()["count"],
        0,
        "an empty first page is a page"
    );
}

#[tokio::test]
async fn unknown_garbage_and_foreign_ids_get_the_same_answer() {
    let app = app().await;
    let bot = app.bot(json!({ "meeting_url": MEETING })).await;
    let account = app.connect(app.zoom.host()).await;
    let link = app.token_link(&account).await;
    let (link, _) = link.rsplit_once("/t/").unwrap().1.split_once('.').unwrap();
    let stranger = format!("Token {}", app.another_workspace().await);
    let unknown = "01900000-0000-7000-8000-000000000000";

    for (method, before, own, after) in [
        ("GET", "/api/v1/bot/", bot.as_str(), "/"),
        ("POST", "/api/v1/bot/", &bot, "/leave_call/"),
        ("GET", "/api/v1/bot/", &bot, "/screenshots/"),
        ("GET", "/api/latchkey/v1/bot/", &bot, "/screenshots/x.png"),
        ("GET", "/api/v2/zoom-oauth-apps/", &app.zoom_app, "/"),
        ("GET", "/api/v2/zoom-oauth-credentials/", &account, "/"),
        ("DELETE", "/api/latchkey/v1/token-links/", link, "/"),
    ] {
        for id in [unknown, "garbage", "1", "%20", "%ff", "..%2f", &"9".repeat(5000)] {
            let answer = app.call(method, &format!("{before}{id}{after}"), Body::empty()).await;
            assert_eq!(
                (answer.status, &*answer.text),
                (404, r#"{"detail":"Not found."}"#),
                "{method} {before}{id}"
            );
        }
        let request = Request::builder().method(method).uri(format!("{before}{own}{after}"));
        let request = request.header(AUTHORIZATION, &stranger).body(Body::empty()).unwrap();
        let answer = app.send(request).await;
        assert_eq!((answer.status, &*answer.text), (404, r#"{"detail":"Not found."}"#), "{method} {before}");
    }
    for list in [
        "/api/v1/bot/",
        "/api/v2/zoom-oauth-apps/",
        "/api/v2/zoom-oauth-credentials/",
        "/api/latchkey/v1/token-links/",
    ] {
        let request = Request::builder().uri(list).header(AUTHORIZATION, &stranger);
        let answer = app.send(request.body(Body::empty()).unwrap()).await.ok();
        assert_eq!(answer["results"], json!([]), "{list}");
        assert_eq!(app.get(list).await.ok()["results"].as_array().unwrap().len(), 1, "{list}");
    }
    // Objects of another workspace in a request are unknown as well.
    for (path, body, field) in [
        ("/api/latchkey/v1/token-links/", json!({ "credential": account }), "credential"),
        ("/api/latchkey/v1/connect-links/", json!({ "oauth_app": app.zoom_app }), "oauth_app"),
        ("/api/v1/bot/", json!({ "meeting_url": MEETING, "zoom": { "credential": account } }), "zoom"),
    ] {
        let request = Request::builder().method("POST").uri(path).header(AUTHORIZATION, &stranger);
        let answer = app.send(request.body(Body::from(body.to_string())).unwrap()).await.refused();
        assert!(answer[field].to_string().contains("This workspace has no such"), "{answer}");
    }
}
