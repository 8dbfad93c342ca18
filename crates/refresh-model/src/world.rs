//! The state: Zoom, the store and the servers.

use std::collections::BTreeSet;

/// A grant, numbered in the order of issue. It stands for its access and its refresh token.
pub(crate) type Token = u8;
/// The generation of the row: each stored grant increases it by one.
pub(crate) type Generation = u8;
/// One of the servers.
pub(crate) type Replica = usize;

/// How many servers there are.
pub(crate) const REPLICAS: usize = 2;

/// The state at one moment.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct World {
    /// Zoom's side.
    pub zoom: Zoom,
    /// The account in the store.
    pub row: Row,
    /// Whether the store answers.
    pub store_up: bool,
    /// The work of each server. It is lost when the server dies.
    pub work: [Work; REPLICAS],
    /// The grants on each server's disk. They remain when the server dies.
    pub escrow: [BTreeSet<Deposit>; REPLICAS],
    /// Requests in flight to Zoom whose server has stopped waiting.
    pub adrift: BTreeSet<Token>,
    /// How many mishaps may still happen.
    pub mishaps: u8,
    /// The newest grant that was ever in the store.
    pub newest_stored: Token,
    /// A caller has seen a token that was not in the store.
    pub answered_too_early: bool,
}

/// Zoom's side of the account.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Zoom {
    /// The valid grant; `None` after the user has withdrawn the consent.
    pub live: Option<Token>,
    /// The newest grant so far.
    pub issued: Token,
    /// The answer with the valid grant is lost: no server has it or will get it.
    pub unheard: bool,
}

/// The account in the store.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Row {
    /// The grant.
    pub token: Token,
    /// The number of stored grants.
    pub generation: Generation,
    /// The status in the API.
    pub status: Status,
    /// Its access token is valid for a while.
    pub fresh: bool,
    /// Its refresh token was sent, and no result is recorded.
    pub spent: bool,
    /// The holder of the lease, who may spend the token.
    pub lease: Option<Holder>,
}

/// Whether the account gives tokens.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Status {
    /// It gives tokens.
    Healthy,
    /// It gives none until the user consents again.
    NeedsReauth(Cause),
}

/// Why the user has to consent again.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Cause {
    /// The user has withdrawn the consent.
    Revoked,
    /// Zoom may have rotated, and its answer was lost.
    ResponseLost,
}

/// The holder of a lease.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Holder {
    /// A running server.
    Working(Replica),
    /// A server that died, or could not release it.
    Gone,
}

/// The current work of a server.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Work {
    /// It has died.
    Down,
    /// It has no work.
    Idle,
    /// It has the lease, and is about to call Zoom.
    Leased(Attempt),
    /// It has called Zoom; the answer is in flight, or not given yet.
    Waiting(Attempt, Option<Answer>),
    /// Zoom has answered `invalid_grant`.
    Judging(Attempt),
    /// It has read a grant, and is about to write it to the disk.
    Holding(Attempt, Token),
    /// It is about to store a grant. That may take long.
    Committing(Deposit),
    /// The store has this grant, or a newer one; it is still on the disk.
    Settled(Deposit),
}

/// A refresh in progress.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Attempt {
    /// The generation it started from.
    pub from: Generation,
    /// The grant it spends.
    pub token: Token,
    /// It may have been spent by a request whose answer was lost.
    pub in_doubt: bool,
    /// This is its second call.
    pub again: bool,
}

/// Zoom's answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Answer {
    /// The next grant.
    Granted(Token),
    /// `invalid_grant`.
    Dead,
    /// A refusal that does not change the grant: 429, `invalid_client`.
    Refused,
    /// A broken connection, a 500, HTML: Zoom may or may not have rotated.
    Unclear,
}

/// A grant on the disk.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Deposit {
    /// The generation it replaces.
    pub from: Generation,
    /// The grant.
    pub token: Token,
}

impl World {
    /// An account whose access token has just expired.
    pub(crate) fn new(mishaps: u8) -> Self {
        Self {
            zoom: Zoom { live: Some(1), issued: 1, unheard: false },
            row: Row {
                token: 1,
                generation: 1,
                status: Status::Healthy,
                fresh: false,
                spent: false,
                lease: None,
            },
            store_up: true,
            work: [Work::Idle; REPLICAS],
            escrow: [const { BTreeSet::new() }; REPLICAS],
            adrift: BTreeSet::new(),
            mishaps,
            newest_stored: 1,
            answered_too_early: false,
        }
    }
}
