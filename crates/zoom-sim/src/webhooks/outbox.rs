//! The outbox: every event for apps, every attempt, and when the next one is due.

use jiff::{SignedDuration, Timestamp};
use serde::Serialize;

use super::event::{self, Topic};
use super::wire::{Reply, Signed};
use crate::clock::Moment;
use crate::ids::{AccountId, ClientId, UserId};
use crate::world::World;
use crate::world::grant::Owner;
use crate::world::user::User;

/// Pauses after an attempt that was not answered with 200 or 204 in time (D; that each pause counts from the previous
/// attempt is I). After the last attempt the event is dropped.
const PAUSES: [SignedDuration; 3] =
    [SignedDuration::from_mins(5), SignedDuration::from_mins(20), SignedDuration::from_mins(60)];

/// State of a delivery.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum State {
    /// Waits for its first attempt, or the next one.
    Waiting,
    /// An attempt is in progress.
    Sending,
    /// Answered with 200 or 204 in time.
    Delivered,
    /// Abandoned.
    Dropped,
}

/// One attempt, for `GET /_sim/webhooks`.
#[derive(Clone, Debug, Serialize)]
pub(crate) struct Attempt {
    /// Zoom's time.
    pub(crate) at: Timestamp,
    pub(crate) signed: Signed,
    #[serde(flatten)]
    pub(crate) reply: Reply,
}

/// A delivery to an app. It contains ids but no secrets.
#[derive(Clone, Debug, Serialize)]
pub(crate) struct Delivery {
    pub(crate) id: usize,
    pub(crate) client_id: ClientId,
    pub(crate) event: &'static str,
    /// The body exactly as sent.
    pub(crate) body: String,
    pub(crate) state: State,
    pub(crate) attempts: Vec<Attempt>,
    /// Zoom's time; `null` if no attempt is due.
    pub(crate) next_attempt_at: Option<Timestamp>,
}

/// All deliveries in the order of creation; the index is the id.
#[derive(Debug, Default)]
pub(crate) struct Outbox {
    deliveries: Vec<Delivery>,
}

impl Outbox {
    pub(crate) fn all(&self) -> &[Delivery] {
        &self.deliveries
    }

    pub(crate) fn get(&self, id: usize) -> Option<&Delivery> {
        self.deliveries.get(id)
    }

    /// Queues an event for delivery.
    fn post(&mut self, client_id: ClientId, event: &'static str, body: String, now: Timestamp) {
        self.add(client_id, event, body, State::Waiting, Some(now));
    }

    /// Records a body whose only attempt the caller makes: it is never retried.
    pub(crate) fn hand_over(&mut self, client_id: ClientId, event: &'static str, body: String) -> usize {
        self.add(client_id, event, body, State::Sending, None)
    }

    fn add(
        &mut self,
        client_id: ClientId,
        event: &'static str,
        body: String,
        state: State,
        next_attempt_at: Option<Timestamp>,
    ) -> usize {
        let id = self.deliveries.len();
        let attempts = Vec::new();
        self.deliveries.push(Delivery { id, client_id, event, body, state, attempts, next_attempt_at });
        id
    }

    /// Takes the due deliveries: the caller makes an attempt for each.
    pub(crate) fn take_due(&mut self, now: Timestamp) -> Vec<usize> {
        let due = self.deliveries.iter_mut().filter(|delivery| {
            delivery.state == State::Waiting && delivery.next_attempt_at.is_some_and(|at| at <= now)
        });
        due.map(|delivery| {
            delivery.state = State::Sending;
            delivery.id
        })
        .collect()
    }

    /// When the next attempt is due, by Zoom's time.
    pub(crate) fn next_due(&self) -> Option<Timestamp> {
        let waiting = self.deliveries.iter().filter(|delivery| delivery.state == State::Waiting);
        waiting.filter_map(|delivery| delivery.next_attempt_at).min()
    }

    /// Records the result of an attempt and schedules a retry. A delivery from [`Outbox::hand_over`] is not retried.
    pub(crate) fn settle(&mut self, id: usize, attempt: Attempt) {
        let Some(delivery) = self.deliveries.get_mut(id) else { return };
        let pause = delivery.next_attempt_at.and_then(|_| PAUSES.get(delivery.attempts.len()));
        let again_at = pause.map(|pause| attempt.at + *pause);
        (delivery.state, delivery.next_attempt_at) = match again_at {
            _ if attempt.reply.is_taken() => (State::Delivered, None),
            Some(at) => (State::Waiting, Some(at)),
            None => (State::Dropped, None),
        };
        delivery.attempts.push(attempt);
    }

    /// Drops a delivery: the app no longer has a webhook.
    pub(crate) fn drop_it(&mut self, id: usize) {
        if let Some(delivery) = self.deliveries.get_mut(id) {
            (delivery.state, delivery.next_attempt_at) = (State::Dropped, None);
        }
    }
}

impl World {
    /// The apps that receive an event about a user: those of the user's own account, and those the user has consented to
    /// (I).
    pub(crate) fn listeners(&self, user: &User, topic: Topic) -> Vec<ClientId> {
        self.concerned(&user.account_id, &user.id, topic)
    }

    /// The same for a user by ids: the user may already be deleted.
    pub(crate) fn concerned(&self, account_id: &AccountId, user_id: &UserId, topic: Topic) -> Vec<ClientId> {
        let concerned = |client_id: &ClientId| {
            let colleague = self.app(client_id).is_some_and(|app| app.account_id == *account_id);
            colleague || self.grants.has(client_id, &Owner::User(user_id.clone()))
        };
        let hearing = self.webhooks.iter().filter(|(_, endpoint)| endpoint.hears(topic));
        hearing.map(|(client_id, _)| client_id).filter(|id| concerned(id)).cloned().collect()
    }

    /// Queues an event for each of `apps`.
    pub(crate) fn announce(&mut self, apps: Vec<ClientId>, topic: Topic, body: &str, now: Timestamp) {
        for app in apps {
            self.outbox.post(app, topic.name(), body.to_owned(), now);
        }
    }

    /// Notifies a published app that a user removed it (D).
    pub(crate) fn announce_removal(&mut self, client_id: &ClientId, user_id: &UserId, at: Moment) {
        let published = self.app(client_id).is_some_and(|app| app.published);
        let hears =
            self.webhooks.get(client_id).is_some_and(|endpoint| endpoint.hears(Topic::AppDeauthorized));
        let Some(user) = self.user(user_id).filter(|_| published && hears) else { return };
        let account_id = user.account_id.clone();
        let signature = self.entropy.secret();
        let body = event::app_deauthorized(&account_id, user_id, client_id, &signature, at.unix_ms);
        self.announce(vec![client_id.clone()], Topic::AppDeauthorized, &body, at.now);
    }
}
