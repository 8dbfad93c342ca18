//! Refreshes: once for all callers, and despite every fault. An account is given up only when its grant is lost.

use std::{sync::Arc, time::Duration};

use model::{Clock, Code, CredentialId, CredentialStatus, LeaseToken, ReauthCause, Sealed};
use serde_json::json;
use sqlx::{Connection, SqliteConnection, sqlite::SqliteConnectOptions};
use store::{Credential, Credentials, Grant, Lease, RefreshLease};
use tokio::task::JoinSet;

use crate::harness::{ACCESS_LIFE, ANY, FRESH, Fixture, Meanwhile};

const LOST: CredentialStatus = CredentialStatus::NeedsReauth(ReauthCause::ResponseLost);

/// Longer than the pause after a few failures.
const PAUSE: Duration = Duration::from_secs(5);
/// A refused app is probed again after this time.
const PROBE: Duration = Duration::from_secs(30);

/// A fixture whose account's access token has just expired.
pub(crate) async fn expired() -> (Fixture, CredentialId) {
    let (fixture, id) = Fixture::with_account().await;
    fixture.pass(ACCESS_LIFE).await;
    (fixture, id)
}

/// Asserts that the row is as after the consent: nothing spent, nothing leased.
async fn assert_untouched(fixture: &Fixture, before: &Credential) {
    let after = fixture.row(before.id).await;
    assert_eq!((after.generation, after.status), (before.generation, before.status));
    assert_eq!(after.grant.refresh_token, before.grant.refresh_token);
    assert!(after.spent_at.is_none());
    // A lease can be taken, so there is none.
    let lease = lease_of(fixture, Duration::from_secs(60));
    assert!(matches!(take(fixture, before.id, &lease).await, RefreshLease::Taken(_)));
    fixture.store.release_refresh(before.id, &lease, true).await.unwrap();
}

fn lease_of(fixture: &Fixture, life: Duration) -> Lease {
    Lease { token: LeaseToken::generate(&fixture.env), expires_at: fixture.env.now() + life }
}

async fn take(fixture: &Fixture, id: CredentialId, lease: &Lease) -> RefreshLease {
    let generation = fixture.row(id).await.generation;
    fixture.store.lease_refresh(fixture.workspace, id, generation, lease, fixture.env.now()).await.unwrap()
}

/// A clock on which waiting takes no time.
fn impatient(fixture: &Fixture) -> Arc<dyn Clock> {
    Meanwhile::new(&fixture.clock, || Box::pin(tokio::task::yield_now()))
}

#[tokio::test]
async fn a_token_that_expires_soon_is_refreshed_once() {
    let (fixture, id) = Fixture::with_account().await;
    // The call with the token needs time to arrive: a token with a minute left is no longer used.
    fixture.pass(Duration::from_secs(3540)).await;
    fixture.zak(id).await.unwrap();
    fixture.zak(id).await.unwrap();
    let stats = fixture.zoom.stats().await;
    assert_eq!((stats.refreshes, stats.refreshes_refused, stats.zak_mints), (1, 0, 1));

    let row = fixture.row(id).await;
    assert_eq!((row.generation, row.status), (2, CredentialStatus::Healthy));
    assert!(row.spent_at.is_none());
    assert_eq!(row.grant.access_expires_at, fixture.env.now() + ACCESS_LIFE);
    assert_eq!(row.granted_at, fixture.env.now());
}

#[tokio::test]
async fn a_token_with_more_than_a_minute_left_is_used() {
    let (fixture, id) = Fixture::with_account().await;
    // Only our clock is advanced: the simulator's running clock could pass the token's expiry.
    fixture.clock.advance(Duration::from_secs(3539));
    fixture.zak(id).await.unwrap();
    assert_eq!(fixture.zoom.stats().await.refreshes, 0);
}

#[tokio::test]
async fn the_chain_of_refresh_tokens_works_for_days() {
    let (fixture, id) = Fixture::with_account().await;
    for generation in 2..=6 {
        fixture.pass(Duration::from_secs(24 * 3600)).await;
        fixture.zak(id).await.unwrap();
        assert_eq!(fixture.row(id).await.generation, generation);
    }
    let stats = fixture.zoom.stats().await;
    assert_eq!((stats.refreshes, stats.refreshes_refused), (5, 0));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn two_hundred_callers_of_four_processes_refresh_once() {
    let (fixture, id) = expired().await;
    let fixture = Arc::new(fixture);
    let mut callers = JoinSet::new();
    for _ in 0..4 {
        // A process that waits for another one's lease checks again once Zoom has been called.
        let there = Arc::clone(&fixture);
        let clock = Meanwhile::new(&fixture.clock, move || {
            let there = Arc::clone(&there);
            Box::pin(async move { while there.zoom.stats().await.refreshes == 0 {} })
        });
        let broker = fixture.another_broker(clock).await;
        for _ in 0..50 {
            let (broker, workspace, requester) =
                (Arc::clone(&broker), fixture.workspace, fixture.requester());
            callers.spawn(async move { broker.tokens.zak(workspace, id, ANY, requester).await.map(drop) });
        }
    }
    for answer in callers.join_all().await {
        answer.unwrap();
    }
    let stats = fixture.zoom.stats().await;
    assert_eq!((stats.refreshes, stats.refreshes_refused), (1, 0));
    assert!(stats.zak_mints <= 4, "one mint a process: {stats:?}");
    assert_eq!(fixture.row(id).await.generation, 2);
}

#[tokio::test]
async fn an_answer_that_is_lost_after_zoom_rotated_has_its_own_cause() {
    for kind in ["lose_answer", "truncated"] {
        let (fixture, id) = expired().await;
        fixture.zoom.spoil("refresh", kind, 1).await;
        let failure = fixture.zak(id).await.unwrap_err();
        assert_eq!(failure.code, Code::CredentialNeedsConsent, "{kind}");
        assert_eq!(fixture.row(id).await.status, LOST, "{kind}");
        let stats = fixture.zoom.stats().await;
        assert_eq!(
            (stats.refreshes, stats.refreshes_refused),
            (1, 1),
            "{kind}: one call, and one more with the same token"
        );

        assert_eq!(fixture.connect().await, id);
        assert!(fixture.zak(id).await.is_ok(), "{kind}: a new consent heals it");
    }
}

#[tokio::test]
async fn no_odd_answer_loses_the_account() {
    let (fixture, id) = expired().await;
    for odd in [
        json!({"set": {"expires_in": 1e17}}),
        json!({"set": {"expires_in": 1_099_511_627_776_i64}}),
        json!({"set": {"expires_in": "20"}}),
        json!({"set": {"expires_in": [], "scope": null, "api_url": 7}}),
        json!({"remove": ["expires_in", "scope", "token_type", "api_url"]}),
        json!({"remove": ["access_token"]}),
        json!({"set": {"access_token": 7}, "status": 500}),
        json!({"before": "while(1);", "after": "<!-- cached -->"}),
    ] {
        let mut fault = odd.clone();
        fault["where"] = json!("refresh");
        fault["kind"] = json!("odd_body");
        fixture.zoom.control("POST", "faults", fault).await;
        fixture
            .broker
            .tokens
            .zak(fixture.workspace, id, FRESH, fixture.requester())
            .await
            .unwrap_or_else(|error| panic!("{error} after {odd}"));
        let row = fixture.row(id).await;
        let scopes = row.grant.scopes.unwrap();
        assert!(scopes.iter().any(|scope| scope == "user:read:zak"), "{scopes:?} after {odd}");
        assert!(row.grant.access_expires_at <= fixture.env.now() + Duration::from_secs(24 * 3600), "{odd}");
        assert_eq!(row.status, CredentialStatus::Healthy, "{odd}");
        fixture.pass(Duration::from_secs(25 * 3600)).await;
    }
    let stats = fixture.zoom.stats().await;
    assert_eq!((stats.refreshes_refused, stats.faults), (0, 8));
}

#[tokio::test]
async fn a_request_lost_before_zoom_rotated_costs_nothing() {
    for kind in ["drop_before", "http_500", "html"] {
        let (fixture, id) = expired().await;
        fixture.zoom.spoil("refresh", kind, 1).await;
        fixture.zak(id).await.unwrap();
        let row = fixture.row(id).await;
        assert_eq!((row.generation, row.status), (2, CredentialStatus::Healthy), "{kind}");
        assert!(row.spent_at.is_none(), "{kind}");
        assert_eq!(fixture.zoom.stats().await.refreshes, 1, "{kind}");
    }
}

#[tokio::test]
async fn an_unavailable_zoom_does_not_change_the_account() {
    for kind in ["drop_before", "http_500", "html"] {
        let (fixture, id) = expired().await;
        fixture.zoom.spoil("refresh", kind, 2).await;
        assert_eq!(fixture.zak(id).await.unwrap_err().code, Code::RefreshUncertain, "{kind}");
        let row = fixture.row(id).await;
        assert_eq!((row.generation, row.status), (1, CredentialStatus::Degraded), "{kind}");
        assert_eq!((row.trouble, row.status_since), (Some(Code::RefreshUncertain), fixture.env.now()));
        assert!(row.spent_at.is_some(), "{kind}: the open question survives this process");

        fixture.pass(PAUSE).await;
        fixture.zak(id).await.unwrap();
        let row = fixture.row(id).await;
        assert!(row.spent_at.is_none(), "{kind}: it is settled");
        assert_eq!((row.status, row.trouble), (CredentialStatus::Healthy, None), "{kind}");
    }
}

#[tokio::test]
async fn an_uncertain_refresh_is_recorded_until_it_is_settled() {
    let (fixture, id) = expired().await;
    fixture.zoom.spoil("refresh", "lose_answer", 1).await;
    fixture.zoom.spoil("refresh", "http_500", 1).await;
    assert_eq!(fixture.zak(id).await.unwrap_err().code, Code::RefreshUncertain);
    // A refusal for another reason in between does not show the token's state.
    fixture.pass(PAUSE).await;
    fixture.zoom.spoil("refresh", "http_429", 1).await;
    assert_eq!(fixture.zak(id).await.unwrap_err().code, Code::ZoomRateLimited);
    fixture.pass(PAUSE).await;
    assert_eq!(fixture.zak(id).await.unwrap_err().code, Code::CredentialNeedsConsent);
    assert_eq!(fixture.row(id).await.status, LOST, "the cause is a lost answer, not a revocation");
}

#[tokio::test]
async fn a_withdrawn_consent_has_its_own_cause() {
    let (fixture, id) = expired().await;
    fixture.zoom.change_user(json!({"active": false})).await;
    assert_eq!(fixture.zak(id).await.unwrap_err().code, Code::CredentialNeedsConsent);
    assert_eq!(fixture.row(id).await.status, CredentialStatus::NeedsReauth(ReauthCause::Revoked));
}

#[tokio::test]
async fn a_wrong_client_secret_is_only_the_apps_fault() {
    let (fixture, id) = expired().await;
    let before = fixture.row(id).await;
    for (wrong, right) in [
        (json!({"client_secret": "rotated"}), json!({"client_secret": crate::harness::CLIENT_SECRET})),
        (json!({"disabled": true}), json!({"disabled": false})),
    ] {
        fixture.zoom.change_app(wrong).await;
        assert_eq!(fixture.zak(id).await.unwrap_err().code, Code::AppUnhealthy);
        assert_untouched(&fixture, &before).await;
        fixture.zoom.change_app(right).await;
        // The next probe shows that the secret is right again.
        fixture.pass(PROBE).await;
    }
    fixture.zak(id).await.unwrap();
    assert_eq!(fixture.zoom.stats().await.refreshes, 1);
}

/// The limit is the app's: no call is made for the next account that needs a token.
#[tokio::test]
async fn a_rate_limit_pauses_the_whole_app_and_changes_no_account() {
    let (fixture, id) = expired().await;
    let before = fixture.row(id).await;
    let other = fixture.zoom.new_user("grace@example.test").await;
    fixture.zoom.sign_in(&other).await;
    let other = fixture.connect().await;
    fixture.pass(ACCESS_LIFE).await;
    let fault = json!({"where": "refresh", "kind": "http_429", "retry_after": "date"});
    fixture.zoom.control("POST", "faults", fault).await;
    let failure = fixture.zak(id).await.unwrap_err();
    assert_eq!(failure.code, Code::ZoomRateLimited);
    let wait = failure.retry_after.unwrap();
    assert_untouched(&fixture, &before).await;
    // This applies on every server and for every account.
    let elsewhere = fixture.another_broker(fixture.clock.clone()).await;
    fixture.settle().await;
    for (broker, id) in [(&fixture.broker, id), (&fixture.broker, other), (&elsewhere, other)] {
        let failure = broker
            .tokens
            .zak(fixture.workspace, id, crate::harness::ANY, fixture.requester())
            .await
            .unwrap_err();
        assert_eq!((failure.code, failure.retry_after), (Code::ZoomRateLimited, Some(wait)));
    }
    assert_eq!((fixture.zoom.stats().await.faults, fixture.zoom.stats().await.refreshes), (1, 0));
    assert_eq!(fixture.row(other).await.status, CredentialStatus::Healthy);
    fixture.pass(wait).await;
    fixture.zak(id).await.unwrap();
    fixture.zak(other).await.unwrap();
}

#[tokio::test]
async fn a_caller_that_disconnects_does_not_cancel_the_refresh() {
    let (fixture, id) = expired().await;
    fixture.zoom.hold_up("refresh").await;
    {
        let caller = fixture.zak(id);
        tokio::select! {
            _ = caller => panic!("the answer is delayed"),
            () = fixture.zoom.struck() => {}
        }
    }
    fixture.settle().await;
    let row = fixture.row(id).await;
    assert_eq!((row.generation, row.status), (2, CredentialStatus::Healthy));
    fixture.zak(id).await.unwrap();
    assert_eq!(fixture.zoom.stats().await.refreshes, 1);
}

#[tokio::test]
async fn the_lease_of_a_dead_holder_is_taken_over_once_it_expires() {
    let (fixture, id) = expired().await;
    let lease = lease_of(&fixture, Duration::from_secs(60));
    assert!(matches!(take(&fixture, id, &lease).await, RefreshLease::Taken(_)));
    let broker = fixture.another_broker(impatient(&fixture)).await;
    broker.tokens.zak(fixture.workspace, id, ANY, fixture.requester()).await.unwrap();
    assert!(fixture.env.now() >= lease.expires_at, "it was respected until it expired");
    assert_eq!(fixture.row(id).await.generation, 2);
    // The dead holder has not spent the token. If it came back, its write would be refused.
    let grant = fixture.row(id).await.grant;
    assert!(!fixture.store.commit_refresh(id, 1, &grant, None, &fixture.note()).await.unwrap());
}

#[tokio::test]
async fn a_holder_that_died_after_spending_is_distinguished_from_a_revocation() {
    let (fixture, id) = expired().await;
    let lease = lease_of(&fixture, Duration::from_secs(60));
    take(&fixture, id, &lease).await;
    fixture.zoom.change_user(json!({"active": false})).await;
    fixture.clock.advance(Duration::from_secs(60));
    assert_eq!(fixture.zak(id).await.unwrap_err().code, Code::CredentialNeedsConsent);
    assert_eq!(
        fixture.row(id).await.status,
        LOST,
        "the cause can't be known better: the token was being used when the holder died"
    );
}

#[tokio::test]
async fn no_caller_waits_for_ever_for_another_process() {
    let (fixture, id) = expired().await;
    // The latest expiry of a lease from a clock that is ahead.
    take(&fixture, id, &lease_of(&fixture, Duration::from_secs(90))).await;
    let broker = fixture.another_broker(impatient(&fixture)).await;
    let began = fixture.env.now();
    let failure = broker.tokens.zak(fixture.workspace, id, ANY, fixture.requester()).await.unwrap_err();
    assert_eq!(failure.code, Code::RefreshUncertain);
    assert!(fixture.env.now().since(began) < Duration::from_secs(80));
    assert_eq!(fixture.zoom.stats().await.refreshes, 0);
}

#[tokio::test]
async fn a_concurrent_consent_wins_over_a_dead_grant() {
    let (fixture, id) = expired().await;
    fixture.zoom.hold_up("refresh").await;
    let (answer, again) = tokio::join!(fixture.zak(id), async {
        fixture.zoom.struck().await;
        // Zoom ends the old grant with the new consent, so the refresh in flight will be refused.
        fixture.connect().await
    });
    answer.unwrap();
    assert_eq!(again, id);
    let row = fixture.row(id).await;
    assert_eq!((row.generation, row.status), (2, CredentialStatus::Healthy));
    assert_eq!(
        fixture.zoom.stats().await.refreshes_refused,
        1,
        "it was refused, and the refusal was ignored"
    );
}

#[tokio::test]
async fn a_fenced_holder_gives_no_dead_token() {
    let (fixture, id) = expired().await;
    fixture.zoom.hold_up("refresh").await;
    let asked = fixture.broker.tokens.access_token(
        fixture.workspace,
        id,
        Duration::from_secs(300),
        fixture.requester(),
    );
    let (answer, ()) = tokio::join!(asked, async {
        fixture.zoom.struck().await;
        // The lease expires, another process takes it, and only then does Zoom say that the grant is dead.
        fixture.clock.advance(Duration::from_secs(61));
        let lease = lease_of(&fixture, Duration::from_secs(60));
        assert!(matches!(take(&fixture, id, &lease).await, RefreshLease::Taken(_)));
        fixture.zoom.change_user(json!({"active": false})).await;
    });
    assert_eq!(answer.unwrap_err().code, Code::RefreshUncertain);
    assert!(fixture.row(id).await.status.is_usable(), "only the holder of the lease decides");
}

#[tokio::test]
async fn a_concurrent_consent_is_not_overwritten() {
    let (fixture, id) = expired().await;
    let before = fixture.row(id).await;
    let newer = Credential {
        grant: Grant {
            access_token: Some(Sealed(b"newer access".to_vec())),
            refresh_token: Some(Sealed(b"newer refresh".to_vec())),
            access_expires_at: fixture.env.now() + ACCESS_LIFE,
            ..before.grant.clone()
        },
        ..before
    };
    fixture.zoom.hold_up("refresh").await;
    let (answer, ()) = tokio::join!(fixture.zak(id), async {
        fixture.zoom.struck().await;
        fixture.store.connect_credential(&newer, &fixture.note()).await.unwrap();
    });
    // The value that the test stored is not a token. This error shows that the broker used it.
    assert_eq!(answer.unwrap_err().code, Code::Internal);
    assert_eq!(fixture.zoom.stats().await.refreshes, 1, "the older grant was refreshed");
    let after = fixture.row(id).await;
    assert_eq!(after.generation, 2);
    assert_eq!(after.grant.refresh_token, newer.grant.refresh_token, "and its answer was fenced");
}

#[tokio::test]
async fn a_token_that_zoom_calls_expired_is_refreshed_once_despite_our_record() {
    let (fixture, id) = Fixture::with_account().await;
    fixture.zoom.pass(3700).await;
    fixture.zak(id).await.unwrap();
    let stats = fixture.zoom.stats().await;
    assert_eq!((stats.refreshes, stats.refreshes_refused, stats.zak_mints), (1, 0, 1));
    assert_eq!(fixture.row(id).await.generation, 2);
}

#[tokio::test]
async fn a_grant_is_stored_once_the_store_is_available_again() {
    let (fixture, id) = expired().await;
    let path = fixture.database();
    // Leases can be taken, but no generation can change until the trigger is dropped.
    run(&path, "CREATE TRIGGER away BEFORE UPDATE OF generation ON credentials BEGIN SELECT RAISE(ABORT, 'away'); END")
        .await;
    let clock = Meanwhile::new(&fixture.clock, move || {
        let path = path.clone();
        Box::pin(async move { run(&path, "DROP TRIGGER IF EXISTS away").await })
    });
    let began = fixture.env.now();
    let broker = fixture.another_broker(clock).await;
    broker.tokens.zak(fixture.workspace, id, ANY, fixture.requester()).await.unwrap();
    assert!(fixture.env.now() > began, "the first attempt failed");
    assert_eq!(
        fixture.zoom.stats().await.refreshes,
        1,
        "the token was spent once, and its answer was stored"
    );
    let row = fixture.row(id).await;
    assert_eq!((row.generation, row.status), (2, CredentialStatus::Healthy));
}

#[tokio::test]
async fn a_store_that_cannot_write_is_detected_before_the_token_is_spent() {
    let (fixture, id) = expired().await;
    run(
        &fixture.database(),
        "CREATE TRIGGER away BEFORE UPDATE ON credentials BEGIN SELECT RAISE(ABORT, 'away'); END",
    )
    .await;
    assert_eq!(fixture.zak(id).await.unwrap_err().code, Code::Unavailable);
    let stats = fixture.zoom.stats().await;
    assert_eq!((stats.refreshes, stats.refreshes_refused), (0, 0), "Zoom was not asked");
    run(&fixture.database(), "DROP TRIGGER away").await;
    fixture.zak(id).await.unwrap();
}

/// Changes the database directly.
pub(crate) async fn run(path: &std::path::Path, sql: &'static str) {
    let options = SqliteConnectOptions::new().filename(path);
    let mut db = SqliteConnection::connect_with(&options).await.unwrap();
    sqlx::query(sql).execute(&mut db).await.unwrap();
    db.close().await.unwrap();
}
