//! The audit.
#![expect(missing_docs, reason = "the names say it")]
#![expect(clippy::unwrap_used, reason = "a test may fail loudly")]

use std::{future::poll_fn, net::IpAddr, slice, task::Poll, time::Duration};

use model::{
    About, ApiKeyId, AuditId, BotId, Code, CredentialId, Outcome, Purpose, Source, Timestamp, TokenKind,
    TokenLinkId, Who, WorkspaceId,
};

use super::Bench;
use crate::{AuditPage, AuditRecord, Direction};

const EVERYTHING: AuditPage =
    AuditPage { since: None, until: None, after: None, direction: Direction::OldestFirst, most: 10_000 };

fn record(bench: &Bench, workspace: WorkspaceId, at: Timestamp) -> AuditRecord {
    AuditRecord {
        id: AuditId::generate(&bench.env),
        at,
        workspace,
        credential: CredentialId::generate(&bench.env),
        kind: TokenKind::Zak,
        who: Who::TokenLink(TokenLinkId::generate(&bench.env)),
        from: Some(IpAddr::from([192, 0, 2, 1])),
        why: Purpose::TokenLink,
        outcome: Outcome::Given(Source::Kept),
        about: About::default(),
    }
}

/// `count` records, a microsecond apart, two at each time.
fn records(bench: &Bench, workspace: WorkspaceId, count: u64) -> Vec<AuditRecord> {
    let at = |number| bench.env.now() + Duration::from_micros(number / 2);
    let mut records: Vec<_> = (0..count).map(|number| record(bench, workspace, at(number))).collect();
    records.sort_by_key(AuditRecord::place);
    records
}

async fn everything(bench: &Bench) -> Vec<AuditRecord> {
    bench.store.audit_of_all(&EVERYTHING).await.unwrap()
}

pub async fn a_batch_comes_back_whole(bench: &Bench) {
    let (workspace, now) = (WorkspaceId::generate(&bench.env), bench.env.now());
    let refused = AuditRecord {
        who: Who::ApiKey(ApiKeyId::generate(&bench.env)),
        from: Some("2001:db8::1".parse().unwrap()),
        why: Purpose::AccessTokenEndpoint,
        outcome: Outcome::Refused(Code::ZoomRateLimited),
        ..record(bench, workspace, now)
    };
    let minted = AuditRecord {
        who: Who::Bot(BotId::generate(&bench.env)),
        from: None,
        why: Purpose::BotJoin,
        outcome: Outcome::Given(Source::Minted),
        about: About {
            user: Some("ada@example.test".parse().unwrap()),
            meeting: Some("12345678901".parse().unwrap()),
            bot: Some("bot_TESTVECTOR000001".parse().unwrap()),
        },
        ..record(bench, workspace, now + Duration::from_micros(1))
    };
    let kept = record(bench, workspace, now + Duration::from_micros(2));
    bench.store.append_audit(&[kept.clone(), refused.clone(), minted.clone()]).await.unwrap();
    assert_eq!(everything(bench).await, [refused, minted, kept]);
}

pub async fn a_batch_again_changes_nothing(bench: &Bench) {
    let batch = records(bench, WorkspaceId::generate(&bench.env), 4);
    bench.store.append_audit(&batch[..2]).await.unwrap();
    bench.store.append_audit(&batch).await.unwrap();
    assert_eq!(everything(bench).await, batch);
}

/// However far a batch has come when it is broken off, nobody ever sees a part of it.
pub async fn a_batch_is_stored_whole_or_not_at_all(bench: &Bench) {
    let (workspace, most) = (WorkspaceId::generate(&bench.env), 500);
    for patience in 0..20 {
        let batch = records(bench, workspace, most);
        let mut work = bench.store.append_audit(&batch);
        let mut polls = 0;
        let done = poll_fn(|context| {
            polls += 1;
            match work.as_mut().poll(context) {
                Poll::Pending if polls > patience => Poll::Ready(false),
                poll => poll.map(|done| done.is_ok()),
            }
        });
        let done = done.await;
        drop(work);
        let found = everything(bench).await.len();
        assert!(found.is_multiple_of(500) && (found > 0 || !done), "{found} after {polls} polls");
        // It may be on its way still; once it is written again it is there.
        bench.store.append_audit(&batch).await.unwrap();
        while bench.store.prune_audit(bench.env.now() + Duration::from_secs(1), 1000).await.unwrap() > 0 {}
    }
}

pub async fn an_export_misses_nothing_while_records_come(bench: &Bench) {
    let workspace = WorkspaceId::generate(&bench.env);
    let all = records(bench, workspace, 20);
    bench.store.append_audit(&all[..9]).await.unwrap();
    let (mut read, mut page) = (Vec::new(), AuditPage { most: 3, ..EVERYTHING });
    for next in 9.. {
        let found = bench.store.audit_of_all(&page).await.unwrap();
        assert!(found.len() <= 3);
        let Some(last) = found.last() else { break };
        page.after = Some(last.place());
        read.extend(found);
        if let Some(record) = all.get(next) {
            bench.store.append_audit(slice::from_ref(record)).await.unwrap();
        }
    }
    assert_eq!(read[..], all[..read.len()], "each one once, and in order");
    assert!(read.len() > 9, "those that came meanwhile are there too");
}

pub async fn pages_go_back_in_time_too(bench: &Bench) {
    let mut all = records(bench, WorkspaceId::generate(&bench.env), 7);
    bench.store.append_audit(&all).await.unwrap();
    let mut page = AuditPage { direction: Direction::NewestFirst, most: 2, ..EVERYTHING };
    let mut read = Vec::new();
    loop {
        let found = bench.store.audit_of_all(&page).await.unwrap();
        let Some(last) = found.last() else { break };
        page.after = Some(last.place());
        read.extend(found);
    }
    all.reverse();
    assert_eq!(read, all);
}

pub async fn spans_and_workspaces_narrow(bench: &Bench) {
    let (here, there) = (WorkspaceId::generate(&bench.env), WorkspaceId::generate(&bench.env));
    let (ours, theirs) = (records(bench, here, 8), records(bench, there, 8));
    bench.store.append_audit(&ours).await.unwrap();
    bench.store.append_audit(&theirs).await.unwrap();
    let page = AuditPage { since: Some(ours[2].at), until: Some(ours[6].at), ..EVERYTHING };
    assert_eq!(bench.store.audit(here, &page).await.unwrap(), ours[2..6], "from `since` on, before `until`");
    assert_eq!(bench.store.audit(there, &EVERYTHING).await.unwrap(), theirs);
    assert_eq!(bench.store.audit_of_all(&page).await.unwrap().len(), 8);
}

pub async fn the_oldest_go_first_and_few_at_a_time(bench: &Bench) {
    let all = records(bench, WorkspaceId::generate(&bench.env), 10);
    bench.store.append_audit(&all).await.unwrap();
    let end = all[6].at;
    assert_eq!(bench.store.prune_audit(end, 4).await.unwrap(), 4);
    assert_eq!(everything(bench).await, all[4..]);
    assert_eq!(bench.store.prune_audit(end, 4).await.unwrap(), 2);
    assert_eq!(bench.store.prune_audit(end, 4).await.unwrap(), 0);
    assert_eq!(everything(bench).await, all[6..], "what is not older than `end` stays");
}
