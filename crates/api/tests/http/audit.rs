//! `GET /api/latchkey/v1/audit/`: who requested which token of this workspace.

use axum::{body::Body, http::Request};
use serde_json::{Value, json};

use crate::{app, test_app::TestApp};

/// An app with an account and a link, from which `count` ZAKs were fetched.
async fn with_fetches(count: usize) -> (TestApp, String) {
    let app = app().await;
    let user = app.zoom.user("ada@example.test", "Ada").await;
    let account = app.connect(&user).await;
    let link = app.path_of(&app.token_link(&account).await);
    for number in 0..count {
        let mut request = Request::builder().uri(&link);
        for (name, value) in app.signature(&format!("msg_{number}")).await {
            request = request.header(name, value);
        }
        assert_eq!(app.send(request.body(Body::empty()).unwrap()).await.status, 200);
    }
    (app, account)
}

fn results(page: &Value) -> &Vec<Value> {
    page["results"].as_array().unwrap()
}

#[tokio::test]
async fn each_token_is_listed_with_its_caller() {
    let (app, account) = with_fetches(2).await;
    let token = app.get(&format!("/api/v2/zoom-oauth-credentials/{account}/access-token/")).await.ok();
    let page = app.get("/api/latchkey/v1/audit/").await.ok();
    assert_eq!(results(&page).len(), 3);
    let of = |why: &str| results(&page).iter().find(|record| record["why"] == why).unwrap();
    let fetched = of("token_link");
    assert_eq!((&fetched["credential"], &fetched["kind"]), (&json!(account), &json!("zak")));
    assert_eq!((&fetched["who"], &fetched["outcome"]), (&json!("token_link"), &json!("given")));
    let called = of("access_token_endpoint");
    assert_eq!((&called["who"], &called["kind"]), (&json!("api_key"), &json!("access_token")));
    assert!(!page.to_string().contains(token["token"].as_str().unwrap()));

    let other = app.another_workspace().await;
    let request = Request::builder().uri("/api/latchkey/v1/audit/");
    let request = request.header("authorization", format!("Token {other}")).body(Body::empty()).unwrap();
    assert!(results(&app.send(request).await.ok()).is_empty(), "no workspace sees another's records");
}

#[tokio::test]
async fn pages_follow_each_other_without_gaps() {
    let (app, _) = with_fetches(103).await;
    let first = app.get("/api/latchkey/v1/audit/?since=2020-01-01T00:00:00Z").await.ok();
    let next = first["next"].as_str().unwrap();
    assert!(next.starts_with("https://latchkey.test/base/api/latchkey/v1/audit/?since="), "{next}");
    let second = app.get(&app.path_of(next)).await.ok();
    assert_eq!(second["next"], Value::Null);
    let mut ids: Vec<_> = [results(&first).clone(), results(&second).clone()].concat();
    ids.sort_by_key(|record| record["id"].to_string());
    ids.dedup();
    assert_eq!((results(&first).len(), ids.len()), (100, 103));
}

#[tokio::test]
async fn records_are_found_by_account_link_key_and_bot() {
    let app = app().await;
    let user = app.zoom.user("ada@example.test", "Ada").await;
    let account = app.connect(&user).await;
    let links = [app.token_link(&account).await, app.token_link(&account).await];
    let mut number = 0;
    for (link, bot) in [(&links[0], "bot_1"), (&links[0], "bot_2"), (&links[1], "bot_1")] {
        number += 1;
        let mut request = Request::builder().uri(format!("{}?bot_id={bot}", app.path_of(link)));
        for (name, value) in app.signature(&format!("msg_{number}")).await {
            request = request.header(name, value);
        }
        assert_eq!(app.send(request.body(Body::empty()).unwrap()).await.status, 200);
    }
    app.get(&format!("/api/v2/zoom-oauth-credentials/{account}/access-token/")).await.ok();
    let found =
        async |query: &str| results(&app.get(&format!("/api/latchkey/v1/audit/?{query}")).await.ok()).clone();
    let all = found("").await;
    let who = |why: &str| {
        all.iter().find(|record| record["why"] == why).unwrap()["who_id"].as_str().unwrap().to_owned()
    };
    let (key, link) = (who("access_token_endpoint"), who("token_link"));
    let those = |is_meant: &dyn Fn(&Value) -> bool| -> Vec<Value> {
        all.iter().filter(|record| is_meant(record)).cloned().collect()
    };
    assert_eq!(found(&format!("credential={account}")).await, all);
    let (of_key, of_link) = (those(&|it| it["who_id"] == key), those(&|it| it["who_id"] == link));
    assert_eq!(found(&format!("api_key={key}")).await, of_key);
    assert_eq!(found(&format!("token_link={link}")).await, of_link);
    let of_bot = those(&|it| it["bot"] == "bot_1");
    assert_eq!((of_key.len(), of_bot.len()), (1, 2));
    assert_eq!(found("bot=bot_1").await, of_bot);
    let both = those(&|it| it["bot"] == "bot_1" && it["who_id"] == link);
    assert_eq!(found(&format!("bot=bot_1&token_link={link}")).await, both);
    // Ids that are unknown, or of another kind of object.
    for unknown in [format!("credential={key}"), "token_link=01a227f6-5cc8-76ce-86a6-25a3f5556457".into()] {
        assert!(found(&unknown).await.is_empty(), "{unknown}");
    }
    let other = app.another_workspace().await;
    let request = Request::builder().uri(format!("/api/latchkey/v1/audit/?credential={account}"));
    let request = request.header("authorization", format!("Token {other}")).body(Body::empty()).unwrap();
    assert!(results(&app.send(request).await.ok()).is_empty(), "no workspace sees another's records");
}

#[tokio::test]
async fn an_invalid_query_is_answered_field_by_field() {
    let app = app().await;
    for (query, field) in [
        ("since=yesterday", "since"),
        ("until=x", "until"),
        ("credential=ada", "credential"),
        ("token_link=1", "token_link"),
        ("api_key=lk_1", "api_key"),
        ("bot=a%20b", "bot"),
        ("account=x", "account"),
    ] {
        let answer = app.get(&format!("/api/latchkey/v1/audit/?{query}")).await;
        assert_eq!(answer.status, 400, "{query}");
        assert!(answer.json()[field].is_array(), "{}", answer.text);
    }
    assert_eq!(app.get("/api/latchkey/v1/audit/?cursor=1_x").await.status, 404);
}
