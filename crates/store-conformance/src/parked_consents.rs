//! Consents that wait for the operator.
#![expect(missing_docs, reason = "the names say it")]
#![expect(clippy::unwrap_used, reason = "a test may fail loudly")]

use std::time::Duration;

use futures_util::future::join_all;
use model::{CredentialStatus, ParkedConsentId, WorkspaceId, ZoomOauthAppId};

use crate::{CALLERS, Conformance, credentials};
use store::{AppKind, ParkedConsent, ZoomOauthApp};

const DAY: Duration = Duration::from_secs(24 * 3600);

fn of(suite: &Conformance, app: &ZoomOauthApp, user: &str) -> ParkedConsent {
    ParkedConsent {
        id: ParkedConsentId::generate(&suite.env),
        workspace: app.workspace,
        app: app.id,
        zoom_user_id: user.into(),
        zoom_account_id: "account-1".into(),
        display_name: "Ana 🗝".into(),
        grant: credentials::account(suite, app.workspace, app.id, user).grant,
        code_digest: Some(suite.env.entropy.bytes()),
        parked_at: suite.env.now(),
        expires_at: suite.env.now() + DAY,
    }
}

async fn parked(suite: &Conformance) -> (ZoomOauthApp, ParkedConsent) {
    let workspace = suite.workspace().await;
    let app = suite.app(workspace, "client-1").await;
    let made = of(suite, &app, "user-1");
    suite.store.park(&made, 9).await.unwrap();
    (app, made)
}

async fn ids(suite: &Conformance, workspace: WorkspaceId) -> Vec<ParkedConsentId> {
    suite.store.parked_consents(workspace).await.unwrap().iter().map(|parked| parked.id).collect()
}

pub async fn a_parked_consent_is_read_back_unchanged(suite: &Conformance) {
    let (app, made) = parked(suite).await;
    let found = suite.store.parked_consent(app.workspace, made.id).await.unwrap().unwrap();
    assert_eq!((found.app, &*found.zoom_user_id, &*found.display_name), (app.id, "user-1", "Ana 🗝"));
    assert_eq!(found.grant.access_token, made.grant.access_token);
    assert_eq!(found.grant.refresh_token, made.grant.refresh_token);
    assert_eq!((found.grant.scopes, found.grant.api_url), (made.grant.scopes, made.grant.api_url));
    assert_eq!((found.parked_at, found.expires_at), (made.parked_at, made.expires_at));
    let by_code = suite.store.parked_by_code(&made.code_digest.unwrap()).await.unwrap().unwrap();
    assert_eq!((by_code.id, by_code.code_digest), (made.id, made.code_digest));
    assert!(suite.store.parked_by_code(&[0; 32]).await.unwrap().is_none());
    let elsewhere = WorkspaceId::generate(&suite.env);
    assert!(suite.store.parked_consent(elsewhere, made.id).await.unwrap().is_none());
    assert!(ids(suite, elsewhere).await.is_empty());
}

pub async fn one_is_parked_for_each_user(suite: &Conformance) {
    let (app, first) = parked(suite).await;
    let again = of(suite, &app, "user-1");
    suite.store.park(&again, 9).await.unwrap();
    assert_eq!(ids(suite, app.workspace).await, [again.id], "the newest counts");
    assert!(suite.store.parked_consent(app.workspace, first.id).await.unwrap().is_none());

    let several: Vec<_> = (0..CALLERS).map(|_| of(suite, &app, "user-2")).collect();
    for done in join_all(several.iter().map(|parked| suite.store.park(parked, 9))).await {
        done.unwrap();
    }
    assert_eq!(ids(suite, app.workspace).await.len(), 2);
}

pub async fn the_oldest_parked_consents_are_deleted(suite: &Conformance) {
    let (app, _) = parked(suite).await;
    let other = suite.app(app.workspace, "client-2").await;
    suite.store.park(&of(suite, &other, "user-1"), 3).await.unwrap();
    for number in 2..6u32 {
        let later = suite.env.now() + Duration::from_secs(number.into());
        let made = ParkedConsent { parked_at: later, ..of(suite, &app, &format!("user-{number}")) };
        suite.store.park(&made, 3).await.unwrap();
    }
    let left = suite.store.parked_consents(app.workspace).await.unwrap();
    let users: Vec<_> = left.iter().map(|parked| &*parked.zoom_user_id).collect();
    assert_eq!(users, ["user-5", "user-4", "user-3", "user-1"], "and those of another app don't count");
}

pub async fn adopting_connects_and_deletes_once(suite: &Conformance) {
    let (app, made) = parked(suite).await;
    let account = credentials::account(suite, app.workspace, app.id, "user-1");
    let adopt = async || suite.store.adopt_parked(made.id, &account, &suite.note("adopted")).await;
    let adopted = join_all((0..CALLERS).map(|_| adopt())).await;
    assert_eq!(adopted.into_iter().filter(|done| *done.as_ref().unwrap()).count(), 1);
    let found = suite.store.credential(app.workspace, account.id).await.unwrap().unwrap();
    assert_eq!((found.status, found.generation), (CredentialStatus::Healthy, 1));
    assert!(ids(suite, app.workspace).await.is_empty());
}

pub async fn a_consent_deletes_the_users_parked_consents(suite: &Conformance) {
    let (app, made) = parked(suite).await;
    let stays = of(suite, &app, "user-2");
    suite.store.park(&stays, 9).await.unwrap();
    let account = credentials::account(suite, app.workspace, app.id, "user-1");
    credentials::connect(suite, &account).await.unwrap();
    assert_eq!(ids(suite, app.workspace).await, [stays.id]);
    let note = suite.note("adopted");
    assert!(!suite.store.adopt_parked(made.id, &account, &note).await.unwrap(), "its grant is dead at Zoom");
}

pub async fn parked_consents_can_be_erased(suite: &Conformance) {
    let (app, made) = parked(suite).await;
    let elsewhere = WorkspaceId::generate(&suite.env);
    assert!(!suite.store.discard_parked(elsewhere, made.id).await.unwrap());
    assert!(suite.store.discard_parked(app.workspace, made.id).await.unwrap());
    assert!(!suite.store.discard_parked(app.workspace, made.id).await.unwrap(), "once");

    suite.store.park(&made, 9).await.unwrap();
    let before = suite.env.now() - Duration::from_secs(1);
    suite.store.discard_parked_of(app.id, "user-1", before).await.unwrap();
    assert_eq!(ids(suite, app.workspace).await.len(), 1, "it is newer than the ended ones");
    suite.store.discard_parked_of(app.id, "user-1", suite.env.now()).await.unwrap();
    assert!(ids(suite, app.workspace).await.is_empty());

    suite.store.park(&made, 9).await.unwrap();
    assert_eq!(suite.store.expire_parked(suite.env.now()).await.unwrap(), 0);
    assert_eq!(suite.store.expire_parked(suite.env.now() + DAY).await.unwrap(), 1);
    assert!(ids(suite, app.workspace).await.is_empty());
}

pub async fn an_installed_app_is_named_or_the_only_one(suite: &Conformance) {
    let (app, _) = parked(suite).await;
    let server = ZoomOauthApp {
        id: ZoomOauthAppId::generate(&suite.env),
        kind: AppKind::ServerToServer,
        client_id: "server".into(),
        ..app.clone()
    };
    suite.store.add_zoom_oauth_app(&server).await.unwrap();
    let found = async |id| suite.store.installed_app(id).await.unwrap().map(|app| app.id);
    assert_eq!(found(None).await, Some(app.id), "apps of the other kind have no consents");
    assert_eq!(found(Some(app.id)).await, Some(app.id));
    assert_eq!(found(Some(server.id)).await, None);
    assert_eq!(found(Some(ZoomOauthAppId::generate(&suite.env))).await, None);
    let second = suite.app(app.workspace, "client-2").await;
    assert_eq!(found(None).await, None, "it is not clear which one");
    assert_eq!(found(Some(second.id)).await, Some(second.id));
}
