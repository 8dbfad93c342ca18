//! Bots: their rows and steps.
#![expect(missing_docs, reason = "the names say it")]
#![expect(clippy::unwrap_used, reason = "a test may fail loudly")]

use std::{collections::BTreeMap, time::Duration};

use futures_util::future::{join_all, join3};
use model::{
    BotId, BotStatus, LeaseToken, ScreenshotId, Sealed, StatusChange, SubCode, Timestamp, WorkspaceId,
};
use store::{
    Bot, BotChange, BotChanged, BotFilter, Lease, PictureChange, Screenshot, SignsInWith, Transition,
};

use crate::{CALLERS, Conformance, ROUNDS};

pub(super) fn step(suite: &Conformance, code: BotStatus) -> StatusChange {
    StatusChange { code, message: None, created_at: suite.env.now(), sub_code: None }
}

pub(super) fn bot(suite: &Conformance, workspace: WorkspaceId) -> Bot {
    Bot {
        id: BotId::generate(&suite.env),
        workspace,
        request: suite.sealed(),
        meeting_digest: suite.env.entropy.bytes(),
        join_at: None,
        metadata: BTreeMap::new(),
        signs_in_with: SignsInWith::default(),
        status_changes: vec![step(suite, BotStatus::Ready)],
        leave_requested_at: None,
        leased_until: None,
        output_revision: 0,
        created_at: suite.env.now(),
    }
}

pub(super) async fn added(suite: &Conformance, workspace: WorkspaceId) -> Bot {
    let bot = bot(suite, workspace);
    suite.store.add_bot(&bot, None).await.unwrap();
    bot
}

pub(super) async fn lease_at(
    suite: &Conformance,
    at: Timestamp,
    seconds: u64,
    most: usize,
) -> Vec<(Bot, Lease)> {
    lease_until(suite, at, (at, at + Duration::from_secs(seconds)), most).await
}

/// Leases the bots that are due until `until`.
pub(super) async fn lease_until(
    suite: &Conformance,
    until: Timestamp,
    (at, expires_at): (Timestamp, Timestamp),
    most: usize,
) -> Vec<(Bot, Lease)> {
    let tokens: Vec<_> = (0..most).map(|_| LeaseToken::generate(&suite.env)).collect();
    suite.store.lease_due_bots(&tokens, until, at, expires_at).await.unwrap()
}

pub(super) async fn leased(suite: &Conformance, workspace: WorkspaceId) -> (Bot, Lease) {
    added(suite, workspace).await;
    lease_at(suite, suite.env.now(), 60, 1).await.pop().unwrap()
}

pub async fn a_bot_is_read_back_unchanged(suite: &Conformance) {
    let workspace = suite.workspace().await;
    let mut made = bot(suite, workspace);
    made.metadata.insert("käse".into(), "🧀 'quoted' \"twice\"".into());
    made.join_at = Some(suite.env.now() + Duration::from_micros(1));
    suite.store.add_bot(&made, None).await.unwrap();
    let found = suite.store.bot(workspace, made.id).await.unwrap().unwrap();
    assert_eq!((found.request, found.metadata, found.join_at), (made.request, made.metadata, made.join_at));
    assert_eq!(found.status_changes, made.status_changes);
    assert!(suite.store.bot(WorkspaceId::generate(&suite.env), made.id).await.unwrap().is_none());
}

pub async fn no_concurrent_step_follows_the_last(suite: &Conformance) {
    let workspace = suite.workspace().await;
    for _ in 0..ROUNDS {
        let (bot, lease) = leased(suite, workspace).await;
        let steps = [step(suite, BotStatus::JoiningCall), step(suite, BotStatus::Fatal)];
        let recorded = join_all(steps.iter().map(|step| suite.store.record_step(bot.id, &lease, step))).await;
        let ended_first = matches!(recorded[0], Ok(Transition::LeaseLost));
        assert!(ended_first || matches!(recorded[0], Ok(Transition::Recorded)), "{recorded:?}");
        assert!(matches!(recorded[1], Ok(Transition::Recorded)), "{recorded:?}");
        let found = suite.store.bot(workspace, bot.id).await.unwrap().unwrap();
        assert_eq!(found.status(), BotStatus::Fatal);
        assert_eq!(found.status_changes.len(), if ended_first { 2 } else { 3 });
    }
}

pub async fn steps_need_the_lease(suite: &Conformance) {
    let workspace = suite.workspace().await;
    let (bot, lease) = leased(suite, workspace).await;
    let joining = step(suite, BotStatus::JoiningCall);
    let stranger = suite.lease(60);
    assert_eq!(suite.store.record_step(bot.id, &stranger, &joining).await.unwrap(), Transition::LeaseLost);
    assert_eq!(suite.store.record_step(bot.id, &lease, &joining).await.unwrap(), Transition::Recorded);
    let found = suite.store.bot(workspace, bot.id).await.unwrap().unwrap();
    assert_eq!(found.status(), BotStatus::JoiningCall);
    assert_eq!(found.status_changes.len(), 2);
}

/// PostgreSQL can't store U+0000. Zoom's reasons and names may contain it.
pub async fn a_text_with_nul_is_stored(suite: &Conformance) {
    let workspace = suite.workspace().await;
    let mut made = bot(suite, workspace);
    made.metadata.insert("a\0b".into(), "c\0d".into());
    suite.store.add_bot(&made, None).await.unwrap();
    let (bot, lease) = lease_at(suite, suite.env.now(), 60, 1).await.pop().unwrap();
    let fatal = StatusChange { message: Some("e\0f".into()), ..step(suite, BotStatus::Fatal) };
    assert_eq!(suite.store.record_step(bot.id, &lease, &fatal).await.unwrap(), Transition::Recorded);
    let found = suite.store.bot(workspace, bot.id).await.unwrap().unwrap();
    assert_eq!(found.metadata["a\u{fffd}b"], "c\u{fffd}d");
    assert_eq!(found.status_changes.last().unwrap().message.as_deref(), Some("e\u{fffd}f"));
}

pub async fn forbidden_steps_change_nothing(suite: &Conformance) {
    let workspace = suite.workspace().await;
    let (bot, lease) = leased(suite, workspace).await;
    let inside = step(suite, BotStatus::InCallNotRecording);
    assert_eq!(suite.store.record_step(bot.id, &lease, &inside).await.unwrap(), Transition::Forbidden);
    assert_eq!(suite.store.bot(workspace, bot.id).await.unwrap().unwrap().status(), BotStatus::Ready);
}

pub async fn a_terminal_step_ends_everything(suite: &Conformance) {
    let workspace = suite.workspace().await;
    let (bot, lease) = leased(suite, workspace).await;
    let fatal = StatusChange {
        sub_code: Some(SubCode::MeetingRequiresSignIn),
        message: Some("The host only admits signed-in users.".into()),
        ..step(suite, BotStatus::Fatal)
    };
    assert_eq!(suite.store.record_step(bot.id, &lease, &fatal).await.unwrap(), Transition::Recorded);
    assert!(lease_at(suite, suite.env.now() + Duration::from_secs(3600), 60, 9).await.is_empty());
    let joining = step(suite, BotStatus::JoiningCall);
    assert_eq!(suite.store.record_step(bot.id, &lease, &joining).await.unwrap(), Transition::LeaseLost);
    let found = suite.store.bot(workspace, bot.id).await.unwrap().unwrap();
    assert_eq!(found.status_changes.last(), Some(&fatal));
    let asked = suite.store.request_leave(workspace, bot.id, suite.env.now()).await.unwrap().unwrap();
    assert_eq!(asked.leave_requested_at, None, "the bot has ended");
}

pub async fn leaving_is_requested_once(suite: &Conformance) {
    let workspace = suite.workspace().await;
    let (bot, lease) = leased(suite, workspace).await;
    let (now, elsewhere) = (suite.env.now(), WorkspaceId::generate(&suite.env));
    assert!(suite.store.request_leave(elsewhere, bot.id, now).await.unwrap().is_none());
    suite.store.request_leave(workspace, bot.id, now).await.unwrap();
    suite.store.request_leave(workspace, bot.id, now + Duration::from_secs(9)).await.unwrap();
    let seen = suite.store.renew_bot(bot.id, &lease, lease.expires_at).await.unwrap().unwrap();
    assert_eq!(seen.leave_requested_at, Some(now));
}

async fn pictured(suite: &Conformance, bot: &Bot, recorded_at: Timestamp) -> Screenshot {
    let id = ScreenshotId::generate_at(recorded_at, &suite.env);
    let shot = Screenshot { id, recorded_at, file: format!("{id}.png") };
    suite.store.add_screenshot(bot.id, &shot).await.unwrap();
    shot
}

pub async fn screenshots_stay_in_their_workspace(suite: &Conformance) {
    let workspace = suite.workspace().await;
    let bot = added(suite, workspace).await;
    let shot = pictured(suite, &bot, suite.env.now()).await;
    assert_eq!(suite.store.screenshots(workspace, bot.id).await.unwrap(), [shot]);
    assert!(suite.store.screenshots(WorkspaceId::generate(&suite.env), bot.id).await.unwrap().is_empty());
}

pub async fn a_bots_screenshots_are_deleted_by_its_own_workspace(suite: &Conformance) {
    let workspace = suite.workspace().await;
    let (bot, other) = (added(suite, workspace).await, added(suite, workspace).await);
    let now = suite.env.now();
    let mut shots = vec![pictured(suite, &bot, now).await, pictured(suite, &bot, now).await];
    let kept = pictured(suite, &other, now).await;
    let elsewhere = WorkspaceId::generate(&suite.env);
    assert!(suite.store.delete_screenshots(elsewhere, bot.id).await.unwrap().is_empty());
    let mut deleted = suite.store.delete_screenshots(workspace, bot.id).await.unwrap();
    deleted.sort_by_key(|shot| shot.id);
    shots.sort_by_key(|shot| shot.id);
    assert_eq!(deleted, shots, "the caller deletes their files");
    assert!(suite.store.delete_screenshots(workspace, bot.id).await.unwrap().is_empty());
    assert!(suite.store.screenshots(workspace, bot.id).await.unwrap().is_empty());
    assert_eq!(suite.store.screenshots(workspace, other.id).await.unwrap(), [kept]);
}

pub async fn old_screenshots_are_deleted_in_batches_oldest_first(suite: &Conformance) {
    let workspace = suite.workspace().await;
    let bot = added(suite, workspace).await;
    let now = suite.env.now();
    let mut shots = Vec::new();
    for age in (0..4).rev() {
        shots.push(pictured(suite, &bot, now - Duration::from_secs(age)).await);
    }
    let left = async || suite.store.screenshots(workspace, bot.id).await.unwrap();
    assert_eq!(suite.store.forget_screenshots(now, 2).await.unwrap(), 2);
    assert_eq!(left().await, shots[2..]);
    assert_eq!(suite.store.forget_screenshots(now, 2).await.unwrap(), 1);
    assert_eq!(suite.store.forget_screenshots(now, 2).await.unwrap(), 0, "a picture of this moment stays");
    assert_eq!(left().await, shots[3..]);

    let ids: Vec<_> = shots.iter().map(|shot| shot.id).collect();
    assert_eq!(suite.store.recorded_screenshots(&ids).await.unwrap(), ids[3..]);
    assert!(suite.store.recorded_screenshots(&[]).await.unwrap().is_empty());
}

pub async fn bots_that_ended_long_ago_are_deleted(suite: &Conformance) {
    let workspace = suite.workspace().await;
    let mut alive = bot(suite, workspace);
    alive.join_at = Some(suite.env.now() + Duration::from_secs(3600));
    suite.store.add_bot(&alive, None).await.unwrap();
    let mut ended = Vec::new();
    for age in [30, 20, 10] {
        let (bot, lease) = leased(suite, workspace).await;
        let at = suite.env.now() + Duration::from_secs(100 - age);
        let fatal = StatusChange { created_at: at, ..step(suite, BotStatus::Fatal) };
        assert_eq!(suite.store.record_step(bot.id, &lease, &fatal).await.unwrap(), Transition::Recorded);
        pictured(suite, &bot, at).await;
        ended.push((bot.id, at));
    }
    let (_, last) = ended[2];
    assert_eq!(suite.store.forget_ended_bots(last, 1).await.unwrap(), 1);
    assert_eq!(suite.store.forget_ended_bots(last, 9).await.unwrap(), 1);
    assert_eq!(
        suite.store.forget_ended_bots(last, 9).await.unwrap(),
        0,
        "a bot that ended at that moment stays"
    );
    let left = suite.store.bots(workspace, &BotFilter::default(), 0, 9).await.unwrap().bots;
    let mut left: Vec<_> = left.iter().map(|bot| bot.id).collect();
    left.sort_unstable();
    let mut kept = [alive.id, ended[2].0];
    kept.sort_unstable();
    assert_eq!(left, kept);
}

fn changed(suite: &Conformance, join_at: Option<Timestamp>) -> BotChange {
    BotChange {
        request: suite.sealed(),
        meeting_digest: suite.env.entropy.bytes(),
        join_at,
        metadata: BTreeMap::from([("moved".to_owned(), "yes".to_owned())]),
        picture: PictureChange::Keep,
        signs_in_with: SignsInWith::default(),
    }
}

pub async fn a_bot_is_changed_until_its_first_step(suite: &Conformance) {
    let (workspace, other) = (suite.workspace().await, WorkspaceId::generate(&suite.env));
    let later = suite.env.now() + Duration::from_secs(3600);
    let (made, lease) = leased(suite, workspace).await;
    let change = changed(suite, Some(later));
    let try_to = async |workspace, old: Sealed| {
        suite.store.change_bot(workspace, made.id, &old, &change).await.unwrap()
    };
    assert!(matches!(try_to(other, made.request.clone()).await, BotChanged::Unknown));
    assert!(matches!(try_to(workspace, suite.sealed()).await, BotChanged::Meanwhile));
    let BotChanged::Done(shown) = try_to(workspace, made.request.clone()).await else {
        panic!("not changed")
    };
    let row = suite.store.bot(workspace, made.id).await.unwrap().unwrap();
    for bot in [shown, row] {
        assert_eq!((bot.request, bot.join_at), (change.request.clone(), Some(later)));
        assert_eq!((bot.meeting_digest, bot.metadata), (change.meeting_digest, change.metadata.clone()));
        assert_eq!(bot.status_changes, made.status_changes);
    }
    // The server that leased the bot before the change can't begin, and no server leases it before its new time.
    let joining = step(suite, BotStatus::JoiningCall);
    assert_eq!(suite.store.record_step(made.id, &lease, &joining).await.unwrap(), Transition::LeaseLost);
    assert!(lease_at(suite, suite.env.now(), 60, 1).await.is_empty());
    let (row, lease) = lease_at(suite, later, 60, 1).await.pop().unwrap();
    assert_eq!(suite.store.record_step(row.id, &lease, &joining).await.unwrap(), Transition::Recorded);
    assert!(matches!(try_to(workspace, change.request.clone()).await, BotChanged::TooLate(_)));

    let leaving = added(suite, workspace).await;
    suite.store.request_leave(workspace, leaving.id, suite.env.now()).await.unwrap();
    let tried = suite.store.change_bot(workspace, leaving.id, &leaving.request, &change).await.unwrap();
    assert!(matches!(tried, BotChanged::TooLate(bot) if bot.leave_requested_at.is_some()));
}

pub async fn a_bot_is_cancelled_until_its_first_step(suite: &Conformance) {
    let (workspace, other) = (suite.workspace().await, WorkspaceId::generate(&suite.env));
    let (made, lease) = leased(suite, workspace).await;
    pictured(suite, &made, suite.env.now()).await;
    let joining = step(suite, BotStatus::JoiningCall);
    let cancel = async |workspace, id| suite.store.cancel_bot(workspace, id).await.unwrap();
    assert!(matches!(cancel(other, made.id).await, BotChanged::Unknown));
    assert!(matches!(cancel(workspace, made.id).await, BotChanged::Done(bot) if bot.id == made.id));
    assert!(matches!(cancel(workspace, made.id).await, BotChanged::Unknown));
    assert!(suite.store.bot(workspace, made.id).await.unwrap().is_none());
    assert_eq!(suite.store.record_step(made.id, &lease, &joining).await.unwrap(), Transition::LeaseLost);
    assert!(suite.store.renew_bot(made.id, &lease, lease.expires_at).await.unwrap().is_none());

    let (begun, lease) = leased(suite, workspace).await;
    assert_eq!(suite.store.record_step(begun.id, &lease, &joining).await.unwrap(), Transition::Recorded);
    let BotChanged::TooLate(bot) = cancel(workspace, begun.id).await else { panic!("cancelled") };
    assert_eq!(bot.status(), BotStatus::JoiningCall);
    assert!(suite.store.bot(workspace, begun.id).await.unwrap().is_some());
}

pub async fn a_bot_is_either_cancelled_or_joins(suite: &Conformance) {
    let workspace = suite.workspace().await;
    let joining = step(suite, BotStatus::JoiningCall);
    for _ in 0..ROUNDS {
        let made = added(suite, workspace).await;
        // Servers lease the due bot and take the first step, while callers cancel and reschedule it.
        let servers = join_all((0..CALLERS).map(|_| async {
            let Some((bot, lease)) = lease_at(suite, suite.env.now(), 60, 1).await.pop() else {
                return false;
            };
            suite.store.record_step(bot.id, &lease, &joining).await.unwrap() == Transition::Recorded
        }));
        let cancels = join_all((0..CALLERS).map(|_| async {
            matches!(suite.store.cancel_bot(workspace, made.id).await.unwrap(), BotChanged::Done(_))
        }));
        let later = Some(suite.env.now() + Duration::from_secs(3600));
        let change = changed(suite, later);
        let one_move = suite.store.change_bot(workspace, made.id, &made.request, &change);
        let (joined, cancelled, moved) = join3(servers, cancels, one_move).await;
        let count = |answers: Vec<bool>| answers.into_iter().filter(|yes| *yes).count();
        let (joined, cancelled) = (count(joined), count(cancelled));
        let moved = matches!(moved.unwrap(), BotChanged::Done(_));
        let left = suite.store.bot(workspace, made.id).await.unwrap();
        assert!(joined + cancelled <= 1, "joined {joined} times, cancelled {cancelled} times");
        assert_eq!(cancelled == 1, left.is_none());
        if let Some(bot) = left {
            assert_eq!(joined == 1, bot.status() == BotStatus::JoiningCall);
            assert!(!(moved && joined == 1), "it joined at its old time after it was rescheduled");
            assert_eq!(moved, bot.join_at == later);
        }
    }
}
