//! Real-time endpoints of bots.
#![expect(missing_docs, reason = "the names say it")]
#![expect(clippy::unwrap_used, reason = "a test may fail loudly")]

use std::time::Duration;

use futures_util::future::join;
use model::{
    BotId, BotStatus, LeaseToken, MeetingEventsId, RealtimeEndpointId, RealtimeState, Timestamp, WorkspaceId,
};

use crate::{
    Conformance, ROUNDS,
    bots::{leased, step},
    events::event,
};
use store::{
    Bot, Lease, MeetingEventBatch, RealtimeEndpoint, RealtimeNext, RealtimeProgress, RealtimeShares,
};

const SECOND: Duration = Duration::from_secs(1);
const NOTHING_TOLD: RealtimeProgress =
    RealtimeProgress { state: RealtimeState::Waiting, told: 0, failures: 0, failing_since: None };

fn endpoint(bot: &Bot, place: u8) -> RealtimeEndpoint {
    let (id, workspace) = (RealtimeEndpointId::of_bot(bot.id, place), bot.workspace);
    RealtimeEndpoint { id, bot: bot.id, workspace, place, progress: NOTHING_TOLD }
}

/// A leased bot with this number of endpoints.
async fn added(suite: &Conformance, endpoints: u8) -> (Bot, Lease) {
    let workspace = suite.workspace().await;
    let (bot, lease) = leased(suite, workspace).await;
    let endpoints: Vec<_> = (0..endpoints).map(|place| endpoint(&bot, place)).collect();
    suite.store.add_realtime_endpoints(&lease, &endpoints).await.unwrap();
    (bot, lease)
}

async fn happens(suite: &Conformance, (bot, lease): &(Bot, Lease), number: u64) {
    let batch = MeetingEventBatch {
        id: MeetingEventsId::generate(&suite.env),
        bot: bot.id,
        workspace: bot.workspace,
        first: number,
        last: number,
        events: suite.sealed(),
        captions: None,
        kept_for: SECOND,
    };
    suite.store.append_meeting_events(lease, &batch, suite.env.now()).await.unwrap();
}

async fn lease(suite: &Conformance, at: Timestamp) -> Vec<(RealtimeEndpoint, Lease)> {
    let tokens = LeaseToken::generate_many(&suite.env, 9);
    leased_of(suite, at, RealtimeShares { full: &[], most: 9 }, &tokens).await
}

async fn leased_of(
    suite: &Conformance,
    at: Timestamp,
    shares: RealtimeShares<'_>,
    tokens: &[LeaseToken],
) -> Vec<(RealtimeEndpoint, Lease)> {
    let until = at + 60 * SECOND;
    let leased = suite.store.lease_due_realtime_endpoints(tokens, shares, at, until).await.unwrap();
    leased.into_iter().map(|(endpoint, lease, _)| (endpoint, lease)).collect()
}

pub async fn a_workspace_has_a_part_of_the_slots(suite: &Conformance) {
    let busy = added(suite, 5).await;
    let other = suite.workspace_row(WorkspaceId::generate(&suite.env));
    suite.store.add_workspace(&other, &suite.api_key(other.id)).await.unwrap();
    let (bot, held) = leased(suite, other.id).await;
    suite.store.add_realtime_endpoints(&held, &[endpoint(&bot, 0)]).await.unwrap();
    happens(suite, &busy, 1).await;
    let quiet = (bot, held);
    happens(suite, &quiet, 1).await;
    let now = suite.env.now();
    let claims = async |full: &[WorkspaceId], most: u32, places: usize| {
        let tokens: Vec<_> = (0..places).map(|_| LeaseToken::generate(&suite.env)).collect();
        let leased = leased_of(suite, now, RealtimeShares { full, most }, &tokens).await;
        let of = |workspace| leased.iter().filter(|(endpoint, _)| endpoint.workspace == workspace).count();
        (of(busy.0.workspace), of(quiet.0.workspace))
    };
    assert_eq!(claims(&[quiet.0.workspace], 2, 9).await, (2, 0), "the other workspace has used its share");
    assert_eq!(claims(&[], 9, 2).await, (1, 1), "they take turns");
    assert_eq!(claims(&[busy.0.workspace], 9, 9).await, (0, 0));
    assert_eq!(claims(&[], 9, 9).await, (2, 0), "all endpoints are claimed");
}

async fn told(suite: &Conformance, (endpoint, lease): &(RealtimeEndpoint, Lease), number: u64) -> bool {
    let progress = RealtimeProgress { state: RealtimeState::Running, told: number, ..NOTHING_TOLD };
    suite.store.record_realtime_progress(endpoint.id, lease, &progress, None).await.unwrap()
}

async fn settled(
    suite: &Conformance,
    (endpoint, lease): &(RealtimeEndpoint, Lease),
    next: RealtimeNext,
) -> Option<bool> {
    suite.store.settle_realtime_endpoint(endpoint.id, lease, next, suite.env.now()).await.unwrap()
}

pub async fn endpoints_are_due_when_there_are_new_events(suite: &Conformance) {
    let bot = added(suite, 2).await;
    let now = suite.env.now();
    assert!(lease(suite, now).await.is_empty());
    happens(suite, &bot, 1).await;
    let mut held = lease(suite, now).await;
    held.sort_by_key(|(endpoint, _)| endpoint.place);
    assert_eq!(held.len(), 2);
    assert!(lease(suite, now).await.is_empty(), "each endpoint once");
    assert!(told(suite, &held[0], 1).await);
    assert_eq!(settled(suite, &held[0], RealtimeNext::Kept).await, Some(false));
    let ids = [held[0].0.id, held[1].0.id];
    assert_eq!(suite.store.due_realtime_endpoints(&ids, now).await.unwrap(), [ids[1]]);
    happens(suite, &bot, 2).await;
    assert_eq!(suite.store.due_realtime_endpoints(&ids[..1], now).await.unwrap(), ids[..1]);
    assert!(lease(suite, now).await.is_empty(), "the worker still has the lease");
    assert!(told(suite, &held[0], 2).await);
    assert_eq!(settled(suite, &held[0], RealtimeNext::Released).await, Some(false));
    assert_eq!(settled(suite, &held[1], RealtimeNext::Released).await, Some(true), "no event was sent to it");
    let [again] = &lease(suite, now).await[..] else { panic!("exactly one of both is due") };
    assert_eq!((again.0.id, again.0.place), (ids[1], 1));
    let listed = suite.store.realtime_endpoints(bot.0.workspace, bot.0.id).await.unwrap();
    assert_eq!(listed.iter().map(|endpoint| endpoint.progress.told).collect::<Vec<_>>(), [2, 0]);
    let elsewhere = WorkspaceId::generate(&suite.env);
    assert!(suite.store.realtime_endpoints(elsewhere, bot.0.id).await.unwrap().is_empty());
}

pub async fn a_failed_endpoint_waits_despite_new_events(suite: &Conformance) {
    let bot = added(suite, 1).await;
    let now = suite.env.now();
    happens(suite, &bot, 1).await;
    let held = lease(suite, now).await.pop().unwrap();
    let failed = RealtimeProgress { failures: 3, failing_since: Some(now), ..NOTHING_TOLD };
    assert!(suite.store.record_realtime_progress(held.0.id, &held.1, &failed, None).await.unwrap());
    assert_eq!(settled(suite, &held, RealtimeNext::Again(now + 5 * SECOND)).await, Some(false));
    happens(suite, &bot, 2).await;
    assert!(lease(suite, now).await.is_empty());
    let (again, _) = lease(suite, now + 5 * SECOND).await.pop().unwrap();
    assert_eq!(again.progress, failed);
}

/// A server whose clock was a day ahead made the attempt.
pub async fn an_impossible_due_time_does_not_delay_an_endpoint(suite: &Conformance) {
    let bot = added(suite, 1).await;
    let now = suite.env.now();
    happens(suite, &bot, 1).await;
    for (pause, is_due) in [(60 * SECOND, false), (91 * SECOND, true), (86_400 * SECOND, true)] {
        let held = lease(suite, now).await.pop().unwrap();
        assert_eq!(settled(suite, &held, RealtimeNext::Again(now + pause)).await, Some(false));
        let due = suite.store.due_realtime_endpoints(&[held.0.id], now).await.unwrap();
        assert_eq!(due.len(), usize::from(is_due), "{pause:?}");
        let early = lease(suite, now).await.pop();
        assert_eq!(early.is_some(), is_due, "{pause:?}");
        let held = if let Some(held) = early { held } else { lease(suite, now + pause).await.pop().unwrap() };
        assert_eq!(settled(suite, &held, RealtimeNext::Again(now)).await, Some(true));
    }
}

pub async fn progress_needs_the_lease(suite: &Conformance) {
    let bot = added(suite, 1).await;
    let now = suite.env.now();
    happens(suite, &bot, 1).await;
    let lost = lease(suite, now).await.pop().unwrap();
    let held = lease(suite, now + 61 * SECOND).await.pop().unwrap();
    let renew = async |of: &(RealtimeEndpoint, Lease)| {
        suite.store.renew_realtime_endpoint(of.0.id, &of.1, now + 99 * SECOND).await.unwrap()
    };
    assert!(renew(&held).await && !renew(&lost).await);
    assert!(!told(suite, &lost, 1).await);
    assert_eq!(settled(suite, &lost, RealtimeNext::Released).await, None);
    assert!(told(suite, &held, 1).await);
}

pub async fn an_endpoint_ends_once_with_its_event(suite: &Conformance) {
    let bot = added(suite, 1).await;
    let (workspace, now) = (bot.0.workspace, suite.env.now());
    let end = step(suite, BotStatus::Fatal);
    suite.store.record_step(bot.0.id, &bot.1, &end).await.unwrap();
    let held = lease(suite, now).await.pop().expect("the bot's end makes it due");
    let done = RealtimeProgress { state: RealtimeState::Done, ..NOTHING_TOLD };
    let says_so = event(suite, workspace, ("realtime_endpoint.done", "it"), now);
    let record = async || {
        suite.store.record_realtime_progress(held.0.id, &held.1, &done, Some(&says_so)).await.unwrap()
    };
    assert!(record().await);
    assert!(!record().await, "its lease has ended");
    let events = suite.store.events(workspace, 0, &store::EventFilter::default(), 9).await.unwrap();
    assert_eq!(events.iter().filter(|event| event.event.id == says_so.id).count(), 1);
    assert!(lease(suite, now + 99 * SECOND).await.is_empty());
    assert_eq!(suite.store.forget_ended_bots(now + SECOND, 9).await.unwrap(), 1);
    assert!(suite.store.realtime_endpoints(workspace, bot.0.id).await.unwrap().is_empty());
}

pub async fn endpoints_of_a_bot_that_runs_again_are_not_changed(suite: &Conformance) {
    let bot = added(suite, 1).await;
    happens(suite, &bot, 1).await;
    let held = lease(suite, suite.env.now()).await.pop().unwrap();
    assert!(told(suite, &held, 1).await);
    let both = [endpoint(&bot.0, 0), endpoint(&bot.0, 1)];
    let another = suite.lease(60);
    suite.store.add_realtime_endpoints(&another, &both).await.unwrap();
    let listed = async || suite.store.realtime_endpoints(bot.0.workspace, bot.0.id).await.unwrap();
    assert_eq!(listed().await.len(), 1, "this is not the current lease");
    suite.store.add_realtime_endpoints(&bot.1, &both).await.unwrap();
    let told: Vec<_> = listed().await.iter().map(|endpoint| endpoint.progress.told).collect();
    assert_eq!(told, [1, 0]);
    let nobody = BotId::generate(&suite.env);
    assert!(suite.store.realtime_endpoints(bot.0.workspace, nobody).await.unwrap().is_empty());
}

/// One transaction records that there are no more events, and another adds an event at the same time: one of them sees the
/// other's change.
pub async fn events_during_the_settling_of_an_endpoint_are_not_missed(suite: &Conformance) {
    let bot = added(suite, 1).await;
    let now = suite.env.now();
    happens(suite, &bot, 1).await;
    for round in 1..=u64::try_from(ROUNDS).unwrap() {
        let held = lease(suite, now).await.pop().unwrap();
        assert!(told(suite, &held, round).await);
        join(settled(suite, &held, RealtimeNext::Released), happens(suite, &bot, round + 1)).await;
        assert_eq!(suite.store.due_realtime_endpoints(&[held.0.id], now).await.unwrap(), [held.0.id]);
    }
}

pub async fn new_events_wake_waiting_callers(suite: &Conformance) {
    let bot = added(suite, 1).await;
    let (seen, ()) = join(suite.store.meetings_written(0), happens(suite, &bot, 1)).await;
    assert_eq!(seen, 1);
}
