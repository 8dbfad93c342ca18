//! Bots: rows that supervisors lease.
#![expect(missing_docs, reason = "the names say it")]
#![expect(clippy::unwrap_used, reason = "a test may fail loudly")]

use std::{
    collections::{BTreeMap, BTreeSet},
    time::Duration,
};

use futures_util::future::{join_all, join3};
use model::{
    BotId, BotStatus, CredentialId, LeaseToken, PoolId, ScreenshotId, Sealed, StatusChange, SubCode,
    Timestamp, WorkspaceId,
};

use crate::{CALLERS, Conformance, ROUNDS};
use store::{
    Bot, BotChange, BotChanged, BotDemand, BotFilter, BotServer, Lease, PictureChange, Screenshot,
    SignsInWith, Transition,
};

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

async fn lease_at(suite: &Conformance, at: Timestamp, seconds: u64, most: usize) -> Vec<(Bot, Lease)> {
    lease_until(suite, at, (at, at + Duration::from_secs(seconds)), most).await
}

/// Leases what is due `until`.
async fn lease_until(
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

pub async fn an_absurd_lease_keeps_no_bot(suite: &Conformance) {
    let workspace = suite.workspace().await;
    let made = added(suite, workspace).await;
    let now = suite.env.now();
    assert_eq!(
        lease_at(suite, now + Duration::from_secs(6 * 3600), 60, 1).await.len(),
        1,
        "by a wrong clock"
    );
    let taken = lease_at(suite, now, 60, 1).await;
    assert_eq!(taken.iter().map(|(bot, _)| bot.id).collect::<Vec<_>>(), [made.id]);
    assert!(lease_at(suite, now, 60, 1).await.is_empty());
}

pub async fn a_bot_comes_back_whole(suite: &Conformance) {
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

pub async fn lists_are_newest_first_and_stable(suite: &Conformance) {
    let workspace = suite.workspace().await;
    let mut ids = Vec::new();
    for _ in 0..7 {
        ids.push(added(suite, workspace).await.id);
    }
    // All have the same time: the id decides, and pages neither repeat nor omit a bot.
    ids.sort_unstable_by(|a, b| b.cmp(a));
    let mut seen = Vec::new();
    for page in 0..4 {
        let page = suite.store.bots(workspace, &BotFilter::default(), page, 2).await.unwrap();
        assert_eq!(page.count, 7);
        seen.extend(page.bots.iter().map(|bot| bot.id));
    }
    assert_eq!(seen, ids);
    let beyond = suite.store.bots(workspace, &BotFilter::default(), u64::MAX, 2).await.unwrap();
    assert!(beyond.bots.is_empty());
    let elsewhere = WorkspaceId::generate(&suite.env);
    assert_eq!(suite.store.bots(elsewhere, &BotFilter::default(), 0, 2).await.unwrap().count, 0);
}

pub async fn filters_narrow(suite: &Conformance) {
    let workspace = suite.workspace().await;
    let (joining, _) = leased(suite, workspace).await;
    let mut labelled = bot(suite, workspace);
    labelled.metadata = BTreeMap::from([("a".into(), "1".into()), ("b".into(), "2".into())]);
    labelled.join_at = Some(suite.env.now() + Duration::from_secs(3600));
    suite.store.add_bot(&labelled, None).await.unwrap();

    let only = async |filter: BotFilter| {
        let page = suite.store.bots(workspace, &filter, 0, 10).await.unwrap();
        assert_eq!(page.count, page.bots.len() as u64);
        page.bots.iter().map(|bot| bot.id).collect::<Vec<_>>()
    };
    let both = vec![BotStatus::Ready, BotStatus::Done];
    assert_eq!(only(BotFilter { status: both, ..Default::default() }).await.len(), 2);
    assert!(only(BotFilter { status: vec![BotStatus::Fatal], ..Default::default() }).await.is_empty());
    let same_meeting = BotFilter { meeting_digest: Some(joining.meeting_digest), ..Default::default() };
    assert_eq!(only(same_meeting).await, [joining.id]);
    let later = BotFilter { join_at_after: Some(suite.env.now()), ..Default::default() };
    assert_eq!(only(later).await, [labelled.id]);
    let earlier = BotFilter { join_at_before: Some(suite.env.now()), ..Default::default() };
    assert!(only(earlier).await.is_empty());
    let labels = |pairs: &[(&str, &str)]| BotFilter {
        metadata: pairs.iter().map(|(key, value)| ((*key).into(), (*value).into())).collect(),
        ..Default::default()
    };
    assert_eq!(only(labels(&[("a", "1"), ("b", "2")])).await, [labelled.id]);
    assert!(only(labels(&[("a", "1"), ("b", "3")])).await.is_empty());
    assert!(only(labels(&[("a' OR 1=1 --", "1")])).await.is_empty());
}

pub async fn due_bots_are_leased_once(suite: &Conformance) {
    let workspace = suite.workspace().await;
    let now = suite.env.now();
    let mut later = bot(suite, workspace);
    later.join_at = Some(now + Duration::from_secs(10));
    suite.store.add_bot(&later, None).await.unwrap();
    for _ in 0..3 {
        added(suite, workspace).await;
    }
    assert_eq!(lease_at(suite, now, 60, 2).await.len(), 2);
    assert_eq!(lease_at(suite, now, 60, 9).await.len(), 1);
    assert!(lease_at(suite, now, 60, 9).await.is_empty());
    let due = lease_at(suite, now + Duration::from_secs(10), 60, 9).await;
    assert_eq!(due.iter().map(|(bot, _)| bot.id).collect::<Vec<_>>(), [later.id]);
}

pub async fn supervisors_at_once_share_the_bots(suite: &Conformance) {
    let workspace = suite.workspace().await;
    let mut ids = BTreeSet::new();
    for _ in 0..2 * CALLERS {
        ids.insert(added(suite, workspace).await.id);
    }
    for round in (0..).take(ROUNDS) {
        let at = suite.env.now() + Duration::from_secs(60 * round);
        let claims = join_all((0..CALLERS).map(|_| lease_at(suite, at, 60, 4))).await;
        let claimed: Vec<_> = claims.into_iter().flatten().map(|(bot, _)| bot.id).collect();
        let once: BTreeSet<_> = claimed.iter().copied().collect();
        assert_eq!(claimed.len(), once.len(), "no bot has two supervisors");
        let rest = lease_at(suite, at, 60, ids.len()).await.into_iter().map(|(bot, _)| bot.id);
        assert_eq!(once.into_iter().chain(rest).collect::<BTreeSet<_>>(), ids, "none is lost");
    }
}

pub async fn of_steps_at_once_none_follows_the_last(suite: &Conformance) {
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

pub async fn a_lapsed_bot_is_leased_again(suite: &Conformance) {
    let workspace = suite.workspace().await;
    let (bot, old) = leased(suite, workspace).await;
    let lapsed = suite.env.now() + Duration::from_secs(60);
    let (again, new) = lease_at(suite, lapsed, 60, 1).await.pop().unwrap();
    assert_eq!(again.id, bot.id);
    assert!(suite.store.renew_bot(bot.id, &old, lapsed).await.unwrap().is_none());
    assert!(suite.store.renew_bot(bot.id, &new, lapsed).await.unwrap().is_some());
    assert!(!suite.store.release_bot(bot.id, &old).await.unwrap());
    assert!(suite.store.release_bot(bot.id, &new).await.unwrap());
    let again = lease_at(suite, suite.env.now(), 60, 1).await;
    let [(given_back, lease)] = &again[..] else { panic!("released: free at once") };
    assert_eq!(given_back.leased_until, None);
    let much_later = lease_at(suite, lease.expires_at + Duration::from_secs(3600), 60, 1).await;
    assert_eq!(much_later[0].0.leased_until, Some(lease.expires_at), "when its last lease ended");
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

pub async fn leaving_is_asked_once(suite: &Conformance) {
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

pub async fn servers_that_run_bots_are_known_with_their_capacity(suite: &Conformance) {
    let (now, hour) = (suite.env.now(), Duration::from_secs(3600));
    let see = async |id: &str, capacity, seen_at, forget| {
        let server = BotServer { id: id.to_owned(), capacity, seen_at };
        suite.store.see_bot_server(&server, forget).await.unwrap();
        server
    };
    let servers = async || suite.store.bot_servers(now + hour * 3).await.unwrap();
    assert!(servers().await.is_empty());
    see("one", 8, now, now).await;
    let two = see("two", 4, now + hour, now).await;
    let one = see("one", 6, now + hour / 2, now).await;
    assert_eq!(servers().await, [two, one], "the last one first");
    let one = see("one", 0, now + hour * 3, now + hour * 2).await;
    assert_eq!(servers().await, std::slice::from_ref(&one), "and the other is forgotten");
    see("of a wrong clock", 9, now + hour * 9, now).await;
    assert_eq!(servers().await, [one], "what is from the future says nothing");
}

pub async fn bots_are_leased_ahead_of_their_time(suite: &Conformance) {
    let workspace = suite.workspace().await;
    let now = suite.env.now();
    let mut later = bot(suite, workspace);
    later.join_at = Some(now + Duration::from_secs(30));
    suite.store.add_bot(&later, None).await.unwrap();
    let ends = (now, now + Duration::from_secs(60));
    assert!(lease_until(suite, now + Duration::from_secs(29), ends, 9).await.is_empty());
    let ahead = lease_until(suite, now + Duration::from_secs(30), ends, 9).await;
    assert_eq!(ahead.iter().map(|(bot, _)| bot.id).collect::<Vec<_>>(), [later.id]);
    assert_eq!(ahead[0].0.status(), BotStatus::Ready, "it can still be changed and cancelled");
}

pub async fn the_demand_for_places_knows_the_limits(suite: &Conformance) {
    let (free, limited) = (suite.workspace().await, another(suite).await);
    let now = suite.env.now();
    let demand =
        async |seconds| suite.store.bot_demand(now + Duration::from_secs(seconds), now).await.unwrap();
    assert_eq!(demand(0).await, BotDemand::default());
    let mut later = bot(suite, free);
    later.join_at = Some(now + Duration::from_secs(60));
    suite.store.add_bot(&later, None).await.unwrap();
    added(suite, free).await;
    let (ended, lease) = leased(suite, free).await;
    assert_eq!(demand(0).await, BotDemand { needed: 2, waiting: 1 });
    assert_eq!(demand(60).await, BotDemand { needed: 3, waiting: 2 });
    let fatal = step(suite, BotStatus::Fatal);
    assert_eq!(suite.store.record_step(ended.id, &lease, &fatal).await.unwrap(), Transition::Recorded);
    assert_eq!(demand(0).await, BotDemand { needed: 1, waiting: 1 });
    assert!(suite.store.limit_bots(limited, Some(2)).await.unwrap());
    for _ in 0..5 {
        added(suite, limited).await;
    }
    assert_eq!(demand(0).await, BotDemand { needed: 3, waiting: 3 });
    assert_eq!(lease_at(suite, now, 45, 9).await.len(), 3);
    assert_eq!(demand(0).await, BotDemand { needed: 3, waiting: 0 });
}

pub async fn workspaces_share_what_is_free(suite: &Conformance) {
    let (greedy, modest) = (suite.workspace().await, another(suite).await);
    for _ in 0..10 {
        added(suite, greedy).await;
    }
    let late = [added(suite, modest).await.id, added(suite, modest).await.id];
    let taken = lease_at(suite, suite.env.now(), 60, 6).await;
    let theirs = taken.iter().filter(|(bot, _)| late.contains(&bot.id)).count();
    assert_eq!((taken.len(), theirs), (6, 2), "who came later with few does not wait for who came with many");
    // Running bots count: the next free place is for the workspace that has fewer.
    let third = added(suite, modest).await;
    let next = lease_at(suite, suite.env.now(), 60, 1).await.pop().unwrap().0;
    assert_eq!(next.id, third.id);
    let rest = lease_at(suite, suite.env.now(), 60, 20).await;
    assert_eq!(rest.len(), 6, "every free place is used");
}

pub async fn a_workspace_runs_no_more_bots_than_its_limit(suite: &Conformance) {
    let (limited, free) = (suite.workspace().await, another(suite).await);
    assert!(suite.store.limit_bots(limited, Some(2)).await.unwrap());
    assert_eq!(suite.store.bot_limits().await.unwrap(), [(limited, 2)]);
    for _ in 0..CALLERS {
        added(suite, limited).await;
        added(suite, free).await;
    }
    // Several servers see the same count at once.
    let leasing = (0..CALLERS).map(|_| lease_at(suite, suite.env.now(), 60, 2 * CALLERS));
    let taken: Vec<_> = join_all(leasing).await.into_iter().flatten().collect();
    let theirs: Vec<_> = taken.iter().filter(|(bot, _)| bot.workspace == limited).collect();
    assert_eq!((theirs.len(), taken.len()), (2, 2 + CALLERS));
    // One bot ends, so one may start.
    let (ended, lease) = theirs[0];
    let fatal = step(suite, BotStatus::Fatal);
    assert_eq!(suite.store.record_step(ended.id, lease, &fatal).await.unwrap(), Transition::Recorded);
    assert_eq!(lease_at(suite, suite.env.now(), 60, 9).await.len(), 1);
    assert!(suite.store.limit_bots(limited, None).await.unwrap());
    assert_eq!(lease_at(suite, suite.env.now(), 60, 9).await.len(), CALLERS - 3);
    assert!(!suite.store.limit_bots(WorkspaceId::generate(&suite.env), None).await.unwrap());
}

async fn another(suite: &Conformance) -> WorkspaceId {
    let id = WorkspaceId::generate(&suite.env);
    suite.store.add_workspace(&suite.workspace_row(id), &suite.api_key(id)).await.unwrap();
    id
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
    assert_eq!(deleted, shots, "their files have to follow");
    assert!(suite.store.delete_screenshots(workspace, bot.id).await.unwrap().is_empty());
    assert!(suite.store.screenshots(workspace, bot.id).await.unwrap().is_empty());
    assert_eq!(suite.store.screenshots(workspace, other.id).await.unwrap(), [kept]);
}

pub async fn old_screenshots_go_first_and_few_at_a_time(suite: &Conformance) {
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
    assert_eq!(suite.store.forget_screenshots(now, 2).await.unwrap(), 0, "what is of this moment stays");
    assert_eq!(left().await, shots[3..]);

    let ids: Vec<_> = shots.iter().map(|shot| shot.id).collect();
    assert_eq!(suite.store.recorded_screenshots(&ids).await.unwrap(), ids[3..]);
    assert!(suite.store.recorded_screenshots(&[]).await.unwrap().is_empty());
}

pub async fn what_joins_no_meeting_any_more_is_leased_whatever_the_limit(suite: &Conformance) {
    let workspace = suite.workspace().await;
    assert!(suite.store.limit_bots(workspace, Some(1)).await.unwrap());
    let now = suite.env.now();
    let limit = now + Duration::from_secs(60);
    let close_at = async |at: Timestamp, missed_before: Timestamp| {
        let tokens: Vec<_> = (0..9).map(|_| LeaseToken::generate(&suite.env)).collect();
        let until = at + Duration::from_secs(30);
        let leased = suite.store.lease_bots_to_close(&tokens, missed_before, at, until).await.unwrap();
        leased.into_iter().map(|(bot, _)| bot.id).collect::<Vec<_>>()
    };
    let (running, lease) = leased(suite, workspace).await;
    let joining = step(suite, BotStatus::JoiningCall);
    assert_eq!(suite.store.record_step(running.id, &lease, &joining).await.unwrap(), Transition::Recorded);
    let waiting = added(suite, workspace).await;
    let mut later = bot(suite, workspace);
    later.join_at = Some(now + Duration::from_secs(100));
    suite.store.add_bot(&later, None).await.unwrap();

    assert!(close_at(limit, now).await.is_empty(), "due at that moment is not before it");
    assert_eq!(close_at(limit, now + Duration::from_micros(1)).await, [waiting.id]);
    assert!(close_at(limit, limit).await.is_empty(), "it is held");
    // Its server was last seen when its lease ended.
    let lapsed = limit + Duration::from_secs(1);
    assert!(close_at(lapsed, lease.expires_at).await.is_empty());
    assert_eq!(close_at(lapsed, lease.expires_at + Duration::from_micros(1)).await, [running.id]);

    let called_off = added(suite, workspace).await;
    suite.store.request_leave(workspace, called_off.id, now).await.unwrap();
    assert_eq!(close_at(lapsed, now).await, [called_off.id]);
}

pub async fn bots_that_ended_long_ago_are_forgotten(suite: &Conformance) {
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
    assert_eq!(suite.store.forget_ended_bots(last, 9).await.unwrap(), 0, "what ended at that moment stays");
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
    // The server that had leased it as it was can't begin, and nobody leases it before its new time.
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

pub async fn a_bot_is_cancelled_or_joins_never_both(suite: &Conformance) {
    let workspace = suite.workspace().await;
    let joining = step(suite, BotStatus::JoiningCall);
    for _ in 0..ROUNDS {
        let made = added(suite, workspace).await;
        // Servers lease what is due and take the first step, while callers cancel and move the same bot.
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
            assert!(!(moved && joined == 1), "it joined at a time that it was moved from");
            assert_eq!(moved, bot.join_at == later);
        }
    }
}

async fn taken_to(
    suite: &Conformance,
    workspace: WorkspaceId,
    steps: &[(BotStatus, Option<SubCode>)],
) -> Bot {
    let (bot, lease) = leased(suite, workspace).await;
    for (code, sub_code) in steps {
        let step = StatusChange { sub_code: *sub_code, ..step(suite, *code) };
        assert_eq!(suite.store.record_step(bot.id, &lease, &step).await.unwrap(), Transition::Recorded);
    }
    bot
}

pub async fn bots_are_found_by_sub_code_and_account(suite: &Conformance) {
    use BotStatus::{Fatal, JoiningCall};
    let workspace = suite.workspace().await;
    let refused = (Fatal, Some(SubCode::MeetingRequiresSignIn));
    let turned_away = taken_to(suite, workspace, &[(JoiningCall, None), refused]).await;
    taken_to(suite, workspace, &[(JoiningCall, None), (Fatal, Some(SubCode::MeetingFull))]).await;
    let found = async |filter: BotFilter| {
        let page = suite.store.bots(workspace, &filter, 0, 10).await.unwrap();
        assert_eq!(page.count, page.bots.len() as u64);
        page.bots.into_iter().map(|bot| bot.id).collect::<Vec<_>>()
    };
    let by_code = BotFilter { sub_code: Some(SubCode::MeetingRequiresSignIn), ..BotFilter::default() };
    assert_eq!(found(by_code).await, [turned_away.id]);

    let (one, other) = (CredentialId::generate(&suite.env), CredentialId::generate(&suite.env));
    let with = |account| SignsInWith { account: Some(account), pool: Some(PoolId::generate(&suite.env)) };
    let signed_in = Bot { signs_in_with: with(one), ..bot(suite, workspace) };
    suite.store.add_bot(&signed_in, None).await.unwrap();
    let of = |account| BotFilter { account: Some(account), ..BotFilter::default() };
    assert_eq!(found(of(one)).await, [signed_in.id]);
    let read = suite.store.bot(workspace, signed_in.id).await.unwrap().unwrap();
    assert_eq!(read.signs_in_with, signed_in.signs_in_with);

    let change = BotChange {
        request: suite.sealed(),
        meeting_digest: signed_in.meeting_digest,
        join_at: None,
        metadata: BTreeMap::new(),
        signs_in_with: with(other),
        picture: PictureChange::Keep,
    };
    let changed = suite.store.change_bot(workspace, signed_in.id, &signed_in.request, &change).await.unwrap();
    assert!(matches!(changed, BotChanged::Done(bot) if bot.signs_in_with == change.signs_in_with));
    assert!(found(of(one)).await.is_empty());
    assert_eq!(found(of(other)).await, [signed_in.id]);
}

pub async fn what_bots_came_to_is_counted_by_hour(suite: &Conformance) {
    use BotStatus::{CallEnded, Done, Fatal, InCallNotRecording, JoiningCall};
    let workspace = suite.workspace().await;
    let refused = (Fatal, Some(SubCode::MeetingRequiresSignIn));
    for _ in 0..2 {
        taken_to(suite, workspace, &[(JoiningCall, None), refused]).await;
    }
    taken_to(
        suite,
        workspace,
        &[(JoiningCall, None), (InCallNotRecording, None), (CallEnded, None), (Done, None)],
    )
    .await;
    let now = suite.env.now();
    let outcomes = suite.store.bot_outcomes(workspace, now).await.unwrap();
    let counted: Vec<_> = outcomes.iter().map(|row| (row.code, row.sub_code, row.bots)).collect();
    let fatal = (Fatal, Some(SubCode::MeetingRequiresSignIn), 2);
    assert_eq!(counted, [(Done, None, 1), fatal, (InCallNotRecording, None, 1)]);
    assert!(outcomes.iter().all(|row| row.hour <= now && now.since(row.hour) < Duration::from_secs(3600)));
    let later = now + Duration::from_secs(1);
    assert!(suite.store.bot_outcomes(workspace, later).await.unwrap().is_empty());
    let stranger = WorkspaceId::generate(&suite.env);
    assert!(suite.store.bot_outcomes(stranger, now).await.unwrap().is_empty());
}
