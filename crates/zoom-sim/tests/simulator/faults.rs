//! Answers that are late, wrong, broken or missing.

use serde_json::{Value, json};

use crate::support::{App, Connected, Zoom, read};

async fn connected() -> (Zoom, App, Connected) {
    let zoom = Zoom::start().await;
    zoom.user("ada").await;
    let app = zoom.app(json!({})).await;
    let tokens = zoom.connect(&app).await;
    (zoom, app, tokens)
}

fn refresh(token: &str) -> [(&str, &str); 2] {
    [("grant_type", "refresh_token"), ("refresh_token", token)]
}

#[tokio::test]
async fn a_lost_answer_has_still_rotated_the_token() {
    let (zoom, app, tokens) = connected().await;
    zoom.control("POST", "/faults", json!({"where": "refresh", "kind": "lose_answer"})).await;
    zoom.try_token(&app, &refresh(&tokens.refresh)).await.expect_err("the connection closes");
    assert_eq!(zoom.stat("refreshes").await, 1);
    assert_eq!(zoom.refresh(&app, &tokens.refresh).await.body["error"], "invalid_grant");
    assert_eq!(zoom.stat("faults").await, 1);
}

#[tokio::test]
async fn a_connection_dropped_before_the_work_changes_nothing() {
    let (zoom, app, tokens) = connected().await;
    zoom.control("POST", "/faults", json!({"where": "refresh", "kind": "drop_before"})).await;
    zoom.try_token(&app, &refresh(&tokens.refresh)).await.expect_err("the connection closes");
    assert_eq!(zoom.stat("refreshes").await, 0);
    assert_eq!(zoom.refresh(&app, &tokens.refresh).await.status, 200);
}

#[tokio::test]
async fn a_truncated_answer_breaks_the_connection() {
    let (zoom, app, tokens) = connected().await;
    zoom.control("POST", "/faults", json!({"where": "refresh", "kind": "truncated"})).await;
    let response = zoom.try_token(&app, &refresh(&tokens.refresh)).await.unwrap();
    assert_eq!(response.status(), 200);
    response.bytes().await.expect_err("half of the body is missing");
    assert_eq!(zoom.stat("refreshes").await, 1);
}

#[tokio::test]
async fn a_429_has_either_form_of_retry_after_or_none() {
    let (zoom, _, tokens) = connected().await;
    let fault = json!({"where": "zak", "kind": "http_429"});
    let path = "/v2/users/me/token?type=zak";
    zoom.control("POST", "/faults", fault.clone()).await;
    let response = zoom.try_get(path, &tokens.access).await.unwrap();
    assert_eq!((response.status().as_u16(), response.headers().get("retry-after")), (429, None));
    for (form, kind) in [("seconds", "QPS"), ("date", "Daily-limit")] {
        let mut fault = fault.clone();
        fault["retry_after"] = json!(form);
        zoom.control("POST", "/faults", fault).await;
        let response = zoom.try_get(path, &tokens.access).await.unwrap();
        assert_eq!(response.headers()["x-ratelimit-type"], kind);
        let when = response.headers()["retry-after"].to_str().unwrap().to_owned();
        assert_eq!(when.parse::<jiff::Timestamp>().is_ok(), form == "date", "{when}");
    }
    assert_eq!(zoom.get(path, &tokens.access).await.status, 200);
}

#[tokio::test]
async fn a_500_and_an_html_page_do_no_work() {
    let (zoom, app, tokens) = connected().await;
    for kind in ["http_500", "html"] {
        zoom.control("POST", "/faults", json!({"where": "refresh", "kind": kind})).await;
    }
    assert_eq!(zoom.refresh(&app, &tokens.refresh).await.status, 500);
    let page = zoom.refresh(&app, &tokens.refresh).await;
    assert!(page.status == 200 && page.body.as_str().unwrap().starts_with("<!doctype html>"));
    assert_eq!(zoom.refresh(&app, &tokens.refresh).await.status, 200);
}

#[tokio::test]
async fn faults_affect_their_place_as_often_as_armed() {
    let (zoom, _, tokens) = connected().await;
    zoom.control("POST", "/faults", json!({"where": "users_me", "kind": "http_500", "times": 2})).await;
    assert_eq!(zoom.get("/v2/users/me/zak", &tokens.access).await.status, 200);
    for status in [500, 500, 200] {
        assert_eq!(zoom.get("/v2/users/me", &tokens.access).await.status, status);
    }
    zoom.control("POST", "/faults", json!({"where": "users_me", "kind": "http_500"})).await;
    assert_eq!(zoom.control("GET", "/faults", Value::Null).await.as_array().unwrap().len(), 1);
    zoom.control("DELETE", "/faults", Value::Null).await;
    assert_eq!(zoom.get("/v2/users/me", &tokens.access).await.status, 200);
}

#[tokio::test]
async fn a_delayed_answer_arrives() {
    let (zoom, _, tokens) = connected().await;
    let fault = json!({"where": "users_me", "kind": "delay", "delay_ms": 1});
    zoom.control("POST", "/faults", fault).await;
    let late = zoom.try_get("/v2/users/me", &tokens.access).await.unwrap();
    assert_eq!(read(late).await.body["display_name"], "ada");
}

#[tokio::test]
async fn half_of_the_json_can_arrive_as_a_complete_message() {
    let (zoom, app, tokens) = connected().await;
    zoom.control("POST", "/faults", json!({"where": "refresh", "kind": "half_json"})).await;
    let half = zoom.refresh(&app, &tokens.refresh).await;
    assert_eq!(half.status, 200);
    assert!(half.body.as_str().unwrap().starts_with('{'), "not JSON: {:?}", half.body);
    assert_eq!(zoom.stat("refreshes").await, 1);
}

#[tokio::test]
async fn a_held_request_waits_until_it_is_released() {
    let (zoom, app, tokens) = connected().await;
    let mut refresh = tokens.refresh;
    for (kind, done_meanwhile) in [("hold_before", 0), ("hold_after", 2)] {
        zoom.control("POST", "/faults", json!({"where": "refresh", "kind": kind})).await;
        let meanwhile = async {
            while zoom.control("GET", "/faults/held", Value::Null).await == json!([]) {}
            assert_eq!(
                zoom.control("GET", "/faults/held", Value::Null).await,
                json!([{"where": "refresh", "kind": kind}])
            );
            assert_eq!(zoom.stat("refreshes").await, done_meanwhile);
            zoom.control("DELETE", "/faults/held", Value::Null).await
        };
        let (answer, released) = tokio::join!(zoom.refresh(&app, &refresh), meanwhile);
        assert_eq!((answer.status, &released["released"]), (200, &json!(1)));
        refresh = crate::support::text(&answer.body, "refresh_token");
    }
}

#[tokio::test]
async fn a_disconnected_caller_is_no_longer_held() {
    let (zoom, app, tokens) = connected().await;
    zoom.control("POST", "/faults", json!({"where": "refresh", "kind": "hold_before"})).await;
    let held = async || zoom.control("GET", "/faults/held", Value::Null).await;
    tokio::select! {
        _ = zoom.refresh(&app, &tokens.refresh) => unreachable!("the request is held"),
        () = async { while held().await == json!([]) {} } => {}
    }
    while held().await != json!([]) {}
    assert_eq!(zoom.stat("refreshes").await, 0);
    assert_eq!(zoom.refresh(&app, &tokens.refresh).await.status, 200);
}

#[tokio::test]
async fn the_token_endpoint_can_have_a_limit_per_app() {
    let (zoom, app, _) = connected().await;
    let other = zoom.app(json!({})).await;
    for _ in 0..50 {
        assert_eq!(zoom.refresh(&app, "none").await.status, 400, "there is no limit by default");
    }
    zoom.control("PATCH", "/switches", json!({"token_limit_per_second": 0})).await;
    let response = zoom.try_token(&app, &refresh("none")).await.unwrap();
    assert_eq!(response.status(), 429);
    for (name, value) in [
        ("retry-after", "1"),
        ("x-ratelimit-type", "QPS"),
        ("x-ratelimit-limit", "0"),
        ("x-ratelimit-remaining", "0"),
    ] {
        assert_eq!(response.headers()[name], value, "{name}");
    }
    assert!(response.headers().contains_key("x-ratelimit-reset"));
    zoom.control("PATCH", "/switches", json!({"token_limit_per_second": 1_000_000})).await;
    assert_eq!(zoom.refresh(&other, "none").await.status, 400);
    assert_eq!(zoom.stat("token_429").await, 1);
}

#[tokio::test]
async fn an_odd_body_is_the_answer_with_the_requested_changes() {
    let (zoom, app, tokens) = connected().await;
    let fault = json!({"where": "refresh", "kind": "odd_body", "status": 418, "before": "<", "after": ">",
                       "set": {"expires_in": "soon", "x": [1]}, "remove": ["scope"]});
    zoom.control("POST", "/faults", fault).await;
    let odd = zoom.refresh(&app, &tokens.refresh).await;
    let text = odd.body.as_str().unwrap();
    let body: Value = serde_json::from_str(text.trim_start_matches('<').trim_end_matches('>')).unwrap();
    assert_eq!((odd.status, &body["expires_in"], &body["x"]), (418, &json!("soon"), &json!([1])));
    assert!(text.starts_with('<') && text.ends_with('>') && body.get("scope").is_none());
    assert_eq!(zoom.refresh(&app, body["refresh_token"].as_str().unwrap()).await.status, 200);
}

#[tokio::test]
async fn a_frozen_answer_starts_and_never_ends() {
    let (zoom, app, tokens) = connected().await;
    zoom.control("POST", "/faults", json!({"where": "refresh", "kind": "freeze"})).await;
    let mut response = zoom.try_token(&app, &refresh(&tokens.refresh)).await.unwrap();
    assert_eq!((response.status().as_u16(), zoom.stat("refreshes").await), (200, 1));
    assert!(response.chunk().await.unwrap().unwrap().starts_with(b"{"));
    let more = tokio::time::timeout(std::time::Duration::from_millis(50), response.chunk()).await;
    assert!(more.is_err(), "{more:?}");
}

#[tokio::test]
async fn the_date_is_zooms_time_and_can_be_wrong_once() {
    let (zoom, _, tokens) = connected().await;
    let date = async || {
        let response = zoom.try_get("/v2/users/me", &tokens.access).await.unwrap();
        let text = response.headers()["date"].to_str().unwrap().to_owned();
        jiff::fmt::rfc2822::parse(&text).unwrap().timestamp().as_second()
    };
    let near = |left: i64, right: i64| (left - right).abs() < 30;
    assert!(near(date().await, zoom.now().await));
    zoom.advance(600).await;
    assert!(near(date().await, zoom.now().await));
    zoom.control(
        "POST",
        "/faults",
        json!({"where": "users_me", "kind": "wrong_date", "skew_seconds": -3600}),
    )
    .await;
    assert!(near(date().await, zoom.now().await - 3600));
    assert!(near(date().await, zoom.now().await));
}
