//! The counts of a workspace's objects.
#![expect(missing_docs, reason = "the names say it")]
#![expect(clippy::unwrap_used, reason = "a test may fail loudly")]

use std::time::Duration;

use model::{
    BotStatus, Code, CredentialId, CredentialStatus, PoolId, ReauthCause, StatusChange, Timestamp,
    WorkspaceId,
};

use crate::{Conformance, bots, connect_links, credentials, token_links};
use store::{
    AccountGroup, AccountsCounted, ApiKey, Overview, Pool, QuotaResource, RefreshLease, RefreshesCounted,
    Transition,
};

async fn overview(suite: &Conformance, workspace: WorkspaceId, since: Timestamp) -> Overview {
    suite.store.overview(workspace, since, 100).await.unwrap()
}

/// A bot that took these steps, each with its time in milliseconds after now.
async fn came(suite: &Conformance, workspace: WorkspaceId, steps: &[(BotStatus, u64)]) {
    let (bot, lease) = bots::leased(suite, workspace).await;
    for (code, after_ms) in steps {
        let created_at = suite.env.now() + Duration::from_millis(*after_ms);
        let step = StatusChange { created_at, ..bots::step(suite, *code) };
        assert_eq!(suite.store.record_step(bot.id, &lease, &step).await.unwrap(), Transition::Recorded);
    }
}

pub async fn accounts_and_bots_are_counted(suite: &Conformance) {
    let (workspace, stranger) = (suite.workspace().await, WorkspaceId::generate(&suite.env));
    let now = suite.env.now();
    assert_eq!(overview(suite, workspace, now).await, Overview::default());
    let app = suite.app(workspace, "client-1").await;
    for user in ["user-1", "user-2"] {
        let account = credentials::account(suite, workspace, app.id, user);
        suite.store.connect_credential(&account, &suite.note("connected")).await.unwrap();
    }
    came(suite, workspace, &[(BotStatus::JoiningCall, 0)]).await;
    came(suite, workspace, &[(BotStatus::JoiningCall, 0), (BotStatus::Fatal, 5)]).await;
    bots::added(suite, workspace).await;
    let shown = overview(suite, workspace, now).await;
    let [AccountsCounted { status: CredentialStatus::Healthy, accounts: 2, next_refresh }] =
        shown.accounts.as_slice()
    else {
        panic!("{shown:?}");
    };
    assert!(next_refresh.is_some_and(|at| at > now), "{shown:?}");
    let mut alive = shown.bots.clone();
    alive.sort_by_key(|(status, _)| status.as_str());
    assert_eq!(alive, [(BotStatus::JoiningCall, 1), (BotStatus::Ready, 1)]);
    assert!(shown.join_times.is_empty());
    assert_eq!(overview(suite, stranger, now).await, Overview::default());
}

pub async fn accounts_with_tokens_are_grouped_by_possible_obstacles(suite: &Conformance) {
    let workspace = suite.workspace().await;
    let (app, refused) = (suite.app(workspace, "client-1").await, suite.app(workspace, "client-2").await);
    let now = suite.env.now();
    let connect = async |app, user: &str, scopes: Option<&[&str]>| {
        let mut account = credentials::account(suite, workspace, app, user);
        account.grant.scopes = scopes.map(|scopes| scopes.iter().map(|scope| (*scope).to_owned()).collect());
        suite.store.connect_credential(&account, &suite.note("connected")).await.unwrap();
        account.id
    };
    let whole = ["user:read:user", "user:read:zak"];
    let able = [connect(app.id, "user-1", Some(&whole)).await, connect(app.id, "user-2", Some(&whole)).await];
    let poor = connect(app.id, "user-3", Some(&whole[..1])).await;
    let unknown = connect(app.id, "user-4", None).await;
    let of_refused = connect(refused.id, "user-5", Some(&whole)).await;
    assert!(
        suite
            .store
            .refuse_app(refused.id, &refused.client_secret, now, &suite.note("refused"))
            .await
            .unwrap()
    );
    let shown = overview(suite, workspace, now).await.with_tokens;
    let one_of = |ids: &[CredentialId]| {
        shown.iter().find(|row| ids.contains(&row.first)).unwrap_or_else(|| panic!("{shown:?}"))
    };
    assert_eq!(shown.len(), 4, "{shown:?}");
    let row = one_of(&able);
    assert_eq!((row.accounts, row.app, row.app_refused), (2, app.id, false));
    assert_eq!(row.scopes.as_deref().unwrap(), whole);
    assert_eq!(one_of(&[poor]).scopes.as_deref().unwrap(), &whole[..1]);
    assert_eq!(one_of(&[unknown]).scopes, None);
    let AccountGroup { app_refused, accounts, app, .. } = one_of(&[of_refused]);
    assert_eq!((*app_refused, *accounts, *app), (true, 1, refused.id));
}

pub async fn refreshes_are_counted_by_result(suite: &Conformance) {
    let made = credentials::connected(suite).await;
    let (workspace, now) = (made.workspace, suite.env.now());
    let day_before = now - Duration::from_secs(24 * 3600);
    let counted = async || overview(suite, workspace, day_before).await.refreshes;
    assert!(counted().await.is_empty());
    for generation in 1..=3 {
        assert!(credentials::commit(suite, made.id, generation, &credentials::grant(suite)).await);
    }
    assert!(!credentials::commit(suite, made.id, 1, &credentials::grant(suite)).await, "outdated");
    let lease = suite.lease(60);
    let taken = credentials::take_of(suite, workspace, made.id, 4, &lease).await;
    assert!(matches!(taken, RefreshLease::Taken(_)));
    let trouble = credentials::trouble(suite);
    assert!(
        suite.store.record_refresh_failure(made.id, &lease, &trouble, &suite.note("trouble")).await.unwrap()
    );
    let lease = suite.lease(60);
    let taken = credentials::take_of(suite, workspace, made.id, 4, &lease).await;
    assert!(matches!(taken, RefreshLease::Taken(_)));
    let (revoked, note) = (ReauthCause::Revoked, suite.note("lost"));
    assert!(suite.store.mark_grant_dead(made.id, 4, &lease, revoked, &note).await.unwrap());
    let mut shown = counted().await;
    shown.sort_by_key(|row| row.failure.map(Code::as_str));
    let row = |failure, refreshes| RefreshesCounted { failure, refreshes };
    let expected = [row(None, 3), row(Some(Code::CredentialNeedsConsent), 1), row(Some(trouble.code), 1)];
    assert_eq!(shown, expected);
    assert!(overview(suite, workspace, now + Duration::from_secs(7200)).await.refreshes.is_empty());
    let stranger = WorkspaceId::generate(&suite.env);
    assert!(overview(suite, stranger, day_before).await.refreshes.is_empty());
}

pub async fn a_join_time_is_counted_from_the_last_start(suite: &Conformance) {
    use BotStatus::{InCallNotRecording, JoiningCall};
    let workspace = suite.workspace().await;
    let now = suite.env.now();
    came(suite, workspace, &[(JoiningCall, 40), (InCallNotRecording, 1040)]).await;
    came(suite, workspace, &[(JoiningCall, 10), (InCallNotRecording, 2510)]).await;
    // It lost its connection, and was back within 300 ms.
    let again =
        [(JoiningCall, 0), (InCallNotRecording, 900), (JoiningCall, 5000), (InCallNotRecording, 5300)];
    came(suite, workspace, &again).await;
    let took = |shown: Overview| shown.join_times.iter().map(Duration::as_millis).collect::<Vec<_>>();
    assert_eq!(took(overview(suite, workspace, now).await), [300, 2500, 1000, 900]);
    assert_eq!(took(suite.store.overview(workspace, now, 2).await.unwrap()), [300, 2500]);
    let later = now + Duration::from_millis(2000);
    assert_eq!(took(overview(suite, workspace, later).await), [300, 2500]);
}

pub async fn usable_objects_count(suite: &Conformance) {
    use QuotaResource::{ApiKeys, Invitations, Pools, TokenLinks, ZoomOauthApps};
    let (store, now) = (&suite.store, suite.env.now());
    let hour = Duration::from_secs(3600);
    let held = async |workspace, what, at| store.held(workspace, what, at).await.unwrap();

    let link = token_links::link(suite).await;
    let workspace = link.workspace;
    assert_eq!(held(workspace, TokenLinks, now).await, 1);
    assert_eq!(held(workspace, TokenLinks, now + hour).await, 0, "it has ended");
    assert!(store.revoke_token_link(workspace, link.id, now).await.unwrap());
    assert_eq!(held(workspace, TokenLinks, now).await, 0);

    assert_eq!((held(workspace, ApiKeys, now).await, held(workspace, ZoomOauthApps, now).await), (1, 1));
    let key = ApiKey { expires_at: Some(now + hour), ..suite.api_key(workspace) };
    store.add_api_key(&key).await.unwrap();
    assert_eq!(held(workspace, ApiKeys, now).await, 2);
    assert_eq!(held(workspace, ApiKeys, now + hour).await, 1);
    store.revoke_api_key(workspace, key.id, now).await.unwrap();
    assert_eq!(held(workspace, ApiKeys, now).await, 1);

    let pool = Pool { id: PoolId::generate(&suite.env), workspace, name: "p".into(), created_at: now };
    store.add_pool(&pool, &[]).await.unwrap();
    assert_eq!(held(workspace, Pools, now).await, 1);
    store.remove_pool(workspace, pool.id, now).await.unwrap();
    assert_eq!(held(workspace, Pools, now).await, 0);

    let stranger = WorkspaceId::generate(&suite.env);
    for what in [TokenLinks, Pools, ZoomOauthApps, ApiKeys, Invitations] {
        assert_eq!(held(stranger, what, now).await, 0, "{what:?}");
    }
}

pub async fn open_invitations_count(suite: &Conformance) {
    let (store, now) = (&suite.store, suite.env.now());
    let invitation = connect_links::invitation(suite).await;
    let held = async |at| store.held(invitation.workspace, QuotaResource::Invitations, at).await.unwrap();
    assert_eq!((held(now).await, held(invitation.expires_at).await), (1, 0));
    assert!(store.revoke_connect_link(invitation.workspace, invitation.id, now).await.unwrap());
    assert_eq!(held(now).await, 0);
}
