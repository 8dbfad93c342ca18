//! The audit.
#![expect(missing_docs, reason = "the names say it")]
#![expect(clippy::unwrap_used, reason = "a test may fail loudly")]

use std::{future::poll_fn, net::IpAddr, slice, task::Poll, time::Duration};

use model::{
    ApiKeyId, AuditActor, AuditId, BotId, Code, CredentialId, Outcome, Purpose, Source, Timestamp,
    TokenContext, TokenKind, TokenLinkId, WorkspaceId,
};

use crate::Conformance;
use store::{AuditFilter, AuditPage, AuditRecord, Direction, Store};

const EVERYTHING: AuditPage = AuditPage::oldest_first(10_000);

fn record(suite: &Conformance, workspace: WorkspaceId, at: Timestamp) -> AuditRecord {
    AuditRecord {
        id: AuditId::generate(&suite.env),
        at,
        workspace,
        credential: CredentialId::generate(&suite.env),
        kind: TokenKind::Zak,
        who: AuditActor::TokenLink(TokenLinkId::generate(&suite.env)),
        from: Some(IpAddr::from([192, 0, 2, 1])),
        why: Purpose::TokenLink,
        outcome: Outcome::Given(Source::Cached),
        about: TokenContext::default(),
    }
}

/// `count` records, a microsecond apart, two at each time.
fn records(suite: &Conformance, workspace: WorkspaceId, count: u64) -> Vec<AuditRecord> {
    let at = |number| suite.env.now() + Duration::from_micros(number / 2);
    let mut records: Vec<_> = (0..count).map(|number| record(suite, workspace, at(number))).collect();
    records.sort_by_key(AuditRecord::place);
    records
}

async fn everything(suite: &Conformance) -> Vec<AuditRecord> {
    suite.store.audit_of_all(&EVERYTHING).await.unwrap()
}

pub async fn a_batch_is_read_back_unchanged(suite: &Conformance) {
    let (workspace, now) = (WorkspaceId::generate(&suite.env), suite.env.now());
    let refused = AuditRecord {
        who: AuditActor::ApiKey(ApiKeyId::generate(&suite.env)),
        from: Some("2001:db8::1".parse().unwrap()),
        why: Purpose::AccessTokenEndpoint,
        outcome: Outcome::Refused(Code::ZoomRateLimited),
        ..record(suite, workspace, now)
    };
    let minted = AuditRecord {
        who: AuditActor::Bot(BotId::generate(&suite.env)),
        from: None,
        why: Purpose::BotJoin,
        outcome: Outcome::Given(Source::Minted),
        about: TokenContext {
            user: Some("ada@example.test".parse().unwrap()),
            meeting: Some("12345678901".parse().unwrap()),
            bot: Some("bot_TESTVECTOR000001".parse().unwrap()),
        },
        ..record(suite, workspace, now + Duration::from_micros(1))
    };
    let kept = record(suite, workspace, now + Duration::from_micros(2));
    suite.store.append_audit(&[kept.clone(), refused.clone(), minted.clone()]).await.unwrap();
    assert_eq!(everything(suite).await, [refused, minted, kept]);
}

pub async fn storing_a_batch_again_changes_nothing(suite: &Conformance) {
    let batch = records(suite, WorkspaceId::generate(&suite.env), 4);
    suite.store.append_audit(&batch[..2]).await.unwrap();
    suite.store.append_audit(&batch).await.unwrap();
    assert_eq!(everything(suite).await, batch);
}

/// When a write is aborted, a reader sees the whole batch or none of it.
pub async fn a_batch_is_stored_whole_or_not_at_all(suite: &Conformance) {
    let (workspace, most) = (WorkspaceId::generate(&suite.env), 500);
    for patience in 0..20 {
        let batch = records(suite, workspace, most);
        let mut work = suite.store.append_audit(&batch);
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
        let found = everything(suite).await.len();
        assert!(found.is_multiple_of(500) && (found > 0 || !done), "{found} after {polls} polls");
        // The aborted write may still commit. After the repetition the batch is stored.
        suite.store.append_audit(&batch).await.unwrap();
        suite.store.prune_audit(suite.env.now() + Duration::from_secs(1), 1000).await.unwrap();
        assert_eq!(everything(suite).await, []);
    }
}

pub async fn an_export_misses_no_record_while_others_are_added(suite: &Conformance) {
    let workspace = WorkspaceId::generate(&suite.env);
    let all = records(suite, workspace, 20);
    suite.store.append_audit(&all[..9]).await.unwrap();
    let (mut read, mut page) = (Vec::new(), AuditPage { most: 3, ..EVERYTHING });
    for next in 9.. {
        let found = suite.store.audit_of_all(&page).await.unwrap();
        assert!(found.len() <= 3);
        let Some(last) = found.last() else { break };
        page.after = Some(last.place());
        read.extend(found);
        if let Some(record) = all.get(next) {
            suite.store.append_audit(slice::from_ref(record)).await.unwrap();
        }
    }
    assert_eq!(read[..], all[..read.len()], "each record once, and in order");
    assert!(read.len() > 9, "records that were added during the export are included");
}

pub async fn audit_pages_go_back_in_time(suite: &Conformance) {
    let mut all = records(suite, WorkspaceId::generate(&suite.env), 7);
    suite.store.append_audit(&all).await.unwrap();
    let page = AuditPage { direction: Direction::NewestFirst, most: 2, ..EVERYTHING };
    let read = paged(suite, page).await;
    all.reverse();
    assert_eq!(read, all);
}

pub async fn times_and_workspaces_are_filters(suite: &Conformance) {
    let (here, there) = (WorkspaceId::generate(&suite.env), WorkspaceId::generate(&suite.env));
    let (ours, theirs) = (records(suite, here, 8), records(suite, there, 8));
    suite.store.append_audit(&ours).await.unwrap();
    suite.store.append_audit(&theirs).await.unwrap();
    let page = AuditPage { since: Some(ours[2].at), until: Some(ours[6].at), ..EVERYTHING };
    assert_eq!(suite.store.audit(here, &page).await.unwrap(), ours[2..6], "from `since` on, before `until`");
    assert_eq!(suite.store.audit(there, &EVERYTHING).await.unwrap(), theirs);
    assert_eq!(suite.store.audit_of_all(&page).await.unwrap().len(), 8);
}

/// Servers write concurrently and repeat writes with an unknown result. Pages show each record
/// once.
pub async fn pages_do_not_depend_on_how_records_were_written(suite: &Conformance) {
    let workspace = WorkspaceId::generate(&suite.env);
    let some = |below: u32| u32::from_le_bytes(suite.env.entropy.bytes()) % below;
    let start = suite.env.now();
    let mut all: Vec<_> = (0..400)
        .map(|_| {
            record(suite, workspace, start + Duration::from_micros(u64::from(some(900_000) / 100 * 100)))
        })
        .collect();
    for _ in 0..60 {
        let (from, count) = (some(400), some(30));
        let written: Vec<_> = all.iter().skip(from as usize).take(count as usize).cloned().collect();
        suite.store.append_audit(&written).await.unwrap();
    }
    suite.store.append_audit(&all).await.unwrap();
    all.sort_by_key(AuditRecord::place);
    for most in [1, 7, 100, 400] {
        assert_eq!(paged(suite, AuditPage { most, ..EVERYTHING }).await, all, "{most} at a time");
    }
    all.reverse();
    for most in [7, 100] {
        let page = AuditPage { direction: Direction::NewestFirst, most, ..EVERYTHING };
        assert_eq!(paged(suite, page).await, all, "{most} at a time, back in time");
    }
    assert_eq!(paged(suite, AuditPage { most: 0, ..EVERYTHING }).await, []);
}

/// A second of heavy load: more records than fit in a row, and a row with one record.
pub async fn a_large_page_is_cut_at_its_limit(suite: &Conformance) {
    let workspace = WorkspaceId::generate(&suite.env);
    let all = records(suite, workspace, 3000);
    suite.store.append_audit(&all).await.unwrap();
    let later = record(suite, workspace, all[2999].at + Duration::from_secs(60));
    suite.store.append_audit(slice::from_ref(&later)).await.unwrap();
    let page = AuditPage { most: 2990, ..EVERYTHING };
    assert_eq!(suite.store.audit_of_all(&page).await.unwrap(), all[..2990]);
    let rest = AuditPage { after: Some(all[2989].place()), ..EVERYTHING };
    let rest = suite.store.audit(workspace, &rest).await.unwrap();
    assert_eq!((rest.len(), rest.last()), (11, Some(&later)));
    let newest = AuditPage { direction: Direction::NewestFirst, most: 2, ..EVERYTHING };
    assert_eq!(suite.store.audit(workspace, &newest).await.unwrap(), [later, all[2999].clone()]);
}

/// Reads all pages.
async fn paged(suite: &Conformance, mut page: AuditPage) -> Vec<AuditRecord> {
    let mut read = Vec::new();
    loop {
        let found = suite.store.audit_of_all(&page).await.unwrap();
        assert!(found.len() <= page.most as usize);
        let Some(last) = found.last() else { return read };
        page.after = Some(last.place());
        read.extend(found);
    }
}

pub async fn old_records_are_deleted_in_batches_oldest_first(suite: &Conformance) {
    let workspace = WorkspaceId::generate(&suite.env);
    let at = |number: u64| suite.env.now() + Duration::from_secs(number / 2);
    let all: Vec<_> = (0..10).map(|number| record(suite, workspace, at(number))).collect();
    suite.store.append_audit(&all).await.unwrap();
    let end = all[6].at;
    let prune = async |most| {
        let pruned = suite.store.prune_audit(end, most).await.unwrap();
        (pruned.batches, pruned.records)
    };
    assert_eq!(prune(2).await, (2, 4));
    assert_eq!(everything(suite).await.len(), 6);
    assert_eq!(prune(2).await, (1, 2));
    assert_eq!(prune(2).await, (0, 0));
    let mut kept = all[6..].to_vec();
    kept.sort_by_key(AuditRecord::place);
    assert_eq!(everything(suite).await, kept, "records that are not older than `end` stay");
}

/// Rows as they were before schema 13, one record each: one with every field set, one with almost
/// none.
pub const ROWS_BEFORE_BATCHES: &str = "\
INSERT INTO audit (at, id, workspace, credential, kind, who, who_id, from_address, why, outcome, source,
                   user_name, meeting, bot)
VALUES (1800000000000007, '01a31b9f-0000-7000-8000-000000000001', '01a31b9f-0000-7000-8000-00000000000a',
        '01a31b9f-0000-7000-8000-00000000000b', 'zak', 'token_link', '01a31b9f-0000-7000-8000-00000000000c',
        '2001:db8::1', 'token_link', 'given', 'kept', 'zoë@example.test', '12345678901', 'bot_1'),
       (1800000060000000, '01a31b9f-0000-7000-8000-000000000002', '01a31b9f-0000-7000-8000-00000000000a',
        '01a31b9f-0000-7000-8000-00000000000b', 'zak', 'bot', '01a31b9f-0000-7000-8000-00000000000d',
        NULL, 'bot_join', 'zoom_rate_limited', NULL, NULL, NULL, NULL);";

/// Call it on a store that was migrated with [`ROWS_BEFORE_BATCHES`] in it.
pub async fn rows_from_before_batches_are_kept(store: &dyn Store) {
    let workspace: WorkspaceId = "01a31b9f-0000-7000-8000-00000000000a".parse().unwrap();
    let found = store.audit(workspace, &EVERYTHING).await.unwrap();
    let [full, bare] = &found[..] else { panic!("{found:?}") };
    assert_eq!(full.at.as_microsecond(), 1_800_000_000_000_007);
    assert_eq!(full.id.to_string(), "01a31b9f-0000-7000-8000-000000000001");
    assert_eq!(full.who, AuditActor::TokenLink("01a31b9f-0000-7000-8000-00000000000c".parse().unwrap()));
    assert_eq!((full.from, full.why), (Some("2001:db8::1".parse().unwrap()), Purpose::TokenLink));
    assert_eq!((full.kind, full.outcome), (TokenKind::Zak, Outcome::Given(Source::Cached)));
    assert_eq!(full.about.user.as_ref().unwrap().as_str(), "zoë@example.test");
    assert_eq!(full.about.meeting, Some("12345678901".parse().unwrap()));
    assert_eq!(full.about.bot.as_ref().unwrap().as_str(), "bot_1");
    assert_eq!(bare.at.as_microsecond(), 1_800_000_060_000_000);
    assert_eq!((bare.from, &bare.about), (None, &TokenContext::default()));
    assert_eq!(bare.outcome, Outcome::Refused(Code::ZoomRateLimited));
    let all = Timestamp::from_microsecond(1_900_000_000_000_000);
    // The same records in the current format, in which each can be found by its subjects.
    assert_eq!(store.modernize_audit(10).await.unwrap(), 2);
    assert_eq!(store.modernize_audit(10).await.unwrap(), 0);
    assert_eq!(store.audit(workspace, &EVERYTHING).await.unwrap(), found);
    let bot = AuditFilter { bot: Some("bot_1".parse().unwrap()), ..AuditFilter::NONE };
    let page = AuditPage { filter: bot, ..EVERYTHING };
    assert_eq!(store.audit(workspace, &page).await.unwrap(), found[..1]);
    let pruned = store.prune_audit(all, 10).await.unwrap();
    // The subjects are an account, two requesters, and a bot, in two minutes.
    assert_eq!((pruned.batches, pruned.records, pruned.subjects), (2, 2, 5));
}
