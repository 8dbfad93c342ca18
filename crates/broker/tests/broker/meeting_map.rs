//! A meeting number finds its host's account: by lists, by webhooks, and again after whatever went wrong.

use std::time::Duration;

use broker::{MeetingHost, NewApp};
use model::{
    Code, CredentialId, CredentialStatus, MeetingNumber, MeetingSyncStatus, Secret, Timestamp, WorkspaceId,
};
use serde_json::{Value, json};
use store::{AccountLog as _, AppKind, LogFilter, LogLine};

use crate::{
    harness::House,
    webhooks::{Sender, milliseconds},
};

const MINUTE: Duration = Duration::from_secs(60);
const HOUR: Duration = Duration::from_secs(3600);
/// All that an app of the tests needs.
const SCOPES: [&str; 3] = ["user:read:user", "user:read:zak", "meeting:read:list_meetings"];

/// A house whose app may list meetings.
async fn house() -> House {
    let house = House::start().await;
    house.zoom.change_app(json!({ "scopes": SCOPES })).await;
    house
}

/// A meeting that `host` makes at Zoom.
async fn meeting(house: &House, host: &str) -> MeetingNumber {
    let made = house.zoom.control("POST", "meetings", json!({ "host_id": host })).await;
    made["meeting_number"].as_str().unwrap().parse().unwrap()
}

async fn personal_room(house: &House) -> MeetingNumber {
    let user = house.zoom.control("GET", &format!("users/{}", house.zoom.user), Value::Null).await;
    user["pmi"].as_i64().unwrap().try_into().unwrap()
}

/// Lists what is due: how many accounts that was.
async fn look(house: &House) -> u32 {
    let claimed = house.broker.sync_due_meetings().await.unwrap();
    house.settle().await;
    claimed
}

async fn host(house: &House, number: MeetingNumber) -> Option<MeetingHost> {
    house.broker.host_of(house.workspace, number).await.unwrap()
}

async fn state(house: &House, id: CredentialId) -> MeetingSyncStatus {
    house.row(id).await.meeting_sync
}

async fn log(house: &House) -> Vec<LogLine> {
    house.store.credential_log(house.workspace, &LogFilter::default(), 99).await.unwrap()
}

fn own(id: CredentialId) -> MeetingHost {
    MeetingHost { credential: id, user: None }
}

/// A body of Zoom's.
fn event(name: &str, at: Timestamp, payload: &Value) -> String {
    json!({ "event": name, "event_ts": milliseconds(at), "payload": payload }).to_string()
}

fn of_meeting(house: &House, name: &str, number: MeetingNumber, at: Timestamp) -> String {
    let object = json!({ "id": number, "host_id": house.zoom.user });
    event(name, at, &json!({ "account_id": house_account(), "object": object }))
}

/// No event of a user's own account is looked up by it.
fn house_account() -> &'static str {
    "account"
}

#[tokio::test]
async fn meetings_and_the_personal_room_are_listed_when_an_account_is_connected() {
    let house = house().await;
    let number = meeting(&house, &house.zoom.user).await;
    let stranger = house.zoom.new_user("grace@example.test").await;
    let elsewhere = meeting(&house, &stranger).await;
    let id = house.connect().await;
    assert_eq!((state(&house, id).await, host(&house, number).await), (MeetingSyncStatus::NotStarted, None));
    assert_eq!(look(&house).await, 1);
    assert_eq!(state(&house, id).await, MeetingSyncStatus::Completed);
    assert_eq!(host(&house, number).await, Some(own(id)));
    assert_eq!(host(&house, personal_room(&house).await).await, Some(own(id)));
    assert_eq!(host(&house, elsewhere).await, None);
    let other = WorkspaceId::generate(&house.env);
    assert_eq!(house.broker.host_of(other, number).await.unwrap(), None);
    assert_eq!(look(&house).await, 0, "once");
    assert_eq!(log(&house).await.len(), 1, "nothing but that it is connected");

    assert!(house.broker.disconnect(house.workspace, id).await.unwrap());
    assert_eq!(host(&house, number).await, None);
    assert_eq!(look(&house).await, 0);
}

#[tokio::test]
async fn a_list_goes_on_over_its_pages() {
    let house = house().await;
    let mut numbers = Vec::new();
    for _ in 0..305 {
        numbers.push(meeting(&house, &house.zoom.user).await);
    }
    let id = house.connect().await;
    look(&house).await;
    for number in numbers {
        assert_eq!(host(&house, number).await, Some(own(id)));
    }
}

#[tokio::test]
async fn a_repair_finds_what_is_new_and_forgets_what_is_gone() {
    let house = house().await;
    let gone = meeting(&house, &house.zoom.user).await;
    let id = house.connect().await;
    look(&house).await;
    house.zoom.delete(&format!("meetings/{gone}")).await;
    let new = meeting(&house, &house.zoom.user).await;
    house.pass(HOUR * 4).await;
    assert_eq!(look(&house).await, 0, "not yet");
    house.pass(HOUR * 2).await;
    assert_eq!(look(&house).await, 1);
    assert_eq!((host(&house, new).await, host(&house, gone).await), (Some(own(id)), None));
    let used = house.row(id).await.used_at.unwrap();
    assert!(house.env.now().since(used) >= HOUR * 6, "our own business is no use of the account");

    // With webhooks that work, a day is soon enough.
    let body = r#"{"event":"endpoint.url_validation","event_ts":1,"payload":{"plainToken":"plain"}}"#;
    Sender::to(&house).send(&house.broker, body).await.unwrap();
    assert!(house.broker.sync_meetings(house.workspace, id).await.unwrap());
    assert_eq!(look(&house).await, 1);
    house.pass(HOUR * 17).await;
    assert_eq!(look(&house).await, 0);
    house.pass(HOUR * 7).await;
    assert_eq!(look(&house).await, 1);
}

#[tokio::test]
async fn whoever_asks_sees_that_it_is_on_its_way() {
    let house = house().await;
    let id = house.connect().await;
    look(&house).await;
    let number = meeting(&house, &house.zoom.user).await;
    assert!(house.broker.sync_meetings(house.workspace, id).await.unwrap());
    assert_eq!(state(&house, id).await, MeetingSyncStatus::InProgress);
    assert_eq!(look(&house).await, 1);
    assert_eq!(
        (state(&house, id).await, host(&house, number).await),
        (MeetingSyncStatus::Completed, Some(own(id)))
    );

    let (other, nobody) = (WorkspaceId::generate(&house.env), CredentialId::generate(&house.env));
    assert!(!house.broker.sync_meetings(other, id).await.unwrap());
    assert!(!house.broker.sync_meetings(house.workspace, nobody).await.unwrap());
    house.zoom.change_user(json!({ "active": false })).await;
    house.pass(HOUR).await;
    house.zak(id).await.unwrap_err();
    assert!(house.broker.sync_meetings(house.workspace, id).await.unwrap());
    assert_eq!(look(&house).await, 0);
    let told = log(&house).await;
    assert!(told.iter().any(|line| line.message.starts_with("meetings are not listed: the account is")));
}

#[tokio::test]
async fn a_missing_scope_is_named_and_the_account_stays_healthy() {
    let house = House::start().await;
    let id = house.connect().await;
    assert_eq!(look(&house).await, 1);
    assert_eq!(state(&house, id).await, MeetingSyncStatus::NotStarted, "nothing has failed");
    assert_eq!(house.row(id).await.status, CredentialStatus::Healthy);
    house.zak(id).await.unwrap();
    assert!(house.broker.sync_meetings(house.workspace, id).await.unwrap(), "somebody asks all the same");
    let named = async || {
        let lines = log(&house).await;
        let named = lines.into_iter().filter(|line| line.code == Some(Code::ScopeMissing));
        named.map(|line| line.message).collect::<Vec<_>>()
    };
    let lines = named().await;
    let begins = "meetings are not listed: the grant lacks scopes that lists of meetings need: meeting:read:list_meetings";
    let ends = "; add the scope to the Zoom app and connect the account again";
    assert!(lines.len() == 1 && lines[0].starts_with(begins) && lines[0].ends_with(ends), "{lines:?}");
    assert_eq!(look(&house).await, 0, "there is no hurry");
    house.pass(HOUR * 6).await;
    assert_eq!(look(&house).await, 1);
    assert_eq!(named().await, lines, "no line for each try");

    house.zoom.change_app(json!({ "scopes": SCOPES })).await;
    assert_eq!(house.connect().await, id);
    assert_eq!(look(&house).await, 1);
    assert_eq!(state(&house, id).await, MeetingSyncStatus::Completed);
}

#[tokio::test]
async fn what_may_pass_is_tried_again_and_costs_nothing_that_was_known() {
    let house = house().await;
    let number = meeting(&house, &house.zoom.user).await;
    let id = house.connect().await;
    look(&house).await;
    house.broker.sync_meetings(house.workspace, id).await.unwrap();
    house.zoom.spoil("meetings", "http_500", 2).await;
    for pause in [30, 60] {
        assert_eq!(look(&house).await, 1);
        assert_eq!(state(&house, id).await, MeetingSyncStatus::Failed);
        assert_eq!(host(&house, number).await, Some(own(id)));
        assert_eq!(look(&house).await, 0);
        house.pass(Duration::from_secs(pause)).await;
    }
    assert_eq!(look(&house).await, 1);
    assert_eq!(state(&house, id).await, MeetingSyncStatus::Completed);
    assert_eq!(house.row(id).await.status, CredentialStatus::Healthy);
    let failures = log(&house).await.into_iter().filter(|line| line.code == Some(Code::ZoomUnavailable));
    assert_eq!(failures.count(), 1);
}

#[tokio::test]
async fn a_token_that_zoom_no_longer_takes_is_replaced() {
    let house = house().await;
    let number = meeting(&house, &house.zoom.user).await;
    let id = house.connect().await;
    // At Zoom it is over; by our record it is not.
    house.zoom.pass(3600).await;
    assert_eq!(look(&house).await, 1);
    assert_eq!(host(&house, number).await, Some(own(id)));
    // Once for the refusal; and once more if so many answers have told the time by then that our clock counts as wrong.
    assert!((1..=2).contains(&house.zoom.stats().await.refreshes));
}

#[tokio::test]
async fn a_list_of_a_process_that_died_is_made_by_another() {
    let house = house().await;
    let number = meeting(&house, &house.zoom.user).await;
    let id = house.connect().await;
    let dying = house.another_broker(house.clock.clone()).await;
    // Its tasks end at their first pause, with the claim in the store.
    dying.stop_refreshing();
    assert_eq!(dying.sync_due_meetings().await.unwrap(), 1);
    house.settle().await;
    if state(&house, id).await == MeetingSyncStatus::InProgress {
        assert_eq!(look(&house).await, 0, "somebody seems to be on it");
        house.pass(MINUTE * 5).await;
        assert_eq!(look(&house).await, 1);
    }
    assert_eq!(host(&house, number).await, Some(own(id)));
}

#[tokio::test]
async fn webhooks_keep_it_in_step_each_once_and_in_whatever_order() {
    let house = house().await;
    let id = house.connect().await;
    look(&house).await;
    let number: MeetingNumber = "81234567890".parse().unwrap();
    let (now, sender) = (house.env.now(), Sender::to(&house));
    let created = of_meeting(&house, "meeting.created", number, now);
    sender.taken(&created).await;
    assert_eq!(host(&house, number).await, Some(own(id)));
    let changed = json!({ "account_id": house_account(), "object": { "id": number, "topic": "x" } });
    sender.taken(&event("meeting.updated", now, &changed)).await;
    assert_eq!(host(&house, number).await, Some(own(id)));

    house.clock.advance(MINUTE);
    let sender = Sender::to(&house);
    let single = json!({ "account_id": house_account(), "operation": "single",
                         "object": { "id": number, "host_id": house.zoom.user } });
    sender.taken(&event("meeting.deleted", house.env.now(), &single)).await;
    assert_eq!(host(&house, number).await, Some(own(id)), "one of a series is not the series");
    let deleted = of_meeting(&house, "meeting.deleted", number, house.env.now());
    sender.taken(&deleted).await;
    assert_eq!(host(&house, number).await, None);
    sender.taken(&created).await;
    sender.taken(&of_meeting(&house, "meeting.updated", number, now)).await;
    assert_eq!(host(&house, number).await, None, "what comes late is older");

    let room: MeetingNumber = "5551234567".parse().unwrap();
    let old_room = personal_room(&house).await;
    let object = json!({ "id": house.zoom.user, "pmi": room });
    let payload = json!({ "account_id": house_account(), "object": object });
    sender.taken(&event("user.updated", house.env.now(), &payload)).await;
    assert_eq!((host(&house, room).await, host(&house, old_room).await), (Some(own(id)), None));

    let stranger = json!({ "account_id": house_account(), "object": { "id": number, "host_id": "nobody" } });
    sender.taken(&event("meeting.created", house.env.now() + MINUTE, &stranger)).await;
    assert_eq!(host(&house, number).await, None, "nobody's account here");
}

#[tokio::test]
async fn a_server_to_server_account_speaks_for_every_host_of_its_zoom_account() {
    let house = house().await;
    let scopes = ["user:read:zak:admin", "user:read:list_users:admin", "meeting:read:list_meetings:admin"];
    let app = json!({ "client_id": "s2s", "client_secret": "planted-s2s", "kind": "server_to_server", "scopes": scopes });
    let account = house.zoom.control("POST", "apps", app).await["account_id"].as_str().unwrap().to_owned();
    let new = NewApp {
        kind: AppKind::ServerToServer,
        client_id: "s2s".into(),
        client_secret: Secret::new("planted-s2s"),
        webhook_secret: Secret::new("planted-webhook-secret"),
        zoom_account_id: Some(account.clone()),
    };
    let app = house.broker.register_app(house.workspace, &new).await.unwrap().unwrap().id;
    let grace = house.zoom.new_user("grace@example.test").await;
    let (of_ada, of_grace) = (meeting(&house, &house.zoom.user).await, meeting(&house, &grace).await);
    let id = house.broker.connect_server_to_server(house.workspace, app).await.unwrap().unwrap();
    assert_eq!(look(&house).await, 1);
    let speaks = |user: &str| Some(MeetingHost { credential: id, user: Some(user.parse().unwrap()) });
    assert_eq!(host(&house, of_grace).await, speaks(&grace));
    assert_eq!(host(&house, of_ada).await, speaks(&house.zoom.user));
    assert_eq!(host(&house, personal_room(&house).await).await, speaks(&house.zoom.user));

    let own_account = house.connect().await;
    look(&house).await;
    assert_eq!(host(&house, of_ada).await, Some(own(own_account)), "the host's own account comes first");

    // A webhook of the app that speaks for all: somebody is gone, and somebody is new.
    let sender = Sender::to_app(&house, app);
    let payload = |user: &str| json!({ "account_id": account, "object": { "id": user } });
    sender.taken(&event("user.deleted", house.env.now(), &payload(&grace))).await;
    assert_eq!(host(&house, of_grace).await, None);
    let eve = house.zoom.new_user("eve@example.test").await;
    let of_eve = meeting(&house, &eve).await;
    sender.taken(&event("user.created", house.env.now(), &payload(&eve))).await;
    assert_eq!(look(&house).await, 1);
    assert_eq!(host(&house, of_eve).await, speaks(&eve));
}
