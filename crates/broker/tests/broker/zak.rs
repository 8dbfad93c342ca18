//! ZAKs: cached while they are valid, minted once for many callers, and only for the right ones.

use std::time::Duration;

use model::{Code, CredentialStatus, ReauthCause, WorkspaceId};
use serde_json::json;
use tokio::task::JoinSet;

use crate::harness::{ANY, FRESH, Fixture};

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn many_callers_cost_one_mint() {
    let (fixture, id) = Fixture::with_account().await;
    let mut callers = JoinSet::new();
    for _ in 0..100 {
        let (broker, workspace, requester) = (fixture.broker.clone(), fixture.workspace, fixture.requester());
        callers.spawn(async move {
            broker.tokens.zak(workspace, id, ANY, requester).await.unwrap().token.expose().to_owned()
        });
    }
    let mut zaks = callers.join_all().await;
    zaks.dedup();
    assert_eq!(zaks.len(), 1, "all callers got the same one");
    assert_eq!(fixture.zoom.stats().await.zak_mints, 1);
}

#[tokio::test]
async fn a_zak_is_cached_while_enough_of_its_lifetime_is_left() {
    let (fixture, id) = Fixture::with_account().await;
    let first = fixture.zak(id).await.unwrap();
    fixture.pass(Duration::from_secs(7200 - 600)).await;
    assert_eq!(fixture.zak(id).await.unwrap().token.expose(), first.token.expose());
    assert_eq!(fixture.zoom.stats().await.zak_mints, 1);

    // The simulator's clock runs, so its ZAK expires a few seconds later than our standing clock suggests.
    fixture.pass(Duration::from_secs(60)).await;
    let second = fixture.zak(id).await.unwrap();
    assert_ne!(second.token.expose(), first.token.expose());
    assert!(second.expires_at.unwrap() >= fixture.env.now() + ANY.outlives);
    assert_eq!(fixture.zoom.stats().await.zak_mints, 2);
}

#[tokio::test]
async fn a_fresh_zak_is_not_from_the_cache() {
    let (fixture, id) = Fixture::with_account().await;
    let first = fixture.zak(id).await.unwrap();
    let second = fixture.broker.tokens.zak(fixture.workspace, id, FRESH, fixture.requester()).await.unwrap();
    assert_ne!(second.token.expose(), first.token.expose());
    assert_eq!(fixture.zak(id).await.unwrap().token.expose(), second.token.expose(), "the new one is cached");
    assert_eq!(fixture.zoom.stats().await.zak_mints, 2);
}

#[tokio::test]
async fn a_zak_that_zoom_voided_is_dropped_and_minted_again() {
    let (fixture, id) = Fixture::with_account().await;
    let void = fixture.zak(id).await.unwrap();
    fixture
        .zoom
        .control("POST", &format!("users/{}/sign-out-everywhere", fixture.zoom.user), json!({}))
        .await;
    fixture.broker.tokens.reject_zak(WorkspaceId::generate(&fixture.env), &void.token).await.unwrap();
    assert_eq!(
        fixture.zak(id).await.unwrap().token.expose(),
        void.token.expose(),
        "another workspace's report has no effect"
    );
    fixture.broker.tokens.reject_zak(fixture.workspace, &void.token).await.unwrap();
    assert_ne!(fixture.zak(id).await.unwrap().token.expose(), void.token.expose());
    assert_eq!(fixture.zoom.stats().await.zak_mints, 2);
}

#[tokio::test]
async fn connecting_again_drops_the_zaks_of_the_old_consent() {
    let (fixture, id) = Fixture::with_account().await;
    fixture.zak(id).await.unwrap();
    fixture.connect().await;
    fixture.zak(id).await.unwrap();
    assert_eq!(fixture.zoom.stats().await.zak_mints, 2);
}

#[tokio::test]
async fn another_workspace_neither_gets_nor_drops_zaks() {
    let (fixture, id) = Fixture::with_account().await;
    let stranger = WorkspaceId::generate(&fixture.env);
    let refused = fixture.broker.tokens.zak(stranger, id, ANY, fixture.requester()).await.unwrap_err();
    assert_eq!(refused.code, Code::TokenNotAvailable);
    assert_eq!(fixture.zoom.stats().await.zak_mints, 0);

    // It gets no cached ZAK, and can't drop the cached ZAKs of others.
    fixture.zak(id).await.unwrap();
    for wanted in [ANY, FRESH] {
        let refused = fixture.broker.tokens.zak(stranger, id, wanted, fixture.requester()).await.unwrap_err();
        assert_eq!(refused.code, Code::TokenNotAvailable);
    }
    fixture.zak(id).await.unwrap();
    assert_eq!(fixture.zoom.stats().await.zak_mints, 1);
}

#[tokio::test]
async fn a_deactivated_user_is_a_failure_with_its_own_code() {
    let (fixture, id) = Fixture::with_account().await;
    fixture.zoom.change_user(json!({"active": false})).await;
    let refused = fixture.zak(id).await.unwrap_err();
    assert_eq!(refused.code, Code::CredentialNeedsConsent);
    assert!(refused.detail.contains("Ada Lovelace"), "it names the user: {refused}");
    assert_eq!(fixture.row(id).await.status, CredentialStatus::NeedsReauth(ReauthCause::Revoked));

    // From now on Zoom is not called.
    let before = fixture.zoom.stats().await;
    assert_eq!(fixture.zak(id).await.unwrap_err().code, Code::CredentialNeedsConsent);
    assert_eq!(fixture.zoom.stats().await, before);
}

#[tokio::test]
async fn a_zak_that_expires_too_soon_is_not_given() {
    let (fixture, id) = Fixture::with_account().await;
    fixture.zoom.pass(-7000).await;
    assert_eq!(fixture.zak(id).await.unwrap_err().code, Code::ZoomUnexpected);
}

#[tokio::test]
async fn a_failed_mint_has_its_code_and_the_next_one_works() {
    for (kind, code) in [
        ("http_429", Code::ZoomRateLimited),
        ("http_500", Code::ZoomUnavailable),
        ("drop_before", Code::ZoomUnavailable),
        ("lose_answer", Code::ZoomUnavailable),
        ("truncated", Code::ZoomUnavailable),
        ("html", Code::ZoomUnexpected),
    ] {
        let (fixture, id) = Fixture::with_account().await;
        fixture.zoom.spoil("zak", kind, 1).await;
        let failure = fixture.zak(id).await.unwrap_err();
        assert_eq!(failure.code, code, "{kind}");
        // After a 429, no call is made for a while.
        fixture.pass(failure.retry_after.unwrap_or(Duration::from_secs(1))).await;
        assert!(fixture.zak(id).await.is_ok(), "{kind}");
        let row = fixture.row(id).await;
        assert_eq!((row.generation, row.status), (1, CredentialStatus::Healthy), "{kind}");
    }
}
