//! Webhook endpoints and deliveries to them.
#![expect(missing_docs, reason = "the names say it")]
#![expect(clippy::unwrap_used, reason = "a test may fail loudly")]

use std::time::Duration;

use futures_util::future::join_all;
use model::{
    DeliveryState, EndpointKind, EndpointState, EventId, LeaseToken, Timestamp, WebhookEndpointId,
    WorkspaceId,
};

use crate::{CALLERS, Conformance, ROUNDS, events::event};
use store::{
    AfterAttempt, Answer, Attempt, Backlog, ClaimLimits, DeliveryFilter, EndpointAfter, EndpointChange,
    FailureRun, Lease, MAX_DELIVERY_PAUSE, NewEvent, WebhookEndpoint,
};

const SECOND: Duration = Duration::from_secs(1);
const HOUR: Duration = Duration::from_secs(3600);
const OPEN: ClaimLimits<'_> = ClaimLimits { full: &[], full_workspaces: &[], most: 100 };

fn endpoint(suite: &Conformance, workspace: WorkspaceId) -> WebhookEndpoint {
    WebhookEndpoint {
        id: WebhookEndpointId::generate(&suite.env),
        workspace,
        url: suite.sealed(),
        secrets: suite.sealed(),
        kind: EndpointKind::Webhook,
        lane: "here".into(),
        description: "Zoë’s 🗝".into(),
        event_types: vec![],
        svix_headers: true,
        state: EndpointState::Enabled,
        disabled_at: None,
        run: FailureRun::default(),
        created_at: suite.env.now(),
    }
}

async fn added(suite: &Conformance, workspace: WorkspaceId) -> WebhookEndpoint {
    let made = endpoint(suite, workspace);
    assert!(suite.store.add_webhook_endpoint(&made, 50).await.unwrap());
    made
}

async fn happens(suite: &Conformance, workspace: WorkspaceId, subject: &str) -> NewEvent {
    let event = event(suite, workspace, ("bot.done", subject), suite.env.now());
    suite.store.add_event(&event).await.unwrap();
    event
}

async fn lease(suite: &Conformance, at: Timestamp, most: usize) -> Vec<(WebhookEndpoint, Lease)> {
    let tokens: Vec<_> = (0..most).map(|_| LeaseToken::generate(&suite.env)).collect();
    let leased = suite.store.lease_due_endpoints(&tokens, OPEN, at, at + 60 * SECOND).await.unwrap();
    leased.into_iter().map(|(endpoint, lease, _)| (endpoint, lease)).collect()
}

async fn due(suite: &Conformance, endpoint: WebhookEndpointId, at: Timestamp) -> Vec<EventId> {
    let due = suite.store.due_deliveries(endpoint, at, 100).await.unwrap();
    due.iter().map(|delivery| delivery.event.event.id).collect()
}

const NOTHING: EndpointAfter = EndpointAfter {
    run: FailureRun { first_at: None, counted_from: None },
    failed: None,
    is_back: false,
    probe_at: None,
};

fn attempt(suite: &Conformance, event: EventId, then: AfterAttempt) -> Attempt {
    let headers = vec![("x-a".to_owned(), "b".to_owned())];
    let answer = Answer { status: Some(200), headers, body: "käse".into(), error: None, took_ms: 12 };
    Attempt { event, at: suite.env.now(), answer, then }
}

async fn attempted(
    suite: &Conformance,
    (endpoint, lease): &(WebhookEndpoint, Lease),
    event: EventId,
    then: AfterAttempt,
) -> bool {
    let attempts = [attempt(suite, event, then)];
    suite.store.record_attempts(endpoint.id, lease, &attempts, &NOTHING, suite.env.now()).await.unwrap()
}

pub async fn an_endpoint_is_read_back_unchanged(suite: &Conformance) {
    let workspace = suite.workspace().await;
    let mut made = endpoint(suite, workspace);
    made.event_types = vec!["bot.done".into(), "bot.fatal".into()];
    assert!(suite.store.add_webhook_endpoint(&made, 1).await.unwrap());
    let found = suite.store.webhook_endpoint(workspace, made.id).await.unwrap().unwrap();
    assert_eq!((found.url, found.secrets), (made.url.clone(), made.secrets.clone()));
    assert_eq!((found.description, found.event_types), (made.description, made.event_types));
    assert_eq!((found.svix_headers, found.state, found.run), (true, EndpointState::Enabled, made.run));
    let elsewhere = WorkspaceId::generate(&suite.env);
    assert!(suite.store.webhook_endpoint(elsewhere, made.id).await.unwrap().is_none());

    let change = EndpointChange {
        url: Some((suite.sealed(), "there".into())),
        event_types: Some(vec![]),
        svix_headers: Some(false),
        ..EndpointChange::default()
    };
    let now = suite.env.now();
    assert!(!suite.store.change_webhook_endpoint(elsewhere, made.id, &change, now).await.unwrap());
    assert!(suite.store.change_webhook_endpoint(workspace, made.id, &change, now).await.unwrap());
    let found = suite.store.webhook_endpoint(workspace, made.id).await.unwrap().unwrap();
    assert_eq!((Some((found.url, found.lane)), found.event_types.len()), (change.url, 0));
    assert_eq!((found.kind, found.svix_headers), (EndpointKind::Webhook, false));
    assert_eq!(found.description, "Zoë’s 🗝");

    let (new, another) = (suite.sealed(), suite.sealed());
    let replace =
        async |old| suite.store.replace_webhook_secrets(workspace, made.id, old, &new).await.unwrap();
    assert!(!replace(&another).await, "another caller has replaced them");
    assert!(replace(&made.secrets).await);
    assert!(!suite.store.remove_webhook_endpoint(elsewhere, made.id).await.unwrap());
    assert!(suite.store.remove_webhook_endpoint(workspace, made.id).await.unwrap());
    assert!(suite.store.webhook_endpoints(workspace).await.unwrap().is_empty());
}

pub async fn a_workspace_has_no_more_endpoints_than_it_may(suite: &Conformance) {
    let workspace = suite.workspace().await;
    let many: Vec<_> = (0..CALLERS).map(|_| endpoint(suite, workspace)).collect();
    let added = join_all(many.iter().map(|made| suite.store.add_webhook_endpoint(made, 3))).await;
    assert_eq!(added.into_iter().filter(|added| *added.as_ref().unwrap()).count(), 3);
    assert_eq!(suite.store.webhook_endpoints(workspace).await.unwrap().len(), 3);
}

pub async fn an_event_is_delivered_to_endpoints_of_its_type(suite: &Conformance) {
    let workspace = suite.workspace().await;
    let all = added(suite, workspace).await;
    let mut narrow = endpoint(suite, workspace);
    narrow.event_types = vec!["bot.fatal".into()];
    let mut off = endpoint(suite, workspace);
    off.state = EndpointState::Disabled;
    for made in [&narrow, &off] {
        assert!(suite.store.add_webhook_endpoint(made, 50).await.unwrap());
    }
    let now = suite.env.now();
    let done = happens(suite, workspace, "one").await;
    assert_eq!(due(suite, all.id, now).await, [done.id]);
    assert!(due(suite, narrow.id, now).await.is_empty() && due(suite, off.id, now).await.is_empty());
    let fatal = event(suite, workspace, ("bot.fatal", "two"), now);
    suite.store.add_event(&fatal).await.unwrap();
    assert_eq!(due(suite, narrow.id, now).await, [fatal.id]);
    let mut leased: Vec<_> = lease(suite, now, 9).await.iter().map(|(endpoint, _)| endpoint.id).collect();
    leased.sort_unstable();
    let mut expected = vec![all.id, narrow.id];
    expected.sort_unstable();
    assert_eq!(leased, expected);
    assert!(lease(suite, now, 9).await.is_empty(), "each endpoint once");
    assert_eq!(lease(suite, now + 61 * SECOND, 9).await.len(), 2, "a lease ends");
}

pub async fn events_of_one_subject_are_delivered_in_order(suite: &Conformance) {
    let workspace = suite.workspace().await;
    let made = added(suite, workspace).await;
    let now = suite.env.now();
    let first = happens(suite, workspace, "one").await;
    let second = happens(suite, workspace, "one").await;
    let other = happens(suite, workspace, "two").await;
    assert_eq!(due(suite, made.id, now).await, [first.id, other.id]);
    let held = lease(suite, now, 1).await.pop().unwrap();
    assert!(attempted(suite, &held, first.id, AfterAttempt::Again(now + 5 * SECOND)).await);
    assert_eq!(due(suite, made.id, now).await, [other.id], "the second waits behind the first");
    assert!(attempted(suite, &held, first.id, AfterAttempt::Delivered).await);
    assert_eq!(due(suite, made.id, now).await, [second.id, other.id]);
    assert!(attempted(suite, &held, second.id, AfterAttempt::GivenUp).await);
    assert!(attempted(suite, &held, other.id, AfterAttempt::Delivered).await);
    let third = happens(suite, workspace, "one").await;
    assert_eq!(
        due(suite, made.id, now).await,
        [third.id],
        "a delivery that was given up does not block others"
    );
}

pub async fn releasing_an_endpoint_returns_when_it_is_due(suite: &Conformance) {
    let workspace = suite.workspace().await;
    let made = added(suite, workspace).await;
    let now = suite.env.now();
    let first = happens(suite, workspace, "one").await;
    let held = lease(suite, now, 1).await.pop().unwrap();
    let later = now + 5 * SECOND;
    assert!(attempted(suite, &held, first.id, AfterAttempt::Again(later)).await);
    assert_eq!(suite.store.release_endpoint(made.id, &held.1).await.unwrap(), Some(later));
    assert!(lease(suite, now, 1).await.is_empty());
    let held = lease(suite, later, 1).await.pop().unwrap();
    assert!(attempted(suite, &held, first.id, AfterAttempt::Delivered).await);
    happens(suite, workspace, "two").await;
    assert_eq!(suite.store.release_endpoint(made.id, &held.1).await.unwrap(), Some(now));
    assert_eq!(lease(suite, now, 1).await.len(), 1, "an event that was added in the meantime is not missed");
}

/// A server whose clock was days ahead made the attempt and died with its lease.
pub async fn an_impossible_due_time_does_not_delay_a_delivery(suite: &Conformance) {
    let workspace = suite.workspace().await;
    let made = added(suite, workspace).await;
    let (now, first) = (suite.env.now(), happens(suite, workspace, "one").await);
    let longest = now + MAX_DELIVERY_PAUSE;
    for (at, is_due) in [(longest, false), (longest + 31 * SECOND, true), (now + 90 * 24 * HOUR, true)] {
        let held = lease(suite, now, 1).await.pop().unwrap();
        assert!(attempted(suite, &held, first.id, AfterAttempt::Again(at)).await);
        assert_eq!(suite.store.release_endpoint(made.id, &held.1).await.unwrap(), Some(at));
        assert_eq!(due(suite, made.id, now).await.contains(&first.id), is_due, "{at}");
        let early = lease(suite, now, 1).await.pop();
        assert_eq!(early.is_some(), is_due, "{at}");
        let held = if let Some(held) = early { held } else { lease(suite, at, 1).await.pop().unwrap() };
        assert!(attempted(suite, &held, first.id, AfterAttempt::Again(now)).await);
        assert_eq!(suite.store.release_endpoint(made.id, &held.1).await.unwrap(), Some(now));
    }
}

/// One delivery is finished and another is added to the queue at the same time: one of the transactions sees the other's
/// change.
pub async fn a_delivery_added_to_an_emptying_queue_is_due(suite: &Conformance) {
    let workspace = suite.workspace().await;
    let made = added(suite, workspace).await;
    for _ in 0..ROUNDS {
        let now = suite.env.now();
        let first = happens(suite, workspace, "one").await;
        let held = lease(suite, now, 1).await.pop().unwrap();
        let joins = event(suite, workspace, ("bot.done", "one"), now);
        let (recorded, joined) = futures_util::join!(
            attempted(suite, &held, first.id, AfterAttempt::Delivered),
            suite.store.add_event(&joins)
        );
        joined.unwrap();
        assert!(recorded);
        assert_eq!(due(suite, made.id, now).await, [joins.id]);
        let second = attempted(suite, &held, joins.id, AfterAttempt::Delivered);
        let joins = event(suite, workspace, ("bot.done", "two"), now);
        let (recorded, joined) = futures_util::join!(second, suite.store.add_event(&joins));
        joined.unwrap();
        assert!(recorded);
        assert!(suite.store.release_endpoint(made.id, &held.1).await.unwrap().is_some());
        let held = lease(suite, now, 1).await.pop().unwrap();
        assert!(attempted(suite, &held, joins.id, AfterAttempt::Delivered).await);
        assert_eq!(suite.store.release_endpoint(made.id, &held.1).await.unwrap(), None);
    }
}

pub async fn attempts_need_the_lease(suite: &Conformance) {
    let workspace = suite.workspace().await;
    let made = added(suite, workspace).await;
    let now = suite.env.now();
    let first = happens(suite, workspace, "one").await;
    let old = lease(suite, now, 1).await.pop().unwrap();
    let new = lease(suite, now + 61 * SECOND, 1).await.pop().unwrap();
    assert!(!attempted(suite, &old, first.id, AfterAttempt::GivenUp).await);
    assert!(suite.store.renew_endpoint(made.id, &old.1, now + 99 * SECOND).await.unwrap().is_none());
    assert_eq!(suite.store.release_endpoint(made.id, &old.1).await.unwrap(), None);
    assert_eq!(due(suite, made.id, now).await, [first.id]);
    assert!(suite.store.renew_endpoint(made.id, &new.1, now + 99 * SECOND).await.unwrap().is_some());
    assert!(attempted(suite, &new, first.id, AfterAttempt::Delivered).await);
}

pub async fn deliveries_are_listed_with_their_results(suite: &Conformance) {
    let workspace = suite.workspace().await;
    let made = added(suite, workspace).await;
    let first = happens(suite, workspace, "one").await;
    let second = happens(suite, workspace, "two").await;
    let held = lease(suite, suite.env.now(), 1).await.pop().unwrap();
    assert!(attempted(suite, &held, first.id, AfterAttempt::Delivered).await);
    let list = async |workspace, filter: DeliveryFilter, most| {
        suite.store.deliveries(workspace, made.id, &filter, most).await.unwrap()
    };
    let listed = list(workspace, DeliveryFilter::default(), 9).await;
    let ids: Vec<_> = listed.iter().map(|delivery| delivery.event.event.id).collect();
    assert_eq!(ids, [second.id, first.id]);
    let done = &listed[1];
    assert_eq!((done.state, done.attempts, done.due_at), (DeliveryState::Delivered, 1, None));
    assert_eq!(done.attempted_at, Some(suite.env.now()));
    assert_eq!(done.answer, Some(attempt(suite, first.id, AfterAttempt::Delivered).answer));
    assert_eq!(done.event.event, first);
    assert!(listed[0].answer.is_none());

    let page = list(workspace, DeliveryFilter { before: Some(2), ..DeliveryFilter::default() }, 1).await;
    assert_eq!(page[0].event.sequence, 1);
    let pending = DeliveryFilter { state: Some(DeliveryState::Pending), ..DeliveryFilter::default() };
    assert_eq!(list(workspace, pending, 9).await.len(), 1);
    let one = DeliveryFilter { event: Some(first.id), ..DeliveryFilter::default() };
    assert_eq!(list(workspace, one, 9).await.len(), 1);
    assert!(list(WorkspaceId::generate(&suite.env), DeliveryFilter::default(), 9).await.is_empty());

    let backlog = suite.store.webhook_backlog().await.unwrap();
    assert_eq!((backlog.pending, backlog.oldest), (1, Some(second.at)));
}

pub async fn a_failed_endpoint_gets_no_events_until_it_is_switched_on(suite: &Conformance) {
    let workspace = suite.workspace().await;
    let (made, other) = (added(suite, workspace).await, added(suite, workspace).await);
    let now = suite.env.now();
    let first = happens(suite, workspace, "one").await;
    let leased = lease(suite, now, 2).await;
    let held = leased.into_iter().find(|(endpoint, _)| endpoint.id == made.id).unwrap();
    let disabled = event(suite, workspace, (model::WEBHOOK_ENDPOINT_DISABLED, "it"), now);
    let run = FailureRun { first_at: Some(now), counted_from: Some(now) };
    let after = EndpointAfter { run, failed: Some(disabled.clone()), ..NOTHING };
    let attempts = [attempt(suite, first.id, AfterAttempt::Again(now + 3600 * SECOND))];
    assert!(suite.store.record_attempts(made.id, &held.1, &attempts, &after, now).await.unwrap());
    let found = suite.store.webhook_endpoint(workspace, made.id).await.unwrap().unwrap();
    assert_eq!((found.state, found.disabled_at, found.run), (EndpointState::Failed, Some(now), run));
    assert_eq!(due(suite, other.id, now).await, [first.id, disabled.id], "other endpoints get the event");
    let missed = happens(suite, workspace, "two").await;
    let later = now + 7200 * SECOND;
    assert!(lease(suite, later, 9).await.iter().all(|(endpoint, _)| endpoint.id != made.id));

    let on = EndpointChange { enabled: Some(true), ..EndpointChange::default() };
    assert!(suite.store.change_webhook_endpoint(workspace, made.id, &on, now).await.unwrap());
    let found = suite.store.webhook_endpoint(workspace, made.id).await.unwrap().unwrap();
    assert_eq!(
        (found.state, found.disabled_at, found.run),
        (EndpointState::Enabled, None, FailureRun::default())
    );
    assert_eq!(due(suite, made.id, now).await, [first.id], "at once");
    assert!(
        !due(suite, made.id, later).await.contains(&missed.id),
        "an event that was missed has to be replayed"
    );
}

pub async fn a_recovered_endpoint_gets_its_events_at_once(suite: &Conformance) {
    let workspace = suite.workspace().await;
    let made = added(suite, workspace).await;
    let now = suite.env.now();
    let (first, second) = (happens(suite, workspace, "one").await, happens(suite, workspace, "two").await);
    let held = lease(suite, now, 1).await.pop().unwrap();
    assert!(attempted(suite, &held, first.id, AfterAttempt::Again(now + 36000 * SECOND)).await);
    let attempts = [attempt(suite, second.id, AfterAttempt::Delivered)];
    let after = EndpointAfter { is_back: true, ..NOTHING };
    assert!(suite.store.record_attempts(made.id, &held.1, &attempts, &after, now).await.unwrap());
    assert_eq!(due(suite, made.id, now).await, [first.id]);
}

pub async fn an_endpoint_that_is_down_waits_for_its_probe_or_a_caller(suite: &Conformance) {
    let workspace = suite.workspace().await;
    let made = added(suite, workspace).await;
    let now = suite.env.now();
    let (first, second) = (happens(suite, workspace, "one").await, happens(suite, workspace, "two").await);
    let probe_at = now + 30 * SECOND;
    // Records a failed attempt, and releases the endpoint.
    let fails = async |event| {
        let (endpoint, lease) = lease(suite, now, 1).await.pop().unwrap();
        let attempts = [attempt(suite, event, AfterAttempt::Again(now + SECOND))];
        let after = EndpointAfter { probe_at: Some(probe_at), ..NOTHING };
        assert!(suite.store.record_attempts(endpoint.id, &lease, &attempts, &after, now).await.unwrap());
        assert_eq!(suite.store.release_endpoint(endpoint.id, &lease).await.unwrap(), Some(probe_at));
    };
    fails(second.id).await;
    happens(suite, workspace, "three").await;
    assert!(
        lease(suite, now + 29 * SECOND, 1).await.is_empty(),
        "an event that is added in the meantime waits too"
    );
    let probe = async |at| suite.store.probe_delivery(made.id, at).await.unwrap().unwrap().event.event.id;
    assert_eq!(probe(probe_at).await, second.id, "the delivery that became due last");
    assert_eq!(due(suite, made.id, probe_at).await[0], first.id);

    let test = event(suite, workspace, (model::WEBHOOK_ENDPOINT_TEST, "it"), now);
    assert!(suite.store.add_delivery(made.id, &test).await.unwrap());
    assert_eq!(probe(now).await, test.id);
    fails(test.id).await;
    assert!(suite.store.retry_delivery(workspace, made.id, first.id, now).await.unwrap());
    fails(first.id).await;
    let change = EndpointChange { url: Some((suite.sealed(), "there".into())), ..EndpointChange::default() };
    assert!(suite.store.change_webhook_endpoint(workspace, made.id, &change, now).await.unwrap());
    fails(first.id).await;

    let held = lease(suite, probe_at, 1).await.pop().unwrap();
    assert!(attempted(suite, &held, first.id, AfterAttempt::Delivered).await);
    let next = suite.store.release_endpoint(made.id, &held.1).await.unwrap();
    assert!(next.is_some_and(|next| next <= probe_at), "it is reachable: deliveries are not delayed");
}

pub async fn other_endpoints_get_an_event_when_one_is_switched_off(suite: &Conformance) {
    let workspace = suite.workspace().await;
    let (made, witness) = (added(suite, workspace).await, added(suite, workspace).await);
    let now = suite.env.now();
    let said = event(suite, workspace, (model::WEBHOOK_ENDPOINT_DISABLED, "it"), now);
    let off = EndpointChange {
        enabled: Some(false),
        switched_off: Some(said.clone()),
        ..EndpointChange::default()
    };
    for _ in 0..2 {
        assert!(suite.store.change_webhook_endpoint(workspace, made.id, &off, now).await.unwrap());
    }
    assert_eq!(due(suite, witness.id, now).await, [said.id], "once");
    assert!(due(suite, made.id, now).await.is_empty(), "it is switched off");
}

pub async fn a_test_reaches_one_endpoint_whatever_it_listens_to(suite: &Conformance) {
    let workspace = suite.workspace().await;
    let (mut made, other) = (endpoint(suite, workspace), added(suite, workspace).await);
    made.event_types = vec!["bot.fatal".into()];
    assert!(suite.store.add_webhook_endpoint(&made, 50).await.unwrap());
    let now = suite.env.now();
    let test = event(suite, workspace, (model::WEBHOOK_ENDPOINT_TEST, "it"), now);
    assert!(suite.store.add_delivery(made.id, &test).await.unwrap());
    assert_eq!(due(suite, made.id, now).await, [test.id]);
    assert!(due(suite, other.id, now).await.is_empty());
    let nobody = WebhookEndpointId::generate(&suite.env);
    let test = event(suite, workspace, (model::WEBHOOK_ENDPOINT_TEST, "it"), now);
    assert!(!suite.store.add_delivery(nobody, &test).await.unwrap());
    assert_eq!(suite.store.last_event(workspace).await.unwrap(), 1, "and no number is skipped");
}

pub async fn events_can_be_delivered_again_in_order(suite: &Conformance) {
    let workspace = suite.workspace().await;
    let now = suite.env.now();
    let missed = happens(suite, workspace, "one").await;
    let made = added(suite, workspace).await;
    let second = happens(suite, workspace, "one").await;
    let held = lease(suite, now, 1).await.pop().unwrap();
    assert!(attempted(suite, &held, second.id, AfterAttempt::Delivered).await);
    assert_eq!(suite.store.release_endpoint(made.id, &held.1).await.unwrap(), None);

    let elsewhere = WorkspaceId::generate(&suite.env);
    assert!(!suite.store.retry_delivery(elsewhere, made.id, second.id, now).await.unwrap());
    assert!(!suite.store.retry_delivery(workspace, made.id, missed.id, now).await.unwrap());
    assert!(suite.store.retry_delivery(workspace, made.id, second.id, now).await.unwrap());
    assert_eq!(due(suite, made.id, now).await, [second.id]);

    let span = (now, now + SECOND);
    let replay = async |workspace, span, most| {
        suite.store.replay_events(workspace, made.id, span, most, now).await.unwrap()
    };
    assert_eq!(replay(elsewhere, span, 9).await, None);
    assert_eq!(replay(workspace, span, 1).await, Some(2), "they are more than allowed, so nothing is done");
    assert_eq!(due(suite, made.id, now).await, [second.id]);
    assert_eq!(replay(workspace, (now + SECOND, now + SECOND), 9).await, Some(0));
    assert_eq!(replay(workspace, span, 2).await, Some(2));
    assert_eq!(due(suite, made.id, now).await, [missed.id], "the earlier one comes first");
    assert_eq!(lease(suite, now, 1).await.len(), 1);
}

pub async fn workspaces_take_turns_and_a_host_has_a_part_of_the_slots(suite: &Conformance) {
    let (one, now) = (suite.workspace().await, suite.env.now());
    let other = suite.workspace_row(WorkspaceId::generate(&suite.env));
    suite.store.add_workspace(&other, &suite.api_key(other.id)).await.unwrap();
    let mut made = Vec::new();
    for (workspace, lane) in [(one, "a"), (one, "a"), (one, "a"), (one, "b"), (other.id, "a"), (other.id, "")]
    {
        let endpoint = WebhookEndpoint { lane: lane.into(), ..endpoint(suite, workspace) };
        assert!(suite.store.add_webhook_endpoint(&endpoint, 50).await.unwrap());
        made.push((endpoint.id, workspace, lane));
    }
    for workspace in [one, other.id] {
        happens(suite, workspace, "one").await;
    }
    let lease = async |limits, most: usize| {
        let tokens: Vec<_> = (0..most).map(|_| LeaseToken::generate(&suite.env)).collect();
        let leased = suite.store.lease_due_endpoints(&tokens, limits, now, now + SECOND).await.unwrap();
        leased.into_iter().map(|(endpoint, ..)| (endpoint.workspace, endpoint.lane)).collect::<Vec<_>>()
    };
    let full = ["a".to_owned()];
    let first = lease(ClaimLimits { full: &full, most: 9, ..OPEN }, 1).await;
    assert!(first.iter().all(|(_, lane)| lane != "a"), "{first:?}");
    let turns = lease(OPEN, 2).await;
    let workspaces: std::collections::BTreeSet<_> = turns.iter().map(|(workspace, _)| *workspace).collect();
    assert_eq!(workspaces.len(), 2, "each has a turn: {turns:?}");
    let both = [one, other.id];
    assert!(lease(ClaimLimits { full_workspaces: &both, ..OPEN }, 9).await.is_empty());
    let rest = lease(ClaimLimits { most: 1, ..OPEN }, 9).await;
    for workspace in both {
        assert!(rest.iter().filter(|(of, _)| *of == workspace).count() <= 1, "{rest:?}");
    }
    assert!(rest.iter().filter(|(_, lane)| lane == "a").count() <= 1, "{rest:?}");
    let all = turns.len() + rest.len() + 1 + lease(OPEN, 9).await.len();
    assert_eq!(all, made.len(), "all endpoints are claimed");
}

pub async fn pending_deliveries_are_counted(suite: &Conformance) {
    let workspace = suite.workspace().await;
    assert_eq!(suite.store.webhook_backlog().await.unwrap(), Backlog::default());
    let made = added(suite, workspace).await;
    added(suite, workspace).await;
    let first = happens(suite, workspace, "one").await;
    let later = event(suite, workspace, ("bot.done", "two"), suite.env.now() + SECOND);
    suite.store.add_event(&later).await.unwrap();
    let all = Backlog { pending: 4, oldest: Some(first.at) };
    assert_eq!(suite.store.webhook_backlog().await.unwrap(), all);
    for held in lease(suite, later.at, 9).await {
        assert!(attempted(suite, &held, first.id, AfterAttempt::Delivered).await);
    }
    let rest = Backlog { pending: 2, oldest: Some(later.at) };
    assert_eq!(suite.store.webhook_backlog().await.unwrap(), rest);
    let off = EndpointChange { enabled: Some(false), ..EndpointChange::default() };
    assert!(suite.store.change_webhook_endpoint(workspace, made.id, &off, later.at).await.unwrap());
    assert_eq!(
        suite.store.webhook_backlog().await.unwrap().pending,
        1,
        "only deliveries to enabled endpoints count"
    );
}
