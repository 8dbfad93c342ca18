//! Events about refused fetches (`token_link.refused`): a platform that gets no token may let its bot join anonymously,
//! so the owner is notified. There is one event for each link and cause in ten minutes, with the number of refusals.
//!
//! Refusals are counted in memory, and events are written outside of requests. Only a caller that has a link's whole address
//! can cause one, and a cause is one of the few codes of a refusal.

use std::{
    collections::HashMap,
    convert::Infallible,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use aws_lc_rs::digest::{SHA256, digest};
use model::{
    Class, Code, Environment, EventId, Failure, TOKEN_LINK_REFUSED, Timestamp, TokenLinkId, WorkspaceId,
    chain,
};
use store::{
    Events, NewEvent, StoreError, TokenLink,
    event_bodies::{StateChange, TokenLinkEvent, TokenLinkOfEvent},
};

/// The shortest time between two events of one link and cause.
const INTERVAL: Duration = Duration::from_secs(600);
/// The time between two checks for due events.
const LOOK_INTERVAL: Duration = Duration::from_secs(5);
/// How long the counts of a cause are stored after its last refusal.
const COUNTS_TTL: Duration = Duration::from_secs(24 * 3600);
/// The most links and causes that are counted at a time. Refusals of further ones are only in the log and in `/metrics`.
const MAX_GATHERED: usize = 10_000;

/// Refusals since the last event, of one link and cause.
#[derive(Debug, Clone)]
struct Refused {
    workspace: WorkspaceId,
    name: String,
    /// The detail of the last refusal.
    detail: String,
    count: u64,
    since: Timestamp,
    told_at: Option<Timestamp>,
}

/// Refusals of a link for one cause, as this server has counted them.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct CountedRefusals {
    /// The cause.
    pub code: Code,
    /// How many there were.
    pub count: u64,
    /// The first.
    pub since: Timestamp,
    /// The last.
    pub last_at: Timestamp,
}

/// Counts refusals, and writes events about them.
pub struct Refusals {
    store: Arc<dyn Events + Send + Sync>,
    env: Environment,
    gathered: Mutex<HashMap<(TokenLinkId, Code), Refused>>,
    /// For display: all refusals, also those without an event.
    counted: Mutex<HashMap<TokenLinkId, Vec<CountedRefusals>>>,
}

impl Refusals {
    pub(crate) fn new(store: Arc<dyn Events + Send + Sync>, env: Environment) -> Self {
        Self { store, env, gathered: Mutex::default(), counted: Mutex::default() }
    }

    fn locked(&self) -> MutexGuard<'_, HashMap<(TokenLinkId, Code), Refused>> {
        self.gathered.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn counted(&self) -> MutexGuard<'_, HashMap<TokenLinkId, Vec<CountedRefusals>>> {
        self.counted.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn count(&self, link: TokenLinkId, code: Code, now: Timestamp) {
        let mut counted = self.counted();
        if counted.len() >= MAX_GATHERED && !counted.contains_key(&link) {
            return;
        }
        let of_link = counted.entry(link).or_default();
        match of_link.iter_mut().find(|refusals| refusals.code == code) {
            Some(refusals) => (refusals.count, refusals.last_at) = (refusals.count + 1, now),
            None => of_link.push(CountedRefusals { code, count: 1, since: now, last_at: now }),
        }
    }

    /// The refusals of a link that this server has counted since its start, the most recent first. A cause is dropped
    /// after a day without a refusal.
    pub fn of(&self, link: TokenLinkId) -> Vec<CountedRefusals> {
        let now = self.env.now();
        let mut all = self.counted().get(&link).cloned().unwrap_or_default();
        all.retain(|refusals| refusals.last_at.was_within(COUNTS_TTL, now));
        all.sort_by_key(|refusals| std::cmp::Reverse(refusals.last_at));
        all
    }

    fn forget_old(&self, now: Timestamp) {
        self.counted().retain(|_, of_link| {
            of_link.retain(|refusals| refusals.last_at.was_within(COUNTS_TTL, now));
            !of_link.is_empty()
        });
    }

    /// Counts a refused fetch. A refusal that may succeed when it is retried is only counted and causes no event.
    pub(crate) fn note(&self, link: &TokenLink, failure: &Failure, now: Timestamp) {
        self.count(link.id, failure.code, now);
        if failure.class() != Class::PersonMustAct {
            return;
        }
        let (key, mut gathered) = ((link.id, failure.code), self.locked());
        if gathered.len() >= MAX_GATHERED && !gathered.contains_key(&key) {
            return;
        }
        let refused = gathered.entry(key).or_insert_with(|| Refused {
            workspace: link.workspace,
            name: link.name.clone(),
            detail: String::new(),
            count: 0,
            since: now,
            told_at: None,
        });
        if refused.count == 0 {
            refused.since = now;
        }
        refused.count += 1;
        refused.detail.clone_from(&failure.detail);
    }

    /// Takes the refusals whose event is due, and marks them as reported. Drops entries without new refusals.
    fn take(&self, now: Timestamp) -> Vec<((TokenLinkId, Code), Refused)> {
        let mut gathered = self.locked();
        let rests = |refused: &Refused| refused.told_at.is_some_and(|told| told.was_within(INTERVAL, now));
        gathered.retain(|_, refused| refused.count > 0 || rests(refused));
        let due = gathered.iter_mut().filter(|(_, refused)| refused.count > 0 && !rests(refused));
        let taken = due.map(|(key, refused)| {
            let taken = (*key, refused.clone());
            (refused.count, refused.told_at) = (0, Some(now));
            taken
        });
        taken.collect()
    }

    /// Puts back refusals whose event was not written. They are reported with the following ones: at once, or after the
    /// interval.
    fn give_back(&self, key: (TokenLinkId, Code), untold: Refused, told_at: Option<Timestamp>) {
        let mut gathered = self.locked();
        let count = gathered.get(&key).map_or(0, |since| since.count) + untold.count;
        gathered.insert(key, Refused { count, told_at, ..untold });
    }

    /// Writes events about refusals, for as long as it is polled.
    pub(crate) async fn run(&self) -> Infallible {
        loop {
            self.env.clock.sleep(LOOK_INTERVAL).await;
            self.tell().await;
        }
    }

    /// Writes the events that are due now.
    pub async fn tell(&self) {
        let now = self.env.now();
        self.forget_old(now);
        for (key, refused) in self.take(now) {
            match self.store.add_event(&event(key, &refused, now)).await {
                Ok(()) => {}
                // Another server has just written the event of this link and cause, or this one did before its last start.
                Err(StoreError::Exists(_)) => self.give_back(key, refused, Some(now)),
                Err(error) => {
                    tracing::warn!(link = %key.0, code = key.1.as_str(), error = %chain(&error), "a refusal event is written later");
                    self.give_back(key, refused, None);
                }
            }
        }
    }
}

impl std::fmt::Debug for Refusals {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Refusals").finish_non_exhaustive()
    }
}

fn event((link, code): (TokenLinkId, Code), refused: &Refused, now: Timestamp) -> NewEvent {
    let data = TokenLinkEvent {
        data: StateChange { code: "refused", sub_code: Some(code.as_str()), updated_at: now },
        token_link: TokenLinkOfEvent { id: link, name: &refused.name },
        count: refused.count,
        since: refused.since,
        message: &refused.detail,
        advice: code.advice(),
    };
    // The id is the same on every server within the same ten minutes, so that the store accepts one of them.
    let span = now.as_second().div_euclid(INTERVAL.as_secs().cast_signed());
    let hash = digest(&SHA256, format!("token link {link} refused {code} in {span}").as_bytes());
    let id = EventId::of_hash(hash.as_ref()[..16].try_into().expect("a hash has 32 bytes"));
    NewEvent::other(id, refused.workspace, (TOKEN_LINK_REFUSED, &link as &dyn ToString), &data, now)
}
