//! Two servers with their own clocks, one account, and a generated sequence of events: requests, faults, crashes, consents.
//!
//! After each event, when all work has finished, Zoom's valid grant is in the store or in escrow, or the row says why it is
//! not. It is *not* checked which failures callers get in between: any is possible. A run is not fully repeatable: the seed
//! determines the events, but the machine determines which task is faster.

use std::{sync::Arc, time::Duration};

use broker::Broker;
use model::{
    Clock, CredentialId, CredentialStatus, Entropy, ManualClock, ReauthCause, SeededEntropy, Sleep, Timestamp,
};
use serde_json::{Value, json};
use tenants::Cell;
use tokio::{
    runtime::{Builder, Runtime},
    task::JoinHandle,
};

use crate::{
    harness::{ACCESS_LIFE, CLIENT_ID, FRESH, Fixture},
    refresh::run,
};

/// Events in a run.
const EVENTS: u32 = 40;

/// A clock that is wrong, and on which waiting takes no time.
struct Skewed {
    clock: Arc<ManualClock>,
    ahead: Duration,
    behind: Duration,
}

impl Clock for Skewed {
    fn now(&self) -> Timestamp {
        self.clock.now() + self.ahead - self.behind
    }

    fn sleep(&self, span: Duration) -> Sleep {
        let clock = Arc::clone(&self.clock);
        Box::pin(async move {
            tokio::task::yield_now().await;
            clock.advance(span);
        })
    }
}

/// A process. Its running work dies with it.
struct Server {
    broker: Arc<Broker>,
    /// `None` once it is dead.
    runtime: Option<Runtime>,
}

impl Drop for Server {
    fn drop(&mut self) {
        self.runtime.take().unwrap().shutdown_background();
    }
}

impl Server {
    async fn start(fixture: &Arc<Fixture>, number: usize) -> Self {
        let skew = Duration::from_secs(20);
        let (ahead, behind) = if number == 0 { (skew, Duration::ZERO) } else { (Duration::ZERO, skew) };
        let clock = Arc::new(Skewed { clock: Arc::clone(&fixture.clock), ahead, behind });
        let runtime = Builder::new_multi_thread().worker_threads(1).enable_all().build().unwrap();
        let fixture = Arc::clone(fixture);
        let starting = runtime.spawn(async move {
            let broker = fixture.another_broker(clock).await;
            broker.accounts.grants.replay().await.unwrap();
            broker
        });
        Self { broker: starting.await.unwrap(), runtime: Some(runtime) }
    }

    fn spawn<T: Send + 'static>(&self, work: impl Future<Output = T> + Send + 'static) -> JoinHandle<T> {
        self.runtime.as_ref().unwrap().spawn(work)
    }

    /// Requests a token. Returns the token, if it was given.
    fn ask(&self, fixture: &Fixture, id: CredentialId) -> JoinHandle<Option<String>> {
        let (broker, workspace, requester) =
            (Arc::clone(&self.broker), fixture.workspace, fixture.requester());
        self.spawn(async move {
            let access = broker.tokens.access_token(workspace, id, Duration::from_secs(300), requester).await;
            // A new ZAK needs a token that Zoom accepts.
            drop(broker.tokens.zak(workspace, id, FRESH, requester).await);
            access.ok().map(|access| access.token.expose().to_owned())
        })
    }
}

/// The moment at which a server dies.
#[derive(Debug, Clone, Copy)]
enum Moment {
    /// Zoom has the request, but has not processed it.
    ZoomThinks,
    /// Zoom has rotated, and its answer is in flight.
    ZoomAnswers,
    /// The store refuses the new grant, which is in escrow.
    TheStoreIsAway,
}

#[derive(Debug, Clone, Copy)]
enum Event {
    Ask(usize),
    AskBoth,
    AskWhile(&'static str, usize),
    Crash(usize, Moment),
    LookForDue(usize),
    Expire,
    Wait,
    Consent,
    Revoke,
}

struct Life {
    fixture: Arc<Fixture>,
    id: CredentialId,
    servers: [Option<Server>; 2],
    dice: SeededEntropy,
    /// An answer of Zoom may have been lost since the last consent.
    lost: bool,
    /// The user has withdrawn the consent.
    revoked: bool,
}

impl Life {
    async fn begin(seed: u64) -> Self {
        let (fixture, id) = Fixture::with_account().await;
        let fixture = Arc::new(fixture);
        let servers = [Some(Server::start(&fixture, 0).await), Some(Server::start(&fixture, 1).await)];
        Self { fixture, id, servers, dice: SeededEntropy::new(seed), lost: false, revoked: false }
    }

    fn throw(&self, sides: usize) -> usize {
        let dice: &dyn Entropy = &self.dice;
        usize::from(dice.bytes::<1>()[0]) % sides
    }

    async fn next_event(&self) -> Event {
        let status = self.fixture.row(self.id).await.status;
        if (self.revoked || matches!(status, CredentialStatus::NeedsReauth(_))) && self.throw(3) == 0 {
            return Event::Consent;
        }
        let faults =
            ["lose_answer", "truncated", "half_json", "drop_before", "http_500", "html", "http_429", "delay"];
        let moments = [Moment::ZoomThinks, Moment::ZoomAnswers, Moment::TheStoreIsAway];
        let server = self.throw(2);
        match self.throw(20) {
            0..=2 => Event::Ask(server),
            3..=4 => Event::AskBoth,
            5..=8 => Event::AskWhile(faults[self.throw(faults.len())], server),
            9..=11 => Event::Crash(server, moments[self.throw(moments.len())]),
            12 => Event::LookForDue(server),
            13..=15 => Event::Expire,
            16..=17 => Event::Wait,
            18 if !self.revoked => Event::Revoke,
            _ => Event::Consent,
        }
    }

    /// The server with this number, started if it is down.
    async fn server(&mut self, number: usize) -> &Server {
        if self.servers[number].is_none() {
            self.servers[number] = Some(Server::start(&self.fixture, number).await);
        }
        self.servers[number].as_ref().unwrap()
    }

    async fn live(&mut self, event: Event) {
        let (fixture, id) = (Arc::clone(&self.fixture), self.id);
        match event {
            Event::Ask(server) => {
                let answer = self.server(server).await.ask(&fixture, id).await.unwrap();
                fixture.settle().await;
                if let Some(token) = answer {
                    assert_eq!(token, self.stored(false).await.unwrap(), "a served token is the stored one");
                }
            }
            Event::AskBoth => {
                let one = self.server(0).await.ask(&fixture, id);
                let other = self.server(1).await.ask(&fixture, id);
                one.await.unwrap();
                other.await.unwrap();
            }
            Event::AskWhile(kind, server) => {
                self.lost |= ["lose_answer", "truncated", "half_json"].contains(&kind);
                let fault = json!({ "where": "refresh", "kind": kind, "delay_ms": 200 });
                fixture.zoom.control("POST", "faults", fault).await;
                self.server(server).await.ask(&fixture, id).await.unwrap();
                fixture.zoom.heal().await;
            }
            Event::Crash(server, moment) => self.crash(server, moment).await,
            Event::LookForDue(server) => {
                let server = self.server(server).await;
                let broker = Arc::clone(&server.broker);
                let fixture = Arc::clone(&fixture);
                server.spawn(async move { fixture.refresh_due(&broker).await }).await.unwrap();
            }
            Event::Expire => fixture.pass(ACCESS_LIFE).await,
            Event::Wait => fixture.pass(Duration::from_secs(90)).await,
            Event::Consent => {
                assert_eq!(fixture.connect().await, id);
                (self.lost, self.revoked) = (false, false);
            }
            Event::Revoke => {
                let path = format!("users/{}/apps/{CLIENT_ID}", fixture.zoom.user);
                fixture.zoom.delete(&path).await;
                self.revoked = true;
            }
        }
        fixture.settle().await;
    }

    async fn crash(&mut self, server: usize, moment: Moment) {
        let (fixture, id) = (Arc::clone(&self.fixture), self.id);
        self.server(server).await;
        let dying = self.servers[server].take().unwrap();
        match moment {
            Moment::TheStoreIsAway => run(&fixture.database(), AWAY).await,
            Moment::ZoomThinks | Moment::ZoomAnswers => {
                let before = matches!(moment, Moment::ZoomThinks);
                let kind = if before { "hold_before" } else { "hold_after" };
                fixture.zoom.control("POST", "faults", json!({ "where": "refresh", "kind": kind })).await;
            }
        }
        // It may need no refresh, or give one up: then it is idle when it dies.
        let asked = dying.ask(&fixture, id);
        while !asked.is_finished() {
            let held = fixture.zoom.control("GET", "faults/held", Value::Null).await;
            if held.as_array().is_some_and(|held| !held.is_empty()) {
                self.lost = true;
                break;
            }
            if std::fs::read_dir(fixture.escrow()).unwrap().count() > 0 {
                break;
            }
        }
        drop(dying);
        drop(asked.await);
        fixture.settle().await;
        // Its disk writes don't end with a runtime, as they would with a process.
        let unfinished = |entry: std::fs::DirEntry| entry.path().extension().is_some_and(|it| it == "part");
        while std::fs::read_dir(fixture.escrow()).unwrap().flatten().any(unfinished) {
            tokio::task::yield_now().await;
        }
        fixture.zoom.delete("faults/held").await;
        fixture.zoom.heal().await;
        run(&fixture.database(), "DROP TRIGGER IF EXISTS away").await;
    }

    /// A token in the store.
    async fn stored(&self, refresh: bool) -> Option<String> {
        let row = self.fixture.row(self.id).await;
        let (cell, sealed) = if refresh {
            (Cell::RefreshToken(self.id), row.grant.refresh_token)
        } else {
            (Cell::AccessToken(self.id), row.grant.access_token)
        };
        let token = self.fixture.broker.vault.open(self.fixture.workspace, cell, &sealed?).unwrap();
        Some(token.expose().to_owned())
    }

    async fn check(&self) {
        let fixture = &self.fixture;
        let issued = fixture.zoom.control("GET", "issued", Value::Null).await;
        let newest = issued.as_array().unwrap().iter().rfind(|it| it["kind"] == "refresh_token").unwrap();
        let ours = self.stored(true).await.as_deref() == newest["secret"].as_str();
        let row = fixture.row(self.id).await;
        let waits = std::fs::read_dir(fixture.escrow()).unwrap().count() > 0;
        assert!(ours || waits || self.lost, "the live grant is gone: {:?}", row.status);
        match row.status {
            CredentialStatus::NeedsReauth(ReauthCause::Revoked) => {
                assert!(self.revoked, "it was not revoked");
            }
            CredentialStatus::NeedsReauth(ReauthCause::ResponseLost) => {
                assert!(!ours || self.revoked, "it was given up although its grant is valid");
            }
            _ => assert!(ours || row.spent_at.is_some(), "the row does not show the lost answer"),
        }
    }

    /// Ends the faults: the account gives tokens, or has the right reason why not, and a consent repairs it.
    async fn end(mut self) {
        for number in 0..2 {
            self.server(number).await;
        }
        self.live(Event::Expire).await;
        for number in [0, 1] {
            self.live(Event::Ask(number)).await;
            self.check().await;
        }
        if self.fixture.row(self.id).await.status != CredentialStatus::Healthy {
            assert!(self.lost || self.revoked, "it was given up without a reason");
            self.live(Event::Consent).await;
        }
        self.live(Event::Expire).await;
        let (fixture, id) = (Arc::clone(&self.fixture), self.id);
        let served = self.server(0).await.ask(&fixture, id).await.unwrap();
        assert!(served.is_some(), "no token at the end");
    }
}

/// Leases can be taken, but no grant can be stored.
const AWAY: &str = "CREATE TRIGGER away BEFORE UPDATE OF generation ON credentials \
                    BEGIN SELECT RAISE(ABORT, 'away'); END";

async fn live(seed: u64) {
    let mut life = Life::begin(seed).await;
    for number in 0..EVENTS {
        let event = life.next_event().await;
        // Shown when the test fails.
        println!("seed {seed}, event {number}: {event:?}");
        life.live(event).await;
        life.check().await;
        // Waiting has advanced only our clocks.
        let behind = life.fixture.clock.now().since(life.fixture.zoom.now().await).as_secs();
        life.fixture.zoom.pass(i64::try_from(behind).unwrap()).await;
    }
    life.end().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn no_account_is_lost_silently() {
    for seed in 1..=10 {
        live(seed).await;
    }
}
