//! Events in the meetings of bots, and which participants are bots.
#![expect(missing_docs, reason = "the names say it")]
#![expect(clippy::unwrap_used, reason = "a test may fail loudly")]

use std::time::Duration;

use model::{BotId, BotStatus, Captions, MeetingEventsId, StatusChange, WorkspaceId};

use crate::{Conformance, bots::leased};
use store::{Appended, Lease, MeetingEventBatch};

const DAY: Duration = Duration::from_secs(24 * 3600);

fn batch(
    suite: &Conformance,
    workspace: WorkspaceId,
    bot: BotId,
    first: u64,
    last: u64,
) -> MeetingEventBatch {
    MeetingEventBatch {
        id: MeetingEventsId::generate(&suite.env),
        bot,
        workspace,
        first,
        last,
        events: suite.sealed(),
        captions: None,
        kept_for: DAY,
    }
}

async fn appended(suite: &Conformance, lease: &Lease, batch: &MeetingEventBatch) -> Appended {
    suite.store.append_meeting_events(lease, batch, suite.env.now()).await.unwrap()
}

/// Records the bot's last step.
async fn ends(suite: &Conformance, bot: BotId, lease: &Lease) {
    let step =
        StatusChange { code: BotStatus::Fatal, message: None, created_at: suite.env.now(), sub_code: None };
    suite.store.record_step(bot, lease, &step).await.unwrap();
}

pub async fn events_are_stored_in_order_and_read_from_any_number(suite: &Conformance) {
    let workspace = suite.workspace().await;
    let (bot, lease) = leased(suite, workspace).await;
    let mut batches: Vec<_> = [(1, 3), (4, 4), (7, 9)]
        .map(|(first, last)| batch(suite, workspace, bot.id, first, last))
        .into_iter()
        .collect();
    batches[2].captions = Some(Captions::NotAllowed);
    for batch in &batches {
        assert_eq!(appended(suite, &lease, batch).await, Appended::Recorded);
    }
    let read = async |after, most| suite.store.meeting_events(workspace, bot.id, after, most).await.unwrap();
    assert_eq!(read(0, 9).await, batches);
    assert_eq!(read(0, 2).await, batches[..2]);
    assert_eq!(read(2, 9).await, batches, "the first batch also has earlier events");
    assert_eq!(read(4, 9).await, batches[2..]);
    assert!(read(9, 9).await.is_empty());
    let foreign = WorkspaceId::generate(&suite.env);
    assert!(suite.store.meeting_events(foreign, bot.id, 0, 9).await.unwrap().is_empty());
    assert!(suite.store.meeting_events_summaries(foreign, &[bot.id]).await.unwrap().is_empty());
    let asked = [bot.id, BotId::generate(&suite.env)];
    let [summary] = suite.store.meeting_events_summaries(workspace, &asked).await.unwrap()[..] else {
        panic!("exactly one bot has events")
    };
    assert_eq!((summary.bot, summary.last, summary.erased), (bot.id, 9, false));
    assert_eq!((summary.captions, summary.kept_for), (Some(Captions::NotAllowed), DAY));
}

pub async fn an_event_is_stored_once_and_only_under_the_bots_lease(suite: &Conformance) {
    let workspace = suite.workspace().await;
    let (bot, lease) = leased(suite, workspace).await;
    let one = batch(suite, workspace, bot.id, 1, 3);
    for _ in 0..2 {
        assert_eq!(appended(suite, &lease, &one).await, Appended::Recorded, "its answer may have been lost");
    }
    for (first, last) in [(1, 3), (3, 4)] {
        let other = batch(suite, workspace, bot.id, first, last);
        assert_eq!(appended(suite, &lease, &other).await, Appended::Late);
    }
    let next = batch(suite, workspace, bot.id, 4, 4);
    assert_eq!(appended(suite, &suite.lease(60), &next).await, Appended::LeaseLost);
    assert_eq!(suite.store.meeting_events(workspace, bot.id, 0, 9).await.unwrap(), [one]);
}

pub async fn erased_events_are_gone_and_their_numbers_stay_taken(suite: &Conformance) {
    let workspace = suite.workspace().await;
    let (bot, lease) = leased(suite, workspace).await;
    for (first, last) in [(1, 3), (4, 6)] {
        appended(suite, &lease, &batch(suite, workspace, bot.id, first, last)).await;
    }
    let column = store::SEALED_COLUMNS.iter().find(|column| column.table == "meeting_events").unwrap();
    assert_eq!(suite.store.count_sealed(column).await.unwrap(), 2);
    assert!(!suite.store.erase_meeting_events(WorkspaceId::generate(&suite.env), bot.id).await.unwrap());
    assert_eq!(suite.store.count_sealed(column).await.unwrap(), 2);

    assert!(suite.store.erase_meeting_events(workspace, bot.id).await.unwrap());
    assert!(!suite.store.erase_meeting_events(workspace, bot.id).await.unwrap(), "once");
    assert_eq!(suite.store.count_sealed(column).await.unwrap(), 0, "no row has a ciphertext");
    assert!(suite.store.meeting_events(workspace, bot.id, 0, 9).await.unwrap().is_empty());
    let [summary] = suite.store.meeting_events_summaries(workspace, &[bot.id]).await.unwrap()[..] else {
        panic!("its count is known")
    };
    assert_eq!((summary.last, summary.erased), (6, true));
    assert_eq!(appended(suite, &lease, &batch(suite, workspace, bot.id, 6, 6)).await, Appended::Late);
    let later = batch(suite, workspace, bot.id, 7, 7);
    assert_eq!(appended(suite, &lease, &later).await, Appended::Recorded);
    assert_eq!(suite.store.meeting_events(workspace, bot.id, 0, 9).await.unwrap(), [later]);
}

pub async fn events_are_erased_after_their_retention_time(suite: &Conformance) {
    let workspace = suite.workspace().await;
    let now = suite.env.now();
    let (bot, lease) = leased(suite, workspace).await;
    for (first, last) in [(1, 3), (4, 6)] {
        appended(suite, &lease, &batch(suite, workspace, bot.id, first, last)).await;
    }
    let (other, other_lease) = leased(suite, workspace).await;
    let longer = MeetingEventBatch { kept_for: DAY * 2, ..batch(suite, workspace, other.id, 1, 1) };
    appended(suite, &other_lease, &longer).await;
    assert_eq!(
        suite.store.forget_meeting_events(now + DAY * 9, 9).await.unwrap(),
        0,
        "the bots have not ended"
    );
    ends(suite, bot.id, &lease).await;
    ends(suite, other.id, &other_lease).await;
    let just_before = now + DAY - Duration::from_micros(1);
    assert_eq!(suite.store.forget_meeting_events(just_before, 9).await.unwrap(), 0);
    assert_eq!(suite.store.forget_meeting_events(now + DAY, 9).await.unwrap(), 1);
    assert_eq!(suite.store.forget_meeting_events(now + DAY, 9).await.unwrap(), 0);
    let column = store::SEALED_COLUMNS.iter().find(|column| column.table == "meeting_events").unwrap();
    assert_eq!(suite.store.count_sealed(column).await.unwrap(), 1, "the events of the other bot");
    assert_eq!(suite.store.forget_ended_bots(now + DAY * 9, 9).await.unwrap(), 2);
    assert_eq!(suite.store.count_sealed(column).await.unwrap(), 0);
    assert!(suite.store.meeting_events_summaries(workspace, &[bot.id, other.id]).await.unwrap().is_empty());
}

pub async fn bots_recognize_each_other_in_a_meeting(suite: &Conformance) {
    let workspace = suite.workspace().await;
    let now = suite.env.now();
    let (meeting, elsewhere) = ("98765432101".parse().unwrap(), "98765432102".parse().unwrap());
    let ((one, held), (other, other_held)) = (leased(suite, workspace).await, leased(suite, workspace).await);
    assert!(suite.store.record_bot_participant(one.id, &held, meeting, 16_778_240).await.unwrap());
    assert!(
        suite.store.record_bot_participant(one.id, &held, meeting, 16_778_243).await.unwrap(),
        "it joined again"
    );
    assert!(suite.store.record_bot_participant(other.id, &other_held, meeting, 16_778_241).await.unwrap());
    assert!(
        !suite.store.record_bot_participant(other.id, &held, elsewhere, 16_778_241).await.unwrap(),
        "the lease is of another bot"
    );
    let there = async |meeting, at| suite.store.bot_participants(meeting, at).await.unwrap();
    assert_eq!(there(meeting, now).await, [16_778_241, 16_778_243]);
    assert!(there(elsewhere, now).await.is_empty());
    assert!(there(meeting, held.expires_at).await.is_empty(), "their leases have expired");
    ends(suite, one.id, &held).await;
    assert_eq!(there(meeting, now).await, [16_778_241]);
    // A bot's place is deleted at its end.
    ends(suite, other.id, &other_held).await;
    assert_eq!(suite.store.forget_ended_bots(now + DAY, 9).await.unwrap(), 2);
}
