//! Invitations.
#![expect(missing_docs, reason = "the names say it")]
#![expect(clippy::unwrap_used, reason = "a test may fail loudly")]

use std::time::Duration;

use futures_util::future::join_all;
use model::{ConnectLinkId, WorkspaceId};

use crate::{CALLERS, Conformance, credentials};
use store::{ConnectLink, Credential, Order, Page, StoreError};

pub(super) async fn invitation(suite: &Conformance) -> ConnectLink {
    let workspace = suite.workspace().await;
    let consent = ConnectLink {
        id: ConnectLinkId::generate(&suite.env),
        workspace,
        app: suite.app(workspace, "client-1").await.id,
        secret_digest: suite.env.entropy.bytes(),
        credential: None,
        connected_by: None,
        connected_at: None,
        expected: None,
        invited_by: None,
        purpose: None,
        return_url: None,
        created_at: suite.env.now(),
        expires_at: suite.env.now() + Duration::from_secs(600),
        revoked_at: None,
    };
    suite.store.add_connect_link(&consent).await.unwrap();
    consent
}

async fn complete(
    suite: &Conformance,
    consent: &ConnectLink,
    credential: &Credential,
) -> Result<bool, StoreError> {
    suite.store.complete_connect_link(consent.id, &[7; 32], credential, &suite.note("connected")).await
}

pub async fn an_invitation_is_used_once(suite: &Conformance) {
    let consent = invitation(suite).await;
    let credential = credentials::account(suite, consent.workspace, consent.app, "user-1");
    assert!(complete(suite, &consent, &credential).await.unwrap());
    let used = suite.store.connect_link(consent.id).await.unwrap().unwrap();
    assert_eq!(used.credential, Some(credential.id));
    assert_eq!((used.connected_by, used.connected_at), (Some([7; 32]), Some(suite.env.now())));

    let other = credentials::account(suite, consent.workspace, consent.app, "user-2");
    assert!(!complete(suite, &consent, &other).await.unwrap());
    assert!(
        suite.store.credential(consent.workspace, other.id).await.unwrap().is_none(),
        "no account was stored"
    );
}

pub async fn one_of_several_concurrent_completions_connects(suite: &Conformance) {
    let consent = invitation(suite).await;
    let accounts: Vec<_> = (0..CALLERS)
        .map(|user| credentials::account(suite, consent.workspace, consent.app, &format!("user-{user}")))
        .collect();
    let completions = accounts.iter().map(|account| complete(suite, &consent, account));
    let completed = join_all(completions).await;
    assert_eq!(completed.into_iter().filter(|completed| *completed.as_ref().unwrap()).count(), 1);
    let connected = suite.store.credentials(consent.workspace).await.unwrap();
    assert_eq!(connected.len(), 1, "the others stored nothing");
    assert_eq!(
        suite.store.connect_link(consent.id).await.unwrap().unwrap().credential,
        Some(connected[0].id)
    );
}

pub async fn an_invitation_is_read_back_unchanged(suite: &Conformance) {
    let plain = invitation(suite).await;
    let account = credentials::account(suite, plain.workspace, plain.app, "user-1");
    suite.store.connect_credential(&account, &suite.note("connected")).await.unwrap();
    let bound = ConnectLink {
        id: ConnectLinkId::generate(&suite.env),
        expected: Some(account.id),
        invited_by: Some("Ada & Söhne".into()),
        purpose: Some("notes <of> meetings".into()),
        return_url: Some("https://app.example/done?x=1".into()),
        ..plain
    };
    suite.store.add_connect_link(&bound).await.unwrap();
    let read = suite.store.connect_link(bound.id).await.unwrap().unwrap();
    assert_eq!(
        (read.expected, read.invited_by, read.purpose, read.return_url, read.revoked_at),
        (bound.expected, bound.invited_by, bound.purpose, bound.return_url, None)
    );
}

pub async fn a_withdrawn_invitation_connects_nothing(suite: &Conformance) {
    let consent = invitation(suite).await;
    let now = suite.env.now();
    let stranger = WorkspaceId::generate(&suite.env);
    assert!(!suite.store.revoke_connect_link(stranger, consent.id, now).await.unwrap());
    assert!(suite.store.revoke_connect_link(consent.workspace, consent.id, now).await.unwrap());
    let later = now + Duration::from_secs(5);
    assert!(suite.store.revoke_connect_link(consent.workspace, consent.id, later).await.unwrap());
    assert_eq!(
        suite.store.connect_link(consent.id).await.unwrap().unwrap().revoked_at,
        Some(now),
        "the first time stays"
    );
    let account = credentials::account(suite, consent.workspace, consent.app, "user-1");
    assert!(!complete(suite, &consent, &account).await.unwrap());
    assert!(suite.store.credential(consent.workspace, account.id).await.unwrap().is_none());
}

pub async fn a_used_invitation_is_not_withdrawn(suite: &Conformance) {
    let consent = invitation(suite).await;
    let account = credentials::account(suite, consent.workspace, consent.app, "user-1");
    assert!(complete(suite, &consent, &account).await.unwrap());
    assert!(!suite.store.revoke_connect_link(consent.workspace, consent.id, suite.env.now()).await.unwrap());
}

pub async fn an_open_invitation_of_an_account_is_found(suite: &Conformance) {
    let plain = invitation(suite).await;
    let account = credentials::account(suite, plain.workspace, plain.app, "user-1");
    suite.store.connect_credential(&account, &suite.note("connected")).await.unwrap();
    let found = async |until| {
        let open = suite.store.open_connect_link(plain.workspace, account.id, until).await.unwrap();
        open.map(|consent| consent.id)
    };
    let (now, end) = (suite.env.now(), plain.expires_at);
    let bound = ConnectLink { expected: Some(account.id), ..plain.clone() };
    let add = async |consent: &ConnectLink| {
        let consent = ConnectLink { id: ConnectLinkId::generate(&suite.env), ..consent.clone() };
        suite.store.add_connect_link(&consent).await.unwrap();
        consent
    };
    for words in [
        ConnectLink { invited_by: Some("Ada".into()), ..bound.clone() },
        ConnectLink { purpose: Some("notes".into()), ..bound.clone() },
        ConnectLink { return_url: Some("https://app.example/".into()), ..bound.clone() },
    ] {
        add(&words).await;
    }
    assert_eq!(found(now).await, None, "one has no account, and the others have their own texts");
    let first = add(&bound).await;
    let second = add(&ConnectLink { created_at: now + Duration::from_secs(1), ..bound.clone() }).await;
    assert_eq!((found(end).await, found(end + Duration::from_secs(1)).await), (Some(second.id), None));
    assert!(suite.store.revoke_connect_link(plain.workspace, second.id, now).await.unwrap());
    assert_eq!(found(now).await, Some(first.id));
    assert!(complete(suite, &first, &account).await.unwrap());
    assert_eq!(found(now).await, None);
    let stranger = WorkspaceId::generate(&suite.env);
    add(&bound).await;
    assert!(suite.store.open_connect_link(stranger, account.id, now).await.unwrap().is_none());
}

pub async fn expired_invitations_are_deleted(suite: &Conformance) {
    let used = invitation(suite).await;
    let account = credentials::account(suite, used.workspace, used.app, "user-1");
    assert!(complete(suite, &used, &account).await.unwrap());
    let later = ConnectLink {
        id: ConnectLinkId::generate(&suite.env),
        expires_at: used.expires_at + Duration::from_secs(1),
        ..used.clone()
    };
    suite.store.add_connect_link(&later).await.unwrap();
    assert_eq!(suite.store.delete_old_connect_links(suite.env.now()).await.unwrap(), 0);
    assert_eq!(suite.store.delete_old_connect_links(used.expires_at).await.unwrap(), 1);
    assert!(suite.store.connect_link(used.id).await.unwrap().is_none());
    assert!(suite.store.connect_link(later.id).await.unwrap().is_some());
    let kept = suite.store.credential(used.workspace, account.id).await.unwrap();
    assert!(kept.is_some(), "the account stays");
}

pub async fn invitations_are_listed_in_pages(suite: &Conformance) {
    let first = invitation(suite).await;
    let mut all = vec![first.id];
    for seconds in [0, 1, 1, 2] {
        let id = ConnectLinkId::generate(&suite.env);
        let consent =
            ConnectLink { id, created_at: first.created_at + Duration::from_secs(seconds), ..first.clone() };
        suite.store.add_connect_link(&consent).await.unwrap();
        all.push(id);
    }
    let (mut seen, mut after) = (Vec::new(), None);
    loop {
        let page = Page { order: Order::Descending, after: after.clone(), most: 2 };
        let rows = suite.store.connect_links(first.workspace, &page).await.unwrap();
        let Some(last) = rows.last() else { break };
        after = Some(last.place());
        seen.extend(rows.iter().map(|row| (row.created_at, row.id)));
    }
    assert!(seen.is_sorted_by(|one, next| one > next), "{seen:?}");
    let mut ids: Vec<_> = seen.into_iter().map(|(_, id)| id).collect();
    ids.sort();
    all.sort();
    assert_eq!(ids, all);
    let page = Page { order: Order::Descending, after: None, most: 10 };
    let stranger = WorkspaceId::generate(&suite.env);
    assert!(suite.store.connect_links(stranger, &page).await.unwrap().is_empty());
}
