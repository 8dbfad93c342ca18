//! Several servers with wrong clocks call a simulated Zoom that counts the calls in every window of a second.

#![expect(clippy::disallowed_methods, reason = "servers and callers that a test starts and kills")]

use std::{
    collections::HashMap,
    sync::{
        Arc, Mutex,
        atomic::{AtomicBool, AtomicU32, Ordering},
    },
    time::Duration,
};

use async_trait::async_trait;
use model::{
    Clock, Code, Environment, Failure, ManualClock, SeededEntropy, Sleep, Timestamp, ZoomOauthAppId,
};
use proptest::prelude::*;
use store::{StoreError, ZoomLimit, ZoomLimits};
use tokio::task::{AbortHandle, JoinHandle, yield_now};
use tokio_util::task::TaskTracker;
use zoom::{Label, LimitHit, RateLimits};

use crate::zoom_limits::{CHECK_INTERVAL, CallPriority, Charged, Limited, Limits};
use metrics::Metrics;

const SECOND: Duration = Duration::from_secs(1);
const MILLISECOND: Duration = Duration::from_millis(1);
/// The step of the simulated time.
const TICK: Duration = Duration::from_millis(5);

/// The calls of one workspace to one account.
fn account() -> Limited<'static> {
    of_account("account", 1)
}

fn of_account(account: &str, workspace: u32) -> Limited<'_> {
    let workspace = format!("00000000-0000-7000-8000-{workspace:012}").parse().unwrap();
    Limited::Rest(Charged::Account(account, workspace), Label::Light)
}

/// A server's clock: it runs as fast as the others', but is never right.
struct Skewed {
    true_clock: Arc<ManualClock>,
    ahead: Duration,
}

impl Clock for Skewed {
    fn now(&self) -> Timestamp {
        self.true_clock.now() + self.ahead
    }

    fn sleep(&self, span: Duration) -> Sleep {
        self.true_clock.sleep(span)
    }
}

/// The rows that the servers share. They have a latency and can be unavailable.
struct SharedRows {
    clock: Arc<ManualClock>,
    latency: Duration,
    away: AtomicBool,
    limits: Mutex<HashMap<String, ZoomLimit>>,
    writes: AtomicU32,
}

impl SharedRows {
    async fn reach(&self) -> Result<(), StoreError> {
        self.clock.sleep(self.latency).await;
        if self.away.load(Ordering::SeqCst) {
            return Err(StoreError::Unavailable("away".into()));
        }
        Ok(())
    }
}

#[async_trait]
impl ZoomLimits for SharedRows {
    async fn zoom_limit(&self, key: &str) -> Result<Option<ZoomLimit>, StoreError> {
        self.reach().await?;
        Ok(self.limits.lock().unwrap().get(key).cloned())
    }

    async fn replace_zoom_limit(&self, limit: &ZoomLimit) -> Result<bool, StoreError> {
        self.reach().await?;
        self.writes.fetch_add(1, Ordering::SeqCst);
        let is_first = {
            let mut limits = self.limits.lock().unwrap();
            let current = limits.get(&limit.lane).map_or(0, |limit| limit.version);
            let stored = ZoomLimit { version: current + 1, ..limit.clone() };
            let taken = current == limit.version;
            if taken {
                limits.insert(limit.lane.clone(), stored);
            }
            taken
        };
        // The latency of the answer.
        self.reach().await?;
        Ok(is_first)
    }

    async fn forget_zoom_limits(&self, _before: Timestamp) -> Result<u64, StoreError> {
        Ok(0)
    }
}

/// A Zoom that allows `per_second` calls in any window of a second, and states this limit.
struct Zoom {
    clock: Arc<ManualClock>,
    per_second: u32,
    counted: Mutex<Vec<Timestamp>>,
    refused: AtomicU32,
}

impl Zoom {
    /// One call: it is counted after `there`, and the answer arrives after `back`.
    async fn call(&self, there: Duration, back: Duration) -> RateLimits {
        self.clock.sleep(there).await;
        let limits = {
            let now = self.clock.now();
            let mut counted = self.counted.lock().unwrap();
            let lately = counted.iter().filter(|at| now.since(**at) < SECOND).count();
            counted.push(now);
            let over = lately >= self.per_second as usize;
            let refused = over.then_some(LimitHit { retry_after: Some(SECOND), daily: false });
            self.refused.fetch_add(over.into(), Ordering::SeqCst);
            RateLimits { per_second: std::num::NonZeroU32::new(self.per_second), refused }
        };
        self.clock.sleep(back).await;
        limits
    }

    fn answered(&self) -> usize {
        self.counted.lock().unwrap().len()
    }
}

/// Servers that share rows.
struct World {
    clock: Arc<ManualClock>,
    rows: Arc<SharedRows>,
    zoom: Arc<Zoom>,
    entropy: Arc<SeededEntropy>,
    servers: Vec<Server>,
}

struct Server {
    limits: Arc<Limits>,
    env: Environment,
    tending: JoinHandle<()>,
    callers: Mutex<Vec<AbortHandle>>,
}

/// Returns when it got its turn.
type Call = JoinHandle<Result<Timestamp, Failure>>;

impl World {
    fn new(per_second: u32, ahead: &[Duration], store_latency: Duration, seed: u64) -> Self {
        let clock = Arc::new(ManualClock::new(Timestamp::from_second(1_800_000_000)));
        let rows = Arc::new(SharedRows {
            clock: clock.clone(),
            latency: store_latency,
            away: AtomicBool::new(false),
            limits: Mutex::default(),
            writes: AtomicU32::new(0),
        });
        let zoom = Arc::new(Zoom {
            clock: clock.clone(),
            per_second,
            counted: Mutex::default(),
            refused: AtomicU32::new(0),
        });
        let entropy = Arc::new(SeededEntropy::new(seed));
        let mut world = Self { clock, rows, zoom, entropy, servers: Vec::new() };
        for ahead in ahead {
            let server = world.start(*ahead);
            world.servers.push(server);
        }
        world
    }

    fn start(&self, ahead: Duration) -> Server {
        let clock = Arc::new(Skewed { true_clock: self.clock.clone(), ahead });
        let env = Environment { clock, entropy: self.entropy.clone() };
        let limits = Arc::new(Limits::new(self.rows.clone(), &env, TaskTracker::new(), Metrics::default()));
        let (tended, clock) = (Arc::clone(&limits), self.clock.clone());
        let tending = tokio::spawn(async move {
            loop {
                clock.sleep(CHECK_INTERVAL).await;
                tended.check().await;
            }
        });
        Server { limits, env, tending, callers: Mutex::default() }
    }

    /// A server dies with its callers and its slots, and another replaces it. Calls that it has sent are still in flight.
    fn replace(&mut self, index: usize, ahead: Duration) {
        let next = self.start(ahead);
        let dead = std::mem::replace(&mut self.servers[index], next);
        dead.tending.abort();
        for caller in dead.callers.into_inner().unwrap() {
            caller.abort();
        }
    }

    fn millis(&self, most: u64) -> Duration {
        Duration::from_millis(u64::from_le_bytes(self.servers[0].env.entropy.bytes()) % (most + 1))
    }

    /// A call on this server; returns when it got its turn.
    fn call(&self, server: usize, by: Duration, max_wait: Duration, latency: Duration) -> Call {
        let Server { limits, env, callers, .. } = &self.servers[server];
        let (limits, zoom, clock) = (Arc::clone(limits), Arc::clone(&self.zoom), self.clock.clone());
        let (there, back) = (latency / 3 * 2, latency / 3);
        let priority = CallPriority::for_join(env.now() + by, max_wait);
        let call = tokio::spawn(async move {
            let turn = limits.turn(account(), priority).await?;
            let begun_at = clock.now();
            // The call continues even if its caller is gone.
            let answer = tokio::spawn(async move { zoom.call(there, back).await });
            turn.observe(&answer.await.unwrap());
            Ok(begun_at)
        });
        callers.lock().unwrap().push(call.abort_handle());
        call
    }

    /// Advances the time in small steps, and lets all tasks run in each.
    async fn pass(&self, span: Duration) {
        let end = self.clock.now() + span;
        while self.clock.now() < end {
            for _ in 0..60 {
                yield_now().await;
            }
            self.clock.advance(TICK);
        }
    }

    /// The most calls that Zoom counted in any window of a second.
    fn busiest_second(&self) -> usize {
        let counted = self.zoom.counted.lock().unwrap();
        let within =
            |start: Timestamp| counted.iter().filter(|at| **at >= start && at.since(start) < SECOND).count();
        counted.iter().map(|start| within(*start)).max().unwrap_or(0)
    }

    fn limit(&self) -> ZoomLimit {
        self.rows.limits.lock().unwrap()[&account().to_string()].clone()
    }
}

/// When each call began, and the failures of those that were refused.
async fn outcomes(calls: Vec<Call>) -> (Vec<Timestamp>, Vec<Failure>) {
    let (mut begun, mut refused) = (Vec::new(), Vec::new());
    for call in calls {
        match call.await.unwrap() {
            Ok(at) => begun.push(at),
            Err(failure) => refused.push(failure),
        }
    }
    (begun, refused)
}

#[tokio::test]
async fn an_unused_limit_is_dropped() {
    let world = World::new(30, &[Duration::ZERO], MILLISECOND, 12);
    let other = of_account("another", 1);
    let kept = || world.servers[0].limits.limits();
    for round in 1..=2 {
        let call = world.call(0, Duration::ZERO, 5 * SECOND, 30 * SECOND);
        let turn = world.servers[0].limits.turn(other, CallPriority::unbounded());
        let (turn, ()) = tokio::join!(turn, world.pass(SECOND));
        drop(turn.unwrap());
        world.pass(15 * SECOND).await;
        assert_eq!(kept().len(), 1, "one call is not yet answered");
        world.pass(30 * SECOND).await;
        assert!(kept().is_empty());
        call.await.unwrap().unwrap();
        assert_eq!(world.zoom.answered(), round);
    }
}

#[tokio::test]
async fn a_burst_on_the_hour_causes_no_refusal() {
    let skews = [Duration::ZERO, 3 * SECOND, 7 * SECOND];
    let world = World::new(30, &skews, 10 * MILLISECOND, 1);
    let max_wait = 60 * SECOND;
    let calls =
        (0..300).map(|n| world.call(n % 3, 30 * SECOND, max_wait, 60 * MILLISECOND + world.millis(60)));
    let calls: Vec<_> = calls.collect();
    world.pass(16 * SECOND).await;
    assert_eq!(world.zoom.answered(), 300, "all within 16 s");
    let (begun, refused) = outcomes(calls).await;
    assert_eq!((begun.len(), refused.len()), (300, 0));
    assert_eq!(world.zoom.refused.load(Ordering::SeqCst), 0);
    assert!(world.busiest_second() <= 30);
    assert_eq!(world.limit().per_second, Some(30), "learned from the first answer");
    let writes = world.rows.writes.load(Ordering::SeqCst);
    assert!(writes < 100, "{writes} writes for 300 calls");

    world.pass(5 * SECOND).await;
    assert!(world.limit().shares.is_empty(), "and an unused share is released");
}

#[tokio::test]
async fn during_an_update_no_server_uses_slots_that_it_may_lose() {
    // The first server releases unused slots, for which the second waits; at the same time another call comes.
    for moment in (3060..3180).step_by(15) {
        let world = World::new(4, &[Duration::ZERO; 2], 40 * MILLISECOND, 8);
        let four = |server| {
            let ask = |_| world.call(server, Duration::ZERO, 60 * SECOND, MILLISECOND);
            (0..4).map(ask).collect::<Vec<_>>()
        };
        four(0);
        world.pass(2500 * MILLISECOND).await;
        let _waiting: Vec<_> = (0..3).map(|_| four(1)).collect();
        world.pass(Duration::from_millis(moment - 2500)).await;
        four(0);
        world.pass(2 * SECOND).await;
        assert!(world.busiest_second() <= 4, "{} at {moment} ms", world.busiest_second());
    }
}

#[tokio::test]
async fn earlier_joins_are_served_first() {
    let world = World::new(4, &[Duration::ZERO], MILLISECOND, 2);
    let joins = [50, 10, 40, 20, 30, 60].map(Duration::from_secs);
    let first: Vec<_> =
        (0..4).map(|_| world.call(0, Duration::ZERO, 60 * SECOND, 50 * MILLISECOND)).collect();
    world.pass(20 * MILLISECOND).await;
    let later: Vec<_> = joins.map(|by| world.call(0, by, 60 * SECOND, 50 * MILLISECOND)).into();
    world.pass(5 * SECOND).await;
    drop(outcomes(first).await);
    let (begun, refused) = outcomes(later).await;
    assert!(refused.is_empty());
    let mut served: Vec<_> = joins.into_iter().zip(begun).collect();
    served.sort_by_key(|(_, at)| *at);
    let order: Vec<_> = served.iter().map(|(by, _)| by.as_secs()).collect();
    assert_eq!(order[4..], [50, 60], "{order:?}");
    assert!(order[..4].iter().all(|by| *by <= 40), "{order:?}");
}

#[tokio::test]
async fn one_workspace_does_not_block_another_on_a_shared_account() {
    let world = World::new(4, &[Duration::ZERO], MILLISECOND, 12);
    let teacher = world.call(0, Duration::ZERO, SECOND, 10 * MILLISECOND);
    world.pass(3 * SECOND).await;
    assert!(teacher.await.unwrap().is_ok());

    let many: Vec<_> =
        (0..200).map(|_| world.call(0, Duration::ZERO, 600 * SECOND, 50 * MILLISECOND)).collect();
    world.pass(50 * MILLISECOND).await;
    let Server { limits, env, .. } = &world.servers[0];
    let (limits, priority) = (Arc::clone(limits), CallPriority::now(env, 5 * SECOND));
    let few = tokio::spawn(async move { limits.turn(of_account("account", 2), priority).await.map(drop) });
    world.pass(3 * SECOND).await;
    assert!(few.is_finished(), "it waits behind one of each workspace, not behind 200 calls");
    few.await.unwrap().expect("a turn in time");
    for call in many {
        call.abort();
    }
}

#[test]
fn limits_of_one_workspace_have_no_workspace() {
    let app = ZoomOauthAppId::generate(&Environment::system());
    let newcomers = Limited::Rest(Charged::Newcomer(app), Label::Light);
    for limited in [newcomers, Limited::Tokens(app), Limited::Installs(app)] {
        assert!(limited.workspace().is_none(), "an app belongs to one workspace");
        assert!(
            limited.to_string().ends_with(&app.to_string())
                || limited.to_string().contains(&format!("/{app}/"))
        );
    }
    assert_eq!(
        of_account("account", 1).to_string(),
        of_account("account", 2).to_string(),
        "both share one limit"
    );
    assert!(of_account("account", 1).workspace() != of_account("account", 2).workspace());
}

#[tokio::test]
async fn a_request_that_cannot_be_served_in_time_is_refused_at_once() {
    let world = World::new(4, &[Duration::ZERO], MILLISECOND, 3);
    let teacher = world.call(0, Duration::ZERO, SECOND, 10 * MILLISECOND);
    world.pass(3 * SECOND).await;
    assert!(teacher.await.unwrap().is_ok());

    let calls: Vec<_> =
        (0..40).map(|_| world.call(0, Duration::ZERO, 4 * SECOND, 50 * MILLISECOND)).collect();
    world.pass(50 * MILLISECOND).await;
    assert!(calls.iter().filter(|call| call.is_finished()).count() >= 24, "not after having waited");
    world.pass(5 * SECOND).await;
    let (begun, refused) = outcomes(calls).await;
    assert!((14..=16).contains(&begun.len()), "{} in 4 s at 4 a second", begun.len());
    for failure in refused {
        assert_eq!(failure.code, Code::ZoomRateLimited);
        assert!((SECOND..=12 * SECOND).contains(&failure.retry_after.unwrap()), "{failure:?}");
    }
}

#[tokio::test]
async fn a_refusal_stops_every_server() {
    let world = World::new(30, &[Duration::ZERO, 2 * SECOND], 5 * MILLISECOND, 4);
    // Both servers make calls, and then another app of the account uses up the limit.
    let warm: Vec<_> = (0..2).map(|server| world.call(server, Duration::ZERO, SECOND, MILLISECOND)).collect();
    world.pass(500 * MILLISECOND).await;
    drop(outcomes(warm).await);
    let limits = world.servers[0].limits.clone();
    let priority = CallPriority::now(&world.servers[0].env, SECOND);
    let turn = tokio::spawn(async move { limits.turn(account(), priority).await });
    world.pass(50 * MILLISECOND).await;
    let hit = LimitHit { retry_after: Some(20 * SECOND), daily: true };
    let turn = turn.await.unwrap().unwrap();
    turn.observe(&RateLimits { per_second: None, refused: Some(hit) });
    drop(turn);
    let at_once = world.call(0, Duration::ZERO, 4 * SECOND, MILLISECOND);
    world.pass(3 * SECOND).await;
    let elsewhere = world.call(1, Duration::ZERO, 4 * SECOND, MILLISECOND);
    let patient = world.call(1, Duration::ZERO, 30 * SECOND, MILLISECOND);
    world.pass(50 * MILLISECOND).await;
    for (call, least) in [(at_once, 19), (elsewhere, 14)] {
        let failure = call.await.unwrap().unwrap_err();
        assert_eq!(failure.code, Code::ZoomRateLimited);
        assert!(failure.retry_after.unwrap() >= least * SECOND, "{failure:?}");
    }
    assert!(!patient.is_finished());
    world.pass(20 * SECOND).await;
    assert!(patient.await.unwrap().is_ok(), "calls continue afterwards");
}

#[tokio::test]
async fn without_the_store_calls_stop_soon() {
    let world = World::new(4, &[Duration::ZERO], MILLISECOND, 5);
    let first = world.call(0, Duration::ZERO, SECOND, MILLISECOND);
    world.pass(100 * MILLISECOND).await;
    assert!(first.await.unwrap().is_ok());
    world.rows.away.store(true, Ordering::SeqCst);
    world.pass(6 * SECOND).await;
    let refused = world.call(0, Duration::ZERO, 4 * SECOND, MILLISECOND);
    world.pass(SECOND).await;
    assert_eq!(refused.await.unwrap().unwrap_err().code, Code::Unavailable);
    world.rows.away.store(false, Ordering::SeqCst);
    world.pass(SECOND).await;
    let again = world.call(0, Duration::ZERO, 4 * SECOND, MILLISECOND);
    world.pass(SECOND).await;
    assert!(again.await.unwrap().is_ok());
}

#[tokio::test]
async fn a_stopped_server_releases_its_shares() {
    let world = World::new(4, &[Duration::ZERO], MILLISECOND, 6);
    let calls: Vec<_> = (0..4).map(|_| world.call(0, Duration::ZERO, SECOND, MILLISECOND)).collect();
    world.pass(50 * MILLISECOND).await;
    drop(outcomes(calls).await);
    assert_eq!(world.limit().shares.iter().map(|share| share.slots).sum::<u32>(), 4);
    let limits = world.servers[0].limits.clone();
    let closed = tokio::spawn(async move {
        for limit in limits.limits() {
            limit.close().await;
        }
    });
    world.pass(1100 * MILLISECOND).await;
    assert!(closed.is_finished(), "once the slots have cooled down");
    assert!(world.limit().shares.is_empty());
}

#[tokio::test]
async fn a_queue_without_callers_does_not_delay_a_stop() {
    let world = World::new(4, &[Duration::ZERO], MILLISECOND, 7);
    let app = ZoomOauthAppId::generate(&world.servers[0].env);
    let background = CallPriority::background(SECOND);
    assert!(
        background.deadline > CallPriority::for_join(world.clock.now() + 3600 * SECOND, SECOND).deadline,
        "after all other calls"
    );
    let limits = world.servers[0].limits.clone();
    let waiting = tokio::spawn(async move {
        let mut turns = Vec::new();
        loop {
            turns.push(limits.turn(Limited::Tokens(app), CallPriority::unbounded()).await);
        }
    });
    world.pass(100 * MILLISECOND).await;
    waiting.abort();
    world.pass(SECOND).await;
    let tasks = &world.servers[0].limits.context.tasks;
    tasks.close();
    assert!(tasks.is_empty());
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 12, ..ProptestConfig::default() })]

    /// For all clocks, networks, callers and crashes: no window of a second contains more calls than Zoom
    /// allows, and no call waits for ever.
    #[test]
    fn no_second_is_over_the_limit(
        per_second in prop_oneof![Just(4u32), Just(10), Just(30)],
        skews in prop::array::uniform3(0u64..8000),
        latency in 1u64..900,
        store_latency in 0u64..60,
        bursts in prop::collection::vec((0usize..3, 1usize..40, 0u64..1500), 1..7),
        deaths in prop::collection::vec(0usize..3, 0..2),
        outage in prop::bool::weighted(0.2),
        seed in any::<u64>(),
    ) {
        let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
        runtime.block_on(async {
            let skews = skews.map(Duration::from_millis);
            let mut world = World::new(per_second, &skews, Duration::from_millis(store_latency), seed);
            let mut calls = Vec::new();
            for (index, (server, count, pause)) in bursts.into_iter().enumerate() {
                for _ in 0..count {
                    let (by, latency) = (world.millis(20_000), world.millis(latency));
                    calls.push(world.call(server, by, 90 * SECOND, latency));
                }
                world.pass(Duration::from_millis(pause)).await;
                if let Some(dead) = deaths.get(index) {
                    world.replace(*dead, skews[*dead]);
                }
                if outage && index == 1 {
                    world.rows.away.store(true, Ordering::SeqCst);
                    world.pass(2 * SECOND).await;
                    world.rows.away.store(false, Ordering::SeqCst);
                }
            }
            world.pass(95 * SECOND).await;
            assert!(world.busiest_second() <= per_second as usize, "{} in a second", world.busiest_second());
            assert_eq!(world.zoom.refused.load(Ordering::SeqCst), 0);
            assert!(calls.iter().all(JoinHandle::is_finished));
            for call in calls {
                match call.await {
                    Ok(Ok(_)) => {}
                    Ok(Err(failure)) => {
                        assert!(matches!(failure.code, Code::Unavailable | Code::ZoomRateLimited), "{failure}");
                    }
                    Err(dead) => assert!(dead.is_cancelled()),
                }
            }
        });
    }
}
