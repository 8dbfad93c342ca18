//! ZAKs: kept while they are good, minted once for many, and for nobody else.

use std::time::Duration;

use model::{Code, CredentialStatus, ReauthCause, WorkspaceId};
use serde_json::json;
use tokio::task::JoinSet;

use crate::harness::{ANY, FRESH, House};

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn many_callers_cost_one_mint() {
    let (house, id) = House::with_account().await;
    let mut callers = JoinSet::new();
    for _ in 0..100 {
        let (broker, workspace, asker) = (house.broker.clone(), house.workspace, house.asker());
        callers.spawn(async move {
            broker.zak(workspace, id, ANY, asker).await.unwrap().token.expose().to_owned()
        });
    }
    let mut zaks = callers.join_all().await;
    zaks.dedup();
    assert_eq!(zaks.len(), 1, "everybody got the same one");
    assert_eq!(house.zoom.stats().await.zak_mints, 1);
}

#[tokio::test]
async fn a_zak_is_kept_while_enough_of_it_is_left() {
    let (house, id) = House::with_account().await;
    let first = house.zak(id).await.unwrap();
    house.pass(Duration::from_secs(7200 - 600)).await;
    assert_eq!(house.zak(id).await.unwrap().token.expose(), first.token.expose());
    assert_eq!(house.zoom.stats().await.zak_mints, 1);

    // The simulator's clock runs, so its ZAK ends a few seconds after what the standing clock would say.
    house.pass(Duration::from_secs(60)).await;
    let second = house.zak(id).await.unwrap();
    assert_ne!(second.token.expose(), first.token.expose());
    assert!(second.expires_at.unwrap() >= house.env.now() + ANY.outlives);
    assert_eq!(house.zoom.stats().await.zak_mints, 2);
}

#[tokio::test]
async fn fresh_means_fresh() {
    let (house, id) = House::with_account().await;
    let first = house.zak(id).await.unwrap();
    let second = house.broker.zak(house.workspace, id, FRESH, house.asker()).await.unwrap();
    assert_ne!(second.token.expose(), first.token.expose());
    assert_eq!(house.zak(id).await.unwrap().token.expose(), second.token.expose(), "the new one is kept");
    assert_eq!(house.zoom.stats().await.zak_mints, 2);
}

#[tokio::test]
async fn a_zak_that_zoom_voided_is_forgotten_and_minted_anew() {
    let (house, id) = House::with_account().await;
    let void = house.zak(id).await.unwrap();
    house.zoom.control("POST", &format!("users/{}/sign-out-everywhere", house.zoom.user), json!({})).await;
    house.broker.reject_zak(WorkspaceId::generate(&house.env), &void.token).await.unwrap();
    assert_eq!(house.zak(id).await.unwrap().token.expose(), void.token.expose(), "nobody else's word counts");
    house.broker.reject_zak(house.workspace, &void.token).await.unwrap();
    assert_ne!(house.zak(id).await.unwrap().token.expose(), void.token.expose());
    assert_eq!(house.zoom.stats().await.zak_mints, 2);
}

#[tokio::test]
async fn connecting_again_forgets_the_zaks_of_the_old_consent() {
    let (house, id) = House::with_account().await;
    house.zak(id).await.unwrap();
    house.connect().await;
    house.zak(id).await.unwrap();
    assert_eq!(house.zoom.stats().await.zak_mints, 2);
}

#[tokio::test]
async fn another_workspace_gets_nothing_and_takes_nothing() {
    let (house, id) = House::with_account().await;
    let stranger = WorkspaceId::generate(&house.env);
    let refused = house.broker.zak(stranger, id, ANY, house.asker()).await.unwrap_err();
    assert_eq!(refused.code, Code::TokenNotAvailable);
    assert_eq!(house.zoom.stats().await.zak_mints, 0);

    // Neither is it served from memory, nor can it throw away what others have there.
    house.zak(id).await.unwrap();
    for wanted in [ANY, FRESH] {
        let refused = house.broker.zak(stranger, id, wanted, house.asker()).await.unwrap_err();
        assert_eq!(refused.code, Code::TokenNotAvailable);
    }
    house.zak(id).await.unwrap();
    assert_eq!(house.zoom.stats().await.zak_mints, 1);
}

#[tokio::test]
async fn a_deactivated_user_is_a_typed_failure() {
    let (house, id) = House::with_account().await;
    house.zoom.change_user(json!({"active": false})).await;
    let refused = house.zak(id).await.unwrap_err();
    assert_eq!(refused.code, Code::CredentialNeedsConsent);
    assert!(refused.detail.contains("Ada Lovelace"), "it says who: {refused}");
    assert_eq!(house.row(id).await.status, CredentialStatus::NeedsReauth(ReauthCause::Revoked));

    // From now on nobody asks Zoom.
    let before = house.zoom.stats().await;
    assert_eq!(house.zak(id).await.unwrap_err().code, Code::CredentialNeedsConsent);
    assert_eq!(house.zoom.stats().await, before);
}

#[tokio::test]
async fn a_zak_that_ends_too_soon_is_not_handed_out() {
    let (house, id) = House::with_account().await;
    house.zoom.pass(-7000).await;
    assert_eq!(house.zak(id).await.unwrap_err().code, Code::ZoomUnexpected);
}

#[tokio::test]
async fn what_goes_wrong_at_a_mint_is_typed_and_over_with_the_next() {
    for (kind, code) in [
        ("http_429", Code::ZoomRateLimited),
        ("http_500", Code::ZoomUnavailable),
        ("drop_before", Code::ZoomUnavailable),
        ("lose_answer", Code::ZoomUnavailable),
        ("truncated", Code::ZoomUnavailable),
        ("html", Code::ZoomUnexpected),
    ] {
        let (house, id) = House::with_account().await;
        house.zoom.spoil("zak", kind, 1).await;
        let failure = house.zak(id).await.unwrap_err();
        assert_eq!(failure.code, code, "{kind}");
        // After a 429 nobody calls for a while.
        house.pass(failure.retry_after.unwrap_or(Duration::from_secs(1))).await;
        assert!(house.zak(id).await.is_ok(), "{kind}");
        let row = house.row(id).await;
        assert_eq!((row.generation, row.status), (1, CredentialStatus::Healthy), "{kind}");
    }
}
