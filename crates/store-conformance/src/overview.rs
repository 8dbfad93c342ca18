//! What a workspace has, in numbers.
#![expect(missing_docs, reason = "the names say it")]
#![expect(clippy::unwrap_used, reason = "a test may fail loudly")]

use std::time::Duration;

use model::{BotStatus, CredentialStatus, PoolId, StatusChange, Timestamp, WorkspaceId};

use crate::{Conformance, bots, connect, credentials, links};
use store::{AccountsCounted, ApiKey, Held, Overview, Pool, Transition};

async fn overview(suite: &Conformance, workspace: WorkspaceId, since: Timestamp) -> Overview {
    suite.store.overview(workspace, since, 100).await.unwrap()
}

/// A bot that took these steps, each so many milliseconds after now.
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

pub async fn a_join_takes_from_its_last_beginning(suite: &Conformance) {
    use BotStatus::{InCallNotRecording, JoiningCall};
    let workspace = suite.workspace().await;
    let now = suite.env.now();
    came(suite, workspace, &[(JoiningCall, 40), (InCallNotRecording, 1040)]).await;
    came(suite, workspace, &[(JoiningCall, 10), (InCallNotRecording, 2510)]).await;
    // It lost its place, and came back within 300 ms.
    let again =
        [(JoiningCall, 0), (InCallNotRecording, 900), (JoiningCall, 5000), (InCallNotRecording, 5300)];
    came(suite, workspace, &again).await;
    let took = |shown: Overview| shown.join_times.iter().map(Duration::as_millis).collect::<Vec<_>>();
    assert_eq!(took(overview(suite, workspace, now).await), [300, 2500, 1000, 900]);
    assert_eq!(took(suite.store.overview(workspace, now, 2).await.unwrap()), [300, 2500]);
    let later = now + Duration::from_millis(2000);
    assert_eq!(took(overview(suite, workspace, later).await), [300, 2500]);
}

pub async fn what_can_be_used_is_held(suite: &Conformance) {
    use Held::{ApiKeys, Invitations, Pools, TokenLinks, ZoomOauthApps};
    let (store, now) = (&suite.store, suite.env.now());
    let hour = Duration::from_secs(3600);
    let held = async |workspace, what, at| store.held(workspace, what, at).await.unwrap();

    let link = links::link(suite).await;
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

pub async fn an_open_invitation_is_held(suite: &Conformance) {
    let (store, now) = (&suite.store, suite.env.now());
    let invitation = connect::invitation(suite).await;
    let held = async |at| store.held(invitation.workspace, Held::Invitations, at).await.unwrap();
    assert_eq!((held(now).await, held(invitation.expires_at).await), (1, 0));
    assert!(store.revoke_consent(invitation.workspace, invitation.id, now).await.unwrap());
    assert_eq!(held(now).await, 0);
}
