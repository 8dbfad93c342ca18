//! Pools: several accounts behind one name. Whoever wants a token of one takes a seat first, which says on which account.
//!
//! A seat comes back when its bot ends, or by time. Nobody sweeps: seats that have ended count nowhere, and whoever takes
//! the next one deletes them in the same transaction.

use std::{sync::Arc, time::Duration};

use metrics::Metrics;
use model::{
    AccountUser, Code, CredentialId, CredentialKind, Environment, Failure, MeetingNumber, PoolId, SeatId,
    Timestamp, WorkspaceId,
};
use store::{Crowd, Member, Pool, PoolStore, PooledAccount, SeatRequest, Seating};

/// The longest that somebody is told to wait for a seat: bots end before their seats do.
const MAX_RETRY_AFTER: Duration = Duration::from_secs(60);
/// When nothing says how long it takes.
const DEFAULT_RETRY_AFTER: Duration = Duration::from_secs(15);

/// Whether an account on whose seat somebody comes hosts the meeting.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Hosting {
    /// No: what is drawn on it starts none.
    Never,
    /// If the meeting is its own.
    IfItsOwn,
    /// It is to start the meeting: its own, as far as that is known.
    Always,
}

/// Who wants a seat.
#[derive(Debug, Clone, Copy)]
pub struct SeatWish<'a> {
    /// Of which pool.
    pub pool: PoolId,
    /// Where the account shall be. Unknown, nobody can see to it that it isn't there twice.
    pub meeting: Option<MeetingNumber>,
    /// Who sits there: the bot's id, at its platform or here.
    pub holder: &'a str,
    /// Whether the account hosts the meeting.
    pub hosting: Hosting,
    /// When the seat comes back if nobody gives it back before.
    pub until: Timestamp,
}

/// A seat that was taken.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Seated {
    /// Its id.
    pub seat: SeatId,
    /// The account to draw the token on.
    pub credential: CredentialId,
    /// Whose token, where the account is a server-to-server app's.
    pub user: Option<AccountUser>,
}

/// An account that is to be in a pool.
#[derive(Debug, Clone)]
pub struct NewMember {
    /// The account; and which of its users, where it is a server-to-server app's.
    pub account: PooledAccount,
    /// The address by which somebody named the user, for people.
    pub address: Option<AccountUser>,
    /// Meetings it may be in at once.
    pub joins: u32,
    /// Of these, meetings it may host at once.
    pub hosted: u32,
}

/// Pools and their seats.
pub struct Pools {
    pub(crate) store: Arc<dyn PoolStore>,
    pub(crate) env: Environment,
    pub(crate) metrics: Metrics,
}

impl Pools {
    /// Takes a seat of a pool. The same holder in the same meeting gets the same seat, which now ends later.
    pub async fn take_seat(&self, workspace: WorkspaceId, wish: &SeatWish<'_>) -> Result<Seated, Failure> {
        self.take_seat_but(workspace, wish, &[]).await
    }

    /// The same, but on none of these accounts: no token could be had there. A seat that the holder has on one of them in
    /// this meeting is given back.
    pub async fn take_seat_but(
        &self,
        workspace: WorkspaceId,
        wish: &SeatWish<'_>,
        without: &[PooledAccount],
    ) -> Result<Seated, Failure> {
        let now = self.env.now();
        let SeatWish { pool, meeting, holder, hosting, until } = *wish;
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
            Seating::Refused(crowd) if must_host && host.is_some() && crowd.accounts == 0 => hosts_it_not(),
            Seating::Refused(crowd) => refusal(&crowd, now),
            Seating::NoPool => Failure::new(Code::TokenNotAvailable, "this workspace has no such pool"),
        };
        self.metrics.seat_refused(refused.code);
        Err(refused)
    }

    /// Fails unless it is known who hosts this meeting: nobody else could start it.
    pub async fn somebody_hosts(
        &self,
        workspace: WorkspaceId,
        meeting: Option<MeetingNumber>,
    ) -> Result<(), Failure> {
        let owner = match meeting {
            Some(meeting) => self.store.meeting_owner(workspace, meeting).await?,
            None => None,
        };
        owner.map(drop).ok_or_else(hosts_it_not)
    }

    /// Makes the seats of a holder end no sooner than `until`. Answers how many there are.
    pub async fn extend_seats(
        &self,
        workspace: WorkspaceId,
        pool: PoolId,
        holder: &str,
        until: Timestamp,
    ) -> Result<u64, Failure> {
        Ok(self.store.extend_seats(workspace, pool, holder, self.env.now(), until).await?)
    }

    /// Gives back what a holder has in a pool: its bot ended. Answers how many seats that were.
    pub async fn release_seats(
        &self,
        workspace: WorkspaceId,
        pool: PoolId,
        holder: &str,
    ) -> Result<u64, Failure> {
        Ok(self.store.release_seats(workspace, pool, holder).await?)
    }

    /// Gives one seat back. `false`: it was gone.
    pub async fn release_seat(&self, workspace: WorkspaceId, seat: SeatId) -> Result<bool, Failure> {
        Ok(self.store.release_seat(workspace, seat).await?)
    }

    /// Makes a pool of accounts of the workspace. `None`: it has one of this name.
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
            Err(store::StoreError::Exists(_)) => Ok(None),
            added => Ok(added.map(|()| Some(id))?),
        }
    }

    /// Puts accounts into a pool, or changes their limits there; `alone` takes all others out. `false`: the workspace has no
    /// such pool.
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
        // A member from before addresses were looked up is the same person under another name.
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

/// What is said to somebody who wants to start the meeting of somebody else.
fn hosts_it_not() -> Failure {
    Failure::new(Code::TokenNotAvailable, "none of the pool's accounts is known to host this meeting")
}

/// What is said to somebody who finds no seat.
fn refusal(crowd: &Crowd, now: Timestamp) -> Failure {
    let Crowd { accounts, usable, seats, taken, present, hosting, first_end } = *crowd;
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
