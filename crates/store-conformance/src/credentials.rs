//! Grants are replaced under a lease, and only from the generation that the writer started from.
#![expect(missing_docs, reason = "the names say it")]
#![expect(clippy::unwrap_used, reason = "a test may fail loudly")]

use std::time::Duration;

use futures_util::future::join_all;
use model::{
    Code, CredentialId, CredentialKind, CredentialStatus, DisconnectCause, MeetingSyncStatus, ReauthCause,
    Timestamp, WorkspaceId, ZoomOauthAppId,
};

use crate::{CALLERS, Conformance, ROUNDS};
use store::{
    Credential, CredentialFilter, Grant, Lease, MAX_REFRESH_INTERVAL, Note, Order, Page, RefreshFailure,
    RefreshLease, StoreError,
};

pub(super) fn grant(suite: &Conformance) -> Grant {
    Grant {
        access_token: Some(suite.sealed()),
        access_expires_at: suite.env.now() + Duration::from_micros(3_600_000_001),
        refresh_token: Some(suite.sealed()),
        scopes: Some(vec!["user:read:zak".into(), "user:read:user".into()]),
        api_url: Some("https://api-eu.zoom.us".into()),
    }
}

pub(super) fn account(
    suite: &Conformance,
    workspace: WorkspaceId,
    app: ZoomOauthAppId,
    user: &str,
) -> Credential {
    Credential {
        id: CredentialId::generate(&suite.env),
        workspace,
        app,
        kind: CredentialKind::UserOauth,
        zoom_user_id: user.into(),
        zoom_account_id: "account-1".into(),
        display_name: "Ana 🗝".into(),
        email: Some(format!("{user}@Example.test")),
        callback_url: None,
        status: CredentialStatus::Healthy,
        status_since: suite.env.now(),
        trouble: None,
        failures: 0,
        retry_at: None,
        refresh_at: Some(suite.env.now() + Duration::from_secs(3000)),
        used_at: Some(suite.env.now()),
        epoch: 1,
        generation: 1,
        grant: grant(suite),
        spent_at: None,
        meeting_sync: MeetingSyncStatus::NotStarted,
        created_at: suite.env.now(),
        granted_at: suite.env.now(),
    }
}

pub(super) async fn connect(suite: &Conformance, credential: &Credential) -> Result<(), StoreError> {
    suite.store.connect_credential(credential, &suite.note("connected")).await
}

pub(super) async fn commit(suite: &Conformance, id: CredentialId, generation: i64, grant: &Grant) -> bool {
    let next = Some(suite.env.now() + Duration::from_secs(3000));
    suite.store.commit_refresh(id, generation, grant, next, &suite.note("refreshed")).await.unwrap()
}

async fn lose(suite: &Conformance, id: CredentialId, lease: &Lease, cause: ReauthCause) -> bool {
    suite.store.mark_grant_dead(id, 1, lease, cause, &suite.note("lost")).await.unwrap()
}

pub(super) fn trouble(suite: &Conformance) -> RefreshFailure {
    let retry_at = suite.env.now() + Duration::from_secs(5);
    RefreshFailure { code: Code::ZoomUnavailable, retry_at, unspent: true }
}

pub(super) async fn connected(suite: &Conformance) -> Credential {
    let workspace = suite.workspace().await;
    let app = suite.app(workspace, "client-1").await;
    let credential = account(suite, workspace, app.id, "user-1");
    connect(suite, &credential).await.unwrap();
    credential
}

async fn read(suite: &Conformance, credential: &Credential) -> Credential {
    suite.store.credential(credential.workspace, credential.id).await.unwrap().unwrap()
}

async fn take(suite: &Conformance, credential: &Credential, generation: i64, lease: &Lease) -> RefreshLease {
    take_of(suite, credential.workspace, credential.id, generation, lease).await
}

pub(super) async fn take_of(
    suite: &Conformance,
    workspace: WorkspaceId,
    id: CredentialId,
    generation: i64,
    lease: &Lease,
) -> RefreshLease {
    suite.store.lease_refresh(workspace, id, generation, lease, suite.env.now()).await.unwrap()
}

pub async fn a_grant_is_read_back_to_the_microsecond(suite: &Conformance) {
    let made = connected(suite).await;
    let found = read(suite, &made).await;
    assert_eq!(found.grant.access_token, made.grant.access_token);
    assert_eq!(found.grant.refresh_token, made.grant.refresh_token);
    assert_eq!(found.grant.access_expires_at, made.grant.access_expires_at);
    assert_eq!(found.grant.scopes, made.grant.scopes);
    assert_eq!(found.grant.api_url, made.grant.api_url);
    assert_eq!((found.generation, found.spent_at), (1, None));
    assert_eq!(found.display_name, "Ana 🗝");
    let elsewhere = WorkspaceId::generate(&suite.env);
    assert!(suite.store.credential(elsewhere, made.id).await.unwrap().is_none());
    assert!(suite.store.credentials(elsewhere).await.unwrap().is_empty());
}

pub async fn one_account_per_user_and_app(suite: &Conformance) {
    let made = connected(suite).await;
    let twin = account(suite, made.workspace, made.app, "user-1");
    assert!(matches!(connect(suite, &twin).await, Err(StoreError::Exists(_))));
    let found = suite.store.credential_of(made.workspace, made.app, "user-1").await.unwrap().unwrap();
    assert_eq!(found.id, made.id);
    assert!(suite.store.credential_of(made.workspace, made.app, "user-2").await.unwrap().is_none());
}

pub async fn consenting_again_keeps_the_id(suite: &Conformance) {
    let made = connected(suite).await;
    let lease = suite.lease(60);
    assert!(matches!(take(suite, &made, 1, &lease).await, RefreshLease::Taken(_)));
    let again = Credential { grant: grant(suite), ..made.clone() };
    connect(suite, &again).await.unwrap();
    let found = read(suite, &made).await;
    assert_eq!((found.generation, found.spent_at), (2, None));
    assert_eq!(found.grant.refresh_token, again.grant.refresh_token);
    let late = commit(suite, made.id, 1, &grant(suite)).await;
    assert!(!late, "the concurrent refresh lost");
    assert_eq!(read(suite, &made).await.grant.refresh_token, again.grant.refresh_token);
}

pub async fn one_of_several_concurrent_first_consents_creates_the_account(suite: &Conformance) {
    let workspace = suite.workspace().await;
    let app = suite.app(workspace, "client-1").await;
    for round in 0..ROUNDS {
        let user = format!("user-{round}");
        let twins: Vec<_> = (0..CALLERS).map(|_| account(suite, workspace, app.id, &user)).collect();
        let made = join_all(twins.iter().map(|twin| connect(suite, twin))).await;
        let winners: Vec<_> = twins.iter().zip(&made).filter(|(_, made)| made.is_ok()).collect();
        assert_eq!(winners.len(), 1);
        assert!(made.iter().all(|made| matches!(made, Ok(()) | Err(StoreError::Exists(_)))));
        let found = suite.store.credential_of(workspace, app.id, &user).await.unwrap().unwrap();
        assert_eq!((found.id, found.generation), (winners[0].0.id, 1));
    }
}

pub async fn every_concurrent_consent_counts(suite: &Conformance) {
    let made = connected(suite).await;
    for round in (0..).take(ROUNDS) {
        let again: Vec<_> =
            (0..CALLERS).map(|_| Credential { grant: grant(suite), ..made.clone() }).collect();
        for done in join_all(again.iter().map(|again| connect(suite, again))).await {
            done.unwrap();
        }
        let found = read(suite, &made).await;
        assert_eq!(found.generation, 1 + (round + 1) * i64::try_from(CALLERS).unwrap());
        assert!(again.iter().any(|again| again.grant.refresh_token == found.grant.refresh_token));
    }
}

pub async fn one_of_several_concurrent_refreshers_takes_the_lease(suite: &Conformance) {
    let made = connected(suite).await;
    for _ in 0..ROUNDS {
        let leases: Vec<_> = (0..CALLERS).map(|_| suite.lease(60)).collect();
        let answers = join_all(leases.iter().map(|lease| take(suite, &made, 1, lease))).await;
        let taken = answers.iter().position(|answer| matches!(answer, RefreshLease::Taken(_))).unwrap();
        for (caller, answer) in answers.iter().enumerate().filter(|(caller, _)| *caller != taken) {
            let until = leases[caller].expires_at;
            assert!(matches!(answer, RefreshLease::Held { until: held } if *held == until), "{answer:?}");
        }
        assert!(suite.store.release_refresh(made.id, &leases[taken], true).await.unwrap());
    }
}

pub async fn one_of_several_concurrent_commits_counts(suite: &Conformance) {
    let made = connected(suite).await;
    for generation in (1..).take(ROUNDS) {
        let grants: Vec<_> = (0..CALLERS).map(|_| grant(suite)).collect();
        let commits = grants.iter().map(|grant| commit(suite, made.id, generation, grant));
        let done = join_all(commits).await;
        let winners: Vec<_> = grants.iter().zip(done).filter(|(_, done)| *done).collect();
        assert_eq!(winners.len(), 1);
        let found = read(suite, &made).await;
        assert_eq!(found.generation, generation + 1);
        assert_eq!(found.grant.refresh_token, winners[0].0.refresh_token);
    }
}

pub async fn one_lease_at_a_time(suite: &Conformance) {
    let made = connected(suite).await;
    let (first, second) = (suite.lease(60), suite.lease(60));
    let RefreshLease::Taken(before) = take(suite, &made, 1, &first).await else {
        panic!("the lease was free")
    };
    assert_eq!(before.spent_at, None);
    assert!(
        matches!(take(suite, &made, 1, &second).await, RefreshLease::Held { until } if until == first.expires_at)
    );
    assert!(matches!(take(suite, &made, 2, &second).await, RefreshLease::Moved));
    assert_eq!(
        read(suite, &made).await.spent_at,
        Some(suite.env.now()),
        "it is recorded before the token is spent"
    );
}

pub async fn a_lapsed_lease_shows_the_spent_token(suite: &Conformance) {
    let made = connected(suite).await;
    let lapsed = suite.lease(0);
    assert!(matches!(take(suite, &made, 1, &lapsed).await, RefreshLease::Taken(_)));
    let RefreshLease::Taken(before) = take(suite, &made, 1, &suite.lease(60)).await else {
        panic!("the lease has expired")
    };
    assert_eq!(before.spent_at, Some(suite.env.now()));
}

pub async fn a_commit_increases_the_generation_once(suite: &Conformance) {
    let made = connected(suite).await;
    take(suite, &made, 1, &suite.lease(60)).await;
    let next = grant(suite);
    assert!(!commit(suite, made.id, 2, &next).await, "it is not the current generation");
    assert!(commit(suite, made.id, 1, &next).await);
    assert!(!commit(suite, made.id, 1, &grant(suite)).await, "once");
    let found = read(suite, &made).await;
    assert_eq!((found.generation, found.spent_at), (2, None));
    assert_eq!(found.grant.refresh_token, next.refresh_token);
    assert!(matches!(take(suite, &made, 2, &suite.lease(60)).await, RefreshLease::Taken(_)), "free again");
}

pub async fn a_late_answer_saves_the_account(suite: &Conformance) {
    let made = connected(suite).await;
    let (late, later) = (suite.lease(0), suite.lease(60));
    take(suite, &made, 1, &late).await;
    take(suite, &made, 1, &later).await;
    // The later holder found that the token is dead. The answer to the first call is still in flight.
    assert!(lose(suite, made.id, &later, ReauthCause::ResponseLost).await);
    let next = grant(suite);
    assert!(commit(suite, made.id, 1, &next).await);
    let found = read(suite, &made).await;
    assert_eq!((found.status, found.generation), (CredentialStatus::Healthy, 2));
    assert_eq!(found.grant.refresh_token, next.refresh_token);
}

pub async fn a_fenced_holder_changes_nothing(suite: &Conformance) {
    let made = connected(suite).await;
    let (late, winner) = (suite.lease(0), suite.lease(60));
    take(suite, &made, 1, &late).await;
    take(suite, &made, 1, &winner).await;
    assert!(!lose(suite, made.id, &late, ReauthCause::Revoked).await);
    assert!(!suite.store.release_refresh(made.id, &late, true).await.unwrap());
    let won = grant(suite);
    assert!(commit(suite, made.id, 1, &won).await);
    assert!(!commit(suite, made.id, 1, &grant(suite)).await);
    assert_eq!(read(suite, &made).await.grant.refresh_token, won.refresh_token);
}

pub async fn a_lost_grant_is_not_leased(suite: &Conformance) {
    let made = connected(suite).await;
    let lease = suite.lease(60);
    take(suite, &made, 1, &lease).await;
    assert!(lose(suite, made.id, &lease, ReauthCause::ResponseLost).await);
    assert_eq!(read(suite, &made).await.status, CredentialStatus::NeedsReauth(ReauthCause::ResponseLost));
    assert!(matches!(take(suite, &made, 1, &suite.lease(60)).await, RefreshLease::Unusable));
    connect(suite, &Credential { grant: grant(suite), ..made.clone() }).await.unwrap();
    assert_eq!(read(suite, &made).await.status, CredentialStatus::Healthy, "a consent repairs it");
}

pub async fn release_can_undo_the_spending(suite: &Conformance) {
    let made = connected(suite).await;
    let lease = suite.lease(60);
    take(suite, &made, 1, &lease).await;
    assert!(suite.store.release_refresh(made.id, &lease, false).await.unwrap());
    assert!(read(suite, &made).await.spent_at.is_some(), "it may have been spent");
    let lease = suite.lease(60);
    take(suite, &made, 1, &lease).await;
    assert!(suite.store.release_refresh(made.id, &lease, true).await.unwrap());
    assert_eq!(read(suite, &made).await.spent_at, None);
}

pub async fn a_failed_refresh_degrades_until_one_succeeds(suite: &Conformance) {
    let made = connected(suite).await;
    for failures in 1..=2 {
        let lease = suite.lease(60);
        take(suite, &made, 1, &lease).await;
        let note = suite.note("Zoom is away");
        assert!(suite.store.record_refresh_failure(made.id, &lease, &trouble(suite), &note).await.unwrap());
        assert!(
            !suite.store.record_refresh_failure(made.id, &lease, &trouble(suite), &note).await.unwrap(),
            "once"
        );
        let found = read(suite, &made).await;
        assert_eq!((found.status, found.failures), (CredentialStatus::Degraded, failures));
        assert_eq!((found.trouble, found.spent_at), (Some(Code::ZoomUnavailable), None));
        assert_eq!((found.refresh_at, found.retry_at), (found.retry_at, Some(trouble(suite).retry_at)));
    }
    take(suite, &made, 1, &suite.lease(60)).await;
    assert!(commit(suite, made.id, 1, &grant(suite)).await);
    let found = read(suite, &made).await;
    assert_eq!((found.status, found.trouble, found.failures), (CredentialStatus::Healthy, None, 0));
    assert_eq!(found.retry_at, None);
}

pub async fn one_of_several_concurrent_failures_counts(suite: &Conformance) {
    let made = connected(suite).await;
    for failures in (1..).take(ROUNDS) {
        let lease = suite.lease(60);
        take(suite, &made, 1, &lease).await;
        let (trouble, notes) = (trouble(suite), [(); CALLERS].map(|()| suite.note("Zoom is away")));
        let told =
            notes.iter().map(|note| suite.store.record_refresh_failure(made.id, &lease, &trouble, note));
        let told = join_all(told).await;
        assert_eq!(told.iter().filter(|told| *told.as_ref().unwrap()).count(), 1);
        assert_eq!(read(suite, &made).await.failures, failures);
    }
}

pub async fn a_disconnected_account_has_no_token(suite: &Conformance) {
    let made = connected(suite).await;
    let (lease, cause) = (suite.lease(60), DisconnectCause::Deauthorized);
    take(suite, &made, 1, &lease).await;
    let elsewhere = WorkspaceId::generate(&suite.env);
    let disconnect = async |workspace, cause| {
        suite.store.disconnect_credential(workspace, made.id, cause, &suite.note("removed")).await.unwrap()
    };
    assert!(!disconnect(elsewhere, cause).await);
    assert!(disconnect(made.workspace, cause).await);
    assert!(!disconnect(made.workspace, cause).await, "once");
    assert!(!disconnect(made.workspace, DisconnectCause::UserDeleted).await, "the first cause stays");

    let found = read(suite, &made).await;
    assert_eq!(found.status, CredentialStatus::Disconnected(cause));
    assert!(found.grant.access_token.is_none() && found.grant.refresh_token.is_none());
    assert_eq!((found.epoch, found.refresh_at, found.spent_at), (2, None, None));
    assert_eq!(
        (found.zoom_user_id, found.zoom_account_id),
        (made.zoom_user_id.clone(), made.zoom_account_id.clone())
    );
    assert_eq!(found.status_since, suite.env.now());
    for done in [true, false] {
        assert_eq!(
            disconnect(made.workspace, DisconnectCause::Asked).await,
            done,
            "a caller's request replaces the cause"
        );
    }
    assert_eq!(read(suite, &made).await.status, CredentialStatus::Disconnected(DisconnectCause::Asked));
    assert!(!commit(suite, made.id, 1, &grant(suite)).await, "the concurrent refresh lost");
    assert!(matches!(take(suite, &made, 3, &suite.lease(60)).await, RefreshLease::Unusable));

    connect(suite, &Credential { grant: grant(suite), ..made.clone() }).await.unwrap();
    let found = read(suite, &made).await;
    assert_eq!((found.status, found.epoch), (CredentialStatus::Healthy, 4), "a consent connects it again");
}

pub async fn a_due_account_is_claimed_once(suite: &Conformance) {
    let made = connected(suite).await;
    let now = suite.env.now();
    let (due, later) = (now + Duration::from_secs(3000), now + Duration::from_secs(3120));
    assert!(suite.store.claim_due_refreshes(now, later, 9).await.unwrap().is_empty(), "not yet");
    let refresh_at = read(suite, &made).await.refresh_at;
    let found = suite.store.claim_due_refreshes(due, later, 9).await.unwrap();
    assert_eq!(found.len(), 1);
    assert_eq!((found[0].credential, found[0].workspace), (made.id, made.workspace));
    assert_eq!((found[0].app, found[0].generation), (made.app, 1));
    assert_eq!(Some(found[0].due_at), refresh_at);
    assert!(suite.store.claim_due_refreshes(due, later, 9).await.unwrap().is_empty(), "it is claimed");
    assert_eq!(
        suite.store.claim_due_refreshes(later, later, 9).await.unwrap().len(),
        1,
        "the first claim ended without a refresh"
    );

    let lease = suite.lease(60);
    take(suite, &made, 1, &lease).await;
    assert!(lose(suite, made.id, &lease, ReauthCause::Revoked).await);
    let for_ever = now + Duration::from_secs(1_000_000_000);
    assert!(
        suite.store.claim_due_refreshes(for_ever, for_ever, 9).await.unwrap().is_empty(),
        "it needs a consent"
    );
}

pub async fn concurrent_refreshers_share_the_due_accounts(suite: &Conformance) {
    let workspace = suite.workspace().await;
    let app = suite.app(workspace, "client-1").await;
    let mut all = Vec::new();
    for user in 0..CALLERS * 3 {
        let credential = account(suite, workspace, app.id, &format!("user-{user}"));
        connect(suite, &credential).await.unwrap();
        all.push(credential.id);
    }
    all.sort();
    for round in (1..).take(ROUNDS) {
        let due = suite.env.now() + Duration::from_secs(3000 * round);
        let until = due + Duration::from_secs(3000);
        let mut claimed = Vec::new();
        // An account that is skipped because another caller has locked it is found the next time.
        while claimed.len() < all.len() {
            let claims = (0..CALLERS).map(|_| suite.store.claim_due_refreshes(due, until, 2));
            let got = join_all(claims).await;
            claimed.extend(got.into_iter().flat_map(|due| due.unwrap()).map(|due| due.credential));
        }
        claimed.sort();
        assert_eq!(claimed, all, "each account once");
    }
}

pub async fn a_use_makes_the_next_refresh_earlier(suite: &Conformance) {
    let made = connected(suite).await;
    let (now, sooner) =
        (suite.env.now() + Duration::from_secs(20), suite.env.now() + Duration::from_secs(90));
    suite.store.touch_credential(made.id, now, Some(sooner)).await.unwrap();
    suite.store.touch_credential(made.id, now, Some(sooner + Duration::from_secs(9))).await.unwrap();
    suite.store.touch_credential(made.id, suite.env.now(), None).await.unwrap();
    let found = read(suite, &made).await;
    assert_eq!((found.used_at, found.refresh_at), (Some(now), Some(sooner)));
    suite.store.touch_credential(made.id, now + Duration::from_secs(9 * 3600), None).await.unwrap();
    suite.store.touch_credential(made.id, now, None).await.unwrap();
    assert_eq!(read(suite, &made).await.used_at, Some(now), "a time from the future is replaced");
    let lease = suite.lease(60);
    take(suite, &made, 1, &lease).await;
    assert!(lose(suite, made.id, &lease, ReauthCause::Revoked).await);
    suite.store.touch_credential(made.id, now, Some(sooner)).await.unwrap();
    assert_eq!(read(suite, &made).await.refresh_at, None, "an account that needs a consent is not refreshed");
}

/// A resumed import uses this to find that its account was stored before the crash.
pub async fn a_consent_is_found_however_often_it_was_refreshed(suite: &Conformance) {
    let workspace = suite.workspace().await;
    let (app, other) = (suite.app(workspace, "client-1").await, suite.app(workspace, "client-2").await);
    let consented_at = suite.env.now();
    let has = async |app, at| suite.store.has_consent_of(app, at).await.unwrap();
    assert!(!has(app.id, consented_at).await, "there was no consent");
    let ana = account(suite, workspace, app.id, "ana");
    connect(suite, &ana).await.unwrap();
    let note = Note { at: consented_at + Duration::from_secs(60), ..suite.note("refreshed") };
    assert!(suite.store.commit_refresh(ana.id, 1, &grant(suite), None, &note).await.unwrap());
    assert!(has(app.id, consented_at).await, "a refresh is not another consent");
    assert!(!has(app.id, note.at).await, "the time of a refresh is not that of a consent");
    assert!(!has(other.id, consented_at).await, "the consent is of another app");
    let anew = Credential { granted_at: consented_at + Duration::from_secs(120), ..ana };
    connect(suite, &anew).await.unwrap();
    assert!(!has(app.id, consented_at).await, "a new consent replaces the old one");
    assert!(has(app.id, anew.granted_at).await);
}

pub async fn voiding_changes_only_the_epoch(suite: &Conformance) {
    let made = connected(suite).await;
    let before = read(suite, &made).await;
    suite.store.void_tokens(WorkspaceId::generate(&suite.env), made.id).await.unwrap();
    assert_eq!(read(suite, &made).await.epoch, before.epoch, "another workspace can't void them");
    suite.store.void_tokens(made.workspace, made.id).await.unwrap();
    let after = read(suite, &made).await;
    assert_eq!(after.epoch, before.epoch + 1);
    assert_eq!(
        (after.generation, after.status, after.refresh_at),
        (before.generation, before.status, before.refresh_at)
    );
}

/// All accounts that match `filter`, read two at a time.
async fn listed(
    suite: &Conformance,
    workspace: WorkspaceId,
    filter: &CredentialFilter,
    order: Order,
) -> Vec<String> {
    let (mut found, mut page) = (Vec::new(), Page { order, after: None, most: 2 });
    loop {
        let next = suite.store.list_credentials(workspace, filter, &page).await.unwrap();
        let Some(last) = next.last() else { break found };
        page.after = Some(last.place());
        found.extend(next.into_iter().map(|account| account.zoom_user_id));
    }
}

pub async fn accounts_are_listed_in_pages(suite: &Conformance) {
    let first = connected(suite).await;
    let (workspace, second) = (first.workspace, Duration::from_secs(1));
    let other = suite.app(workspace, "client-2").await;
    for number in 2..=5_u32 {
        let app = if number == 5 { other.id } else { first.app };
        let made = account(suite, workspace, app, &format!("user-{number}"));
        let made = Credential { created_at: suite.env.now() - second * (number / 2), ..made };
        connect(suite, &made).await.unwrap();
        if number == 4 {
            let cause = DisconnectCause::Asked;
            suite.store.disconnect_credential(workspace, made.id, cause, &suite.note("x")).await.unwrap();
        }
    }
    assert!(suite.store.request_meeting_sync(workspace, first.id, suite.env.now()).await.unwrap());
    let all = CredentialFilter::default();
    let down = listed(suite, workspace, &all, Order::Descending).await;
    let mut up = listed(suite, workspace, &all, Order::Ascending).await;
    up.reverse();
    assert_eq!((down.len(), &down), (5, &up));
    assert_eq!(down[0], "user-1", "the newest comes first");
    let now = suite.env.now();
    let gone = CredentialStatus::Disconnected(DisconnectCause::Asked);
    for (filter, found) in [
        (CredentialFilter { app: Some(other.id), ..all.clone() }, 1),
        (CredentialFilter { zoom_user_id: Some("user-3".into()), ..all.clone() }, 1),
        (CredentialFilter { zoom_account_id: Some("account-1".into()), ..all.clone() }, 5),
        (CredentialFilter { zoom_account_id: Some("account-2".into()), ..all.clone() }, 0),
        (CredentialFilter { named: Some("ANA 🗝".into()), ..all.clone() }, 5),
        (CredentialFilter { named: Some("user-3@exam".into()), ..all.clone() }, 1),
        (CredentialFilter { named: Some("%".into()), ..all.clone() }, 0),
        (CredentialFilter { statuses: vec![gone], ..all.clone() }, 1),
        (CredentialFilter { statuses: vec![gone, CredentialStatus::Healthy], ..all.clone() }, 5),
        (CredentialFilter { statuses: vec![CredentialStatus::Degraded], ..all.clone() }, 0),
        (CredentialFilter { meeting_sync: Some(MeetingSyncStatus::InProgress), ..all.clone() }, 1),
        (CredentialFilter { created_after: Some(now - second), ..all.clone() }, 1),
        (CredentialFilter { created_before: Some(now - second), ..all.clone() }, 2),
    ] {
        assert_eq!(listed(suite, workspace, &filter, Order::Ascending).await.len(), found, "{filter:?}");
    }
    assert!(listed(suite, WorkspaceId::generate(&suite.env), &all, Order::Ascending).await.is_empty());
}

pub async fn an_absurd_lease_and_an_absurd_due_time_are_ignored(suite: &Conformance) {
    let made = connected(suite).await;
    let (long, usual) = (suite.lease(6 * 3600), suite.lease(60));
    assert!(matches!(take(suite, &made, 1, &long).await, RefreshLease::Taken(_)));
    assert!(
        matches!(take(suite, &made, 1, &usual).await, RefreshLease::Taken(_)),
        "the lease of a wrong clock is ignored"
    );
    assert!(matches!(take(suite, &made, 1, &suite.lease(60)).await, RefreshLease::Held { .. }));
    let now = suite.env.now();
    let far = now + MAX_REFRESH_INTERVAL + Duration::from_secs(3600);
    suite.store.commit_refresh(made.id, 1, &grant(suite), Some(far), &suite.note("refreshed")).await.unwrap();
    let due = suite.store.claim_due_refreshes(now, now + Duration::from_secs(60), 10).await.unwrap();
    assert_eq!(due.iter().map(|due| due.credential).collect::<Vec<_>>(), [made.id]);
    assert!(
        suite.store.claim_due_refreshes(now, now + Duration::from_secs(60), 10).await.unwrap().is_empty()
    );
}

pub async fn stored_times_outside_the_range_are_read_as_times(suite: &Conformance) {
    let made = connected(suite).await;
    for time in [Timestamp::MIN, Timestamp::from_second(1 << 40), suite.env.now() + Duration::MAX] {
        let odd = Grant { access_expires_at: time, scopes: None, ..grant(suite) };
        let generation = read(suite, &made).await.generation;
        assert!(
            suite
                .store
                .commit_refresh(made.id, generation, &odd, Some(time), &suite.note("x"))
                .await
                .unwrap()
        );
        let found = read(suite, &made).await;
        assert_eq!((found.grant.access_expires_at, found.grant.scopes), (time, None));
        assert_eq!(found.grant.access_expires_at.to_string().parse::<Timestamp>().unwrap(), time);
    }
}
