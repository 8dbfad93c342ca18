//! The account of a meeting is never another host's, and an older source never replaces a newer one.
#![expect(missing_docs, reason = "the names say it")]
#![expect(clippy::unwrap_used, reason = "a test may fail loudly")]

use std::{collections::BTreeSet, time::Duration};

use futures_util::future::join_all;
use model::{
    CredentialKind, DisconnectCause, MeetingNumber, MeetingSyncStatus, ReauthCause, Timestamp, WorkspaceId,
};

use crate::{
    CALLERS, Conformance, ROUNDS,
    credentials::{account, connect, connected},
};
use store::{
    Credential, DueSync, KnownMeeting, Lease, LogFilter, Meeting, MeetingChange, MeetingFilter, MeetingKey,
    MeetingOwner, MeetingWebhookChange, Order, Page, ReceivedEvent, SyncOutcome, ZoomEvent,
};

const MINUTE: Duration = Duration::from_secs(60);
const HOUR: Duration = Duration::from_secs(3600);

fn number(digits: i64) -> MeetingNumber {
    MeetingNumber::try_from(80_000_000_000 + digits).unwrap()
}

fn of(host: &str, digits: i64) -> Meeting {
    Meeting { number: number(digits), host: host.into(), personal: false, personal_name: None }
}

/// A server-to-server account of the Zoom account that all users of these tests belong to.
async fn speaker(suite: &Conformance, workspace: WorkspaceId) -> Credential {
    let app = suite.app(workspace, "server-to-server").await;
    let kind = CredentialKind::ServerToServer;
    let made = Credential { kind, ..account(suite, workspace, app.id, "") };
    connect(suite, &made).await.unwrap();
    made
}

async fn claim(suite: &Conformance, now: Timestamp) -> (Lease, Vec<DueSync>) {
    let lease = Lease { expires_at: now + MINUTE, ..suite.lease(0) };
    let claimed = suite.store.claim_meeting_syncs(&lease, now, 99).await.unwrap();
    (lease, claimed)
}

/// Stores `meetings` as an account's list, as of `since`.
async fn sync(suite: &Conformance, of: &Credential, meetings: &[Meeting], since: Timestamp) {
    assert!(suite.store.request_meeting_sync(of.workspace, of.id, since).await.unwrap());
    let (lease, claimed) = claim(suite, since).await;
    assert!(claimed.iter().any(|due| due.credential == of.id));
    for due in claimed.iter().filter(|due| due.credential != of.id) {
        let outcome = SyncOutcome::Failed { note: None };
        assert!(
            suite.store.finish_meeting_sync(due.credential, &lease, outcome, since + HOUR).await.unwrap()
        );
    }
    assert!(suite.store.put_meetings(of.id, &lease, meetings, since, since + MINUTE).await.unwrap());
    finish(suite, of, &lease, since).await;
}

async fn finish(suite: &Conformance, of: &Credential, lease: &Lease, since: Timestamp) {
    let outcome = SyncOutcome::Completed { since, now: since + MINUTE * 5 };
    assert!(suite.store.finish_meeting_sync(of.id, lease, outcome, since + HOUR).await.unwrap());
}

async fn owner(suite: &Conformance, workspace: WorkspaceId, digits: i64) -> Option<MeetingOwner> {
    suite.store.meeting_owner(workspace, number(digits)).await.unwrap()
}

async fn hosts(suite: &Conformance, of: &Credential, digits: i64) -> bool {
    owner(suite, of.workspace, digits).await.is_some_and(|owner| owner.credential == of.id)
}

pub async fn a_personal_link_is_resolved_by_an_account_that_may_act_for_its_host(suite: &Conformance) {
    let workspace = suite.workspace().await;
    let app = suite.app(workspace, "client").await;
    let ada = account(suite, workspace, app.id, "ada");
    connect(suite, &ada).await.unwrap();
    let speaker = speaker(suite, workspace).await;
    let now = suite.env.now();
    let room = |host: &str, digits, name: &str| Meeting {
        personal: true,
        personal_name: Some(name.into()),
        ..of(host, digits)
    };
    let found = async |workspace, name: &str| {
        let rooms = suite.store.personal_rooms(workspace, name).await.unwrap();
        rooms.into_iter().map(|room| (room.number, room.owner.credential)).collect::<Vec<_>>()
    };
    assert_eq!(found(workspace, "ada").await, []);
    sync(suite, &speaker, &[room("ada", 1, "ada"), room("bob", 2, "bob")], now).await;
    assert_eq!(found(workspace, "ada").await, [(number(1), speaker.id)]);
    // The host's own account is preferred.
    sync(suite, &ada, &[room("ada", 1, "ada")], now + MINUTE * 10).await;
    assert_eq!(found(workspace, "ada").await, [(number(1), ada.id)]);
    assert_eq!(found(workspace, "bob").await, [(number(2), speaker.id)]);
    assert_eq!(found(WorkspaceId::generate(&suite.env), "ada").await, [], "another workspace");
    // The room gets another name, or none.
    sync(suite, &speaker, &[room("ada", 1, "countess"), room("bob", 2, "ada")], now + MINUTE * 20).await;
    sync(suite, &ada, &[Meeting { personal: true, ..of("ada", 1) }], now + MINUTE * 20).await;
    assert_eq!(found(workspace, "ada").await, [(number(2), speaker.id)]);
    assert_eq!(found(workspace, "countess").await, [(number(1), speaker.id)]);
    assert_eq!(found(workspace, "bob").await, []);
}

async fn known(suite: &Conformance, of: &Credential) -> Vec<i64> {
    let page = Page { order: Order::Ascending, after: None, most: 99 };
    let filter = MeetingFilter { credential: Some(of.id), ..MeetingFilter::default() };
    let found = suite.store.known_meetings(of.workspace, &filter, MeetingKey::Number, &page).await.unwrap();
    found.iter().map(|meeting| meeting.number.as_i64() - 80_000_000_000).collect()
}

async fn state(suite: &Conformance, of: &Credential) -> MeetingSyncStatus {
    suite.store.credential(of.workspace, of.id).await.unwrap().unwrap().meeting_sync
}

async fn tell(suite: &Conformance, to: &Credential, change: MeetingChange, as_of: Timestamp) {
    let event = ZoomEvent {
        key: suite.env.entropy.bytes(),
        workspace: to.workspace,
        app: to.app,
        name: "meeting.created".into(),
        ended: None,
        // Later than every change in these tests.
        received_at: suite.env.now() + HOUR,
    };
    let news = MeetingWebhookChange { zoom_account_id: to.zoom_account_id.clone(), change, as_of };
    let received = ReceivedEvent { event, disconnection: None, news: Some(&news) };
    suite.store.receive_zoom_events(&[received]).await.unwrap();
}

pub async fn a_list_replaces_the_previous_one(suite: &Conformance) {
    let (made, now) = (connected(suite).await, suite.env.now());
    assert_eq!(state(suite, &made).await, MeetingSyncStatus::NotStarted);
    let (lease, claimed) = claim(suite, now).await;
    let due_at = made.granted_at;
    assert_eq!(claimed, [DueSync { workspace: made.workspace, credential: made.id, failures: 0, due_at }]);
    assert_eq!(state(suite, &made).await, MeetingSyncStatus::InProgress);
    for page in [vec![of("user-1", 1), of("user-1", 2)], vec![], vec![of("user-1", 3)]] {
        assert!(suite.store.put_meetings(made.id, &lease, &page, now, now + HOUR).await.unwrap());
    }
    finish(suite, &made, &lease, now).await;
    assert_eq!(known(suite, &made).await, [1, 2, 3]);
    assert_eq!(state(suite, &made).await, MeetingSyncStatus::Completed);
    assert!(claim(suite, now + HOUR - MINUTE).await.1.is_empty(), "not before it is due");

    sync(suite, &made, &[of("user-1", 2), of("user-2", 4)], now + MINUTE).await;
    assert_eq!(known(suite, &made).await, [2, 4]);
    assert!(hosts(suite, &made, 2).await && owner(suite, made.workspace, 1).await.is_none());
    let elsewhere = WorkspaceId::generate(&suite.env);
    assert!(owner(suite, elsewhere, 2).await.is_none());
    assert!(!suite.store.request_meeting_sync(elsewhere, made.id, now).await.unwrap());
}

pub async fn the_hosts_own_account_comes_first(suite: &Conformance) {
    let (ana, now) = (connected(suite).await, suite.env.now());
    let bob = account(suite, ana.workspace, ana.app, "user-2");
    connect(suite, &bob).await.unwrap();
    let speaker = speaker(suite, ana.workspace).await;
    // Bob's list contains a meeting of Ana, and is newer than Ana's own.
    sync(suite, &ana, &[of("user-1", 1)], now).await;
    sync(suite, &bob, &[of("user-1", 1), of("user-1", 2)], now + MINUTE).await;
    assert!(hosts(suite, &ana, 1).await);
    assert!(owner(suite, ana.workspace, 2).await.is_none(), "Bob knows it but is not its host");

    sync(suite, &speaker, &[of("user-1", 1), of("user-1", 2)], now + MINUTE).await;
    assert!(hosts(suite, &ana, 1).await, "the host's own account comes first");
    let spoken_for =
        MeetingOwner { credential: speaker.id, kind: CredentialKind::ServerToServer, host: "user-1".into() };
    assert_eq!(owner(suite, ana.workspace, 2).await, Some(spoken_for.clone()));

    let lease = suite.lease(60);
    suite.store.lease_refresh(ana.workspace, ana.id, 1, &lease, now).await.unwrap();
    let lost =
        suite.store.mark_grant_dead(ana.id, 1, &lease, ReauthCause::Revoked, &suite.note("lost")).await;
    assert!(lost.unwrap());
    assert_eq!(owner(suite, ana.workspace, 1).await, Some(spoken_for), "the account can give tokens");
    assert!(!suite.store.request_meeting_sync(ana.workspace, ana.id, now).await.unwrap());
}

pub async fn disconnecting_deletes_the_meetings(suite: &Conformance) {
    let (made, now) = (connected(suite).await, suite.env.now());
    sync(suite, &made, &[of("user-1", 1)], now).await;
    let (lease, cause) = (suite.lease(60), DisconnectCause::Asked);
    suite.store.request_meeting_sync(made.workspace, made.id, now).await.unwrap();
    assert_eq!(suite.store.claim_meeting_syncs(&lease, now, 9).await.unwrap().len(), 1);
    assert!(
        suite.store.disconnect_credential(made.workspace, made.id, cause, &suite.note("x")).await.unwrap()
    );
    assert!(known(suite, &made).await.is_empty());
    assert_eq!(state(suite, &made).await, MeetingSyncStatus::NotStarted);
    let late = [of("user-1", 2)];
    assert!(!suite.store.put_meetings(made.id, &lease, &late, now, now + MINUTE).await.unwrap());
    assert!(claim(suite, now + HOUR).await.1.is_empty());
    tell(suite, &made, MeetingChange::Exists { number: number(3), host: "user-1".into() }, now).await;
    assert!(known(suite, &made).await.is_empty());

    connect(suite, &made).await.unwrap();
    assert_eq!(claim(suite, now).await.1.len(), 1, "a consent starts the sync again");
}

pub async fn a_due_account_is_synced_by_one_worker(suite: &Conformance) {
    let first = connected(suite).await;
    for user in 0..3 {
        let more = account(suite, first.workspace, first.app, &format!("more-{user}"));
        connect(suite, &more).await.unwrap();
    }
    for round in (0..).take(ROUNDS) {
        let now = suite.env.now() + HOUR * round;
        let leases: Vec<_> =
            (0..CALLERS).map(|_| Lease { expires_at: now + HOUR, ..suite.lease(0) }).collect();
        let claims = leases.iter().map(|lease| suite.store.claim_meeting_syncs(lease, now, 2));
        let claimed: Vec<_> = join_all(claims).await.into_iter().flat_map(Result::unwrap).collect();
        let accounts: BTreeSet<_> = claimed.iter().map(|due| due.credential).collect();
        assert_eq!((claimed.len(), accounts.len()), (4, 4), "each once, and again when its claim expires");
    }
}

pub async fn a_fenced_sync_writes_nothing(suite: &Conformance) {
    let (made, now) = (connected(suite).await, suite.env.now());
    let (slow, _) = claim(suite, now).await;
    let (next, claimed) = claim(suite, now + MINUTE).await;
    assert_eq!(claimed.len(), 1, "the first lease has expired");
    let page = [of("user-1", 1)];
    assert!(!suite.store.put_meetings(made.id, &slow, &page, now, now + HOUR).await.unwrap());
    let outcome = SyncOutcome::Completed { since: now, now };
    assert!(!suite.store.finish_meeting_sync(made.id, &slow, outcome, now + HOUR).await.unwrap());
    assert!(known(suite, &made).await.is_empty());
    assert!(suite.store.put_meetings(made.id, &next, &page, now, now + MINUTE * 4).await.unwrap());
    assert!(claim(suite, now + MINUTE * 3).await.1.is_empty(), "storing meetings extends the lease");
}

pub async fn a_request_during_a_sync_causes_another(suite: &Conformance) {
    let (made, now) = (connected(suite).await, suite.env.now());
    let (lease, _) = claim(suite, now).await;
    assert!(suite.store.request_meeting_sync(made.workspace, made.id, now).await.unwrap());
    assert!(claim(suite, now).await.1.is_empty(), "only one list at a time");
    assert!(suite.store.put_meetings(made.id, &lease, &[], now, now + HOUR).await.unwrap());
    finish(suite, &made, &lease, now).await;
    assert_eq!(claim(suite, now).await.1.len(), 1);
}

pub async fn a_failed_sync_is_counted_and_keeps_known_meetings(suite: &Conformance) {
    let (made, now) = (connected(suite).await, suite.env.now());
    sync(suite, &made, &[of("user-1", 1)], now).await;
    for (failures, note) in [(0, Some(suite.note("the app lacks a scope"))), (1, None)] {
        let at = now + HOUR * (failures + 1);
        let (lease, claimed) = claim(suite, at).await;
        assert_eq!(claimed[0].failures, failures);
        let outcome = SyncOutcome::Failed { note: note.as_ref() };
        assert!(suite.store.finish_meeting_sync(made.id, &lease, outcome, at + HOUR).await.unwrap());
        assert_eq!(state(suite, &made).await, MeetingSyncStatus::Failed);
    }
    assert!(hosts(suite, &made, 1).await);
    let log = suite.store.credential_log(made.workspace, &LogFilter::default(), 9).await.unwrap();
    assert_eq!(log.iter().filter(|line| line.message == "the app lacks a scope").count(), 1);
    sync(suite, &made, &[], now + HOUR * 3).await;
    assert_eq!(claim(suite, now + HOUR * 4).await.1[0].failures, 0);
}

pub async fn a_webhook_updates_the_host_and_the_accounts_that_act_for_the_host(suite: &Conformance) {
    let (ana, now) = (connected(suite).await, suite.env.now());
    let bob = account(suite, ana.workspace, ana.app, "user-2");
    connect(suite, &bob).await.unwrap();
    let speaker = speaker(suite, ana.workspace).await;
    let host = || "user-1".to_owned();
    let told = async |change, minutes| tell(suite, &ana, change, now + MINUTE * minutes).await;

    told(MeetingChange::Exists { number: number(1), host: host() }, 1).await;
    assert_eq!((known(suite, &ana).await, known(suite, &speaker).await), (vec![1], vec![1]));
    assert!(known(suite, &bob).await.is_empty());
    told(MeetingChange::Gone { number: number(1), host: Some(host()) }, 3).await;
    told(MeetingChange::Exists { number: number(1), host: host() }, 2).await;
    assert!(known(suite, &ana).await.is_empty(), "a late event is older");
    assert!(owner(suite, ana.workspace, 1).await.is_none());

    told(MeetingChange::PersonalRoom { number: number(5), host: host() }, 4).await;
    told(MeetingChange::PersonalRoom { number: number(6), host: host() }, 5).await;
    assert_eq!((known(suite, &ana).await, known(suite, &speaker).await), (vec![6], vec![6]));
    told(MeetingChange::Exists { number: number(6), host: host() }, 6).await;
    told(MeetingChange::PersonalRoom { number: number(7), host: host() }, 7).await;
    assert_eq!(
        known(suite, &ana).await,
        [7],
        "a personal room stays one when an event names it as a meeting"
    );

    told(MeetingChange::Exists { number: number(8), host: host() }, 8).await;
    told(MeetingChange::Gone { number: number(8), host: None }, 9).await;
    assert_eq!(known(suite, &speaker).await, [7], "the number is enough");
    told(MeetingChange::HostGone { host: host() }, 10).await;
    assert!(known(suite, &speaker).await.is_empty());
}

pub async fn a_meeting_that_moves_has_one_host(suite: &Conformance) {
    let (ana, now) = (connected(suite).await, suite.env.now());
    let bob = account(suite, ana.workspace, ana.app, "user-2");
    connect(suite, &bob).await.unwrap();
    let speaker = speaker(suite, ana.workspace).await;
    for known in [&ana, &speaker] {
        sync(suite, known, &[of("user-1", 1)], now).await;
    }
    let moved = MeetingChange::Exists { number: number(1), host: "user-2".into() };
    tell(suite, &ana, moved, now + MINUTE).await;
    assert!(hosts(suite, &bob, 1).await);
    assert!(
        suite
            .store
            .disconnect_credential(bob.workspace, bob.id, DisconnectCause::Asked, &suite.note("x"))
            .await
            .unwrap()
    );
    let found = owner(suite, ana.workspace, 1).await.unwrap();
    assert_eq!((found.credential, &*found.host), (speaker.id, "user-2"), "and not Ana's account");
}

pub async fn an_older_list_restores_nothing(suite: &Conformance) {
    let (made, now) = (connected(suite).await, suite.env.now());
    sync(suite, &made, &[of("user-1", 1)], now).await;
    suite.store.request_meeting_sync(made.workspace, made.id, now).await.unwrap();
    let (lease, _) = claim(suite, now + MINUTE).await;
    let host = || "user-1".to_owned();
    let later = now + MINUTE * 2;
    tell(suite, &made, MeetingChange::Gone { number: number(1), host: Some(host()) }, later).await;
    tell(suite, &made, MeetingChange::Exists { number: number(2), host: host() }, later).await;
    let page = [of("user-1", 1), of("user-1", 3)];
    assert!(suite.store.put_meetings(made.id, &lease, &page, now + MINUTE, later).await.unwrap());
    finish(suite, &made, &lease, now + MINUTE).await;
    assert_eq!(known(suite, &made).await, [2, 3], "the event is newer than the list");

    assert_eq!(suite.store.forget_gone_meetings(later).await.unwrap(), 0);
    assert_eq!(suite.store.forget_gone_meetings(later + MINUTE).await.unwrap(), 1);
    assert_eq!(known(suite, &made).await, [2, 3]);
}

pub async fn an_unclear_change_makes_the_list_due(suite: &Conformance) {
    let (ana, now) = (connected(suite).await, suite.env.now());
    let speaker = speaker(suite, ana.workspace).await;
    sync(suite, &ana, &[], now).await;
    sync(suite, &speaker, &[], now).await;
    tell(suite, &ana, MeetingChange::Unclear { host: "user-3".into() }, now + MINUTE).await;
    let claimed = claim(suite, now + MINUTE).await.1;
    assert_eq!(claimed.iter().map(|due| due.credential).collect::<Vec<_>>(), [speaker.id]);
}

pub async fn pages_of_meetings_miss_nothing(suite: &Conformance) {
    let (made, now) = (connected(suite).await, suite.env.now());
    let bob = account(suite, made.workspace, made.app, "user-2");
    connect(suite, &bob).await.unwrap();
    let listed: Vec<_> = (1..=5).map(|digits| of("user-1", digits)).collect();
    sync(suite, &made, &listed, now).await;
    sync(suite, &bob, &listed[..2], now + MINUTE).await;
    let walk = async |key, order, filter: MeetingFilter| {
        let (mut found, mut page) = (Vec::<KnownMeeting>::new(), Page { order, after: None, most: 2 });
        loop {
            let next = suite.store.known_meetings(made.workspace, &filter, key, &page).await.unwrap();
            let Some(last) = next.last() else { break found };
            assert!(next.len() <= 2);
            page.after = Some(last.place(key));
            found.extend(next);
        }
    };
    for key in [MeetingKey::Number, MeetingKey::SyncedAt] {
        let up = walk(key, Order::Ascending, MeetingFilter::default()).await;
        let mut down = walk(key, Order::Descending, MeetingFilter::default()).await;
        down.reverse();
        assert_eq!((up.len(), &up), (7, &down), "{key:?}");
        let keys: Vec<_> = up.iter().map(|meeting| meeting.place(key).key).collect();
        assert!(keys.is_sorted(), "{key:?}");
    }
    let all = MeetingFilter::default();
    for (filter, count) in [
        (MeetingFilter { credential: Some(bob.id), ..all }, 2),
        (MeetingFilter { number: Some(number(2)), ..all }, 2),
        (MeetingFilter { number: Some(number(2)), credential: Some(made.id), ..all }, 1),
        (MeetingFilter { synced_after: Some(now), ..all }, 2),
        (MeetingFilter { synced_before: Some(now + MINUTE), ..all }, 5),
        (MeetingFilter { synced_before: Some(now), ..all }, 0),
    ] {
        assert_eq!(walk(MeetingKey::Number, Order::Ascending, filter).await.len(), count, "{filter:?}");
    }
    let page = Page { order: Order::Ascending, after: None, most: 9 };
    let elsewhere = WorkspaceId::generate(&suite.env);
    let foreign = suite.store.known_meetings(elsewhere, &all, MeetingKey::Number, &page).await.unwrap();
    assert!(foreign.is_empty());
}

pub async fn a_due_time_of_a_wrong_clock_does_not_delay_a_list(suite: &Conformance) {
    let (made, now) = (connected(suite).await, suite.env.now());
    let day = HOUR * 24;
    for (next, is_believed) in [(now + day, true), (now + day * 365, false)] {
        assert!(suite.store.request_meeting_sync(made.workspace, made.id, now).await.unwrap());
        let (lease, claimed) = claim(suite, now).await;
        assert_eq!(claimed.len(), 1);
        let outcome = SyncOutcome::Completed { since: now, now };
        assert!(suite.store.finish_meeting_sync(made.id, &lease, outcome, next).await.unwrap());
        assert_eq!(claim(suite, now).await.1.is_empty(), is_believed);
    }
}

pub async fn a_lease_of_a_wrong_clock_does_not_block_a_list(suite: &Conformance) {
    let (made, now) = (connected(suite).await, suite.env.now());
    // Two hours ahead is within the range of due times, but too late for the end of a lease.
    let (wrong, claimed) = claim(suite, now + HOUR * 2).await;
    assert_eq!(claimed.len(), 1);
    let (lease, claimed) = claim(suite, now).await;
    assert_eq!(claimed.iter().map(|due| due.credential).collect::<Vec<_>>(), [made.id]);
    let page = [of("user-1", 1)];
    assert!(!suite.store.put_meetings(made.id, &wrong, &page, now, now + MINUTE).await.unwrap());
    assert!(suite.store.put_meetings(made.id, &lease, &page, now, now + MINUTE).await.unwrap());
    assert!(claim(suite, now).await.1.is_empty(), "a plausible lease is respected");
    finish(suite, &made, &lease, now).await;
    assert!(claim(suite, now).await.1.is_empty(), "and it is listed");
}

pub async fn a_meeting_known_from_the_future_is_replaced(suite: &Conformance) {
    let (made, now) = (connected(suite).await, suite.env.now());
    sync(suite, &made, &[of("user-1", 1), of("user-1", 2), of("user-1", 3)], now + HOUR * 9).await;
    tell(suite, &made, MeetingChange::Gone { number: number(1), host: None }, now).await;
    assert_eq!(known(suite, &made).await, [2, 3]);
    assert!(suite.store.request_meeting_sync(made.workspace, made.id, now).await.unwrap());
    let (lease, claimed) = claim(suite, now).await;
    assert_eq!(claimed.len(), 1);
    assert!(suite.store.put_meetings(made.id, &lease, &[of("user-2", 2)], now, now + MINUTE).await.unwrap());
    finish(suite, &made, &lease, now).await;
    assert_eq!(known(suite, &made).await, [2], "the other is gone");
    let page = Page { order: Order::Ascending, after: None, most: 9 };
    let filter = MeetingFilter::default();
    let rows = suite.store.known_meetings(made.workspace, &filter, MeetingKey::Number, &page).await;
    assert_eq!(rows.unwrap()[0].synced_at, now);
}
