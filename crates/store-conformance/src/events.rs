//! The stream of events, which are written together with the change of state.
#![expect(missing_docs, reason = "the names say it")]
#![expect(clippy::unwrap_used, reason = "a test may fail loudly")]

use std::time::Duration;

use futures_util::future::join_all;
use model::{BotStatus, EventId, StatusChange, SubCode, Timestamp, WorkspaceId};
use serde_json::{Value, json};

use crate::{CALLERS, Conformance, ROUNDS, bots, credentials};
use store::{Event, EventFilter, NewEvent, Transition};

pub(super) fn event(
    suite: &Conformance,
    workspace: WorkspaceId,
    (kind, subject): (&str, &str),
    at: Timestamp,
) -> NewEvent {
    NewEvent::other(EventId::generate(&suite.env), workspace, (kind, &subject), &json!({}), at)
}

async fn all(suite: &Conformance, workspace: WorkspaceId) -> Vec<Event> {
    suite.store.events(workspace, 0, &EventFilter::default(), 1000).await.unwrap()
}

pub async fn a_bots_step_is_an_event_as_soon_as_it_is_recorded(suite: &Conformance) {
    let workspace = suite.workspace().await;
    let (bot, lease) = bots::leased(suite, workspace).await;
    assert!(all(suite, workspace).await.is_empty(), "the creation of a bot is not an event");
    let at = suite.env.now();
    for (code, sub_code) in
        [(BotStatus::JoiningCall, None), (BotStatus::Fatal, Some(SubCode::MeetingRequiresSignIn))]
    {
        let step = StatusChange { code, message: Some("words".into()), created_at: at, sub_code };
        assert_eq!(suite.store.record_step(bot.id, &lease, &step).await.unwrap(), Transition::Recorded);
    }
    let events = all(suite, workspace).await;
    assert_eq!(events.iter().map(|event| event.sequence).collect::<Vec<_>>(), [1, 2]);
    let last = &events[1].event;
    assert_eq!((&*last.kind, &*last.subject, last.at), ("bot.fatal", &*bot.id.to_string(), at));
    assert_ne!(last.id, events[0].event.id);
    let body: Value = serde_json::from_str(&last.body).unwrap();
    let expected = json!({ "event": "bot.fatal", "data": {
        "data": { "code": "fatal", "sub_code": "meeting_requires_sign_in", "updated_at": at },
        "bot": { "id": bot.id, "metadata": {} },
    }});
    assert_eq!(body, expected);
}

pub async fn a_refused_step_is_not_an_event(suite: &Conformance) {
    let workspace = suite.workspace().await;
    let (bot, lease) = bots::leased(suite, workspace).await;
    let step = |code| StatusChange { code, message: None, created_at: suite.env.now(), sub_code: None };
    let forbidden = suite.store.record_step(bot.id, &lease, &step(BotStatus::Done)).await.unwrap();
    assert_eq!(forbidden, Transition::Forbidden);
    let another = suite.lease(60);
    let lost = suite.store.record_step(bot.id, &another, &step(BotStatus::JoiningCall)).await.unwrap();
    assert_eq!(lost, Transition::LeaseLost);
    assert!(all(suite, workspace).await.is_empty());
    assert_eq!(suite.store.last_event(workspace).await.unwrap(), 0);
}

pub async fn an_accounts_change_of_state_is_one_event(suite: &Conformance) {
    let workspace = suite.workspace().await;
    let app = suite.app(workspace, "client-1").await;
    let account = credentials::account(suite, workspace, app.id, "user-1");
    // A second consent of a healthy account changes no state.
    credentials::connect(suite, &account).await.unwrap();
    credentials::connect(suite, &account).await.unwrap();
    let cause = model::DisconnectCause::Deauthorized;
    for _ in 0..2 {
        let note = suite.note("the user has removed the app");
        suite.store.disconnect_credential(workspace, account.id, cause, &note).await.unwrap();
    }
    let events = all(suite, workspace).await;
    let kinds: Vec<_> = events.iter().map(|event| &*event.event.kind).collect();
    assert_eq!(kinds, ["zoom_oauth_credential.healthy", "zoom_oauth_credential.disconnected"]);
    let body: Value = serde_json::from_str(&events[1].event.body).unwrap();
    assert_eq!(body["data"]["data"]["sub_code"], "app_deauthorized");
    assert_eq!(body["data"]["zoom_oauth_credential"]["id"], json!(account.id));
    assert_eq!(body["data"]["zoom_oauth_credential"]["user_id"], "user-1");
    assert_eq!(body["data"]["message"], "the user has removed the app");
}

pub async fn numbers_have_no_gaps_with_concurrent_writers(suite: &Conformance) {
    let workspace = suite.workspace().await;
    for _ in 0..ROUNDS {
        let events: Vec<_> =
            (0..CALLERS).map(|_| event(suite, workspace, ("bot.done", "one"), suite.env.now())).collect();
        for done in join_all(events.iter().map(|event| suite.store.add_event(event))).await {
            done.unwrap();
        }
        // Storing the same event again is an error and uses no number.
        assert!(suite.store.add_event(&events[0]).await.is_err());
    }
    let numbers: Vec<_> = all(suite, workspace).await.iter().map(|event| event.sequence).collect();
    let expected: Vec<_> = (1..=i64::try_from(CALLERS * ROUNDS).unwrap()).collect();
    assert_eq!(numbers, expected);
    assert_eq!(suite.store.last_event(workspace).await.unwrap(), expected[expected.len() - 1]);
}

pub async fn a_stream_can_be_read_from_any_number(suite: &Conformance) {
    let workspace = suite.workspace().await;
    for (kind, subject) in [("bot.done", "one"), ("bot.fatal", "two"), ("bot.done", "two")] {
        suite.store.add_event(&event(suite, workspace, (kind, subject), suite.env.now())).await.unwrap();
    }
    let read = async |after, filter: EventFilter, most| {
        let events = suite.store.events(workspace, after, &filter, most).await.unwrap();
        events.iter().map(|event| event.sequence).collect::<Vec<_>>()
    };
    assert_eq!(read(1, EventFilter::default(), 10).await, [2, 3]);
    assert_eq!(read(0, EventFilter::default(), 2).await, [1, 2]);
    let done = EventFilter { kinds: vec!["bot.done".into()], subject: None };
    assert_eq!(read(0, done, 10).await, [1, 3]);
    let two = EventFilter { kinds: vec![], subject: Some("two".into()) };
    assert_eq!(read(0, two, 10).await, [2, 3]);
    let elsewhere = WorkspaceId::generate(&suite.env);
    assert!(all(suite, elsewhere).await.is_empty());
}

pub async fn a_commit_wakes_waiting_callers(suite: &Conformance) {
    let workspace = suite.workspace().await;
    let seen = suite.store.events_written(0);
    let write = async {
        suite.store.add_event(&event(suite, workspace, ("bot.done", "one"), suite.env.now())).await.unwrap();
    };
    let (seen, ()) = futures_util::join!(seen, write);
    let (bot, lease) = bots::leased(suite, workspace).await;
    let step = StatusChange {
        code: BotStatus::JoiningCall,
        message: None,
        created_at: suite.env.now(),
        sub_code: None,
    };
    let recorded = suite.store.record_step(bot.id, &lease, &step);
    let (_, recorded) = futures_util::join!(suite.store.events_written(seen), recorded);
    assert_eq!(recorded.unwrap(), Transition::Recorded);
}

pub async fn old_events_are_deleted_in_batches(suite: &Conformance) {
    let workspace = suite.workspace().await;
    let now = suite.env.now();
    for seconds in 0..3 {
        let at = now + Duration::from_secs(seconds);
        suite.store.add_event(&event(suite, workspace, ("bot.done", "one"), at)).await.unwrap();
    }
    let end = now + Duration::from_secs(2);
    assert_eq!(suite.store.forget_events(end, 1).await.unwrap(), 1);
    assert_eq!(suite.store.forget_events(end, 9).await.unwrap(), 1);
    assert_eq!(suite.store.forget_events(end, 9).await.unwrap(), 0);
    let left: Vec<_> = all(suite, workspace).await.iter().map(|event| event.sequence).collect();
    assert_eq!(left, [3], "numbers are not used again");
}
