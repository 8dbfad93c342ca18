//! Wrong clocks: ours compared with Zoom's, and ours after it was set.

use std::time::Duration;

use serde_json::json;

use crate::harness::{FRESH, Fixture};

const SIX_HOURS: Duration = Duration::from_secs(6 * 3600);

#[tokio::test]
async fn a_grant_from_the_future_is_not_used() {
    let fixture = Fixture::start().await;
    let right = fixture.env.now();
    fixture.clock.set(right + SIX_HOURS);
    let id = fixture.connect().await;
    let first = fixture.zak(id).await.unwrap();
    assert_eq!(fixture.zak(id).await.unwrap().token.expose(), first.token.expose(), "it is cached");
    fixture.clock.set(right);
    let second = fixture.zak(id).await.unwrap();
    assert_ne!(second.token.expose(), first.token.expose());
    let stats = fixture.zoom.stats().await;
    assert_eq!((stats.refreshes, stats.zak_mints), (1, 2));
    let row = fixture.row(id).await;
    assert!(row.grant.access_expires_at < right + Duration::from_secs(3700), "{row:?}");
}

#[tokio::test]
async fn an_access_token_has_the_age_that_zoom_says_whatever_our_clock_showed() {
    let fixture = Fixture::start().await;
    let right = fixture.env.now();
    fixture.clock.set(right + SIX_HOURS);
    let id = fixture.connect().await;
    let row = fixture.row(id).await;
    assert!(row.grant.access_expires_at < right + Duration::from_secs(3700), "{row:?}");
    assert!(row.grant.access_expires_at >= right + Duration::from_secs(3600), "{row:?}");
}

#[tokio::test]
async fn a_zak_of_an_expired_access_token_is_not_given() {
    let (fixture, id) = Fixture::with_account().await;
    fixture.zoom.control("PATCH", "switches", json!({"zak_on_expired_access_token": true})).await;
    // Zoom's clock moves on, and ours was never right: a new process does not know the difference.
    fixture.zoom.pass(3700).await;
    let started = fixture.another_broker(fixture.clock.clone()).await;
    started.tokens.zak(fixture.workspace, id, FRESH, fixture.requester()).await.unwrap();
    let stats = fixture.zoom.stats().await;
    assert_eq!((stats.refreshes, stats.zak_mints), (1, 2), "the first one was dropped");
    started.tokens.zak(fixture.workspace, id, FRESH, fixture.requester()).await.unwrap();
    assert_eq!(fixture.zoom.stats().await.refreshes, 1);
}

#[tokio::test]
async fn a_clock_difference_is_corrected_and_reported() {
    let (fixture, id) = Fixture::with_account().await;
    let finding = async || {
        let findings = fixture.broker.health.check().await;
        findings.into_iter().find(|finding| finding.name == "clock").unwrap()
    };
    assert!(finding().await.ok);
    fixture.clock.set(fixture.env.now() + Duration::from_secs(120));
    fixture.broker.tokens.zak(fixture.workspace, id, FRESH, fixture.requester()).await.unwrap();
    let cause = finding().await.problem.unwrap().cause;
    assert!(cause.contains("s ahead of Zoom's"), "{cause}");
    let (told, true_time) = (fixture.broker.zoom.clock().now(), fixture.zoom.now().await);
    assert!(told.since(true_time).max(true_time.since(told)) < Duration::from_secs(30), "{told} {true_time}");
    let metrics = fixture.broker.statistics.metrics_text().await;
    let gauge =
        metrics.lines().find(|line| line.starts_with("latchkey_clock_ahead_of_zoom_seconds ")).unwrap();
    let seconds: i64 = gauge.rsplit(' ').next().unwrap().parse().unwrap();
    assert!((31..=121).contains(&seconds), "{gauge}");
}

#[tokio::test]
async fn zoom_is_asked_for_the_time_if_there_was_no_answer() {
    let fixture = Fixture::start().await;
    fixture.zoom.pass(3600).await;
    let broker = fixture.another_broker(fixture.clock.clone()).await;
    let before = broker.zoom.clock().now();
    tokio::select! {
        never = broker::clock::run(&broker.zoom, &fixture.env) => match never {},
        () = async {
            while broker.zoom.clock().now() < before + Duration::from_secs(3000) {
                tokio::task::yield_now().await;
            }
        } => {}
    }
}
