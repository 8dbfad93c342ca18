//! Pools: the holders of seats, and that no person has two seats in one meeting.
#![expect(missing_docs, reason = "the names say it")]
#![expect(clippy::unwrap_used, reason = "a test may fail loudly")]

use std::{collections::BTreeMap, time::Duration};

use futures_util::future::join_all;
use model::{
    AccountUser, BotId, BotStatus, CredentialId, DisconnectCause, LeaseToken, MeetingNumber, PoolId, SeatId,
    StatusChange, WorkspaceId,
};

use crate::{CALLERS, Conformance, ROUNDS, bots, credentials};
use store::{Member, MemberUsage, Pool, PoolRemoval, Seat, SeatCounts, SeatRequest, Seating, StoreError};

/// A workspace with one pool, and its members.
struct Fixture<'b> {
    suite: &'b Conformance,
    workspace: WorkspaceId,
    pool: PoolId,
    members: Vec<Member>,
}

impl<'b> Fixture<'b> {
    /// A pool of accounts. `joins` has the number of meetings for each; each may host one of them.
    async fn with(suite: &'b Conformance, joins: &[u32]) -> Self {
        let workspace = suite.workspace().await;
        let app = suite.app(workspace, "client-1").await;
        let mut members = Vec::new();
        for (index, joins) in joins.iter().enumerate() {
            let person = format!("user-{index}");
            let account = credentials::account(suite, workspace, app.id, &person);
            credentials::connect(suite, &account).await.unwrap();
            members.push(Member {
                account: (account.id, None),
                person,
                address: None,
                joins: *joins,
                hosted: 1,
            });
        }
        let pool = added(suite, workspace, "first", &members).await;
        Self { suite, workspace, pool, members }
    }

    fn request<'r>(&self, holder: &'r str, meeting: Option<u64>) -> SeatRequest<'r> {
        let now = self.suite.env.now();
        SeatRequest {
            id: SeatId::generate(&self.suite.env),
            pool: self.pool,
            meeting: meeting.map(number),
            holder,
            hosting: false,
            host: None,
            without: &[],
            now,
            until: now + Duration::from_secs(60),
        }
    }

    async fn ask(&self, request: &SeatRequest<'_>) -> Seating {
        self.suite.store.take_seat(self.workspace, request).await.unwrap()
    }

    async fn takes(&self, request: &SeatRequest<'_>) -> Seat {
        match self.ask(request).await {
            Seating::Taken(seat) => seat,
            refused => panic!("{refused:?}"),
        }
    }

    async fn refused(&self, request: &SeatRequest<'_>) -> SeatCounts {
        match self.ask(request).await {
            Seating::Refused(counts) => counts,
            seated => panic!("{seated:?}"),
        }
    }

    async fn usage(&self) -> Vec<MemberUsage> {
        self.suite.store.pool(self.workspace, self.pool, self.suite.env.now()).await.unwrap().unwrap().1
    }

    async fn seats(&self) -> Vec<u32> {
        self.usage().await.iter().map(|usage| usage.seats).collect()
    }
}

fn number(digits: u64) -> MeetingNumber {
    (81_000_000_000 + digits).to_string().parse().unwrap()
}

async fn added(suite: &Conformance, workspace: WorkspaceId, name: &str, members: &[Member]) -> PoolId {
    let pool =
        Pool { id: PoolId::generate(&suite.env), workspace, name: name.into(), created_at: suite.env.now() };
    suite.store.add_pool(&pool, members).await.unwrap();
    pool.id
}

pub async fn a_pool_is_read_back_unchanged(suite: &Conformance) {
    let fixture = Fixture::with(suite, &[1, 2]).await;
    let user: AccountUser = "ada@example.test".parse().unwrap();
    let mut members = fixture.members.clone();
    members.push(Member {
        account: (members[0].account.0, Some("KDcuGIm1QgePTO8WbOqwIQ".parse().unwrap())),
        person: "ada".into(),
        address: Some(user),
        ..members[1].clone()
    });
    let name = "Zoë’s 🗝";
    let id = added(suite, fixture.workspace, name, &members).await;
    members.sort_by_key(|member| (member.account.0.to_string(), member.person != "user-0"));

    let (now, elsewhere) = (suite.env.now(), WorkspaceId::generate(&suite.env));
    let (pool, found) = suite.store.pool(fixture.workspace, id, now).await.unwrap().unwrap();
    assert_eq!((pool.name.as_str(), pool.created_at, pool.workspace), (name, now, fixture.workspace));
    assert_eq!(
        found.iter().map(|usage| &usage.member).collect::<Vec<_>>(),
        members.iter().collect::<Vec<_>>()
    );
    assert!(found.iter().all(|usage| usage.status.is_usable() && usage.seats == 0));
    assert!(suite.store.pool(elsewhere, id, now).await.unwrap().is_none());
    assert!(suite.store.pools(elsewhere, now).await.unwrap().is_empty());

    let all = suite.store.pools(fixture.workspace, now).await.unwrap();
    assert_eq!(
        all.iter().map(|(pool, members)| (&*pool.name, members.len())).collect::<Vec<_>>(),
        [(name, 3), ("first", 2)]
    );
    let again = suite.store.add_pool(&Pool { id: PoolId::generate(&suite.env), ..pool }, &[]).await;
    assert!(matches!(again, Err(StoreError::Exists(_))), "{again:?}");
}

pub async fn a_pool_is_changed_by_its_own_workspace(suite: &Conformance) {
    let Fixture { workspace, pool, members, .. } = Fixture::with(suite, &[1, 2]).await;
    let (store, elsewhere) = (&suite.store, WorkspaceId::generate(&suite.env));
    added(suite, workspace, "second", &[]).await;
    assert!(!store.rename_pool(elsewhere, pool, "theirs").await.unwrap());
    assert!(matches!(store.rename_pool(workspace, pool, "second").await, Err(StoreError::Exists(_))));
    assert!(store.rename_pool(workspace, pool, "third").await.unwrap());

    let wider = Member { joins: 9, hosted: 2, ..members[0].clone() };
    assert!(!store.put_members(elsewhere, pool, std::slice::from_ref(&wider), true).await.unwrap());
    assert!(store.put_members(workspace, pool, std::slice::from_ref(&wider), false).await.unwrap());
    let now = suite.env.now();
    let (found, usage) = store.pool(workspace, pool, now).await.unwrap().unwrap();
    assert_eq!((found.name.as_str(), usage.len()), ("third", 2));
    assert!(store.put_members(workspace, pool, std::slice::from_ref(&wider), true).await.unwrap());
    let (_, usage) = store.pool(workspace, pool, now).await.unwrap().unwrap();
    assert_eq!(usage.iter().map(|usage| &usage.member).collect::<Vec<_>>(), [&wider]);

    assert!(!store.remove_member(elsewhere, pool, &wider.account).await.unwrap());
    assert!(store.remove_member(workspace, pool, &wider.account).await.unwrap());
    assert!(!store.remove_member(workspace, pool, &wider.account).await.unwrap());
    assert_eq!(store.remove_pool(elsewhere, pool, now).await.unwrap(), PoolRemoval::NoPool);
    assert_eq!(store.remove_pool(workspace, pool, now).await.unwrap(), PoolRemoval::Removed);
    assert_eq!(store.remove_pool(workspace, pool, now).await.unwrap(), PoolRemoval::NoPool);
}

pub async fn a_pool_is_deleted_once_no_seat_is_taken(suite: &Conformance) {
    let fixture = Fixture::with(suite, &[1]).await;
    let request = fixture.request("bot", None);
    fixture.takes(&request).await;
    let remove = async |now| suite.store.remove_pool(fixture.workspace, fixture.pool, now).await.unwrap();
    assert_eq!(remove(request.now).await, PoolRemoval::InUse);
    assert_eq!(fixture.seats().await, [1], "and its members still exist");
    assert_eq!(remove(request.until).await, PoolRemoval::Removed);
}

pub async fn seats_spread_and_run_out(suite: &Conformance) {
    let fixture = Fixture::with(suite, &[1, 3]).await;
    let mut taken: BTreeMap<CredentialId, u32> = BTreeMap::new();
    for bot in 0..4 {
        let seat = fixture.takes(&fixture.request(&format!("bot-{bot}"), Some(bot))).await;
        *taken.entry(seat.account.0).or_default() += 1;
    }
    for Member { account, joins, .. } in &fixture.members {
        assert_eq!(taken.get(&account.0), Some(joins));
    }
    let counts = fixture.refused(&fixture.request("late", None)).await;
    let end = suite.env.now() + Duration::from_secs(60);
    let full = SeatCounts {
        accounts: 2,
        usable: 2,
        seats: 4,
        taken: 4,
        first_end: Some(end),
        ..SeatCounts::default()
    };
    assert_eq!(counts, full);
    let nowhere = SeatRequest { pool: PoolId::generate(&suite.env), ..fixture.request("lost", None) };
    assert_eq!(fixture.ask(&nowhere).await, Seating::NoPool);
    let elsewhere = WorkspaceId::generate(&suite.env);
    let theirs = suite.store.take_seat(elsewhere, &fixture.request("bot", None)).await.unwrap();
    assert_eq!(theirs, Seating::NoPool);
}

pub async fn a_second_request_keeps_the_seat(suite: &Conformance) {
    let fixture = Fixture::with(suite, &[2, 2]).await;
    let first = fixture.takes(&fixture.request("bot", Some(1))).await;
    let later = suite.env.now() + Duration::from_secs(600);
    let again = fixture.takes(&SeatRequest { until: later, ..fixture.request("bot", Some(1)) }).await;
    assert_eq!(again, first);
    let sooner = fixture.takes(&fixture.request("bot", Some(1))).await;
    assert_eq!(sooner, first);
    let ends: Vec<_> = fixture.usage().await.iter().filter_map(|usage| usage.first_end).collect();
    assert_eq!(ends, [later], "one seat, and its end is never moved forward");
    let elsewhere = fixture.takes(&fixture.request("bot", Some(2))).await;
    assert_ne!(elsewhere.id, first.id);
    let unknown = fixture.takes(&fixture.request("bot", None)).await;
    assert_eq!(fixture.takes(&fixture.request("bot", None)).await, unknown);

    // The account is now excluded: the holder gets another one and loses this one.
    let without = [first.account.clone()];
    let moved = fixture.takes(&SeatRequest { without: &without, ..fixture.request("bot", Some(1)) }).await;
    assert_ne!(moved.account, first.account);
    assert_eq!(fixture.seats().await.iter().sum::<u32>(), 3);
}

pub async fn no_person_is_in_a_meeting_twice_through_any_pool(suite: &Conformance) {
    let fixture = Fixture::with(suite, &[9]).await;
    let other = added(suite, fixture.workspace, "other", &fixture.members).await;
    fixture.takes(&fixture.request("bot-1", Some(1))).await;
    let again = SeatRequest { pool: other, ..fixture.request("bot-2", Some(1)) };
    assert_eq!(fixture.refused(&again).await.present, 1);
    assert_eq!(fixture.refused(&fixture.request("bot-2", Some(1))).await.present, 1);
    fixture.takes(&SeatRequest { pool: other, ..fixture.request("bot-2", Some(2)) }).await;
    assert_eq!(fixture.seats().await, [2], "a person's seats count in every pool");
}

pub async fn an_account_hosts_no_more_than_it_may(suite: &Conformance) {
    let fixture = Fixture::with(suite, &[9]).await;
    let host = |holder, meeting| SeatRequest { hosting: true, ..fixture.request(holder, Some(meeting)) };
    fixture.takes(&fixture.request("bot-1", Some(1))).await;
    fixture.takes(&host("bot-1", 1)).await;
    fixture.takes(&host("bot-1", 1)).await;
    assert_eq!(fixture.refused(&host("bot-2", 2)).await.hosting, 1);
    fixture.takes(&fixture.request("bot-2", Some(2))).await;
    assert_eq!(fixture.refused(&host("bot-2", 2)).await.hosting, 1, "its seat does not become a hosting one");
    let usage = fixture.usage().await.remove(0);
    assert_eq!((usage.seats, usage.hosting), (2, 1), "and it keeps its seats");
}

pub async fn a_seat_of_the_meetings_host_counts_as_hosting(suite: &Conformance) {
    let fixture = Fixture::with(suite, &[9]).await;
    let own =
        |holder, meeting| SeatRequest { host: Some("user-0"), ..fixture.request(holder, Some(meeting)) };
    let others =
        |holder, meeting| SeatRequest { host: Some("eve"), ..fixture.request(holder, Some(meeting)) };
    fixture.takes(&others("bot-1", 1)).await;
    assert_eq!(fixture.usage().await[0].hosting, 0);
    fixture.takes(&own("bot-2", 2)).await;
    fixture.takes(&own("bot-2", 2)).await;
    assert_eq!(fixture.usage().await[0].hosting, 1, "both for a new seat and for a kept one");
    assert_eq!(fixture.refused(&own("bot-3", 3)).await.hosting, 1);
    let to_start = SeatRequest { hosting: true, ..others("bot-3", 3) };
    assert_eq!(fixture.refused(&to_start).await.accounts, 0, "no member is its host");
    fixture.takes(&others("bot-3", 3)).await;
    // The host of the first bot's meeting is now known.
    assert_eq!(fixture.refused(&own("bot-1", 1)).await.hosting, 1);
    let usage = fixture.usage().await.remove(0);
    assert_eq!((usage.seats, usage.hosting), (3, 1));
}

pub async fn unusable_accounts_are_not_chosen(suite: &Conformance) {
    let fixture = Fixture::with(suite, &[9, 9]).await;
    let first = fixture.takes(&fixture.request("bot", Some(1))).await;
    let (dead, cause) = (first.account.0, DisconnectCause::Asked);
    let note = suite.note("gone");
    assert!(suite.store.disconnect_credential(fixture.workspace, dead, cause, &note).await.unwrap());
    let moved = fixture.takes(&fixture.request("bot", Some(1))).await;
    assert_ne!(moved.account, first.account);
    let rest = [moved.account];
    let counts = fixture.refused(&SeatRequest { without: &rest, ..fixture.request("late", None) }).await;
    assert_eq!((counts.accounts, counts.usable, counts.seats), (2, 0, 0));
}

pub async fn seats_are_freed_by_release_and_by_expiry(suite: &Conformance) {
    let fixture = Fixture::with(suite, &[2]).await;
    let (store, workspace, pool) = (&suite.store, fixture.workspace, fixture.pool);
    let elsewhere = WorkspaceId::generate(&suite.env);
    let one = fixture.takes(&fixture.request("bot-1", Some(1))).await;
    let request = fixture.request("bot-2", Some(2));
    fixture.takes(&request).await;
    assert!(!store.release_seat(elsewhere, one.id).await.unwrap());
    assert!(store.release_seat(workspace, one.id).await.unwrap());
    assert!(!store.release_seat(workspace, one.id).await.unwrap());
    assert_eq!(store.release_seats(elsewhere, pool, "bot-2").await.unwrap(), 0);
    assert_eq!(store.release_seats(workspace, pool, "bot-2").await.unwrap(), 1);
    assert_eq!(fixture.seats().await, [0]);

    for bot in ["bot-3", "bot-4"] {
        fixture.takes(&fixture.request(bot, None)).await;
    }
    let (now, end) = (request.now, request.until);
    let later = end + Duration::from_secs(60);
    assert_eq!(store.extend_seats(workspace, pool, "bot-3", now, later).await.unwrap(), 1);
    assert_eq!(store.extend_seats(workspace, pool, "bot-4", end, later).await.unwrap(), 0, "it has ended");
    assert_eq!(store.seats_taken(now).await.unwrap(), 2);
    assert_eq!(store.seats_taken(end).await.unwrap(), 1);
    let after = SeatRequest { now: end, until: later, ..fixture.request("bot-5", None) };
    fixture.takes(&after).await;
    assert_eq!(store.seats_taken(now).await.unwrap(), 2, "expired seats were deleted");
    fixture.refused(&SeatRequest { id: SeatId::generate(&suite.env), holder: "bot-6", ..after }).await;
}

pub async fn a_bots_last_step_releases_its_seats(suite: &Conformance) {
    let fixture = Fixture::with(suite, &[9]).await;
    let (bot, lease) = bots::leased(suite, fixture.workspace).await;
    fixture.takes(&fixture.request(&bot.id.to_string(), Some(1))).await;
    fixture.takes(&fixture.request(&BotId::generate(&suite.env).to_string(), Some(2))).await;
    let step = |code| StatusChange { code, message: None, created_at: suite.env.now(), sub_code: None };
    suite.store.record_step(bot.id, &lease, &step(BotStatus::JoiningCall)).await.unwrap();
    assert_eq!(fixture.seats().await, [2]);
    let stranger = store::Lease { token: LeaseToken::generate(&suite.env), ..lease };
    suite.store.record_step(bot.id, &stranger, &step(BotStatus::Fatal)).await.unwrap();
    assert_eq!(fixture.seats().await, [2], "the step was not recorded");
    suite.store.record_step(bot.id, &lease, &step(BotStatus::Fatal)).await.unwrap();
    assert_eq!(fixture.seats().await, [1]);
}

pub async fn concurrent_requests_see_each_others_seats(suite: &Conformance) {
    let fixture = Fixture::with(suite, &[2, 2]).await;
    let other = added(suite, fixture.workspace, "other", &fixture.members).await;
    for round in 0..ROUNDS {
        // All callers request one meeting, through two pools of the same two accounts.
        let holders: Vec<_> = (0..CALLERS).map(|caller| format!("{round}-{caller}")).collect();
        let requests = holders.iter().enumerate().map(|(caller, holder)| SeatRequest {
            pool: if caller % 2 == 0 { fixture.pool } else { other },
            ..fixture.request(holder, Some(1))
        });
        let requests: Vec<_> = requests.collect();
        let answers = join_all(requests.iter().map(|request| fixture.ask(request))).await;
        let seats = answers.into_iter().filter_map(|answer| match answer {
            Seating::Taken(seat) => Some(seat),
            _ => None,
        });
        let seats: Vec<_> = seats.collect();
        assert_eq!(seats.len(), 2);
        assert_ne!(seats[0].account, seats[1].account);

        // There are as many meetings as callers: no more seats are taken than exist.
        let requests =
            holders.iter().zip(10..).map(|(holder, meeting)| fixture.request(holder, Some(meeting)));
        let requests: Vec<_> = requests.collect();
        let answers = join_all(requests.iter().map(|request| fixture.ask(request))).await;
        assert_eq!(answers.iter().filter(|answer| matches!(answer, Seating::Taken(_))).count(), 2);
        assert_eq!(fixture.seats().await, [2, 2]);

        // The same holder sends twenty concurrent requests and gets one seat.
        for holder in &holders {
            for pool in [fixture.pool, other] {
                suite.store.release_seats(fixture.workspace, pool, holder).await.unwrap();
            }
        }
        let requests: Vec<_> = (0..CALLERS).map(|_| fixture.request("same", Some(7))).collect();
        let answers = join_all(requests.iter().map(|request| fixture.takes(request))).await;
        assert!(answers.iter().all(|seat| *seat == answers[0]));
        assert_eq!(suite.store.release_seats(fixture.workspace, fixture.pool, "same").await.unwrap(), 1);
    }
}

pub async fn a_seat_of_a_wrong_clock_is_ignored(suite: &Conformance) {
    let fixture = Fixture::with(suite, &[1]).await;
    let request = fixture.request("bot-1", None);
    let ahead = Duration::from_secs(3600);
    let early = SeatRequest { now: request.now + ahead, until: request.until + ahead, ..request };
    fixture.takes(&early).await;
    fixture.takes(&fixture.request("bot-2", None)).await;
    // The seat is taken by a server with a right clock and extended by one with a wrong clock.
    let (now, next_year) = (request.now, request.now + Duration::from_secs(365 * 24 * 3600));
    assert_eq!(
        suite.store.extend_seats(fixture.workspace, fixture.pool, "bot-2", now, next_year).await.unwrap(),
        1
    );
    fixture.takes(&fixture.request("bot-3", None)).await;
    fixture.refused(&fixture.request("bot-4", None)).await;
}

pub async fn held_seats_are_listed_until_they_expire(suite: &Conformance) {
    let fixture = Fixture::with(suite, &[1, 2]).await;
    let request = fixture.request("bot-1", Some(1));
    let first = fixture.takes(&request).await;
    let hosting = SeatRequest { hosting: true, ..fixture.request("bot-2", None) };
    let second = fixture.takes(&hosting).await;
    let held =
        async |now, most| suite.store.held_seats(fixture.workspace, fixture.pool, now, most).await.unwrap();
    let seats = held(request.now, 10).await;
    let shown: Vec<_> =
        seats.iter().map(|seat| (seat.id, &*seat.holder, seat.meeting, seat.hosting)).collect();
    let mut expected = [(first.id, "bot-1", Some(number(1)), false), (second.id, "bot-2", None, true)];
    expected.sort_by_key(|(id, ..)| *id);
    assert_eq!(shown, expected);
    assert!(seats.iter().all(|seat| (seat.taken_at, seat.ends_at) == (request.now, request.until)));
    assert_eq!(held(request.now, 1).await.len(), 1);
    assert!(held(request.until, 10).await.is_empty());
    let stranger = WorkspaceId::generate(&suite.env);
    assert!(suite.store.held_seats(stranger, fixture.pool, request.now, 10).await.unwrap().is_empty());
}
