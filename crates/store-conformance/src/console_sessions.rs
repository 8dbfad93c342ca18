//! Sessions of the console.
#![expect(missing_docs, reason = "the names say it")]
#![expect(clippy::unwrap_used, reason = "a test may fail loudly")]

use std::time::Duration;

use futures_util::future::join_all;

use crate::{CALLERS, Conformance};
use store::{ApiKey, ConsolePass, ConsoleSession};

const LIFE: Duration = Duration::from_secs(600);

async fn key(suite: &Conformance) -> ApiKey {
    let key = suite.api_key(suite.workspace().await);
    suite.store.add_api_key(&key).await.unwrap();
    key
}

async fn added(suite: &Conformance, key: &ApiKey, pass: ConsolePass) -> ConsoleSession {
    let now = suite.env.now();
    let session = ConsoleSession {
        digest: suite.env.entropy.bytes(),
        pass,
        workspace: key.workspace,
        api_key: key.id,
        created_at: now,
        expires_at: now + LIFE,
    };
    suite.store.add_console_session(&session).await.unwrap();
    session
}

pub async fn a_session_is_read_back_unchanged_and_ends(suite: &Conformance) {
    let key = key(suite).await;
    let session = added(suite, &key, ConsolePass::Session).await;
    assert_eq!(
        suite.store.console_session(&session.digest).await.unwrap(),
        Some((session.clone(), key.clone()))
    );
    let now = suite.env.now();
    suite.store.revoke_api_key(key.workspace, key.id, now).await.unwrap();
    let (_, key) = suite.store.console_session(&session.digest).await.unwrap().unwrap();
    assert_eq!(key.revoked_at, Some(now), "the current state of the key");
    assert_eq!(suite.store.console_session(&[9; 32]).await.unwrap(), None);
    suite.store.end_console_session(&session.digest).await.unwrap();
    assert_eq!(suite.store.console_session(&session.digest).await.unwrap(), None);
}

pub async fn one_of_several_concurrent_browsers_opens_a_link(suite: &Conformance) {
    let key = key(suite).await;
    let link = added(suite, &key, ConsolePass::Link).await;
    let (now, end) = (suite.env.now(), suite.env.now() + LIFE * 3);
    let tokens: Vec<[u8; 32]> = (0..CALLERS).map(|_| suite.env.entropy.bytes()).collect();
    let opened = tokens.iter().map(|token| suite.store.open_console_link(&link.digest, token, now, end));
    let opened: Vec<_> = join_all(opened).await.into_iter().filter_map(Result::unwrap).collect();
    let [session] = opened.as_slice() else { panic!("{opened:?}") };
    assert_eq!((session.pass, session.api_key, session.expires_at), (ConsolePass::Session, key.id, end));
    assert_eq!(suite.store.console_session(&link.digest).await.unwrap(), None, "the link is used");
    assert_eq!(suite.store.console_session(&session.digest).await.unwrap(), Some((session.clone(), key)));
}

pub async fn an_expired_link_and_a_session_open_nothing(suite: &Conformance) {
    let key = key(suite).await;
    let (link, session) =
        (added(suite, &key, ConsolePass::Link).await, added(suite, &key, ConsolePass::Session).await);
    let (now, late) = (suite.env.now(), suite.env.now() + LIFE);
    let open = async |from: &ConsoleSession, at| {
        suite.store.open_console_link(&from.digest, &[7; 32], at, at + LIFE).await.unwrap()
    };
    assert_eq!(open(&link, late).await, None);
    assert_eq!(open(&session, now).await, None);
}

pub async fn all_sessions_of_a_key_end_at_once_and_no_others(suite: &Conformance) {
    let key = key(suite).await;
    let other = suite.api_key(key.workspace);
    suite.store.add_api_key(&other).await.unwrap();
    let stays = added(suite, &other, ConsolePass::Session).await;
    let gone = [added(suite, &key, ConsolePass::Session).await, added(suite, &key, ConsolePass::Link).await];
    assert_eq!(suite.store.end_console_sessions_of(key.id).await.unwrap(), 2);
    for session in gone {
        assert_eq!(suite.store.console_session(&session.digest).await.unwrap(), None);
    }
    assert!(suite.store.console_session(&stays.digest).await.unwrap().is_some());
}

pub async fn a_new_session_deletes_expired_ones(suite: &Conformance) {
    let key = key(suite).await;
    let old = added(suite, &key, ConsolePass::Session).await;
    let late = ConsoleSession {
        digest: suite.env.entropy.bytes(),
        created_at: old.expires_at,
        expires_at: old.expires_at + LIFE,
        ..old.clone()
    };
    suite.store.add_console_session(&late).await.unwrap();
    assert_eq!(suite.store.console_session(&old.digest).await.unwrap(), None);
    assert!(suite.store.console_session(&late.digest).await.unwrap().is_some());
}
