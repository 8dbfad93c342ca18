//! The host's account of a meeting number is found: by lists, by webhooks, and after failures.

use std::time::Duration;

use broker::{DueLists, MeetingHost, NewApp};
use model::{
    Code, CredentialId, CredentialStatus, MeetingNumber, MeetingSyncStatus, Secret, Timestamp, WorkspaceId,
};
use serde_json::{Value, json};
use store::{AccountLog as _, AppKind, LogFilter, LogLine};
use tokio_util::sync::CancellationToken;
use workers::Work as _;

use crate::{
    harness::Fixture,
    webhooks::{Sender, milliseconds},
};

const MINUTE: Duration = Duration::from_secs(60);
const HOUR: Duration = Duration::from_secs(3600);
/// The scopes that an app of the tests needs.
const SCOPES: [&str; 3] = ["user:read:user", "user:read:zak", "meeting:read:list_meetings"];

/// A fixture whose app may list meetings.
async fn fixture() -> Fixture {
    let fixture = Fixture::start().await;
    fixture.zoom.change_app(json!({ "scopes": SCOPES })).await;
    fixture
}

/// A meeting that `host` creates at Zoom.
async fn meeting(fixture: &Fixture, host: &str) -> MeetingNumber {
    let made = fixture.zoom.control("POST", "meetings", json!({ "host_id": host })).await;
    made["meeting_number"].as_str().unwrap().parse().unwrap()
}

async fn personal_room(fixture: &Fixture) -> MeetingNumber {
    let user = fixture.zoom.control("GET", &format!("users/{}", fixture.zoom.user), Value::Null).await;
    user["pmi"].as_i64().unwrap().try_into().unwrap()
}

/// Lists the meetings of due accounts. Returns the number of accounts.
async fn look(fixture: &Fixture) -> u32 {
    let claimed = fixture.list_due(&fixture.broker, CancellationToken::new()).await;
    fixture.settle().await;
    claimed
}

async fn host(fixture: &Fixture, number: MeetingNumber) -> Option<MeetingHost> {
    fixture.broker.meeting_map.host_of(fixture.workspace, number).await.unwrap()
}

async fn state(fixture: &Fixture, id: CredentialId) -> MeetingSyncStatus {
    fixture.row(id).await.meeting_sync
}

async fn log(fixture: &Fixture) -> Vec<LogLine> {
    fixture.store.credential_log(fixture.workspace, &LogFilter::default(), 99).await.unwrap()
}

fn own(id: CredentialId) -> MeetingHost {
    MeetingHost { credential: id, user: None }
}

/// The body of a webhook of Zoom.
fn event(name: &str, at: Timestamp, payload: &Value) -> String {
    json!({ "event": name, "event_ts": milliseconds(at), "payload": payload }).to_string()
}

fn of_meeting(fixture: &Fixture, name: &str, number: MeetingNumber, at: Timestamp) -> String {
    let object = json!({ "id": number, "host_id": fixture.zoom.user });
    event(name, at, &json!({ "account_id": house_account(), "object": object }))
}

/// The account id of events. Events of a user's own account are not looked up by it.
fn house_account() -> &'static str {
    "account"
}

#[tokio::test]
async fn meetings_and_the_personal_room_are_listed_when_an_account_is_connected() {
    let fixture = fixture().await;
    let number = meeting(&fixture, &fixture.zoom.user).await;
    let stranger = fixture.zoom.new_user("grace@example.test").await;
    let elsewhere = meeting(&fixture, &stranger).await;
    let id = fixture.connect().await;
    assert_eq!(
        (state(&fixture, id).await, host(&fixture, number).await),
        (MeetingSyncStatus::NotStarted, None)
    );
    assert_eq!(look(&fixture).await, 1);
    assert_eq!(state(&fixture, id).await, MeetingSyncStatus::Completed);
    assert_eq!(host(&fixture, number).await, Some(own(id)));
    assert_eq!(host(&fixture, personal_room(&fixture).await).await, Some(own(id)));
    assert_eq!(host(&fixture, elsewhere).await, None);
    let other = WorkspaceId::generate(&fixture.env);
    assert_eq!(fixture.broker.meeting_map.host_of(other, number).await.unwrap(), None);
    assert_eq!(look(&fixture).await, 0, "once");
    assert_eq!(log(&fixture).await.len(), 1, "only that it is connected");

    assert!(fixture.broker.accounts.disconnection.disconnect(fixture.workspace, id).await.unwrap());
    assert_eq!(host(&fixture, number).await, None);
    assert_eq!(look(&fixture).await, 0);
}

#[tokio::test]
async fn a_list_covers_all_pages() {
    let fixture = fixture().await;
    let mut numbers = Vec::new();
    for _ in 0..305 {
        numbers.push(meeting(&fixture, &fixture.zoom.user).await);
    }
    let id = fixture.connect().await;
    look(&fixture).await;
    for number in numbers {
        assert_eq!(host(&fixture, number).await, Some(own(id)));
    }
}

#[tokio::test]
async fn a_later_list_adds_new_meetings_and_removes_deleted_ones() {
    let fixture = fixture().await;
    let gone = meeting(&fixture, &fixture.zoom.user).await;
    let id = fixture.connect().await;
    look(&fixture).await;
    fixture.zoom.delete(&format!("meetings/{gone}")).await;
    let new = meeting(&fixture, &fixture.zoom.user).await;
    fixture.pass(HOUR * 4).await;
    assert_eq!(look(&fixture).await, 0, "not yet");
    fixture.pass(HOUR * 2).await;
    assert_eq!(look(&fixture).await, 1);
    assert_eq!((host(&fixture, new).await, host(&fixture, gone).await), (Some(own(id)), None));
    let used = fixture.row(id).await.used_at.unwrap();
    assert!(fixture.env.now().since(used) >= HOUR * 6, "our own calls are not a use of the account");

    // With working webhooks, the next list is a day later.
    let body = r#"{"event":"endpoint.url_validation","event_ts":1,"payload":{"plainToken":"plain"}}"#;
    Sender::to(&fixture).send(&fixture.broker, body).await.unwrap();
    assert!(fixture.broker.meeting_map.request_sync(fixture.workspace, id).await.unwrap());
    assert_eq!(look(&fixture).await, 1);
    fixture.pass(HOUR * 17).await;
    assert_eq!(look(&fixture).await, 0);
    fixture.pass(HOUR * 7).await;
    assert_eq!(look(&fixture).await, 1);
}

#[tokio::test]
async fn a_requested_sync_is_shown_as_running() {
    let fixture = fixture().await;
    let id = fixture.connect().await;
    look(&fixture).await;
    let number = meeting(&fixture, &fixture.zoom.user).await;
    assert!(fixture.broker.meeting_map.request_sync(fixture.workspace, id).await.unwrap());
    assert_eq!(state(&fixture, id).await, MeetingSyncStatus::InProgress);
    assert_eq!(look(&fixture).await, 1);
    assert_eq!(
        (state(&fixture, id).await, host(&fixture, number).await),
        (MeetingSyncStatus::Completed, Some(own(id)))
    );

    let (other, nobody) = (WorkspaceId::generate(&fixture.env), CredentialId::generate(&fixture.env));
    assert!(!fixture.broker.meeting_map.request_sync(other, id).await.unwrap());
    assert!(!fixture.broker.meeting_map.request_sync(fixture.workspace, nobody).await.unwrap());
    fixture.zoom.change_user(json!({ "active": false })).await;
    fixture.pass(HOUR).await;
    fixture.zak(id).await.unwrap_err();
    assert!(fixture.broker.meeting_map.request_sync(fixture.workspace, id).await.unwrap());
    assert_eq!(look(&fixture).await, 0);
    let told = log(&fixture).await;
    assert!(told.iter().any(|line| line.message.starts_with("meetings are not listed: the account is")));
}

#[tokio::test]
async fn a_missing_scope_is_named_and_the_account_stays_healthy() {
    let fixture = Fixture::start().await;
    let id = fixture.connect().await;
    assert_eq!(look(&fixture).await, 1);
    assert_eq!(state(&fixture, id).await, MeetingSyncStatus::NotStarted, "nothing has failed");
    assert_eq!(fixture.row(id).await.status, CredentialStatus::Healthy);
    fixture.zak(id).await.unwrap();
    assert!(
        fixture.broker.meeting_map.request_sync(fixture.workspace, id).await.unwrap(),
        "a caller requests it anyway"
    );
    let named = async || {
        let lines = log(&fixture).await;
        let named = lines.into_iter().filter(|line| line.code == Some(Code::ScopeMissing));
        named.map(|line| line.message).collect::<Vec<_>>()
    };
    let lines = named().await;
    let begins = "meetings are not listed: the grant lacks scopes that lists of meetings need: meeting:read:list_meetings";
    let ends = "; add the scope to the Zoom app and connect the account again";
    assert!(lines.len() == 1 && lines[0].starts_with(begins) && lines[0].ends_with(ends), "{lines:?}");
    assert_eq!(look(&fixture).await, 0, "no list is due");
    fixture.pass(HOUR * 6).await;
    assert_eq!(look(&fixture).await, 1);
    assert_eq!(named().await, lines, "not one line for each attempt");

    fixture.zoom.change_app(json!({ "scopes": SCOPES })).await;
    assert_eq!(fixture.connect().await, id);
    assert_eq!(look(&fixture).await, 1);
    assert_eq!(state(&fixture, id).await, MeetingSyncStatus::Completed);
}

#[tokio::test]
async fn a_temporary_failure_is_retried_and_loses_no_known_meeting() {
    let fixture = fixture().await;
    let number = meeting(&fixture, &fixture.zoom.user).await;
    let id = fixture.connect().await;
    look(&fixture).await;
    fixture.broker.meeting_map.request_sync(fixture.workspace, id).await.unwrap();
    fixture.zoom.spoil("meetings", "http_500", 2).await;
    for pause in [30, 60] {
        assert_eq!(look(&fixture).await, 1);
        assert_eq!(state(&fixture, id).await, MeetingSyncStatus::Failed);
        assert_eq!(host(&fixture, number).await, Some(own(id)));
        assert_eq!(look(&fixture).await, 0);
        fixture.pass(Duration::from_secs(pause)).await;
    }
    assert_eq!(look(&fixture).await, 1);
    assert_eq!(state(&fixture, id).await, MeetingSyncStatus::Completed);
    assert_eq!(fixture.row(id).await.status, CredentialStatus::Healthy);
    let failures = log(&fixture).await.into_iter().filter(|line| line.code == Some(Code::ZoomUnavailable));
    assert_eq!(failures.count(), 1);
}

#[tokio::test]
async fn a_token_that_zoom_refuses_is_replaced() {
    let fixture = fixture().await;
    let number = meeting(&fixture, &fixture.zoom.user).await;
    let id = fixture.connect().await;
    // By our record the token is valid. Zoom's clock does not move: the answers would show an hour between the clocks,
    // and then our record would call the next token expired, too.
    let fault = json!({ "where": "users_me", "kind": "odd_body", "status": 401,
                        "set": { "code": 124, "message": "Invalid access token." } });
    fixture.zoom.control("POST", "faults", fault).await;
    assert_eq!(look(&fixture).await, 1);
    assert_eq!(host(&fixture, number).await, Some(own(id)));
    assert_eq!(fixture.zoom.stats().await.refreshes, 1);
}

#[tokio::test]
async fn a_list_of_a_dead_process_is_fetched_by_another() {
    let fixture = fixture().await;
    let number = meeting(&fixture, &fixture.zoom.user).await;
    let id = fixture.connect().await;
    let dying = fixture.another_broker(fixture.clock.clone()).await;
    // The lists of this process end at their first pause, with the claim in the store.
    let stopped = CancellationToken::new();
    stopped.cancel();
    assert_eq!(fixture.list_due(&dying, stopped).await, 1);
    fixture.settle().await;
    if state(&fixture, id).await == MeetingSyncStatus::InProgress {
        assert_eq!(look(&fixture).await, 0, "another process has claimed it");
        fixture.pass(MINUTE * 5).await;
        assert_eq!(look(&fixture).await, 1);
    }
    assert_eq!(host(&fixture, number).await, Some(own(id)));
}

#[tokio::test]
async fn a_list_that_takes_longer_than_its_lease_is_not_claimed_by_another() {
    let fixture = fixture().await;
    fixture.connect().await;
    let lists = DueLists::new(fixture.broker.meeting_map.clone(), CancellationToken::new());
    let claimed = lists.claim(9).await.unwrap().pop().unwrap().item;
    let held_until = async || {
        let query = sqlx::query_scalar("SELECT sync_lease_expires_at FROM credentials");
        let db = sqlx::SqlitePool::connect(fixture.database().to_str().unwrap()).await.unwrap();
        Timestamp::from_microsecond(query.fetch_one(&db).await.unwrap())
    };
    let minutes = async {
        for _ in 0..6 {
            let before = held_until().await;
            fixture.clock.advance(MINUTE);
            while held_until().await == before {}
        }
    };
    tokio::select! {
        () = lists.keep_lease(&claimed) => panic!("the lease is renewed for ever"),
        () = minutes => {}
    }
    assert_eq!(look(&fixture).await, 0, "a lease lasts for five minutes, and this one was renewed");
    fixture.clock.advance(MINUTE * 5);
    assert_eq!(look(&fixture).await, 1);
}

#[tokio::test]
async fn webhooks_update_the_map_once_each_and_in_any_order() {
    let fixture = fixture().await;
    let id = fixture.connect().await;
    look(&fixture).await;
    let number: MeetingNumber = "81234567890".parse().unwrap();
    let (now, sender) = (fixture.env.now(), Sender::to(&fixture));
    let created = of_meeting(&fixture, "meeting.created", number, now);
    sender.taken(&created).await;
    assert_eq!(host(&fixture, number).await, Some(own(id)));
    let changed = json!({ "account_id": house_account(), "object": { "id": number, "topic": "x" } });
    sender.taken(&event("meeting.updated", now, &changed)).await;
    assert_eq!(host(&fixture, number).await, Some(own(id)));

    fixture.clock.advance(MINUTE);
    let sender = Sender::to(&fixture);
    let single = json!({ "account_id": house_account(), "operation": "single",
                         "object": { "id": number, "host_id": fixture.zoom.user } });
    sender.taken(&event("meeting.deleted", fixture.env.now(), &single)).await;
    assert_eq!(host(&fixture, number).await, Some(own(id)), "one of a series is not the series");
    let deleted = of_meeting(&fixture, "meeting.deleted", number, fixture.env.now());
    sender.taken(&deleted).await;
    assert_eq!(host(&fixture, number).await, None);
    sender.taken(&created).await;
    sender.taken(&of_meeting(&fixture, "meeting.updated", number, now)).await;
    assert_eq!(host(&fixture, number).await, None, "a late event is older");

    let room: MeetingNumber = "5551234567".parse().unwrap();
    let old_room = personal_room(&fixture).await;
    let object = json!({ "id": fixture.zoom.user, "pmi": room });
    let payload = json!({ "account_id": house_account(), "object": object });
    sender.taken(&event("user.updated", fixture.env.now(), &payload)).await;
    assert_eq!((host(&fixture, room).await, host(&fixture, old_room).await), (Some(own(id)), None));

    let stranger = json!({ "account_id": house_account(), "object": { "id": number, "host_id": "nobody" } });
    sender.taken(&event("meeting.created", fixture.env.now() + MINUTE, &stranger)).await;
    assert_eq!(host(&fixture, number).await, None, "no account here is its host's");
}

#[tokio::test]
async fn a_server_to_server_account_acts_for_every_host_of_its_zoom_account() {
    let fixture = fixture().await;
    let scopes = ["user:read:zak:admin", "user:read:list_users:admin", "meeting:read:list_meetings:admin"];
    let app = json!({ "client_id": "s2s", "client_secret": "planted-s2s", "kind": "server_to_server", "scopes": scopes });
    let account = fixture.zoom.control("POST", "apps", app).await["account_id"].as_str().unwrap().to_owned();
    let new = NewApp {
        kind: AppKind::ServerToServer,
        client_id: "s2s".into(),
        client_secret: Secret::new("planted-s2s"),
        webhook_secret: Secret::new("planted-webhook-secret"),
        zoom_account_id: Some(account.clone()),
    };
    let app = fixture.broker.accounts.apps.register(fixture.workspace, &new).await.unwrap().unwrap().id;
    let grace = fixture.zoom.new_user("grace@example.test").await;
    let (of_ada, of_grace) = (meeting(&fixture, &fixture.zoom.user).await, meeting(&fixture, &grace).await);
    let id = fixture.broker.accounts.server_to_server.connect(fixture.workspace, app).await.unwrap().unwrap();
    assert_eq!(look(&fixture).await, 1);
    let speaks = |user: &str| Some(MeetingHost { credential: id, user: Some(user.parse().unwrap()) });
    assert_eq!(host(&fixture, of_grace).await, speaks(&grace));
    assert_eq!(host(&fixture, of_ada).await, speaks(&fixture.zoom.user));
    assert_eq!(host(&fixture, personal_room(&fixture).await).await, speaks(&fixture.zoom.user));

    let own_account = fixture.connect().await;
    look(&fixture).await;
    assert_eq!(host(&fixture, of_ada).await, Some(own(own_account)), "the host's own account comes first");

    // Webhooks of the app that acts for all users: one user is gone, and one is new.
    let sender = Sender::to_app(&fixture, app);
    let payload = |user: &str| json!({ "account_id": account, "object": { "id": user } });
    sender.taken(&event("user.deleted", fixture.env.now(), &payload(&grace))).await;
    assert_eq!(host(&fixture, of_grace).await, None);
    let eve = fixture.zoom.new_user("eve@example.test").await;
    let of_eve = meeting(&fixture, &eve).await;
    sender.taken(&event("user.created", fixture.env.now(), &payload(&eve))).await;
    assert_eq!(look(&fixture).await, 1);
    assert_eq!(host(&fixture, of_eve).await, speaks(&eve));
}
