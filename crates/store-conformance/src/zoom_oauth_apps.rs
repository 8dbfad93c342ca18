//! Apps.
#![expect(missing_docs, reason = "the names say it")]
#![expect(clippy::unwrap_used, reason = "a test may fail loudly")]

use std::time::Duration;

use futures_util::future::{join, join_all};
use model::{DisconnectCause, WorkspaceId, ZoomOauthAppId};

use crate::{CALLERS, Conformance, ROUNDS, connect_links::invitation, credentials};
use store::{
    AppFilter, AppKind, AppRemoval, Credential, FormerSecret, NewAppSecrets, NewWebhookSecret, Order, Page,
    Refusal, SEALED_COLUMNS, Signatures, StoreError, ZoomOauthApp,
};

pub async fn apps_stay_in_their_workspace(suite: &Conformance) {
    let workspace = suite.workspace().await;
    let app = suite.app(workspace, "client-1").await;
    let elsewhere = WorkspaceId::generate(&suite.env);
    let found = suite.store.zoom_oauth_app(workspace, app.id).await.unwrap().unwrap();
    assert_eq!(found.client_secret, app.client_secret);
    assert!(suite.store.zoom_oauth_app(elsewhere, app.id).await.unwrap().is_none());
    assert!(suite.store.zoom_oauth_apps(elsewhere).await.unwrap().is_empty());
}

pub async fn one_app_per_client_id(suite: &Conformance) {
    let workspace = suite.workspace().await;
    let mut app = suite.app(workspace, "client-1").await;
    app.id = model::ZoomOauthAppId::generate(&suite.env);
    assert!(matches!(suite.store.add_zoom_oauth_app(&app).await, Err(StoreError::Exists(_))));
    suite.app(workspace, "client-2").await;
    assert_eq!(suite.store.zoom_oauth_apps(workspace).await.unwrap().len(), 2);
}

pub async fn a_refused_app_is_probed_by_one_at_a_time(suite: &Conformance) {
    let workspace = suite.workspace().await;
    let app = suite.app(workspace, "client-1").await;
    let (now, minute) = (suite.env.now(), Duration::from_secs(60));
    let refuse = async |note| {
        suite.store.refuse_app(app.id, &app.client_secret, now + minute, &suite.note(note)).await.unwrap()
    };
    assert!(
        !suite.store.claim_probe(app.id, now + minute, now + minute).await.unwrap(),
        "no refusal is recorded"
    );
    assert!(refuse("refused").await);
    assert!(!refuse("refused again").await, "the refusal is already known");
    let found = suite.store.zoom_oauth_app(workspace, app.id).await.unwrap().unwrap();
    assert_eq!(found.refusal, Some(Refusal { since: now, probe_at: now + minute }));

    assert!(!suite.store.claim_probe(app.id, now, now + minute).await.unwrap(), "too early");
    for round in (1..).take(ROUNDS) {
        let (at, next) = (now + minute * round, now + minute * (round + 1));
        let claims = join_all((0..CALLERS).map(|_| suite.store.claim_probe(app.id, at, next))).await;
        assert_eq!(claims.into_iter().filter(|claim| *claim.as_ref().unwrap()).count(), 1);
    }
    assert!(suite.store.accept_app(app.id, &suite.note("accepted")).await.unwrap());
    assert!(!suite.store.accept_app(app.id, &suite.note("accepted")).await.unwrap(), "once");
    assert_eq!(suite.store.zoom_oauth_app(workspace, app.id).await.unwrap().unwrap().refusal, None);
    let lines = suite.store.app_log(workspace, &store::LogFilter::default(), 9).await.unwrap();
    assert_eq!(lines.len(), 2, "one line for the start, and one for the end");
}

pub async fn a_refusal_of_a_replaced_secret_is_ignored(suite: &Conformance) {
    let workspace = suite.workspace().await;
    let app = suite.app(workspace, "client-1").await;
    let (now, newer) = (suite.env.now(), suite.sealed());
    assert!(suite.store.refuse_app(app.id, &app.client_secret, now, &suite.note("refused")).await.unwrap());
    let secrets = NewAppSecrets { client_secret: Some(&newer), webhook_secret: None };
    let elsewhere = WorkspaceId::generate(&suite.env);
    assert!(!suite.store.change_app_secrets(elsewhere, app.id, secrets).await.unwrap());
    assert!(suite.store.change_app_secrets(workspace, app.id, secrets).await.unwrap());
    assert!(!suite.store.refuse_app(app.id, &app.client_secret, now, &suite.note("late")).await.unwrap());
    let found = suite.store.zoom_oauth_app(workspace, app.id).await.unwrap().unwrap();
    assert_eq!((found.client_secret, found.refusal), (newer, None));
    assert_eq!(found.webhook_secret, app.webhook_secret, "other secrets stay");
}

pub async fn a_refused_signature_is_recorded_once_until_one_is_accepted(suite: &Conformance) {
    let workspace = suite.workspace().await;
    let app = suite.app(workspace, "client-1").await;
    let now = suite.env.now();
    let signatures =
        async || suite.store.zoom_oauth_app(workspace, app.id).await.unwrap().unwrap().signatures;
    let refuse =
        async |secret| suite.store.refuse_signature(app.id, secret, &suite.note("refused")).await.unwrap();
    let accept = async |secret, at| suite.store.accept_signature(app.id, secret, at).await.unwrap();
    assert_eq!(signatures().await, Signatures::default());
    assert!(refuse(&app.client_secret).await);
    assert!(!refuse(&app.client_secret).await, "the refusal is already known");
    assert_eq!(signatures().await, Signatures { accepted_at: None, refused_at: Some(now) });
    let later = now + Duration::from_secs(9);
    accept(&app.client_secret, later).await;
    assert_eq!(signatures().await, Signatures { accepted_at: Some(later), refused_at: None });
    assert!(refuse(&app.client_secret).await, "a further refusal is recorded");

    let newer = suite.sealed();
    let secrets = NewAppSecrets { client_secret: Some(&newer), webhook_secret: None };
    assert!(suite.store.change_app_secrets(workspace, app.id, secrets).await.unwrap());
    assert!(!refuse(&app.client_secret).await, "it is about the former secret");
    accept(&app.client_secret, later + Duration::from_secs(9)).await;
    assert_eq!(signatures().await, Signatures { accepted_at: Some(later), refused_at: None });
    let lines = suite.store.app_log(workspace, &store::LogFilter::default(), 9).await.unwrap();
    assert_eq!(lines.len(), 2);
}

pub async fn a_webhook_secret_is_replaced_by_a_caller_that_knows_it(suite: &Conformance) {
    let workspace = suite.workspace().await;
    let app = suite.app(workspace, "client-1").await;
    let (second, third) = (suite.sealed(), suite.sealed());
    let ends_at = suite.env.now() + Duration::from_secs(5);
    let former = FormerSecret { sealed: suite.sealed(), ends_at };
    let succeed = async |before, sealed, former| {
        let webhook_secret = Some(NewWebhookSecret { before, sealed, former });
        let secrets = NewAppSecrets { client_secret: None, webhook_secret };
        suite.store.change_app_secrets(workspace, app.id, secrets).await.unwrap()
    };
    let secrets = async || {
        let found = suite.store.zoom_oauth_app(workspace, app.id).await.unwrap().unwrap();
        (found.webhook_secret, found.former_webhook_secret)
    };
    assert!(!succeed(&third, &second, Some(&former)).await, "it is not the current secret");
    assert_eq!(secrets().await, (app.webhook_secret.clone(), None));
    assert!(succeed(&app.webhook_secret, &second, Some(&former)).await);
    assert_eq!(secrets().await, (second.clone(), Some(former.clone())));
    let client_secret = suite.sealed();
    let only = NewAppSecrets { client_secret: Some(&client_secret), webhook_secret: None };
    assert!(suite.store.change_app_secrets(workspace, app.id, only).await.unwrap());
    assert_eq!(secrets().await, (second.clone(), Some(former.clone())), "other secrets stay");

    let just_before = ends_at - Duration::from_micros(1);
    assert_eq!(suite.store.erase_former_webhook_secrets(just_before).await.unwrap(), 0);
    assert_eq!(suite.store.erase_former_webhook_secrets(ends_at).await.unwrap(), 1);
    assert_eq!(suite.store.erase_former_webhook_secrets(ends_at).await.unwrap(), 0);
    assert_eq!(secrets().await, (second.clone(), None));
    assert!(succeed(&second, &third, Some(&former)).await);
    assert!(succeed(&third, &second, None).await);
    assert_eq!(secrets().await, (second, None), "without an overlap there is no former secret");
}

async fn remove(suite: &Conformance, app: &ZoomOauthApp) -> AppRemoval {
    suite.store.remove_zoom_oauth_app(app.workspace, app.id, &suite.note("removed")).await.unwrap()
}

pub async fn an_app_is_removed_once_its_accounts_are_disconnected(suite: &Conformance) {
    let consent = invitation(suite).await;
    let app = suite.store.zoom_oauth_app(consent.workspace, consent.app).await.unwrap().unwrap();
    let elsewhere = ZoomOauthApp { workspace: WorkspaceId::generate(&suite.env), ..app.clone() };
    assert_eq!(remove(suite, &elsewhere).await, AppRemoval::Unknown);
    let (here, gone) = (
        credentials::account(suite, app.workspace, app.id, "user-1"),
        credentials::account(suite, app.workspace, app.id, "user-2"),
    );
    for account in [&here, &gone] {
        credentials::connect(suite, account).await.unwrap();
    }
    let end = async |account: &Credential, cause| {
        let note = suite.note("over");
        suite.store.disconnect_credential(account.workspace, account.id, cause, &note).await.unwrap()
    };
    assert!(end(&gone, DisconnectCause::UserDeleted).await);
    assert_eq!(remove(suite, &app).await, AppRemoval::InUse { connected: 1, ended: 1 });
    assert!(end(&here, DisconnectCause::Asked).await);
    assert_eq!(remove(suite, &app).await, AppRemoval::InUse { connected: 0, ended: 1 });
    assert!(end(&gone, DisconnectCause::Asked).await);
    let former = FormerSecret { sealed: suite.sealed(), ends_at: suite.env.now() };
    let (before, sealed) = (&app.webhook_secret, &suite.sealed());
    let webhook_secret = Some(NewWebhookSecret { before, sealed, former: Some(&former) });
    let secrets = NewAppSecrets { client_secret: None, webhook_secret };
    assert!(suite.store.change_app_secrets(app.workspace, app.id, secrets).await.unwrap());
    assert_eq!(remove(suite, &app).await, AppRemoval::Removed);

    assert_eq!(remove(suite, &app).await, AppRemoval::Unknown);
    let (workspace, id) = (app.workspace, app.id);
    assert!(suite.store.zoom_oauth_app(workspace, id).await.unwrap().is_none());
    assert!(suite.store.registrations(&app.client_id).await.unwrap().is_empty());
    assert!(suite.store.installed_app(None).await.unwrap().is_none());
    assert!(suite.store.zoom_oauth_apps(workspace).await.unwrap().is_empty());
    assert!(suite.store.connect_link(consent.id).await.unwrap().is_none(), "its invitations are deleted too");
    let secrets = NewAppSecrets { client_secret: Some(&app.client_secret), webhook_secret: None };
    assert!(!suite.store.change_app_secrets(workspace, id, secrets).await.unwrap());
    for column in SEALED_COLUMNS.iter().filter(|column| column.table == "zoom_oauth_apps") {
        assert_eq!(suite.store.count_sealed(column).await.unwrap(), 0, "{}", column.column);
    }
    let refused = credentials::connect(suite, &here).await.unwrap_err();
    assert!(matches!(refused, StoreError::Gone(_)), "{refused}");
    assert_eq!(suite.store.credential(workspace, here.id).await.unwrap().unwrap().generation, 2);
}

pub async fn an_app_that_is_registered_again_keeps_its_id(suite: &Conformance) {
    let workspace = suite.workspace().await;
    let app = suite.app(workspace, "client-1").await;
    let known = async || suite.store.removed_zoom_oauth_app(workspace, "client-1").await.unwrap();
    assert_eq!(known().await, None, "it is not removed");
    assert_eq!(remove(suite, &app).await, AppRemoval::Removed);
    assert_eq!(known().await, Some(app.id));
    assert_eq!(suite.store.removed_zoom_oauth_app(workspace, "client-2").await.unwrap(), None);
    let elsewhere = WorkspaceId::generate(&suite.env);
    assert_eq!(suite.store.removed_zoom_oauth_app(elsewhere, "client-1").await.unwrap(), None);
    let stranger = ZoomOauthApp { id: ZoomOauthAppId::generate(&suite.env), ..app.clone() };
    let refused = suite.store.add_zoom_oauth_app(&stranger).await;
    assert!(matches!(refused, Err(StoreError::Exists(_))), "the client id already has a row");

    let again = ZoomOauthApp { kind: AppKind::AccountLevel, client_secret: suite.sealed(), ..app };
    suite.store.add_zoom_oauth_app(&again).await.unwrap();
    let found = suite.store.zoom_oauth_app(workspace, again.id).await.unwrap().unwrap();
    assert_eq!((found.kind, found.client_secret), (again.kind, again.client_secret.clone()));
    let twice = suite.store.add_zoom_oauth_app(&again).await;
    assert!(matches!(twice, Err(StoreError::Exists(_))), "only a removed app can be registered again");
}

pub async fn concurrent_connecting_and_removing_leaves_no_account_without_its_app(suite: &Conformance) {
    let workspace = suite.workspace().await;
    for round in 0..ROUNDS {
        let app = suite.app(workspace, &format!("client-{round}")).await;
        let account = credentials::account(suite, workspace, app.id, "user-1");
        let (connected, removed) = join(credentials::connect(suite, &account), remove(suite, &app)).await;
        match removed {
            AppRemoval::Removed => assert!(matches!(connected, Err(StoreError::Gone(_))), "{connected:?}"),
            in_use => {
                assert_eq!(in_use, AppRemoval::InUse { connected: 1, ended: 0 });
                connected.unwrap();
            }
        }
    }
}

/// All apps that match `filter`, read two at a time.
async fn apps(suite: &Conformance, workspace: WorkspaceId, filter: &AppFilter, order: Order) -> Vec<String> {
    let (mut found, mut page) = (Vec::new(), Page { order, after: None, most: 2 });
    loop {
        let next = suite.store.list_zoom_oauth_apps(workspace, filter, &page).await.unwrap();
        let Some(last) = next.last() else { break found };
        page.after = Some(last.place());
        found.extend(next.into_iter().map(|app| app.client_id));
    }
}

pub async fn apps_are_listed_in_pages(suite: &Conformance) {
    let workspace = suite.workspace().await;
    let second = Duration::from_secs(1);
    for number in (0..5).rev() {
        // Two apps for each second, newest first.
        let created_at = suite.env.now() - second * (number / 2);
        let app = ZoomOauthApp {
            id: ZoomOauthAppId::generate(&suite.env),
            workspace,
            kind: if number == 0 { AppKind::ServerToServer } else { AppKind::UserLevel },
            client_id: format!("client-{number}"),
            client_secret: suite.sealed(),
            webhook_secret: suite.sealed(),
            former_webhook_secret: None,
            zoom_account_id: None,
            webhook_last_validation: None,
            refusal: None,
            signatures: Signatures::default(),
            created_at,
        };
        suite.store.add_zoom_oauth_app(&app).await.unwrap();
        if number == 1 {
            suite.store.note_webhook_validation(app.id, suite.env.now()).await.unwrap();
        }
    }
    let all = AppFilter::default();
    let down = apps(suite, workspace, &all, Order::Descending).await;
    let mut up = apps(suite, workspace, &all, Order::Ascending).await;
    up.reverse();
    assert_eq!((down.len(), &down), (5, &up));
    assert_eq!(down[4], "client-4", "the oldest comes last");
    let now = suite.env.now();
    for (filter, found) in [
        (AppFilter { client_id: Some("client-3".into()), ..all.clone() }, 1),
        (AppFilter { kind: Some(AppKind::ServerToServer), ..all.clone() }, 1),
        (AppFilter { created_after: Some(now - second), ..all.clone() }, 2),
        (AppFilter { created_before: Some(now), ..all.clone() }, 3),
        (AppFilter { validated_after: Some(now - second), ..all.clone() }, 1),
        (AppFilter { validated_before: Some(now), ..all.clone() }, 0),
    ] {
        assert_eq!(apps(suite, workspace, &filter, Order::Ascending).await.len(), found, "{filter:?}");
    }
    assert!(apps(suite, WorkspaceId::generate(&suite.env), &all, Order::Ascending).await.is_empty());
}
