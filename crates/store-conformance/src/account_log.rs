//! A change of state writes one line to the log; other changes write none.
#![expect(missing_docs, reason = "the names say it")]
#![expect(clippy::unwrap_used, reason = "a test may fail loudly")]

use model::{Code, CredentialStatus, DisconnectCause, WorkspaceId};

use crate::{
    Conformance,
    credentials::{commit, connect, connected, trouble},
};
use store::{Credential, LogFilter, LogLine, Note, Order, Subject};

async fn log_of(suite: &Conformance, credential: &Credential, filter: LogFilter) -> Vec<LogLine> {
    let filter = LogFilter { credential: Some(credential.id), ..filter };
    suite.store.credential_log(credential.workspace, &filter, 100).await.unwrap()
}

pub async fn changes_of_state_leave_one_line_each(suite: &Conformance) {
    let made = connected(suite).await;
    let next = made.grant.clone();
    assert!(commit(suite, made.id, 1, &next).await, "an ordinary refresh leaves no line");
    for _ in 0..2 {
        let lease = suite.lease(60);
        suite.store.lease_refresh(made.workspace, made.id, 2, &lease, suite.env.now()).await.unwrap();
        let note = Note { code: Some(Code::ZoomUnavailable), ..suite.note("Zoom is away") };
        assert!(suite.store.record_refresh_failure(made.id, &lease, &trouble(suite), &note).await.unwrap());
    }
    assert!(commit(suite, made.id, 2, &next).await);
    let note = suite.note("removed");
    let cause = DisconnectCause::UserDeleted;
    assert!(suite.store.disconnect_credential(made.workspace, made.id, cause, &note).await.unwrap());
    let about = Subject::Credential(made.id);
    suite.store.add_log_line(made.workspace, about, &suite.note("looked at")).await.unwrap();

    let lines = log_of(suite, &made, LogFilter::default()).await;
    let told: Vec<_> = lines.iter().map(|line| (line.became, line.message.as_str())).collect();
    let expected = [
        (None, "looked at"),
        (Some(CredentialStatus::Disconnected(cause)), "removed"),
        (Some(CredentialStatus::Healthy), "refreshed"),
        (Some(CredentialStatus::Degraded), "Zoom is away"),
        (Some(CredentialStatus::Healthy), "connected"),
    ];
    let mut sorted = (told.clone(), expected.to_vec());
    // Ids that were generated within one microsecond are not ordered.
    sorted.0.sort_by_key(|(_, message)| *message);
    sorted.1.sort_by_key(|(_, message)| *message);
    assert_eq!(sorted.0, sorted.1);
    assert!(lines.iter().all(|line| line.subject == about && line.at == suite.env.now()));
    let degraded = lines.iter().find(|line| line.became == Some(CredentialStatus::Degraded)).unwrap();
    assert_eq!(degraded.code, Some(Code::ZoomUnavailable));
    let events = log_of(suite, &made, LogFilter { events_only: true, ..LogFilter::default() }).await;
    assert_eq!(events.len(), 4);
}

pub async fn lines_stay_in_their_workspace(suite: &Conformance) {
    let made = connected(suite).await;
    let about = Subject::App(made.app);
    suite.store.add_log_line(made.workspace, about, &suite.note("of the app")).await.unwrap();
    let all = LogFilter::default();
    let elsewhere = WorkspaceId::generate(&suite.env);
    assert!(suite.store.credential_log(elsewhere, &all, 9).await.unwrap().is_empty());
    assert!(suite.store.app_log(elsewhere, &all, 9).await.unwrap().is_empty());
    let of_apps = suite.store.app_log(made.workspace, &all, 9).await.unwrap();
    assert_eq!((of_apps.len(), of_apps[0].subject), (1, about));
    assert_eq!(suite.store.credential_log(made.workspace, &all, 9).await.unwrap().len(), 1);
}

pub async fn pages_go_back_in_time(suite: &Conformance) {
    let made = connected(suite).await;
    for _ in 0..4 {
        connect(suite, &made).await.unwrap();
    }
    let whole = log_of(suite, &made, LogFilter::default()).await;
    assert_eq!(whole.len(), 5);
    let mut paged = Vec::new();
    let mut filter = LogFilter::default();
    loop {
        let page = suite.store.credential_log(made.workspace, &filter, 2).await.unwrap();
        let Some(last) = page.last() else { break };
        filter.beyond = Some(last.id);
        paged.extend(page);
    }
    assert_eq!(paged, whole);
    let mut up = log_of(suite, &made, LogFilter { order: Order::Ascending, ..LogFilter::default() }).await;
    up.reverse();
    assert_eq!(up, whole);
    let (after, before) = (Some(suite.env.now()), None);
    assert!(log_of(suite, &made, LogFilter { after, before, ..LogFilter::default() }).await.is_empty());
    assert!(
        log_of(suite, &made, LogFilter { after: before, before: after, ..LogFilter::default() })
            .await
            .is_empty()
    );
}
