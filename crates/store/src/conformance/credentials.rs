//! Grants change hands under a lease, and only from the generation they started from.
#![expect(missing_docs, reason = "the names say it")]
#![expect(clippy::unwrap_used, reason = "a test may fail loudly")]

use std::time::Duration;

use futures_util::future::join_all;
use model::{CredentialId, CredentialStatus, ReauthCause, WorkspaceId, ZoomOauthAppId};

use super::{Bench, CALLERS, ROUNDS};
use crate::{Credential, Grant, Lease, RefreshLease, StoreError};

fn grant(bench: &Bench) -> Grant {
    Grant {
        access_token: bench.sealed(),
        access_expires_at: bench.env.now() + Duration::from_micros(3_600_000_001),
        refresh_token: bench.sealed(),
        scopes: vec!["user:read:zak".into(), "user:read:user".into()],
        api_url: Some("https://api-eu.zoom.us".into()),
    }
}

pub(super) fn account(bench: &Bench, workspace: WorkspaceId, app: ZoomOauthAppId, user: &str) -> Credential {
    Credential {
        id: CredentialId::generate(&bench.env),
        workspace,
        app,
        zoom_user_id: user.into(),
        zoom_account_id: "account-1".into(),
        display_name: "Ana 🗝".into(),
        status: CredentialStatus::Healthy,
        generation: 1,
        grant: grant(bench),
        spent_at: None,
        created_at: bench.env.now(),
        granted_at: bench.env.now(),
    }
}

async fn connected(bench: &Bench) -> Credential {
    let workspace = bench.workspace().await;
    let app = bench.app(workspace, "client-1").await;
    let credential = account(bench, workspace, app.id, "user-1");
    bench.store.connect_credential(&credential).await.unwrap();
    credential
}

async fn read(bench: &Bench, credential: &Credential) -> Credential {
    bench.store.credential(credential.workspace, credential.id).await.unwrap().unwrap()
}

async fn take(bench: &Bench, credential: &Credential, generation: i64, lease: &Lease) -> RefreshLease {
    let now = bench.env.now();
    bench.store.lease_refresh(credential.workspace, credential.id, generation, lease, now).await.unwrap()
}

pub async fn a_grant_survives_to_the_microsecond(bench: &Bench) {
    let made = connected(bench).await;
    let found = read(bench, &made).await;
    assert_eq!(found.grant.access_token, made.grant.access_token);
    assert_eq!(found.grant.refresh_token, made.grant.refresh_token);
    assert_eq!(found.grant.access_expires_at, made.grant.access_expires_at);
    assert_eq!(found.grant.scopes, made.grant.scopes);
    assert_eq!(found.grant.api_url, made.grant.api_url);
    assert_eq!((found.generation, found.spent_at), (1, None));
    assert_eq!(found.display_name, "Ana 🗝");
    let elsewhere = WorkspaceId::generate(&bench.env);
    assert!(bench.store.credential(elsewhere, made.id).await.unwrap().is_none());
    assert!(bench.store.credentials(elsewhere).await.unwrap().is_empty());
}

pub async fn one_account_per_user_and_app(bench: &Bench) {
    let made = connected(bench).await;
    let twin = account(bench, made.workspace, made.app, "user-1");
    assert!(matches!(bench.store.connect_credential(&twin).await, Err(StoreError::Exists(_))));
    let found = bench.store.credential_of(made.workspace, made.app, "user-1").await.unwrap().unwrap();
    assert_eq!(found.id, made.id);
    assert!(bench.store.credential_of(made.workspace, made.app, "user-2").await.unwrap().is_none());
}

pub async fn consenting_again_keeps_the_id(bench: &Bench) {
    let made = connected(bench).await;
    let lease = bench.lease(60);
    assert!(matches!(take(bench, &made, 1, &lease).await, RefreshLease::Taken(_)));
    let again = Credential { grant: grant(bench), ..made.clone() };
    bench.store.connect_credential(&again).await.unwrap();
    let found = read(bench, &made).await;
    assert_eq!((found.generation, found.spent_at), (2, None));
    assert_eq!(found.grant.refresh_token, again.grant.refresh_token);
    let late = bench.store.commit_refresh(made.id, 1, &grant(bench), bench.env.now()).await.unwrap();
    assert!(!late, "the refresh that was under way lost");
    assert_eq!(read(bench, &made).await.grant.refresh_token, again.grant.refresh_token);
}

pub async fn of_first_consents_at_once_one_makes_the_account(bench: &Bench) {
    let workspace = bench.workspace().await;
    let app = bench.app(workspace, "client-1").await;
    for round in 0..ROUNDS {
        let user = format!("user-{round}");
        let twins: Vec<_> = (0..CALLERS).map(|_| account(bench, workspace, app.id, &user)).collect();
        let made = join_all(twins.iter().map(|twin| bench.store.connect_credential(twin))).await;
        let winners: Vec<_> = twins.iter().zip(&made).filter(|(_, made)| made.is_ok()).collect();
        assert_eq!(winners.len(), 1);
        assert!(made.iter().all(|made| matches!(made, Ok(()) | Err(StoreError::Exists(_)))));
        let found = bench.store.credential_of(workspace, app.id, &user).await.unwrap().unwrap();
        assert_eq!((found.id, found.generation), (winners[0].0.id, 1));
    }
}

pub async fn consents_at_once_each_count(bench: &Bench) {
    let made = connected(bench).await;
    for round in (0..).take(ROUNDS) {
        let again: Vec<_> =
            (0..CALLERS).map(|_| Credential { grant: grant(bench), ..made.clone() }).collect();
        for done in join_all(again.iter().map(|again| bench.store.connect_credential(again))).await {
            done.unwrap();
        }
        let found = read(bench, &made).await;
        assert_eq!(found.generation, 1 + (round + 1) * i64::try_from(CALLERS).unwrap());
        assert!(again.iter().any(|again| again.grant.refresh_token == found.grant.refresh_token));
    }
}

pub async fn of_refreshers_at_once_one_takes_the_lease(bench: &Bench) {
    let made = connected(bench).await;
    for _ in 0..ROUNDS {
        let leases: Vec<_> = (0..CALLERS).map(|_| bench.lease(60)).collect();
        let answers = join_all(leases.iter().map(|lease| take(bench, &made, 1, lease))).await;
        let taken = answers.iter().position(|answer| matches!(answer, RefreshLease::Taken(_))).unwrap();
        for (caller, answer) in answers.iter().enumerate().filter(|(caller, _)| *caller != taken) {
            let until = leases[caller].expires_at;
            assert!(matches!(answer, RefreshLease::Held { until: held } if *held == until), "{answer:?}");
        }
        assert!(bench.store.release_refresh(made.id, &leases[taken], true).await.unwrap());
    }
}

pub async fn of_commits_at_once_one_counts(bench: &Bench) {
    let made = connected(bench).await;
    for generation in (1..).take(ROUNDS) {
        let grants: Vec<_> = (0..CALLERS).map(|_| grant(bench)).collect();
        let now = bench.env.now();
        let commits = grants.iter().map(|grant| bench.store.commit_refresh(made.id, generation, grant, now));
        let done = join_all(commits).await;
        let winners: Vec<_> = grants.iter().zip(done).filter(|(_, done)| *done.as_ref().unwrap()).collect();
        assert_eq!(winners.len(), 1);
        let found = read(bench, &made).await;
        assert_eq!(found.generation, generation + 1);
        assert_eq!(found.grant.refresh_token, winners[0].0.refresh_token);
    }
}

pub async fn one_lease_at_a_time(bench: &Bench) {
    let made = connected(bench).await;
    let (first, second) = (bench.lease(60), bench.lease(60));
    let RefreshLease::Taken(before) = take(bench, &made, 1, &first).await else { panic!("it was free") };
    assert_eq!(before.spent_at, None);
    assert!(
        matches!(take(bench, &made, 1, &second).await, RefreshLease::Held { until } if until == first.expires_at)
    );
    assert!(matches!(take(bench, &made, 2, &second).await, RefreshLease::Moved));
    assert_eq!(read(bench, &made).await.spent_at, Some(bench.env.now()), "taken out before it is spent");
}

pub async fn a_lapsed_lease_shows_the_spent_token(bench: &Bench) {
    let made = connected(bench).await;
    let lapsed = bench.lease(0);
    assert!(matches!(take(bench, &made, 1, &lapsed).await, RefreshLease::Taken(_)));
    let RefreshLease::Taken(before) = take(bench, &made, 1, &bench.lease(60)).await else {
        panic!("it lapsed")
    };
    assert_eq!(before.spent_at, Some(bench.env.now()));
}

pub async fn a_commit_moves_the_generation_once(bench: &Bench) {
    let made = connected(bench).await;
    take(bench, &made, 1, &bench.lease(60)).await;
    let next = grant(bench);
    let now = bench.env.now();
    assert!(!bench.store.commit_refresh(made.id, 2, &next, now).await.unwrap(), "not the current generation");
    assert!(bench.store.commit_refresh(made.id, 1, &next, now).await.unwrap());
    assert!(!bench.store.commit_refresh(made.id, 1, &grant(bench), now).await.unwrap(), "once");
    let found = read(bench, &made).await;
    assert_eq!((found.generation, found.spent_at), (2, None));
    assert_eq!(found.grant.refresh_token, next.refresh_token);
    assert!(matches!(take(bench, &made, 2, &bench.lease(60)).await, RefreshLease::Taken(_)), "free again");
}

pub async fn a_late_answer_saves_the_account(bench: &Bench) {
    let made = connected(bench).await;
    let (late, later) = (bench.lease(0), bench.lease(60));
    take(bench, &made, 1, &late).await;
    take(bench, &made, 1, &later).await;
    // The one who came later found the token dead. The answer to the first call is on its way.
    assert!(bench.store.lose_grant(made.id, 1, &later, ReauthCause::ResponseLost).await.unwrap());
    let next = grant(bench);
    assert!(bench.store.commit_refresh(made.id, 1, &next, bench.env.now()).await.unwrap());
    let found = read(bench, &made).await;
    assert_eq!((found.status, found.generation), (CredentialStatus::Healthy, 2));
    assert_eq!(found.grant.refresh_token, next.refresh_token);
}

pub async fn a_fenced_holder_changes_nothing(bench: &Bench) {
    let made = connected(bench).await;
    let (late, winner) = (bench.lease(0), bench.lease(60));
    take(bench, &made, 1, &late).await;
    take(bench, &made, 1, &winner).await;
    assert!(!bench.store.lose_grant(made.id, 1, &late, ReauthCause::Revoked).await.unwrap());
    assert!(!bench.store.release_refresh(made.id, &late, true).await.unwrap());
    let won = grant(bench);
    assert!(bench.store.commit_refresh(made.id, 1, &won, bench.env.now()).await.unwrap());
    assert!(!bench.store.commit_refresh(made.id, 1, &grant(bench), bench.env.now()).await.unwrap());
    assert_eq!(read(bench, &made).await.grant.refresh_token, won.refresh_token);
}

pub async fn a_lost_grant_is_not_leased(bench: &Bench) {
    let made = connected(bench).await;
    let lease = bench.lease(60);
    take(bench, &made, 1, &lease).await;
    assert!(bench.store.lose_grant(made.id, 1, &lease, ReauthCause::ResponseLost).await.unwrap());
    assert_eq!(read(bench, &made).await.status, CredentialStatus::NeedsReauth(ReauthCause::ResponseLost));
    assert!(matches!(take(bench, &made, 1, &bench.lease(60)).await, RefreshLease::Unusable));
    bench.store.connect_credential(&Credential { grant: grant(bench), ..made.clone() }).await.unwrap();
    assert_eq!(read(bench, &made).await.status, CredentialStatus::Healthy, "a consent heals it");
}

pub async fn release_can_undo_the_spending(bench: &Bench) {
    let made = connected(bench).await;
    let lease = bench.lease(60);
    take(bench, &made, 1, &lease).await;
    assert!(bench.store.release_refresh(made.id, &lease, false).await.unwrap());
    assert!(read(bench, &made).await.spent_at.is_some(), "it may have been spent");
    let lease = bench.lease(60);
    take(bench, &made, 1, &lease).await;
    assert!(bench.store.release_refresh(made.id, &lease, true).await.unwrap());
    assert_eq!(read(bench, &made).await.spent_at, None);
}
