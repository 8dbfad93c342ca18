//! Leases of bots: which bots a server may lease, and how many.
#![expect(missing_docs, reason = "the names say it")]
#![expect(clippy::unwrap_used, reason = "a test may fail loudly")]

use std::{collections::BTreeSet, time::Duration};

use futures_util::future::join_all;
use model::{BotStatus, LeaseToken, Timestamp, WorkspaceId};
use store::{BotDemand, BotServer, Transition, WorkspaceChange};

use crate::{
    CALLERS, Conformance, ROUNDS,
    bots::{added, bot, lease_at, lease_until, leased, step},
};

pub async fn an_absurd_lease_does_not_block_a_bot(suite: &Conformance) {
    let workspace = suite.workspace().await;
    let made = added(suite, workspace).await;
    let now = suite.env.now();
    assert_eq!(
        lease_at(suite, now + Duration::from_secs(6 * 3600), 60, 1).await.len(),
        1,
        "the lease was written by a wrong clock"
    );
    let taken = lease_at(suite, now, 60, 1).await;
    assert_eq!(taken.iter().map(|(bot, _)| bot.id).collect::<Vec<_>>(), [made.id]);
    assert!(lease_at(suite, now, 60, 1).await.is_empty());
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

pub async fn concurrent_supervisors_share_the_bots(suite: &Conformance) {
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
        assert_eq!(once.into_iter().chain(rest).collect::<BTreeSet<_>>(), ids, "all bots are leased");
    }
}

pub async fn a_bot_with_an_expired_lease_is_leased_again(suite: &Conformance) {
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
    let [(given_back, lease)] = &again[..] else { panic!("a released bot is free at once") };
    assert_eq!(given_back.leased_until, None);
    let much_later = lease_at(suite, lease.expires_at + Duration::from_secs(3600), 60, 1).await;
    assert_eq!(much_later[0].0.leased_until, Some(lease.expires_at), "the end of its last lease");
}

pub async fn servers_that_run_bots_are_listed_with_their_capacity(suite: &Conformance) {
    let (now, hour) = (suite.env.now(), Duration::from_secs(3600));
    let see = async |id: &str, capacity, seen_at, forget| {
        let server = BotServer { id: id.to_owned(), capacity, seen_at };
        suite.store.report_bot_server(&server, forget).await.unwrap();
        server
    };
    let servers = async || suite.store.bot_servers(now + hour * 3).await.unwrap();
    assert!(servers().await.is_empty());
    see("one", 8, now, now).await;
    let two = see("two", 4, now + hour, now).await;
    let one = see("one", 6, now + hour / 2, now).await;
    assert_eq!(servers().await, [two, one], "the most recently seen first");
    let one = see("one", 0, now + hour * 3, now + hour * 2).await;
    assert_eq!(servers().await, std::slice::from_ref(&one), "and the other was deleted");
    see("of a wrong clock", 9, now + hour * 9, now).await;
    assert_eq!(servers().await, [one], "a time in the future is ignored");
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

pub async fn the_demand_for_slots_respects_the_limits(suite: &Conformance) {
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
    assert!(limit(suite, limited, Some(2)).await);
    for _ in 0..5 {
        added(suite, limited).await;
    }
    assert_eq!(demand(0).await, BotDemand { needed: 3, waiting: 3 });
    assert_eq!(lease_at(suite, now, 45, 9).await.len(), 3);
    assert_eq!(demand(0).await, BotDemand { needed: 3, waiting: 0 });
}

pub async fn workspaces_share_the_free_slots(suite: &Conformance) {
    let (greedy, modest) = (suite.workspace().await, another(suite).await);
    for _ in 0..10 {
        added(suite, greedy).await;
    }
    let late = [added(suite, modest).await.id, added(suite, modest).await.id];
    let taken = lease_at(suite, suite.env.now(), 60, 6).await;
    let theirs = taken.iter().filter(|(bot, _)| late.contains(&bot.id)).count();
    assert_eq!(
        (taken.len(), theirs),
        (6, 2),
        "a later workspace with few bots does not wait for one with many"
    );
    // Running bots count: the next free slot is for the workspace that has fewer.
    let third = added(suite, modest).await;
    let next = lease_at(suite, suite.env.now(), 60, 1).await.pop().unwrap().0;
    assert_eq!(next.id, third.id);
    let rest = lease_at(suite, suite.env.now(), 60, 20).await;
    assert_eq!(rest.len(), 6, "every free slot is used");
}

pub async fn a_workspace_runs_no_more_bots_than_its_limit(suite: &Conformance) {
    let (limited, free) = (suite.workspace().await, another(suite).await);
    assert!(limit(suite, limited, Some(2)).await);
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
    assert!(limit(suite, limited, None).await);
    assert_eq!(lease_at(suite, suite.env.now(), 60, 9).await.len(), CALLERS - 3);
}

async fn another(suite: &Conformance) -> WorkspaceId {
    let id = WorkspaceId::generate(&suite.env);
    suite.store.add_workspace(&suite.workspace_row(id), &suite.api_key(id)).await.unwrap();
    id
}

pub async fn bots_that_will_not_join_are_leased_despite_the_limit(suite: &Conformance) {
    let workspace = suite.workspace().await;
    assert!(limit(suite, workspace, Some(1)).await);
    let now = suite.env.now();
    let limit = now + Duration::from_secs(60);
    let close_at = async |at: Timestamp, missed_before: Timestamp| {
        let tokens = LeaseToken::generate_many(&suite.env, 9);
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

    assert!(close_at(limit, now).await.is_empty(), "a bot that is due at that moment is not due before it");
    assert_eq!(close_at(limit, now + Duration::from_micros(1)).await, [waiting.id]);
    assert!(close_at(limit, limit).await.is_empty(), "it is leased");
    // Its server was last seen when its lease ended.
    let lapsed = limit + Duration::from_secs(1);
    assert!(close_at(lapsed, lease.expires_at).await.is_empty());
    assert_eq!(close_at(lapsed, lease.expires_at + Duration::from_micros(1)).await, [running.id]);

    let called_off = added(suite, workspace).await;
    suite.store.request_leave(workspace, called_off.id, now).await.unwrap();
    assert_eq!(close_at(lapsed, now).await, [called_off.id]);
}

async fn limit(suite: &Conformance, workspace: WorkspaceId, bots: Option<u32>) -> bool {
    let change = WorkspaceChange { bot_limit: Some(bots), ..WorkspaceChange::default() };
    suite.store.change_workspace(workspace, &change).await.unwrap()
}
