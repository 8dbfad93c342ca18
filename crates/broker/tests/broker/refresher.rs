//! Due accounts are refreshed before a caller needs them, and idle ones are kept alive.

use std::{num::NonZeroU32, time::Duration};

use model::{CredentialId, CredentialStatus};
use store::Credentials as _;

use crate::harness::{ACCESS_LIFE, Fixture, Pace};

const HOUR: Duration = Duration::from_secs(3600);
const DAY: Duration = Duration::from_secs(24 * 3600);

/// Claims due accounts and waits for their refreshes. Returns the number of accounts.
async fn look(fixture: &Fixture) -> u32 {
    let claimed = fixture.refresh_due(&fixture.broker).await;
    fixture.settle().await;
    claimed
}

async fn due_in(fixture: &Fixture, id: CredentialId) -> Duration {
    fixture.row(id).await.refresh_at.unwrap().since(fixture.env.now())
}

#[tokio::test]
async fn an_account_in_use_is_refreshed_ahead_of_its_tokens_end() {
    let (fixture, id) = Fixture::with_account().await;
    let ahead = due_in(&fixture, id).await;
    assert!((ACCESS_LIFE.mul_f64(0.75)..ACCESS_LIFE.mul_f64(0.9)).contains(&ahead), "{ahead:?}");
    assert_eq!(look(&fixture).await, 0, "not yet");
    fixture.pass(ahead).await;
    assert_eq!(look(&fixture).await, 1);
    let row = fixture.row(id).await;
    assert_eq!((row.generation, row.status), (2, CredentialStatus::Healthy));
    assert_eq!(look(&fixture).await, 0, "done");
    // A caller now gets a fresh token.
    fixture.zak(id).await.unwrap();
    let stats = fixture.zoom.stats().await;
    assert_eq!((stats.refreshes, stats.refreshes_refused), (1, 0));
}

#[tokio::test]
async fn accounts_that_were_connected_together_are_not_refreshed_together() {
    let fixture = Fixture::start().await;
    let mut times = Vec::new();
    for number in 0..8 {
        let user = fixture.zoom.new_user(&format!("user-{number}@example.test")).await;
        fixture.zoom.sign_in(&user).await;
        let id = fixture.connect().await;
        times.push(fixture.row(id).await.refresh_at.unwrap());
    }
    times.sort();
    times.dedup();
    assert!(times.len() > 6, "{times:?}");
}

#[tokio::test]
async fn an_idle_account_is_only_kept_alive() {
    let (fixture, id) = Fixture::with_account().await;
    // The account counts as used for a day after the consent; then it is idle for a quarter of a year.
    for _ in 0..24 {
        fixture.pass(HOUR).await;
        look(&fixture).await;
    }
    let used = fixture.zoom.stats().await.refreshes;
    for _ in 0..90 {
        fixture.pass(DAY).await;
        look(&fixture).await;
    }
    let kept_alive = fixture.zoom.stats().await.refreshes - used;
    assert!((12..=16).contains(&kept_alive), "about once a week: {kept_alive}");
    assert_eq!(fixture.row(id).await.status, CredentialStatus::Healthy);
    // Without refreshes, its refresh token would be dead by now.
    fixture.zak(id).await.unwrap();
    let ahead = due_in(&fixture, id).await;
    assert!(ahead < ACCESS_LIFE, "it is in use again: {ahead:?}");
}

#[tokio::test]
async fn a_failed_refresh_is_retried_with_growing_pauses() {
    let (fixture, id) = Fixture::with_account().await;
    fixture.pass(HOUR).await;
    fixture.zoom.spoil("refresh", "http_500", 100).await;
    let mut pauses = Vec::new();
    for failures in 1..=10 {
        assert_eq!(look(&fixture).await, 1);
        let row = fixture.row(id).await;
        assert_eq!((row.status, row.failures), (CredentialStatus::Degraded, failures));
        let pause = due_in(&fixture, id).await;
        pauses.push(pause);
        fixture.pass(pause).await;
        // The simulator's clock has a resolution of seconds.
        fixture.clock.advance(Duration::from_secs(1));
    }
    assert!(pauses[0] <= Duration::from_secs(1), "{pauses:?}");
    assert!(pauses.iter().all(|pause| *pause <= Duration::from_secs(60)), "{pauses:?}");
    assert!(pauses[9] >= Duration::from_secs(45), "{pauses:?}");
    let since = fixture.row(id).await.status_since;
    assert!(fixture.env.now().since(since) > Duration::from_secs(60), "degraded since the first failure");

    fixture.zoom.heal().await;
    fixture.pass(Duration::from_secs(60)).await;
    assert_eq!(look(&fixture).await, 1);
    assert_eq!(fixture.row(id).await.status, CredentialStatus::Healthy);
}

#[tokio::test]
async fn the_claim_of_a_dead_process_expires() {
    let (fixture, id) = Fixture::with_account().await;
    fixture.pass(HOUR).await;
    let until = fixture.env.now() + Duration::from_secs(180);
    assert_eq!(fixture.store.claim_due_refreshes(fixture.env.now(), until, 9).await.unwrap().len(), 1);
    assert_eq!(look(&fixture).await, 0, "another process has claimed it");
    fixture.pass(Duration::from_secs(180)).await;
    assert_eq!(look(&fixture).await, 1);
    assert_eq!(fixture.row(id).await.generation, 2);
}

#[tokio::test]
async fn an_account_that_needs_a_consent_is_not_refreshed() {
    let (fixture, id) = Fixture::with_account().await;
    fixture.pass(HOUR).await;
    fixture.zoom.spoil("refresh", "lose_answer", 1).await;
    assert_eq!(look(&fixture).await, 1);
    assert!(matches!(fixture.row(id).await.status, CredentialStatus::NeedsReauth(_)));
    fixture.pass(30 * DAY).await;
    assert_eq!(look(&fixture).await, 0);
}

#[tokio::test]
async fn every_change_of_state_is_counted() {
    let (fixture, id) = Fixture::with_account().await;
    fixture.pass(HOUR).await;
    fixture.zoom.spoil("refresh", "http_500", 4).await;
    for _ in 0..2 {
        look(&fixture).await;
        fixture.pass(Duration::from_secs(5)).await;
    }
    look(&fixture).await;
    fixture.pass(HOUR).await;
    fixture.zoom.spoil("refresh", "lose_answer", 1).await;
    look(&fixture).await;
    let text = fixture.broker.statistics.metrics_text().await;
    for (to, times) in
        [("healthy", 2), ("degraded", 1), ("needs_reauth:response_lost", 1), ("needs_reauth:revoked", 0)]
    {
        let line = format!("latchkey_credential_changes_total{{to=\"{to}\"}} {times}\n");
        assert!(text.contains(&line), "{line}{text}");
    }
    assert!(matches!(fixture.row(id).await.status, CredentialStatus::NeedsReauth(_)));
}

#[tokio::test]
async fn a_waiting_refresh_blocks_neither_a_caller_nor_a_stop() {
    let fixture = Fixture::start().await;
    let mut ids = Vec::new();
    for number in 0..3 {
        fixture.zoom.sign_in(&fixture.zoom.new_user(&format!("user-{number}@example.test")).await).await;
        ids.push(fixture.connect().await);
    }
    fixture.pass(HOUR).await;
    // The process has one turn a second, and the time stands still: the first account is refreshed, the others wait.
    let slow = Pace { refreshes: NonZeroU32::MIN, ..Pace::AT_ONCE };
    let slow = fixture.another_broker_at(fixture.clock.clone(), slow).await;
    let (workers, worker) = fixture.refreshes(&slow);
    assert_eq!(worker.claim().await.unwrap(), 3);
    let refreshed = async || {
        let rows = fixture.store.credentials(fixture.workspace).await.unwrap();
        rows.iter().filter(|row| row.generation == 2).count()
    };
    while refreshed().await == 0 {}
    // The waiting refreshes have not started, so another process refreshes one of the accounts for a caller.
    for id in ids {
        fixture.zak(id).await.unwrap();
    }
    workers.stop().await;
    worker.finish().await;
    fixture.settle().await;
    assert_eq!(fixture.zoom.stats().await.refreshes, 3);
}
