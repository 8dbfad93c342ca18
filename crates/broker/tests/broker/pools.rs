//! Many bots at once on a pool of few accounts, through three servers on one database.

use std::{collections::BTreeMap, sync::Arc, time::Duration};

use broker::{Hosting, NewMember, PoolSeatRequest, Seated};
use futures_util::future::join_all;
use http::HeaderMap;
use model::{Code, Failure, MeetingNumber, PoolId, TokenKind};
use stage::Postgres;
use store::{Dialect, LinkLife, LinkSource, LinkTerms, LinkVerification, Store};
use store_sql::{
    postgres::{self, Address},
    sqlite,
};
use token_links::{LinkRequest, NewLink};

use crate::harness::{Fixture, Server};

const ACCOUNTS: usize = 3;
const SEATS_EACH: u32 = 20;
const SEATS: usize = 60;
const BOTS: usize = 64;
/// How long a seat lasts without a report.
const SEAT: Duration = Duration::from_secs(600);
const ALMOST: Duration = Duration::from_secs(599);

/// Three servers, and the addresses that a bot platform has.
struct Cluster {
    fixture: Fixture,
    servers: Vec<Server>,
    store: Arc<dyn Store>,
    pool: PoolId,
    address: String,
}

impl Cluster {
    /// A fixture with a pool and a token link to it. Its servers are not running yet.
    async fn found() -> Self {
        let fixture = Fixture::start().await;
        let mut members = Vec::new();
        for user in 0..ACCOUNTS {
            let user = fixture.zoom.new_user(&format!("robin-{user}@example.test")).await;
            fixture.zoom.sign_in(&user).await;
            members.push(NewMember {
                account: (fixture.connect().await, None),
                joins: SEATS_EACH,
                hosted: 1,
                address: None,
            });
        }
        let pool =
            fixture.broker.pools.make_pool(fixture.workspace, "robins", &members).await.unwrap().unwrap();
        let terms = LinkTerms {
            dialect: Dialect::MeetingBaas,
            proof: LinkVerification::Nothing,
            meeting_in_request: true,
            seat_seconds: u32::try_from(SEAT.as_secs()).unwrap(),
            ..LinkTerms::usual(TokenKind::Zak, LinkSource::Pool(pool))
        };
        let link =
            NewLink { name: "bots".into(), terms, life: LinkLife::default(), signing_secrets: Vec::new() };
        let link = fixture.links.manager.create(fixture.workspace, &link).await.unwrap().unwrap();
        let address = link.url.expose().rsplit('/').next().unwrap().to_owned();
        let store = fixture.store.clone();
        Self { fixture, servers: Vec::new(), store, pool, address }
    }

    async fn on_sqlite() -> Self {
        let mut cluster = Self::found().await;
        for _ in 0..3 {
            let store = Arc::new(sqlite::open(&cluster.fixture.database()).await.unwrap());
            cluster.servers.push(cluster.fixture.server_on(store).await);
        }
        cluster
    }

    /// The same installation, moved to PostgreSQL as an operator would do it.
    async fn on_postgres(server: &Postgres) -> Self {
        let mut cluster = Self::found().await;
        cluster.fixture.store.close().await;
        let address = Address::read(&server.database("template1").await.unwrap().into()).unwrap();
        postgres::migrate(&address).await.unwrap();
        let mut source = sqlite::snapshot(&cluster.fixture.database()).await.unwrap();
        store::copy(&mut *source, postgres::copy_target(&address).await.unwrap(), |_, _| ()).await.unwrap();
        cluster.store = Arc::new(postgres::open(&address).await.unwrap());
        for _ in 0..3 {
            let store = Arc::new(postgres::open(&address).await.unwrap());
            cluster.servers.push(cluster.fixture.server_on(store).await);
        }
        cluster
    }

    /// Fetches a ZAK for a bot from one of the servers, as a platform does.
    async fn fetch(&self, bot: usize, meeting: MeetingNumber) -> Result<(), Failure> {
        let server = &self.servers[bot % self.servers.len()];
        let query = format!("bot_id=bot-{bot}&extra=%7B%22meeting_id%22%3A{meeting}%7D");
        let headers = HeaderMap::new();
        let request = LinkRequest { query: &query, ..LinkRequest::get(&self.address, &headers) };
        let answer = server.links.serve(&request).await.map_err(|refused| refused.failure)?;
        assert_eq!(answer.text.split('.').count(), 3, "a ZAK");
        Ok(())
    }

    /// All these bots fetch at once, each for its own meeting. Returns the served bots and the failures of the others.
    async fn storm(&self, bots: std::ops::Range<usize>) -> (Vec<usize>, Vec<Failure>) {
        let asked = bots.clone().map(|bot| self.fetch(bot, meeting(bot)));
        let (mut served, mut refused) = (Vec::new(), Vec::new());
        for (bot, answer) in bots.clone().zip(join_all(asked).await) {
            match answer {
                Ok(()) => served.push(bot),
                Err(failure) => refused.push(failure),
            }
        }
        (served, refused)
    }

    /// How many seats of each account are taken.
    async fn seats(&self) -> Vec<u32> {
        let now = self.fixture.env.now();
        let (_, members) = self.store.pool(self.fixture.workspace, self.pool, now).await.unwrap().unwrap();
        members.iter().map(|member| member.seats).collect()
    }

    /// A bot's seat, from a server that did not give it.
    async fn seat_of(&self, bot: usize) -> Seated {
        let holder = format!("bot-{bot}");
        let until = self.fixture.env.now();
        let request = PoolSeatRequest {
            pool: self.pool,
            meeting: Some(meeting(bot)),
            holder: &holder,
            hosting: Hosting::IfItsOwn,
            until,
        };
        let server = &self.servers[(bot + 1) % self.servers.len()];
        server.broker.pools.take_seat(self.fixture.workspace, &request).await.unwrap()
    }

    /// The platform reports to some server that a bot has ended.
    async fn ended(&self, bot: usize) {
        let body = format!(
            r#"{{"event":"bot.status_change","data":{{"bot_id":"bot-{bot}","status":{{"code":"call_ended"}}}}}}"#
        );
        let headers = HeaderMap::new();
        let request = LinkRequest { body: body.as_bytes(), ..LinkRequest::get(&self.address, &headers) };
        self.servers[(bot + 1) % self.servers.len()].links.take_report(&request).await.unwrap();
    }

    async fn live_through_it(mut self) {
        let (served, refused) = self.storm(0..BOTS).await;
        assert_eq!((served.len(), refused.len()), (SEATS, BOTS - SEATS), "{refused:?}");
        for failure in refused {
            assert_eq!(failure.code, Code::PoolFull);
            assert_eq!(failure.detail, "60 of 60 seats taken, 3 of 3 accounts usable");
            assert_eq!(failure.retry_after, Some(Duration::from_secs(60)));
        }
        assert_eq!(self.seats().await, [SEATS_EACH; ACCOUNTS]);
        let mints = self.fixture.zoom.stats().await.zak_mints;
        assert!(mints <= 9, "an account's ZAK is minted once on each server, not {mints} times");

        // A platform's retry gets the same seat.
        let mut accounts: BTreeMap<_, u32> = BTreeMap::new();
        for bot in &served {
            *accounts.entry(self.seat_of(*bot).await.credential).or_default() += 1;
        }
        assert_eq!(accounts.into_values().collect::<Vec<_>>(), [SEATS_EACH; ACCOUNTS]);
        assert_eq!(self.seats().await, [SEATS_EACH; ACCOUNTS]);

        // Bots end, each reported to another server than it began on, and other bots get their seats.
        for bot in &served[..30] {
            self.ended(*bot).await;
            self.ended(*bot).await;
        }
        assert_eq!(self.seats().await.iter().sum::<u32>(), 30);
        let (after, refused) = self.storm(100..100 + BOTS).await;
        assert_eq!((after.len(), refused.len()), (30, BOTS - 30));
        assert_eq!(self.seats().await, [SEATS_EACH; ACCOUNTS]);

        // A server dies. Its seats stay taken until they expire, and not a second longer.
        drop(self.servers.pop());
        assert!(self.storm(200..202).await.0.is_empty());
        self.fixture.clock.advance(ALMOST);
        assert!(self.storm(200..202).await.0.is_empty());
        self.fixture.clock.advance(SEAT.abs_diff(ALMOST));
        assert_eq!(self.seats().await, [0; ACCOUNTS]);

        // All bots fetch for one meeting at once: each account is used once.
        let into_one = (300..300 + BOTS).map(|bot| self.fetch(bot, meeting(1)));
        let answers = join_all(into_one).await;
        assert_eq!(answers.iter().filter(|answer| answer.is_ok()).count(), ACCOUNTS);
        for failure in answers.into_iter().filter_map(Result::err) {
            assert_eq!(failure.code, Code::PoolFull);
            let words = "3 of 60 seats taken, 3 of 3 accounts usable, 3 of them in this meeting already";
            assert_eq!(failure.detail, words);
        }
        assert_eq!(self.seats().await, [1; ACCOUNTS]);
        self.fixture.clock.advance(SEAT);
        let (again, _) = self.storm(400..400 + BOTS).await;
        assert_eq!(again.len(), SEATS, "all seats are back");
        let refused = BOTS - served.len();
        println!(
            "shown: of {BOTS} bots on {ACCOUNTS} accounts {} were served and {refused} refused with pool_full; in one meeting \
             {ACCOUNTS}; after a server's death all {} seats came back",
            served.len(),
            again.len()
        );
    }
}

fn meeting(number: usize) -> MeetingNumber {
    format!("81{number:09}").parse().unwrap()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 3)]
async fn three_servers_on_sqlite_seat_sixty_of_sixty_four_bots() {
    Cluster::on_sqlite().await.live_through_it().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 3)]
async fn three_servers_on_postgres_seat_sixty_of_sixty_four_bots() {
    let server = Postgres::start().unwrap();
    Cluster::on_postgres(&server).await.live_through_it().await;
}
