//! Meeting BaaS, which signs nothing.

use serde_json::{Value, json};

use super::{bare, link, with_account};

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
        // Appended to an existing query, as if there were none.
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
async fn a_link_can_be_limited_to_networks() {
    let (app, account) = with_account().await;
    let asked = json!({ "credential": account, "dialect": "meeting_baas", "networks": ["203.0.113.0/24"] });
    let (_, path) = link(&app, asked).await;
    let answer = bare(&app, &path).await;
    assert_eq!((answer.status, answer.text.split(':').next()), (403, Some("address_not_allowed")));
    assert_eq!(app.zoom.count("zak_mints").await, 0);
}
