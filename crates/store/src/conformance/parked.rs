//! Consents that wait for the operator.
#![expect(missing_docs, reason = "the names say it")]
#![expect(clippy::unwrap_used, reason = "a test may fail loudly")]

use std::time::Duration;

use futures_util::future::join_all;
use model::{CredentialStatus, ParkedConsentId, WorkspaceId, ZoomOauthAppId};

use super::{Bench, CALLERS, credentials};
use crate::{AppKind, ParkedConsent, ZoomOauthApp};

const DAY: Duration = Duration::from_secs(24 * 3600);

fn of(bench: &Bench, app: &ZoomOauthApp, user: &str) -> ParkedConsent {
    ParkedConsent {
        id: ParkedConsentId::generate(&bench.env),
        workspace: app.workspace,
        app: app.id,
        zoom_user_id: user.into(),
        zoom_account_id: "account-1".into(),
        display_name: "Ana 🗝".into(),
        grant: credentials::account(bench, app.workspace, app.id, user).grant,
        code_digest: Some(bench.env.entropy.bytes()),
        parked_at: bench.env.now(),
        expires_at: bench.env.now() + DAY,
    }
}

async fn parked(bench: &Bench) -> (ZoomOauthApp, ParkedConsent) {
    let workspace = bench.workspace().await;
    let app = bench.app(workspace, "client-1").await;
    let made = of(bench, &app, "user-1");
    bench.store.park(&made, 9).await.unwrap();
    (app, made)
}

async fn ids(bench: &Bench, workspace: WorkspaceId) -> Vec<ParkedConsentId> {
    bench.store.parked_consents(workspace).await.unwrap().iter().map(|parked| parked.id).collect()
}

pub async fn a_parked_consent_comes_back_whole(bench: &Bench) {
    let (app, made) = parked(bench).await;
    let found = bench.store.parked_consent(app.workspace, made.id).await.unwrap().unwrap();
    assert_eq!((found.app, &*found.zoom_user_id, &*found.display_name), (app.id, "user-1", "Ana 🗝"));
    assert_eq!(found.grant.access_token, made.grant.access_token);
    assert_eq!(found.grant.refresh_token, made.grant.refresh_token);
    assert_eq!((found.grant.scopes, found.grant.api_url), (made.grant.scopes, made.grant.api_url));
    assert_eq!((found.parked_at, found.expires_at), (made.parked_at, made.expires_at));
    let by_code = bench.store.parked_by_code(&made.code_digest.unwrap()).await.unwrap().unwrap();
    assert_eq!((by_code.id, by_code.code_digest), (made.id, made.code_digest));
    assert!(bench.store.parked_by_code(&[0; 32]).await.unwrap().is_none());
    let elsewhere = WorkspaceId::generate(&bench.env);
    assert!(bench.store.parked_consent(elsewhere, made.id).await.unwrap().is_none());
    assert!(ids(bench, elsewhere).await.is_empty());
}

pub async fn one_is_parked_for_each_user(bench: &Bench) {
    let (app, first) = parked(bench).await;
    let again = of(bench, &app, "user-1");
    bench.store.park(&again, 9).await.unwrap();
    assert_eq!(ids(bench, app.workspace).await, [again.id], "the newest counts");
    assert!(bench.store.parked_consent(app.workspace, first.id).await.unwrap().is_none());

    let several: Vec<_> = (0..CALLERS).map(|_| of(bench, &app, "user-2")).collect();
    for done in join_all(several.iter().map(|parked| bench.store.park(parked, 9))).await {
        done.unwrap();
    }
    assert_eq!(ids(bench, app.workspace).await.len(), 2);
}

pub async fn the_oldest_make_room(bench: &Bench) {
    let (app, _) = parked(bench).await;
    let other = bench.app(app.workspace, "client-2").await;
    bench.store.park(&of(bench, &other, "user-1"), 3).await.unwrap();
    for number in 2..6u32 {
        let later = bench.env.now() + Duration::from_secs(number.into());
        let made = ParkedConsent { parked_at: later, ..of(bench, &app, &format!("user-{number}")) };
        bench.store.park(&made, 3).await.unwrap();
    }
    let left = bench.store.parked_consents(app.workspace).await.unwrap();
    let users: Vec<_> = left.iter().map(|parked| &*parked.zoom_user_id).collect();
    assert_eq!(users, ["user-5", "user-4", "user-3", "user-1"], "and another app's are not counted");
}

pub async fn adopting_connects_and_ends_it_once(bench: &Bench) {
    let (app, made) = parked(bench).await;
    let account = credentials::account(bench, app.workspace, app.id, "user-1");
    let adopt = async || bench.store.adopt_parked(made.id, &account, &bench.note("adopted")).await;
    let adopted = join_all((0..CALLERS).map(|_| adopt())).await;
    assert_eq!(adopted.into_iter().filter(|done| *done.as_ref().unwrap()).count(), 1);
    let found = bench.store.credential(app.workspace, account.id).await.unwrap().unwrap();
    assert_eq!((found.status, found.generation), (CredentialStatus::Healthy, 1));
    assert!(ids(bench, app.workspace).await.is_empty());
}

pub async fn a_consent_ends_what_is_parked_of_the_user(bench: &Bench) {
    let (app, made) = parked(bench).await;
    let stays = of(bench, &app, "user-2");
    bench.store.park(&stays, 9).await.unwrap();
    let account = credentials::account(bench, app.workspace, app.id, "user-1");
    credentials::connect(bench, &account).await.unwrap();
    assert_eq!(ids(bench, app.workspace).await, [stays.id]);
    let note = bench.note("adopted");
    assert!(!bench.store.adopt_parked(made.id, &account, &note).await.unwrap(), "its grant is dead at Zoom");
}

pub async fn what_is_parked_can_be_erased(bench: &Bench) {
    let (app, made) = parked(bench).await;
    let elsewhere = WorkspaceId::generate(&bench.env);
    assert!(!bench.store.discard_parked(elsewhere, made.id).await.unwrap());
    assert!(bench.store.discard_parked(app.workspace, made.id).await.unwrap());
    assert!(!bench.store.discard_parked(app.workspace, made.id).await.unwrap(), "once");

    bench.store.park(&made, 9).await.unwrap();
    let before = bench.env.now() - Duration::from_secs(1);
    bench.store.discard_parked_of(app.id, "user-1", before).await.unwrap();
    assert_eq!(ids(bench, app.workspace).await.len(), 1, "it is newer than what ended");
    bench.store.discard_parked_of(app.id, "user-1", bench.env.now()).await.unwrap();
    assert!(ids(bench, app.workspace).await.is_empty());

    bench.store.park(&made, 9).await.unwrap();
    assert_eq!(bench.store.expire_parked(bench.env.now()).await.unwrap(), 0);
    assert_eq!(bench.store.expire_parked(bench.env.now() + DAY).await.unwrap(), 1);
    assert!(ids(bench, app.workspace).await.is_empty());
}

pub async fn an_installed_app_is_named_or_the_only_one(bench: &Bench) {
    let (app, _) = parked(bench).await;
    let server = ZoomOauthApp {
        id: ZoomOauthAppId::generate(&bench.env),
        kind: AppKind::ServerToServer,
        client_id: "server".into(),
        ..app.clone()
    };
    bench.store.add_zoom_oauth_app(&server).await.unwrap();
    let found = async |id| bench.store.installed_app(id).await.unwrap().map(|app| app.id);
    assert_eq!(found(None).await, Some(app.id), "nobody consents to the other");
    assert_eq!(found(Some(app.id)).await, Some(app.id));
    assert_eq!(found(Some(server.id)).await, None);
    assert_eq!(found(Some(ZoomOauthAppId::generate(&bench.env))).await, None);
    let second = bench.app(app.workspace, "client-2").await;
    assert_eq!(found(None).await, None, "which one?");
    assert_eq!(found(Some(second.id)).await, Some(second.id));
}
