//! Pools: accounts behind one name, and who sits on them.
//!
//! Zoom counts by person: one Zoom user joins so many meetings at once, hosts one or two, and is in a meeting once, no
//! matter through which app or pool. So seats are counted by [`Member::person`], over all pools of a workspace.

use std::time::Duration;

use async_trait::async_trait;
use model::{
    AccountUser, CredentialId, CredentialStatus, MeetingNumber, PoolId, SeatId, Timestamp, WorkspaceId,
};

use crate::StoreError;

/// Nobody keeps a seat for longer without asking again.
pub const LONGEST_SEAT: Duration = Duration::from_secs(48 * 3600);

/// An account of a pool; one of its users, where it is a server-to-server app's.
pub type PooledAccount = (CredentialId, Option<AccountUser>);

/// Accounts behind one name.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Pool {
    /// Its id.
    pub id: PoolId,
    /// The tenant.
    pub workspace: WorkspaceId,
    /// Its name; the workspace has one pool of each.
    pub name: String,
    /// When it was made.
    pub created_at: Timestamp,
}

/// An account in a pool, and what Zoom allows it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Member {
    /// The account.
    pub account: PooledAccount,
    /// Who that is at Zoom: the user's id. Of those that were named by an address before addresses were looked up: that.
    pub person: String,
    /// The address by which somebody named the user, for people: it may be another user's by now.
    pub address: Option<AccountUser>,
    /// Meetings it may be in at once.
    pub joins: u32,
    /// Of these, meetings it may host at once.
    pub hosted: u32,
}

/// A member as it is now.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Occupied {
    /// The account and its limits.
    pub member: Member,
    /// Whether it can give tokens.
    pub status: CredentialStatus,
    /// Seats taken on this person, through whichever pool.
    pub seats: u32,
    /// Of these, the hosting ones.
    pub hosting: u32,
    /// When the first of them ends by itself.
    pub first_end: Option<Timestamp>,
    /// When this pool last chose it.
    pub taken_at: Option<Timestamp>,
}

/// Who wants a seat.
#[derive(Debug, Clone, Copy)]
pub struct SeatRequest<'a> {
    /// The id of a new seat.
    pub id: SeatId,
    /// Of which pool.
    pub pool: PoolId,
    /// Where the account shall be; `None` when nobody knows.
    pub meeting: Option<MeetingNumber>,
    /// Who sits there: a bot's id, at its platform.
    pub holder: &'a str,
    /// Whether it is to start the meeting, as its host.
    pub hosting: bool,
    /// The person who hosts the meeting, if that is known. Whoever comes as that one starts it, told to or not; and nobody
    /// else can.
    pub host: Option<&'a str>,
    /// Accounts that will not do.
    pub without: &'a [PooledAccount],
    /// Now.
    pub now: Timestamp,
    /// When the seat ends by itself.
    pub until: Timestamp,
}

impl SeatRequest<'_> {
    /// Whether a seat on this account is a hosting one.
    pub fn hosts(&self, member: &Member) -> bool {
        self.hosting || self.host == Some(&*member.person)
    }

    /// Whether a seat on this account will do at all.
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
    /// On which account.
    pub account: PooledAccount,
}

/// What came of asking for a seat.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Seating {
    /// It is taken. The holder's own seat in this meeting, if there was one, now ends later.
    Taken(Seat),
    /// There is none.
    Refused(Crowd),
    /// The workspace has no such pool.
    NoPool,
}

/// A pool in which no seat was found.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Crowd {
    /// How many accounts it has; of those that host the meeting, where it is to be started.
    pub accounts: u32,
    /// How many of them can give tokens.
    pub usable: u32,
    /// Seats on the usable ones.
    pub seats: u32,
    /// Of these, taken.
    pub taken: u32,
    /// Usable accounts that are in the meeting already.
    pub present: u32,
    /// Usable accounts that have a seat, but host as many meetings as they may.
    pub hosting: u32,
    /// When the first seat on a usable account ends by itself.
    pub first_end: Option<Timestamp>,
}

/// What came of deleting a pool.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum PoolRemoval {
    /// It is gone, with its members.
    Removed,
    /// Somebody sits there.
    InUse,
    /// The workspace has no such pool.
    NoPool,
}

/// Pools and seats. A seat that has ended counts nowhere, whether or not its row is still there.
#[async_trait]
pub trait Pools {
    /// Stores a pool with its members. [`StoreError::Exists`] when the workspace has one of this name.
    async fn add_pool(&self, pool: &Pool, members: &[Member]) -> Result<(), StoreError>;

    /// A pool of the workspace, and its members in the order of their ids.
    async fn pool(
        &self,
        workspace: WorkspaceId,
        id: PoolId,
        now: Timestamp,
    ) -> Result<Option<(Pool, Vec<Occupied>)>, StoreError>;

    /// The workspace's pools, by name.
    async fn pools(
        &self,
        workspace: WorkspaceId,
        now: Timestamp,
    ) -> Result<Vec<(Pool, Vec<Occupied>)>, StoreError>;

    /// Renames a pool. [`StoreError::Exists`] when the workspace has one of this name.
    async fn rename_pool(&self, workspace: WorkspaceId, id: PoolId, name: &str) -> Result<bool, StoreError>;

    /// Adds members, or changes the limits of those that are there; `alone` takes all others out. Seats stay taken until
    /// they end. `false`: the workspace has no such pool.
    async fn put_members(
        &self,
        workspace: WorkspaceId,
        id: PoolId,
        members: &[Member],
        alone: bool,
    ) -> Result<bool, StoreError>;

    /// Takes an account out of a pool. `false`: it was not in it.
    async fn remove_member(
        &self,
        workspace: WorkspaceId,
        id: PoolId,
        account: &PooledAccount,
    ) -> Result<bool, StoreError>;

    /// Deletes a pool in which nobody sits, with its members.
    async fn remove_pool(
        &self,
        workspace: WorkspaceId,
        id: PoolId,
        now: Timestamp,
    ) -> Result<PoolRemoval, StoreError>;

    /// Chooses an account and takes a seat on it, in one transaction: of many who ask at once, anywhere, each sees what
    /// the others took. [`choose`](crate::choose) says which. Who asks again for the same holder and meeting keeps the
    /// seat, unless its account will not do any more.
    async fn take_seat(
        &self,
        workspace: WorkspaceId,
        request: &SeatRequest<'_>,
    ) -> Result<Seating, StoreError>;

    /// Makes a holder's seats end no sooner than `until`. Answers how many there are.
    async fn extend_seats(
        &self,
        workspace: WorkspaceId,
        pool: PoolId,
        holder: &str,
        now: Timestamp,
        until: Timestamp,
    ) -> Result<u64, StoreError>;

    /// Gives all seats of a holder back. Answers how many there were.
    async fn release_seats(
        &self,
        workspace: WorkspaceId,
        pool: PoolId,
        holder: &str,
    ) -> Result<u64, StoreError>;

    /// Gives one seat back. `false`: it was gone.
    async fn release_seat(&self, workspace: WorkspaceId, id: SeatId) -> Result<bool, StoreError>;
}
