//! Pools: named groups of accounts, and the seats taken on them.
//!
//! Zoom's limits apply to a person: one Zoom user joins so many meetings at once, hosts one or two,
//! and is in a meeting once, through any app. So seats are counted by [`Member::person`], over all
//! pools of a workspace.

use std::time::Duration;

use async_trait::async_trait;
use model::{
    AccountUser, CredentialId, CredentialStatus, MeetingNumber, PoolId, SeatId, Timestamp, WorkspaceId,
};

use crate::StoreError;

/// The longest time a seat is reserved without a renewal.
pub const MAX_SEAT: Duration = Duration::from_secs(48 * 3600);

/// An account of a pool, and one of its users if it is a server-to-server app's.
pub type PooledAccount = (CredentialId, Option<AccountUser>);

/// A named group of accounts.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Pool {
    /// Its id.
    pub id: PoolId,
    /// The tenant.
    pub workspace: WorkspaceId,
    /// Its name, unique in the workspace.
    pub name: String,
    /// When it was made.
    pub created_at: Timestamp,
}

/// An account of a pool and its limits at Zoom.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Member {
    /// The account.
    pub account: PooledAccount,
    /// Zoom's id of the user. Members that were added by address, before addresses were resolved,
    /// have the address here.
    pub person: String,
    /// The e-mail address by which the user was named, for people. It may be another user's by now.
    pub address: Option<AccountUser>,
    /// The maximum number of meetings it may be in at once.
    pub joins: u32,
    /// How many of these it may host at most.
    pub hosted: u32,
}

/// A member and its current use.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MemberUsage {
    /// The account and its limits.
    pub member: Member,
    /// Whether it can give tokens.
    pub status: CredentialStatus,
    /// Seats taken on this person, through any pool.
    pub seats: u32,
    /// How many of these are hosting ones.
    pub hosting: u32,
    /// When the first of them expires.
    pub first_end: Option<Timestamp>,
    /// When this pool last chose it.
    pub taken_at: Option<Timestamp>,
}

/// A request for a seat.
#[derive(Debug, Clone, Copy)]
pub struct SeatRequest<'a> {
    /// The id of a new seat.
    pub id: SeatId,
    /// The pool.
    pub pool: PoolId,
    /// The meeting; `None` when it is not known.
    pub meeting: Option<MeetingNumber>,
    /// The holder: a bot's id, at its platform.
    pub holder: &'a str,
    /// Whether the bot is to start the meeting as its host.
    pub hosting: bool,
    /// The meeting's host, if known. An account of that person starts the meeting even without
    /// `hosting`, and no other account can.
    pub host: Option<&'a str>,
    /// Accounts that are excluded.
    pub without: &'a [PooledAccount],
    /// Now.
    pub now: Timestamp,
    /// When the seat expires.
    pub until: Timestamp,
}

impl SeatRequest<'_> {
    /// Whether a seat on this account is a hosting one.
    pub fn hosts(&self, member: &Member) -> bool {
        self.hosting || self.host == Some(&*member.person)
    }

    /// Whether this account is allowed for the request at all.
    pub(crate) fn may_be_on(&self, member: &Member) -> bool {
        let is_the_host = self.host.is_none_or(|host| host == member.person);
        is_the_host || !self.hosting
    }
}

/// A seat that was taken.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Seat {
    /// Its id.
    pub id: SeatId,
    /// Its account.
    pub account: PooledAccount,
}

/// A taken seat and its holder.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct HeldSeat {
    /// Its id.
    pub id: SeatId,
    /// Its account.
    pub account: PooledAccount,
    /// The holder: a bot's id, at its platform.
    pub holder: String,
    /// The meeting; `None` when it is not known.
    pub meeting: Option<MeetingNumber>,
    /// Whether the bot hosts the meeting.
    pub hosting: bool,
    /// When it was taken.
    pub taken_at: Timestamp,
    /// When it expires, unless it is extended.
    pub ends_at: Timestamp,
}

/// The result of a request for a seat.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Seating {
    /// A seat was taken, or the holder's seat in this meeting was extended.
    Taken(Seat),
    /// No seat was free.
    Refused(SeatCounts),
    /// The workspace has no such pool.
    NoPool,
}

/// Why a pool had no free seat.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct SeatCounts {
    /// Its accounts; if the meeting is to be started, only those of its host.
    pub accounts: u32,
    /// How many of them can give tokens.
    pub usable: u32,
    /// Seats on the usable ones.
    pub seats: u32,
    /// How many of these are taken.
    pub taken: u32,
    /// Usable accounts that are in the meeting already.
    pub present: u32,
    /// Usable accounts with a free seat that already host as many meetings as they may.
    pub hosting: u32,
    /// When the first seat on a usable account expires.
    pub first_end: Option<Timestamp>,
}

/// The result of deleting a pool.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum PoolRemoval {
    /// It was deleted with its members.
    Removed,
    /// It has seats that are taken.
    InUse,
    /// The workspace has no such pool.
    NoPool,
}

/// Pools and seats. An expired seat does not count, even while its row exists.
#[async_trait]
pub trait Pools {
    /// Stores a pool with its members. [`StoreError::Exists`] when the workspace has a pool of this
    /// name.
    async fn add_pool(&self, pool: &Pool, members: &[Member]) -> Result<(), StoreError>;

    /// A pool of the workspace, with its members sorted by id.
    async fn pool(
        &self,
        workspace: WorkspaceId,
        id: PoolId,
        now: Timestamp,
    ) -> Result<Option<(Pool, Vec<MemberUsage>)>, StoreError>;

    /// The workspace's pools, by name.
    async fn pools(
        &self,
        workspace: WorkspaceId,
        now: Timestamp,
    ) -> Result<Vec<(Pool, Vec<MemberUsage>)>, StoreError>;

    /// Renames a pool. [`StoreError::Exists`] when the workspace has a pool of this name.
    async fn rename_pool(&self, workspace: WorkspaceId, id: PoolId, name: &str) -> Result<bool, StoreError>;

    /// Adds members, or changes their limits; `alone` removes all others. Taken seats stay until
    /// they end. `false` when the workspace has no such pool.
    async fn put_members(
        &self,
        workspace: WorkspaceId,
        id: PoolId,
        members: &[Member],
        alone: bool,
    ) -> Result<bool, StoreError>;

    /// Removes an account from a pool. `false` when it was not in it.
    async fn remove_member(
        &self,
        workspace: WorkspaceId,
        id: PoolId,
        account: &PooledAccount,
    ) -> Result<bool, StoreError>;

    /// Deletes a pool without taken seats, and its members.
    async fn remove_pool(
        &self,
        workspace: WorkspaceId,
        id: PoolId,
        now: Timestamp,
    ) -> Result<PoolRemoval, StoreError>;

    /// Chooses an account and takes a seat on it, in one transaction, so concurrent callers see
    /// each other's seats. [`choose`](crate::choose) makes the choice. A second request of the same
    /// holder for the same meeting keeps the seat, unless its account is excluded or unusable now.
    async fn take_seat(
        &self,
        workspace: WorkspaceId,
        request: &SeatRequest<'_>,
    ) -> Result<Seating, StoreError>;

    /// Extends a holder's seats to at least `until`. Returns how many there are.
    async fn extend_seats(
        &self,
        workspace: WorkspaceId,
        pool: PoolId,
        holder: &str,
        now: Timestamp,
        until: Timestamp,
    ) -> Result<u64, StoreError>;

    /// Releases all seats of a holder. Returns how many there were.
    async fn release_seats(
        &self,
        workspace: WorkspaceId,
        pool: PoolId,
        holder: &str,
    ) -> Result<u64, StoreError>;

    /// The seats that are taken through a pool of the workspace, the oldest first, at most `most`.
    async fn held_seats(
        &self,
        workspace: WorkspaceId,
        pool: PoolId,
        now: Timestamp,
        most: u32,
    ) -> Result<Vec<HeldSeat>, StoreError>;

    /// Releases one seat. `false` when it was gone.
    async fn release_seat(&self, workspace: WorkspaceId, id: SeatId) -> Result<bool, StoreError>;
}
