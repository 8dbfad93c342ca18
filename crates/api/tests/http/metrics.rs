//! `GET /metrics`, and the page that documents it.

use std::{
    collections::{BTreeMap, BTreeSet},
    time::Duration,
};

use axum::{body::Body, http::Request};

use crate::{
    PLAN, app,
    test_app::{Plan, TestApp},
};

const PAGE: &str = include_str!("../../../../docs/metrics.md");

/// Type and labels of each metric.
type Described = BTreeMap<String, (String, BTreeSet<String>)>;

fn documented() -> Described {
    let rows = PAGE.lines().filter(|line| line.starts_with("| `"));
    rows.map(|row| {
        let cells: Vec<_> = row.split('|').map(str::trim).collect();
        let labels = cells[3].split(", ").filter(|label| !label.is_empty());
        let labels = labels.map(|label| label.trim_matches('`').to_owned()).collect();
        (cells[1].trim_matches('`').to_owned(), (cells[2].to_owned(), labels))
    })
    .collect()
}

fn exposed(text: &str) -> Described {
    let types = text.lines().filter_map(|line| line.strip_prefix("# TYPE ")?.split_once(' '));
    let labels_of = |name: &str| {
        // Another metric's name may begin with this name.
        let is_series = |rest: &str| {
            ["{", " ", "_total", "_bucket", "_sum", "_count"].iter().any(|it| rest.starts_with(it))
        };
        let series = text.lines().filter(|line| line.strip_prefix(name).is_some_and(is_series));
        let inside = series.filter_map(|line| Some(line.split_once('{')?.1.rsplit_once('}')?.0));
        let pairs = inside.flat_map(|inside| inside.split("\",")).filter_map(|pair| pair.split_once('='));
        pairs.map(|(label, _)| label.to_owned()).filter(|label| label != "le").collect()
    };
    types.map(|(name, kind)| (name.to_owned(), (kind.to_owned(), labels_of(name)))).collect()
}

#[tokio::test]
async fn the_page_describes_exactly_the_exposed_metrics() {
    let app = app().await;
    // Without a key: scrapers have none.
    let answer = app.send(Request::builder().uri("/metrics").body(Body::empty()).unwrap()).await;
    assert_eq!(answer.status, 200);
    assert!(answer.header("content-type").starts_with("application/openmetrics-text"));
    assert!(answer.text.ends_with("# EOF\n"));
    assert_eq!(exposed(&answer.text), documented());
}

#[tokio::test]
async fn metrics_can_require_a_token() {
    let app = TestApp::build(&Plan { metrics_token: Some("planted-metrics-token"), ..PLAN }).await;
    let ask = async |authorization: &str| {
        let request = Request::builder().uri("/metrics").header("authorization", authorization);
        app.send(request.body(Body::empty()).unwrap()).await
    };
    assert_eq!(ask("Bearer planted-metrics-token").await.status, 200);
    for wrong in ["Bearer planted-metrics-toke", "Bearer ", "", "Basic planted-metrics-token", &app.api_key] {
        let refused = ask(wrong).await;
        assert_eq!((refused.status, refused.text.contains("metrics.token")), (401, true), "{}", refused.text);
    }
    let bare = app.send(Request::builder().uri("/metrics").body(Body::empty()).unwrap()).await;
    assert_eq!(bare.status, 401);
}

/// Like wrong API keys: ten a minute are answered immediately.
#[tokio::test]
async fn wrong_tokens_are_slowed_down_and_the_right_one_is_not() {
    let app = TestApp::build(&Plan { metrics_token: Some("planted-metrics-token"), ..PLAN }).await;
    let ask = async |token: &str| {
        let request = Request::builder().uri("/metrics").header("authorization", format!("Bearer {token}"));
        app.send(request.body(Body::empty()).unwrap()).await.status
    };
    let begun = app.env.now();
    for guess in 0..10 {
        assert_eq!(ask(&format!("guess-{guess}")).await, 401);
    }
    assert_eq!(app.env.now(), begun);
    assert_eq!(app.meanwhile(ask("guess-10")).await, 401);
    assert!(app.env.now().since(begun) >= Duration::from_secs(1), "on the clock that the test moves");
    let later = app.env.now();
    assert_eq!((ask("planted-metrics-token").await, app.env.now()), (200, later));
}

#[tokio::test]
async fn tokens_and_accounts_are_counted() {
    let app = app().await;
    let user = app.zoom.user("ada@example.test", "Ada").await;
    let account = app.connect(&user).await;
    app.get(&format!("/api/v2/zoom-oauth-credentials/{account}/access-token/")).await.ok();
    let text = app.get("/metrics").await.text;
    for series in [
        r#"latchkey_token_reads_total{kind="access_token",outcome="given",source="kept"} 1"#,
        r#"latchkey_token_reads_total{kind="zak",outcome="given",source="minted"} 0"#,
        r#"latchkey_credentials{status="healthy"} 1"#,
        "latchkey_audit_batch_records_sum 1",
        "latchkey_escrow_files 0",
    ] {
        assert!(text.lines().any(|line| line.starts_with(series)), "{series} is not in {text}");
    }
    assert!(!text.contains(&account), "no label names an account");
}

#[tokio::test]
async fn bots_that_no_server_runs_are_counted_and_the_version_is_reported() {
    let app = app().await;
    app.bot(serde_json::json!({ "meeting_url": "https://zoom.us/j/81234567890" })).await;
    let later = app.env.now() + Duration::from_secs(7200);
    app.bot(serde_json::json!({ "meeting_url": "https://zoom.us/j/81234567890", "join_at": later })).await;
    let text = app.get("/metrics").await.text;
    let version = format!("latchkey_build_info{{version=\"{}\"}} 1", env!("CARGO_PKG_VERSION"));
    for series in ["latchkey_bots_waiting 1", &version] {
        assert!(text.lines().any(|line| line == series), "{series} is not in {text}");
    }
}
