//! Pools: named groups of accounts. A token of a pool needs a seat first, and the seat determines the account.
//!
//! A seat is released when its bot ends, or expires. There is no sweep: expired seats don't count, and the
//! next request for a seat deletes them in its transaction.

use std::{sync::Arc, time::Duration};

use metrics::Metrics;
use model::{
    AccountUser, Code, CredentialId, CredentialKind, Environment, Failure, MeetingNumber, PoolId, SeatId,
    Timestamp, WorkspaceId,
};
use store::{
    HeldSeat, Member, MemberUsage, Pool, PoolRemoval, PoolStore, PooledAccount, SeatCounts, SeatRequest,
    Seating, StoreError, TokenLinks,
};

/// The longest `retry_after` for a caller, because bots often end before their seats expire.
const MAX_RETRY_AFTER: Duration = Duration::from_secs(60);
/// The `retry_after` if no end of a seat is known.
const DEFAULT_RETRY_AFTER: Duration = Duration::from_secs(15);

/// Whether the account of a seat hosts the meeting.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Hosting {
    /// Its token does not start a meeting.
    Never,
    /// It hosts only its own meeting.
    IfItsOwn,
    /// It starts the meeting, which is its own if the host is known.
    Always,
}

/// A request for a seat.
#[derive(Debug, Clone, Copy)]
pub struct PoolSeatRequest<'a> {
    /// The pool.
    pub pool: PoolId,
    /// The meeting. If it is unknown, two seats in one meeting can't be prevented.
    pub meeting: Option<MeetingNumber>,
    /// The holder: the bot's id, at its platform or here.
    pub holder: &'a str,
    /// Whether the account hosts the meeting.
    pub hosting: Hosting,
    /// When the seat expires.
    pub until: Timestamp,
}

/// A seat that was taken.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Seated {
    /// Its id.
    pub seat: SeatId,
    /// The account to use.
    pub credential: CredentialId,
    /// The user, if the account is a server-to-server app's.
    pub user: Option<AccountUser>,
}

/// An account to put into a pool.
#[derive(Debug, Clone)]
pub struct NewMember {
    /// The account, and one of its users if it is a server-to-server app's.
    pub account: PooledAccount,
    /// The e-mail address by which the user was named, for people.
    pub address: Option<AccountUser>,
    /// The maximum number of meetings it may be in at once.
    pub joins: u32,
    /// How many of these it may host at most.
    pub hosted: u32,
}

/// The result of removing a pool.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum RemovedPool {
    /// It was deleted.
    Removed,
    /// Token links use it.
    HasLinks,
    /// It has taken seats, or a token link to it was created in the meantime.
    InUse,
    /// The workspace has no such pool.
    Unknown,
}

/// Pools and their seats.
pub struct Pools {
    pub(crate) store: Arc<dyn PoolStore>,
    pub(crate) links: Arc<dyn TokenLinks + Send + Sync>,
    pub(crate) env: Environment,
    pub(crate) metrics: Metrics,
}

impl Pools {
    /// Takes a seat of a pool. The same holder in the same meeting keeps its seat, which is extended.
    pub async fn take_seat(
        &self,
        workspace: WorkspaceId,
        request: &PoolSeatRequest<'_>,
    ) -> Result<Seated, Failure> {
        self.take_seat_but(workspace, request, &[]).await
    }

    /// Does the same but excludes accounts that gave no token. The holder's seat on one of them in this
    /// meeting is released.
    pub async fn take_seat_but(
        &self,
        workspace: WorkspaceId,
        request: &PoolSeatRequest<'_>,
        without: &[PooledAccount],
    ) -> Result<Seated, Failure> {
        let now = self.env.now();
        let PoolSeatRequest { pool, meeting, holder, hosting, until } = *request;
        let host = match meeting.filter(|_| hosting != Hosting::Never) {
            Some(meeting) => self.store.meeting_owner(workspace, meeting).await?.map(|owner| owner.host),
            None => None,
        };
        let (id, must_host) = (SeatId::generate(&self.env), hosting == Hosting::Always);
        let host = host.as_deref();
        let request =
            SeatRequest { id, pool, meeting, holder, hosting: must_host, host, without, now, until };
        let refused = match self.store.take_seat(workspace, &request).await? {
            Seating::Taken(seat) => {
                let (credential, user) = seat.account;
                tracing::info!(%pool, %credential, seat = %seat.id, "a seat was taken");
                return Ok(Seated { seat: seat.id, credential, user });
            }
            Seating::Refused(counts) if must_host && host.is_some() && counts.accounts == 0 => {
                no_member_hosts()
            }
            Seating::Refused(counts) => refusal(&counts, now),
            Seating::NoPool => Failure::new(Code::TokenNotAvailable, "this workspace has no such pool"),
        };
        self.metrics.seat_refused(refused.code);
        Err(refused)
    }

    /// Fails unless an account of the pool is known to host this meeting, because no other could start it.
    pub async fn a_member_hosts(
        &self,
        workspace: WorkspaceId,
        meeting: Option<MeetingNumber>,
    ) -> Result<(), Failure> {
        let owner = match meeting {
            Some(meeting) => self.store.meeting_owner(workspace, meeting).await?,
            None => None,
        };
        owner.map(drop).ok_or_else(no_member_hosts)
    }

    /// Extends a holder's seats to at least `until`. Returns how many there are.
    pub async fn extend_seats(
        &self,
        workspace: WorkspaceId,
        pool: PoolId,
        holder: &str,
        until: Timestamp,
    ) -> Result<u64, Failure> {
        Ok(self.store.extend_seats(workspace, pool, holder, self.env.now(), until).await?)
    }

    /// Releases a holder's seats, because its bot ended. Returns how many there were.
    pub async fn release_seats(
        &self,
        workspace: WorkspaceId,
        pool: PoolId,
        holder: &str,
    ) -> Result<u64, Failure> {
        Ok(self.store.release_seats(workspace, pool, holder).await?)
    }

    /// Releases one seat. `false` when it was gone.
    pub async fn release_seat(&self, workspace: WorkspaceId, seat: SeatId) -> Result<bool, Failure> {
        Ok(self.store.release_seat(workspace, seat).await?)
    }

    /// Creates a pool of accounts of the workspace. `None` when it has a pool of this name.
    pub async fn make_pool(
        &self,
        workspace: WorkspaceId,
        name: &str,
        members: &[NewMember],
    ) -> Result<Option<PoolId>, Failure> {
        let members = self.members(workspace, members).await?;
        let (id, created_at) = (PoolId::generate(&self.env), self.env.now());
        let pool = Pool { id, workspace, name: name.to_owned(), created_at };
        match self.store.add_pool(&pool, &members).await {
            Err(StoreError::Exists(_)) => Ok(None),
            added => Ok(added.map(|()| Some(id))?),
        }
    }

    /// A pool with its members and their current use.
    pub async fn find(
        &self,
        workspace: WorkspaceId,
        pool: PoolId,
    ) -> Result<Option<(Pool, Vec<MemberUsage>)>, Failure> {
        Ok(self.store.pool(workspace, pool, self.env.now()).await?)
    }

    /// All pools of a workspace, by name.
    pub async fn list(&self, workspace: WorkspaceId) -> Result<Vec<(Pool, Vec<MemberUsage>)>, Failure> {
        Ok(self.store.pools(workspace, self.env.now()).await?)
    }

    /// The seats that are taken through a pool, the oldest first, at most `most`; `None` when the workspace has no such
    /// pool.
    pub async fn held_seats(
        &self,
        workspace: WorkspaceId,
        pool: PoolId,
        most: u32,
    ) -> Result<Option<Vec<HeldSeat>>, Failure> {
        if self.find(workspace, pool).await?.is_none() {
            return Ok(None);
        }
        Ok(Some(self.store.held_seats(workspace, pool, self.env.now(), most).await?))
    }

    /// Renames a pool. `false` when another pool of the workspace has this name.
    pub async fn rename(&self, workspace: WorkspaceId, pool: PoolId, name: &str) -> Result<bool, Failure> {
        match self.store.rename_pool(workspace, pool, name).await {
            Err(StoreError::Exists(_)) => Ok(false),
            renamed => Ok(renamed.map(|_| true)?),
        }
    }

    /// Deletes an unused pool.
    pub async fn remove(&self, workspace: WorkspaceId, pool: PoolId) -> Result<RemovedPool, Failure> {
        // A link that is created concurrently finds no pool and is refused.
        if self.links.links_of_pool(workspace, pool).await? > 0 {
            return Ok(RemovedPool::HasLinks);
        }
        Ok(match self.store.remove_pool(workspace, pool, self.env.now()).await? {
            PoolRemoval::Removed => RemovedPool::Removed,
            PoolRemoval::InUse => RemovedPool::InUse,
            PoolRemoval::NoPool => RemovedPool::Unknown,
        })
    }

    /// Removes an account from a pool. Its user is named by id or as it was added. Taken seats stay until they end. `false`
    /// when there is no such member.
    pub async fn remove_member(
        &self,
        workspace: WorkspaceId,
        pool: PoolId,
        credential: CredentialId,
        user: Option<&AccountUser>,
    ) -> Result<bool, Failure> {
        let Some((_, members)) = self.find(workspace, pool).await? else { return Ok(false) };
        let is_meant = |usage: &&MemberUsage| {
            let Member { account, address, .. } = &usage.member;
            account.0 == credential
                && (account.1.as_ref() == user || user.is_some() && address.as_ref() == user)
        };
        let Some(found) = members.iter().find(is_meant) else { return Ok(false) };
        Ok(self.store.remove_member(workspace, pool, &found.member.account).await?)
    }

    /// Adds accounts to a pool, or changes their limits; `alone` removes all others. `false` when the
    /// workspace has no such pool.
    pub async fn put_members(
        &self,
        workspace: WorkspaceId,
        pool: PoolId,
        members: &[NewMember],
        alone: bool,
    ) -> Result<bool, Failure> {
        let rows = self.members(workspace, members).await?;
        if !self.store.put_members(workspace, pool, &rows, alone).await? {
            return Ok(false);
        }
        // A member that was added by address, before addresses were resolved, is the same person under another
        // key.
        for NewMember { account: (credential, _), address, .. } in members {
            if address.is_some() {
                self.store.remove_member(workspace, pool, &(*credential, address.clone())).await?;
            }
        }
        Ok(true)
    }

    async fn members(&self, workspace: WorkspaceId, new: &[NewMember]) -> Result<Vec<Member>, Failure> {
        let mut members = Vec::with_capacity(new.len());
        for NewMember { account, address, joins, hosted } in new {
            let row = self.store.credential(workspace, account.0).await?;
            let row = row
                .ok_or_else(|| Failure::new(Code::TokenNotAvailable, "this workspace has no such account"))?;
            let person = match (row.kind, &account.1) {
                (CredentialKind::ServerToServer, Some(user)) => user.as_str().to_owned(),
                _ => row.zoom_user_id,
            };
            let (joins, hosted) = (*joins, *hosted);
            members.push(Member {
                account: account.clone(),
                person,
                address: address.clone(),
                joins,
                hosted,
            });
        }
        Ok(members)
    }
}

/// The error for a request to start another user's meeting.
fn no_member_hosts() -> Failure {
    Failure::new(Code::TokenNotAvailable, "no account of the pool is known to host this meeting")
}

/// The error for a request that got no seat.
fn refusal(counts: &SeatCounts, now: Timestamp) -> Failure {
    let SeatCounts { accounts, usable, seats, taken, present, hosting, first_end } = *counts;
    let usable_of = format!("{usable} of {accounts} accounts usable");
    if usable == 0 {
        return Failure::new(Code::PoolUnhealthy, usable_of);
    }
    let mut words = vec![format!("{taken} of {seats} seats taken"), usable_of];
    if present > 0 {
        words.push(format!("{present} of them in this meeting already"));
    }
    if hosting > 0 {
        words.push(format!("{hosting} of them hosting as many meetings as they may"));
    }
    let code = if hosting > 0 { Code::HostBusy } else { Code::PoolFull };
    let wait = first_end
        .map_or(DEFAULT_RETRY_AFTER, |end| end.since(now))
        .clamp(Duration::from_secs(1), MAX_RETRY_AFTER);
    Failure { retry_after: Some(wait), ..Failure::new(code, words.join(", ")) }
}
