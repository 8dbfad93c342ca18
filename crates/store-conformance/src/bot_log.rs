//! The logs of bots.
#![expect(missing_docs, reason = "the names say it")]
#![expect(clippy::unwrap_used, reason = "a test may fail loudly")]

use std::{collections::BTreeMap, time::Duration};

use futures_util::future::join_all;
use model::{BotId, BotLogEntryId, BotStatus, StatusChange, WorkspaceId};
use serde_json::json;

use crate::{CALLERS, Conformance, bots::leased};
use store::{Lease, LogEntry, MAX_LOG_ENTRIES, NumberedEntry};

const DAY: Duration = Duration::from_secs(24 * 3600);

fn entry(suite: &Conformance, kind: &str) -> LogEntry {
    LogEntry {
        id: BotLogEntryId::generate(&suite.env),
        at: suite.env.now(),
        kind: kind.into(),
        text: "the account’s token 🗝".into(),
        fields: BTreeMap::from([
            ("milliseconds".into(), json!(128)),
            ("source".into(), json!("zoom.zak_url")),
            ("names".into(), json!(["a", "b"])),
        ]),
    }
}

fn entries(suite: &Conformance, count: u64) -> Vec<LogEntry> {
    (0..count).map(|_| entry(suite, "step")).collect()
}

async fn append(suite: &Conformance, bot: BotId, entries: &[LogEntry]) -> u64 {
    suite.store.append_bot_log(bot, entries).await.unwrap()
}

async fn read(suite: &Conformance, workspace: WorkspaceId, bot: BotId) -> Vec<NumberedEntry> {
    suite.store.bot_log(workspace, bot, 0, &[], 9_999).await.unwrap()
}

async fn ends(suite: &Conformance, bot: BotId, lease: &Lease) {
    let step =
        StatusChange { code: BotStatus::Fatal, message: None, created_at: suite.env.now(), sub_code: None };
    suite.store.record_step(bot, lease, &step).await.unwrap();
}

pub async fn entries_are_numbered_in_the_order_of_writing(suite: &Conformance) {
    let workspace = suite.workspace().await;
    let (bot, _) = leased(suite, workspace).await;
    let (first, second) = (entries(suite, 2), vec![entry(suite, "token")]);
    assert_eq!(append(suite, bot.id, &first).await, 0);
    assert_eq!(append(suite, bot.id, &second).await, 0);
    assert_eq!(append(suite, bot.id, &[]).await, 0);
    let all = read(suite, workspace, bot.id).await;
    assert_eq!(all.iter().map(|entry| entry.number).collect::<Vec<_>>(), [1, 2, 3]);
    let written: Vec<_> = first.into_iter().chain(second).collect();
    assert_eq!(all.iter().map(|numbered| numbered.entry.clone()).collect::<Vec<_>>(), written);
    let some = async |after, kinds: &[String], most| {
        suite.store.bot_log(workspace, bot.id, after, kinds, most).await
    };
    assert_eq!(some(1, &[], 1).await.unwrap(), all[1..2]);
    assert_eq!(some(0, &["token".into(), "other".into()], 9).await.unwrap(), all[2..]);
    assert_eq!(some(3, &[], 9).await.unwrap(), []);
    let foreign = WorkspaceId::generate(&suite.env);
    assert_eq!(read(suite, foreign, bot.id).await, []);
    let unknown = BotId::generate(&suite.env);
    assert_eq!(append(suite, unknown, &entries(suite, 2)).await, 2, "there is no such bot");
}

pub async fn writing_a_batch_again_changes_nothing(suite: &Conformance) {
    let workspace = suite.workspace().await;
    let (bot, _) = leased(suite, workspace).await;
    let batch = entries(suite, 2);
    for _ in 0..2 {
        assert_eq!(append(suite, bot.id, &batch).await, 0, "the first answer may have been lost");
    }
    assert_eq!(read(suite, workspace, bot.id).await.len(), 2);
}

pub async fn concurrent_writers_share_one_sequence_of_numbers(suite: &Conformance) {
    let workspace = suite.workspace().await;
    let (bot, _) = leased(suite, workspace).await;
    let batches: Vec<_> = (0..CALLERS).map(|_| entries(suite, 3)).collect();
    join_all(batches.iter().map(|batch| append(suite, bot.id, batch))).await;
    let all = read(suite, workspace, bot.id).await;
    let numbers: Vec<_> = all.iter().map(|entry| entry.number).collect();
    assert_eq!(numbers, (1..=3 * CALLERS as u64).collect::<Vec<_>>());
    for three in all.chunks(3) {
        let batch: Vec<_> = three.iter().map(|numbered| numbered.entry.clone()).collect();
        assert!(batches.contains(&batch), "the entries of a batch are consecutive");
    }
}

pub async fn a_full_log_says_so(suite: &Conformance) {
    let workspace = suite.workspace().await;
    let (bot, _) = leased(suite, workspace).await;
    assert_eq!(append(suite, bot.id, &entries(suite, MAX_LOG_ENTRIES - 1)).await, 0);
    assert_eq!(append(suite, bot.id, &entries(suite, 3)).await, 2);
    assert_eq!(append(suite, bot.id, &entries(suite, 1)).await, 1);
    let all = read(suite, workspace, bot.id).await;
    let kinds: Vec<_> = all.iter().rev().take(2).map(|numbered| &*numbered.entry.kind).collect();
    assert_eq!((all.len() as u64, kinds), (MAX_LOG_ENTRIES, vec!["log_full", "step"]));
}

pub async fn entries_are_erased_by_kind_and_only_by_their_workspace(suite: &Conformance) {
    let workspace = suite.workspace().await;
    let (bot, _) = leased(suite, workspace).await;
    append(suite, bot.id, &[entry(suite, "console"), entry(suite, "step")]).await;
    let before = read(suite, workspace, bot.id).await;
    let kinds = ["console".to_owned()];
    suite.store.erase_bot_log(WorkspaceId::generate(&suite.env), bot.id, &kinds).await.unwrap();
    assert_eq!(read(suite, workspace, bot.id).await, before);
    suite.store.erase_bot_log(workspace, bot.id, &kinds).await.unwrap();
    let after = read(suite, workspace, bot.id).await;
    assert_eq!((&*after[0].entry.kind, &*after[0].entry.text), ("console", "Erased."));
    assert!(after[0].entry.fields.is_empty());
    assert_eq!(after[1], before[1]);
}

pub async fn entries_are_deleted_by_age_and_with_their_bot(suite: &Conformance) {
    let workspace = suite.workspace().await;
    let now = suite.env.now();
    let ((ended, lease), (alive, alive_lease)) =
        (leased(suite, workspace).await, leased(suite, workspace).await);
    ends(suite, ended.id, &lease).await;
    let late = LogEntry { at: now + DAY, ..entry(suite, "step") };
    append(suite, ended.id, &[entry(suite, "step"), entry(suite, "step"), late]).await;
    append(suite, alive.id, &entries(suite, 1)).await;
    assert_eq!(suite.store.forget_bot_log(now, 9).await.unwrap(), 0);
    assert_eq!(suite.store.forget_bot_log(now + DAY, 1).await.unwrap(), 1, "in batches");
    assert_eq!(suite.store.forget_bot_log(now + DAY, 9).await.unwrap(), 1);
    let left = read(suite, workspace, ended.id).await;
    assert_eq!(left.iter().map(|entry| entry.number).collect::<Vec<_>>(), [3]);
    assert_eq!(read(suite, workspace, alive.id).await.len(), 1, "its bot has not ended");
    ends(suite, alive.id, &alive_lease).await;
    assert_eq!(suite.store.forget_ended_bots(now + DAY, 9).await.unwrap(), 2);
    assert!(read(suite, workspace, ended.id).await.is_empty());
    assert!(read(suite, workspace, alive.id).await.is_empty());
}
