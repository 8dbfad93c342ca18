//! The simulator's state. It is in memory: a restart loses everything except the CA.

pub(crate) mod app;
pub(crate) mod grant;
pub(crate) mod history;
mod meetings;
pub(crate) mod switches;
pub(crate) mod user;

use std::collections::{BTreeMap, HashMap};

use crate::clock::Moment;
use crate::entropy::Entropy;
use crate::faults::Faults;
use crate::gate::join_ticket::JoinTicket;
use crate::gate::meeting::Meeting;
use crate::held_requests::Held;
use crate::ids::{AccountId, ClientId, MeetingNumber, UserId};
use crate::rest::quotas::Used;
use crate::script::Scripts;
use crate::too_many_requests::PerSecond;
use crate::webhooks::endpoint::Endpoint;
use crate::webhooks::event::{self, Topic};
use crate::webhooks::outbox::Outbox;
use app::App;
use grant::Grants;
use history::History;
use switches::Switches;
use user::User;

/// The state of the simulated Zoom.
pub(crate) struct World {
    pub(crate) entropy: Entropy,
    /// In order of creation, as lists show them.
    pub(crate) apps: Vec<App>,
    /// In order of creation; the first is signed in until the control API chooses another.
    pub(crate) users: Vec<User>,
    /// The user who consents at `/oauth/authorize`.
    pub(crate) signed_in: Option<UserId>,
    pub(crate) grants: Grants,
    pub(crate) meetings: BTreeMap<MeetingNumber, Meeting>,
    /// Join tickets that a socket may still redeem, by their `auth`.
    pub(crate) admissions: HashMap<String, JoinTicket>,
    /// `jti`s of used on-behalf-of and join tokens, each with the `zoomID` of the stay that it started.
    pub(crate) spent_tokens: HashMap<String, String>,
    /// Webhooks by app id.
    pub(crate) webhooks: BTreeMap<ClientId, Endpoint>,
    pub(crate) outbox: Outbox,
    pub(crate) faults: Faults,
    /// Requests that a fault holds.
    pub(crate) held: Held,
    /// Recent token requests of each app.
    pub(crate) token_used: PerSecond<ClientId>,
    /// Recent REST calls of each account.
    pub(crate) rest_used: Used,
    pub(crate) switches: Switches,
    pub(crate) history: History,
    pub(crate) scripts: Scripts,
    /// Signs access tokens and ZAKs; new at each start.
    pub(crate) signing_key: String,
    /// The default account of users and apps.
    pub(crate) home_account: AccountId,
}

impl World {
    pub(crate) fn new(mut entropy: Entropy) -> Self {
        Self {
            signing_key: entropy.secret(),
            home_account: AccountId(entropy.id()),
            entropy,
            apps: Vec::new(),
            users: Vec::new(),
            signed_in: None,
            grants: Grants::default(),
            meetings: BTreeMap::new(),
            admissions: HashMap::new(),
            spent_tokens: HashMap::new(),
            webhooks: BTreeMap::new(),
            outbox: Outbox::default(),
            faults: Faults::default(),
            held: Held::default(),
            token_used: PerSecond::default(),
            rest_used: Used::default(),
            switches: Switches::default(),
            history: History::default(),
            scripts: Scripts::default(),
        }
    }

    pub(crate) fn app(&self, id: &ClientId) -> Option<&App> {
        self.apps.iter().find(|app| app.client_id == *id)
    }

    pub(crate) fn app_mut(&mut self, id: &ClientId) -> Option<&mut App> {
        self.apps.iter_mut().find(|app| app.client_id == *id)
    }

    pub(crate) fn user(&self, id: &UserId) -> Option<&User> {
        self.users.iter().find(|user| user.id == *id)
    }

    pub(crate) fn user_mut(&mut self, id: &UserId) -> Option<&mut User> {
        self.users.iter_mut().find(|user| user.id == *id)
    }

    /// Whether a used token started the stay that is rejoined: the SDK sends it again after its connection broke, however
    /// late (I).
    pub(crate) fn brought_in(&self, jti: &str, rejoins: Option<&str>) -> bool {
        rejoins.is_some() && self.spent_tokens.get(jti).map(String::as_str) == rejoins
    }

    /// Adds a user and notifies subscribed apps.
    pub(crate) fn add_user(&mut self, user: User, at: Moment) {
        let listeners = self.listeners(&user, Topic::UserCreated);
        let body = event::user_event(Topic::UserCreated, &user, at.unix_ms);
        self.users.push(user);
        self.announce(listeners, Topic::UserCreated, &body, at.now);
    }

    /// The user whose browser opens the consent page: the one the control API chose, else the first.
    pub(crate) fn signed_in_user(&self) -> Option<&User> {
        match &self.signed_in {
            Some(id) => self.user(id),
            None => self.users.first(),
        }
    }
}
