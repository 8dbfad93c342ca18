//! What is due is refreshed before anybody asks, and the idle are kept alive.

use std::{num::NonZeroU32, sync::Arc, time::Duration};

use model::{CredentialId, CredentialStatus};
use store::Credentials as _;

use crate::harness::{ACCESS_LIFE, House};

const HOUR: Duration = Duration::from_secs(3600);
const DAY: Duration = Duration::from_secs(24 * 3600);

/// Claims what is due and waits for what came of it.
async fn look(house: &House) -> u32 {
    let claimed = house.broker.refresh_due().await.unwrap();
    house.settle().await;
    claimed
}

async fn due_in(house: &House, id: CredentialId) -> Duration {
    house.row(id).await.refresh_at.unwrap().since(house.env.now())
}

#[tokio::test]
async fn an_account_in_use_is_refreshed_ahead_of_its_tokens_end() {
    let (house, id) = House::with_account().await;
    let ahead = due_in(&house, id).await;
    assert!((ACCESS_LIFE.mul_f64(0.75)..ACCESS_LIFE.mul_f64(0.9)).contains(&ahead), "{ahead:?}");
    assert_eq!(look(&house).await, 0, "not yet");
    house.pass(ahead).await;
    assert_eq!(look(&house).await, 1);
    let row = house.row(id).await;
    assert_eq!((row.generation, row.status), (2, CredentialStatus::Healthy));
    assert_eq!(look(&house).await, 0, "done");
    // Whoever asks now finds a fresh token.
    house.zak(id).await.unwrap();
    let stats = house.zoom.stats().await;
    assert_eq!((stats.refreshes, stats.refreshes_refused), (1, 0));
}

#[tokio::test]
async fn accounts_that_were_connected_together_are_not_refreshed_together() {
    let house = House::start().await;
    let mut times = Vec::new();
    for number in 0..8 {
        let user = house.zoom.new_user(&format!("user-{number}@example.test")).await;
        house.zoom.sign_in(&user).await;
        let id = house.connect().await;
        times.push(house.row(id).await.refresh_at.unwrap());
    }
    times.sort();
    times.dedup();
    assert!(times.len() > 6, "{times:?}");
}

#[tokio::test]
async fn an_idle_account_is_kept_alive_and_no_more() {
    let (house, id) = House::with_account().await;
    // In use for a day after the consent, as far as anybody knows; then idle for a quarter of a year.
    for _ in 0..24 {
        house.pass(HOUR).await;
        look(&house).await;
    }
    let used = house.zoom.stats().await.refreshes;
    for _ in 0..90 {
        house.pass(DAY).await;
        look(&house).await;
    }
    let kept_alive = house.zoom.stats().await.refreshes - used;
    assert!((12..=16).contains(&kept_alive), "about once a week: {kept_alive}");
    assert_eq!(house.row(id).await.status, CredentialStatus::Healthy);
    // Its refresh token would be dead by now.
    house.zak(id).await.unwrap();
    let ahead = due_in(&house, id).await;
    assert!(ahead < ACCESS_LIFE, "it is in use again: {ahead:?}");
}

#[tokio::test]
async fn what_failed_is_tried_again_with_growing_pauses() {
    let (house, id) = House::with_account().await;
    house.pass(HOUR).await;
    house.zoom.spoil("refresh", "http_500", 100).await;
    let mut pauses = Vec::new();
    for failures in 1..=10 {
        assert_eq!(look(&house).await, 1);
        let row = house.row(id).await;
        assert_eq!((row.status, row.failures), (CredentialStatus::Degraded, failures));
        let pause = due_in(&house, id).await;
        pauses.push(pause);
        house.pass(pause).await;
        // The simulator's clock knows seconds.
        house.clock.advance(Duration::from_secs(1));
    }
    assert!(pauses[0] <= Duration::from_secs(1), "{pauses:?}");
    assert!(pauses.iter().all(|pause| *pause <= Duration::from_secs(60)), "{pauses:?}");
    assert!(pauses[9] >= Duration::from_secs(45), "{pauses:?}");
    let since = house.row(id).await.status_since;
    assert!(house.env.now().since(since) > Duration::from_secs(60), "degraded since the first failure");

    house.zoom.heal().await;
    house.pass(Duration::from_secs(60)).await;
    assert_eq!(look(&house).await, 1);
    assert_eq!(house.row(id).await.status, CredentialStatus::Healthy);
}

#[tokio::test]
async fn a_claim_of_a_process_that_died_lapses() {
    let (house, id) = House::with_account().await;
    house.pass(HOUR).await;
    let until = house.env.now() + Duration::from_secs(180);
    assert_eq!(house.store.claim_due(house.env.now(), until, 9).await.unwrap().len(), 1);
    assert_eq!(look(&house).await, 0, "somebody is on it");
    house.pass(Duration::from_secs(180)).await;
    assert_eq!(look(&house).await, 1);
    assert_eq!(house.row(id).await.generation, 2);
}

#[tokio::test]
async fn who_needs_a_person_is_left_alone() {
    let (house, id) = House::with_account().await;
    house.pass(HOUR).await;
    house.zoom.spoil("refresh", "lose_answer", 1).await;
    assert_eq!(look(&house).await, 1);
    assert!(matches!(house.row(id).await.status, CredentialStatus::NeedsReauth(_)));
    house.pass(30 * DAY).await;
    assert_eq!(look(&house).await, 0);
}

#[tokio::test]
async fn every_change_of_state_is_counted() {
    let (house, id) = House::with_account().await;
    house.pass(HOUR).await;
    house.zoom.spoil("refresh", "http_500", 4).await;
    for _ in 0..2 {
        look(&house).await;
        house.pass(Duration::from_secs(5)).await;
    }
    look(&house).await;
    house.pass(HOUR).await;
    house.zoom.spoil("refresh", "lose_answer", 1).await;
    look(&house).await;
    let text = house.broker.metrics_text().await;
    for (to, times) in
        [("healthy", 2), ("degraded", 1), ("needs_reauth:response_lost", 1), ("needs_reauth:revoked", 0)]
    {
        let line = format!("latchkey_credential_changes_total{{to=\"{to}\"}} {times}\n");
        assert!(text.contains(&line), "{line}{text}");
    }
    assert!(matches!(house.row(id).await.status, CredentialStatus::NeedsReauth(_)));
}

#[tokio::test]
async fn what_waits_for_its_turn_holds_up_neither_a_caller_nor_a_stop() {
    let house = House::start().await;
    let mut ids = Vec::new();
    for number in 0..3 {
        house.zoom.sign_in(&house.zoom.new_user(&format!("user-{number}@example.test")).await).await;
        ids.push(house.connect().await);
    }
    house.pass(HOUR).await;
    // A process with one turn a second, and time that stands still: the first is refreshed, the others wait.
    let slow = house.another_broker(house.clock.clone()).await;
    let slow = Arc::new(Arc::into_inner(slow).unwrap().with_pace(NonZeroU32::MIN));
    assert_eq!(slow.refresh_due().await.unwrap(), 3);
    let refreshed = async || {
        let rows = house.store.credentials(house.workspace).await.unwrap();
        rows.iter().filter(|row| row.generation == 2).count()
    };
    while refreshed().await == 0 {}
    // Nobody has begun with those that wait, so another process refreshes one of them for a caller.
    for id in ids {
        house.zak(id).await.unwrap();
    }
    slow.stop_refreshing();
    house.settle().await;
    assert_eq!(house.zoom.stats().await.refreshes, 3);
}
