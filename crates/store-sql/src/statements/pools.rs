//! Pools and their seats.

use async_trait::async_trait;
use model::{
    AccountUser, BotId, CLOCK_TOLERANCE, EventId, MeetingNumber, PoolId, SeatId, Timestamp, WorkspaceId,
};
use sqlx::error::DatabaseError;
use store::{
    HeldSeat, MAX_SEAT, Member, MemberUsage, NewEvent, Pool, PoolRemoval, PooledAccount, Pools, Seat,
    SeatRequest, Seating, StoreError,
    event_bodies::{PoolEvent, PoolOfEvent, StateChange},
};

use super::events;
use crate::{
    SqlStore,
    db::{Isolation, Tx},
    error::{database_error, exists},
    query::{insert, query, values},
    row::{Reader, Row},
};

fn pool(row: &Row) -> Result<Pool, StoreError> {
    let row = row.of("pools");
    Ok(Pool {
        id: row.parsed("id")?,
        workspace: row.parsed("workspace")?,
        name: row.text("name")?,
        created_at: row.time("created_at")?,
    })
}

/// A user as stored; empty when there is none.
fn user((_, user): &PooledAccount) -> &str {
    user.as_ref().map_or("", AccountUser::as_str)
}

fn account(row: Reader<'_>) -> Result<PooledAccount, StoreError> {
    Ok((row.parsed("credential")?, row.unless_blank("zoom_user")?))
}

fn usage(row: &Row) -> Result<MemberUsage, StoreError> {
    let row = row.of("pool_members");
    Ok(MemberUsage {
        member: Member {
            account: account(row)?,
            person: row.text("person")?,
            address: row.optional("address")?,
            joins: row.count("joins")?,
            hosted: row.count("hosted")?,
        },
        status: row.parsed("status")?,
        seats: row.count("seats")?,
        hosting: row.count("hosting")?,
        first_end: row.optional_time("first_end")?,
        taken_at: row.optional_time("taken_at")?,
    })
}

fn held_seat(row: &Row) -> Result<HeldSeat, StoreError> {
    let row = row.of("pool_seats");
    Ok(HeldSeat {
        id: row.parsed("id")?,
        account: account(row)?,
        holder: row.text("holder")?,
        meeting: row.optional_meeting("meeting")?,
        hosting: row.number("hosting")? != 0,
        taken_at: row.time("taken_at")?,
        ends_at: row.time("ends_at")?,
    })
}

/// The members of one pool or of all, each with its pool.
async fn members(
    db: &mut Tx,
    workspace: WorkspaceId,
    pool: Option<PoolId>,
    now: Timestamp,
) -> Result<Vec<(PoolId, MemberUsage)>, StoreError> {
    let mut query = query(
        "-- members\n\
         SELECT m.pool, m.credential, m.zoom_user, m.person, m.address, m.joins, m.hosted, m.taken_at, c.status,\n\
             count(s.id) AS seats, count(*) FILTER (WHERE s.hosting <> 0) AS hosting,\n\
             min(s.ends_at) AS first_end\n\
         FROM pool_members m JOIN credentials c ON c.id = m.credential\n\
         LEFT JOIN pool_seats s ON s.workspace = c.workspace AND s.person = m.person AND s.ends_at > ",
    );
    query.push_bind(now).push(" WHERE c.workspace = ").push_bind(workspace);
    if let Some(pool) = pool {
        query.push(" AND m.pool = ").push_bind(pool);
    }
    query.push(" GROUP BY m.pool, m.credential, m.zoom_user, c.status ORDER BY m.credential, m.zoom_user");
    let rows = query.fetch_all(db).await?;
    let each = rows.iter().map(|row| {
        let pool = row.of("pool_members").parsed("pool")?;
        Ok((pool, usage(row)?))
    });
    each.collect()
}

async fn members_of(
    db: &mut Tx,
    workspace: WorkspaceId,
    pool: PoolId,
    now: Timestamp,
) -> Result<Vec<MemberUsage>, StoreError> {
    let members = members(db, workspace, Some(pool), now).await?;
    Ok(members.into_iter().map(|(_, usage)| usage).collect())
}

async fn find(db: &mut Tx, workspace: WorkspaceId, id: PoolId) -> Result<Option<Pool>, StoreError> {
    query("-- find pool\nSELECT id, workspace, name, created_at FROM pools WHERE id = $1 AND workspace = $2")
        .with(values![id, workspace])
        .one(db, pool)
        .await
}

/// The event that a pool has become full or nearly full (four fifths) through a seat that was taken in addition to those of
/// `members`. Only seats of accounts that can give tokens count.
fn filled_up(pool: &Pool, members: &[MemberUsage], seat: SeatId, now: Timestamp) -> Option<NewEvent> {
    let usable = members.iter().filter(|member| member.status.is_usable());
    let (seats, before) = usable.fold((0, 0), |(seats, taken), member| {
        (seats + member.member.joins, taken + member.seats.min(member.member.joins))
    });
    let taken = before + 1;
    let is_nearly = |taken: u32| u64::from(taken) * 5 >= u64::from(seats) * 4;
    let (code, message) = if taken >= seats {
        ("full", "every seat of the pool is taken: the next bot waits for one")
    } else if is_nearly(taken) && !is_nearly(before) {
        ("nearly_full", "four of five seats of the pool are taken")
    } else {
        return None;
    };
    let data = PoolEvent {
        data: StateChange { code, sub_code: None, updated_at: now },
        pool: PoolOfEvent { id: pool.id, name: &pool.name },
        seats,
        taken,
        message,
        advice: "connect more accounts and add them to the pool",
    };
    let kind = format!("pool.{code}");
    Some(NewEvent::other(EventId::of_hash(*seat.as_bytes()), pool.workspace, (&*kind, &pool.id), &data, now))
}

async fn put(db: &mut Tx, pool: PoolId, members: &[Member]) -> Result<(), StoreError> {
    for member in members {
        insert("-- put pool member", "pool_members")
            .set("pool", pool)
            .set("credential", member.account.0)
            .set("zoom_user", user(&member.account))
            .set("person", &member.person)
            .set("joins", member.joins)
            .set("hosted", member.hosted)
            .set("address", member.address.as_ref().map(AccountUser::as_str))
            .then(
                "ON CONFLICT (pool, credential, zoom_user) DO UPDATE SET\n\
                 person = excluded.person, joins = excluded.joins, hosted = excluded.hosted,\n\
                 address = excluded.address",
            )
            .execute(&mut *db)
            .await?;
    }
    Ok(())
}

/// Serializes in a workspace, because its pools may share accounts, and there is no row for a meeting to lock.
/// Later statements see what the previous holder wrote. Rows that refer to the workspace are not blocked.
async fn lock_workspace(db: &mut Tx, workspace: WorkspaceId) -> Result<(), StoreError> {
    query("-- take_seat: queue up\nSELECT id FROM workspaces WHERE id = $1 FOR NO KEY UPDATE")
        .bind(workspace)
        .execute(db)
        .await?;
    Ok(())
}

/// A holder's seat in this meeting: its id, its account, and whether it hosts.
async fn held(
    db: &mut Tx,
    workspace: WorkspaceId,
    request: &SeatRequest<'_>,
) -> Result<Option<(Seat, bool)>, StoreError> {
    let row = query(
        "-- take_seat: held\n\
         SELECT id, credential, zoom_user, hosting FROM pool_seats\n\
         WHERE workspace = $1 AND holder = $2 AND pool = $3 AND meeting IS NOT DISTINCT FROM $4",
    )
    .with(values![workspace, request.holder, request.pool, request.meeting.map(MeetingNumber::as_i64)])
    .fetch_optional(db)
    .await?;
    let Some(row) = row else { return Ok(None) };
    let row = row.of("pool_seats");
    Ok(Some((Seat { id: row.parsed("id")?, account: account(row)? }, row.number("hosting")? != 0)))
}

async fn keep(db: &mut Tx, seat: &Seat, hosting: bool, request: &SeatRequest<'_>) -> Result<(), StoreError> {
    query(
        "-- take_seat: keep\n\
         UPDATE pool_seats SET ends_at = greatest(ends_at, $1), hosting = greatest(hosting, $2) WHERE id = $3",
    )
    .with(values![request.until, i64::from(hosting), seat.id])
    .execute(db)
    .await?;
    Ok(())
}

async fn give_back(db: &mut Tx, id: SeatId) -> Result<bool, StoreError> {
    let done = query("-- give seat back\nDELETE FROM pool_seats WHERE id = $1").bind(id).execute(db).await?;
    Ok(done == 1)
}

/// The persons who are already in the meeting.
async fn present(
    db: &mut Tx,
    workspace: WorkspaceId,
    request: &SeatRequest<'_>,
) -> Result<Vec<String>, StoreError> {
    let Some(meeting) = request.meeting else { return Ok(Vec::new()) };
    query("-- take_seat: present\nSELECT person FROM pool_seats WHERE workspace = $1 AND meeting = $2")
        .with(values![workspace, meeting.as_i64()])
        .column(db)
        .await
}

async fn insert_seat(
    db: &mut Tx,
    workspace: WorkspaceId,
    member: &Member,
    request: &SeatRequest<'_>,
) -> Result<Seat, StoreError> {
    insert("-- take_seat: insert", "pool_seats")
        .set("id", request.id)
        .set("workspace", workspace)
        .set("pool", request.pool)
        .set("credential", member.account.0)
        .set("zoom_user", user(&member.account))
        .set("person", &member.person)
        .set("meeting", request.meeting.map(MeetingNumber::as_i64))
        .set("holder", request.holder)
        .set("hosting", i64::from(request.hosts(member)))
        .set("taken_at", request.now)
        .set("ends_at", request.until)
        .execute(&mut *db)
        .await?;
    query(
        "-- take_seat: remember\n\
         UPDATE pool_members SET taken_at = $1 WHERE pool = $2 AND credential = $3 AND zoom_user = $4",
    )
    .with(values![request.now, request.pool, member.account.0, user(&member.account)])
    .execute(db)
    .await?;
    Ok(Seat { id: request.id, account: member.account.clone() })
}

/// Releases the seats of one of our bots, in the transaction of its last step.
pub(crate) async fn release_bot(db: &mut Tx, id: BotId) -> Result<(), StoreError> {
    query(
        "-- release seats of a bot\n\
         DELETE FROM pool_seats WHERE holder = $1 AND workspace = (SELECT workspace FROM bots WHERE id = $1)",
    )
    .bind(id)
    .execute(db)
    .await?;
    Ok(())
}

#[async_trait]
impl Pools for SqlStore {
    async fn add_pool(&self, pool: &Pool, members: &[Member]) -> Result<(), StoreError> {
        let body = |mut tx: Tx| async move {
            query("-- add_pool\nINSERT INTO pools (id, workspace, name, created_at) VALUES ($1, $2, $3, $4)")
                .with(values![pool.id, pool.workspace, &pool.name, pool.created_at])
                .execute(&mut tx)
                .await
                .map_err(exists("a pool of this name"))?;
            put(&mut tx, pool.id, members).await?;
            tx.commit().await
        };
        self.transaction("add_pool", Isolation::ReadCommitted, body).await
    }

    async fn pool(
        &self,
        workspace: WorkspaceId,
        id: PoolId,
        now: Timestamp,
    ) -> Result<Option<(Pool, Vec<MemberUsage>)>, StoreError> {
        let body = |mut tx: Tx| async move {
            let Some(pool) = find(&mut tx, workspace, id).await? else { return Ok(None) };
            Ok(Some((pool, members_of(&mut tx, workspace, id, now).await?)))
        };
        self.transaction("pool", Isolation::Snapshot, body).await
    }

    async fn pools(
        &self,
        workspace: WorkspaceId,
        now: Timestamp,
    ) -> Result<Vec<(Pool, Vec<MemberUsage>)>, StoreError> {
        let body = |mut tx: Tx| async move {
            let rows = query(
                "-- pools\n\
                 SELECT id, workspace, name, created_at FROM pools WHERE workspace = $1 ORDER BY name",
            )
            .bind(workspace)
            .fetch_all(&mut tx)
            .await?;
            let mut pools =
                rows.iter().map(|row| Ok((pool(row)?, Vec::new()))).collect::<Result<Vec<_>, _>>()?;
            for (id, usage) in members(&mut tx, workspace, None, now).await? {
                if let Some((_, members)) = pools.iter_mut().find(|(pool, _)| pool.id == id) {
                    members.push(usage);
                }
            }
            Ok(pools)
        };
        self.transaction("pools", Isolation::Snapshot, body).await
    }

    async fn rename_pool(&self, workspace: WorkspaceId, id: PoolId, name: &str) -> Result<bool, StoreError> {
        let done = query("-- rename_pool\nUPDATE pools SET name = $1 WHERE id = $2 AND workspace = $3")
            .with(values![name, id, workspace])
            .execute(&self.writer)
            .await
            .map_err(exists("a pool of this name"))?;
        Ok(done == 1)
    }

    async fn put_members(
        &self,
        workspace: WorkspaceId,
        id: PoolId,
        members: &[Member],
        alone: bool,
    ) -> Result<bool, StoreError> {
        let body = |mut tx: Tx| async move {
            if find(&mut tx, workspace, id).await?.is_none() {
                return Ok(false);
            }
            put(&mut tx, id, members).await?;
            if alone {
                let mut query = query("-- put_members: alone\nDELETE FROM pool_members WHERE pool = ");
                query.push_bind(id);
                for member in members {
                    query.push(" AND NOT (credential = ").push_bind(member.account.0);
                    query.push(" AND zoom_user = ").push_bind(user(&member.account).to_owned()).push(")");
                }
                query.execute(&mut tx).await?;
            }
            tx.commit().await?;
            Ok(true)
        };
        self.transaction("put_members", Isolation::ReadCommitted, body).await
    }

    async fn remove_member(
        &self,
        workspace: WorkspaceId,
        id: PoolId,
        account: &PooledAccount,
    ) -> Result<bool, StoreError> {
        let done = query(
            "-- remove_member\n\
             DELETE FROM pool_members WHERE credential = $1 AND zoom_user = $2\n\
                 AND pool = (SELECT id FROM pools WHERE id = $3 AND workspace = $4)",
        )
        .with(values![account.0, user(account), id, workspace])
        .execute(&self.writer)
        .await?;
        Ok(done == 1)
    }

    async fn remove_pool(
        &self,
        workspace: WorkspaceId,
        id: PoolId,
        now: Timestamp,
    ) -> Result<PoolRemoval, StoreError> {
        let body = |mut tx: Tx| async move {
            if find(&mut tx, workspace, id).await?.is_none() {
                return Ok(PoolRemoval::NoPool);
            }
            query("-- remove_pool: ended seats\nDELETE FROM pool_seats WHERE pool = $1 AND ends_at <= $2")
                .with(values![id, now])
                .execute(&mut tx)
                .await?;
            query("-- remove_pool: members\nDELETE FROM pool_members WHERE pool = $1")
                .bind(id)
                .execute(&mut tx)
                .await?;
            let removed =
                query("-- remove_pool\nDELETE FROM pools WHERE id = $1").bind(id).execute(&mut tx).await;
            match removed {
                Err(error) if database_error(&error).is_some_and(DatabaseError::is_foreign_key_violation) => {
                    Ok(PoolRemoval::InUse)
                }
                Err(error) => Err(error),
                Ok(_) => tx.commit().await.map(|()| PoolRemoval::Removed),
            }
        };
        self.transaction("remove_pool", Isolation::ReadCommitted, body).await
    }

    async fn take_seat(
        &self,
        workspace: WorkspaceId,
        request: &SeatRequest<'_>,
    ) -> Result<Seating, StoreError> {
        let body = |mut tx: Tx| async move {
            lock_workspace(&mut tx, workspace).await?;
            let Some(pool) = find(&mut tx, workspace, request.pool).await? else {
                return Ok(Seating::NoPool);
            };
            // A start or end too far ahead was written by a wrong clock.
            query(
                "-- take_seat: sweep\n\
                 DELETE FROM pool_seats WHERE workspace = $1 AND (ends_at <= $2 OR taken_at > $3 OR ends_at > $4)",
            )
            .with(values![
                workspace,
                request.now,
                request.now + CLOCK_TOLERANCE,
                request.now + MAX_SEAT + CLOCK_TOLERANCE
            ])
            .execute(&mut tx)
            .await?;
            if let Some((seat, hosting)) = held(&mut tx, workspace, request).await? {
                let members = members_of(&mut tx, workspace, request.pool, request.now).await?;
                if let Some(kept) = store::keeps(&seat.account, hosting, &members, request) {
                    keep(&mut tx, &seat, request.hosts(&kept.member), request).await?;
                    tx.commit().await?;
                    return Ok(Seating::Taken(seat));
                }
                give_back(&mut tx, seat.id).await?;
            }
            let members = members_of(&mut tx, workspace, request.pool, request.now).await?;
            let present = present(&mut tx, workspace, request).await?;
            let chosen = match store::choose(&members, &present, request) {
                Ok(chosen) => chosen,
                Err(counts) => return Ok(Seating::Refused(counts)),
            };
            let seat = insert_seat(&mut tx, workspace, &chosen.member, request).await?;
            if let Some(event) = filled_up(&pool, &members, seat.id, request.now) {
                events::write(&mut tx, &event).await?;
            }
            tx.commit().await?;
            Ok(Seating::Taken(seat))
        };
        self.transaction("take_seat", Isolation::ReadCommitted, body).await
    }

    async fn extend_seats(
        &self,
        workspace: WorkspaceId,
        pool: PoolId,
        holder: &str,
        now: Timestamp,
        until: Timestamp,
    ) -> Result<u64, StoreError> {
        query(
            "-- extend_seats\n\
             UPDATE pool_seats SET ends_at = greatest(ends_at, $1)\n\
             WHERE workspace = $2 AND holder = $3 AND pool = $4 AND ends_at > $5",
        )
        .with(values![until, workspace, holder, pool, now])
        .execute(&self.writer)
        .await
    }

    async fn release_seats(
        &self,
        workspace: WorkspaceId,
        pool: PoolId,
        holder: &str,
    ) -> Result<u64, StoreError> {
        query("-- release_seats\nDELETE FROM pool_seats WHERE workspace = $1 AND holder = $2 AND pool = $3")
            .with(values![workspace, holder, pool])
            .execute(&self.writer)
            .await
    }

    async fn held_seats(
        &self,
        workspace: WorkspaceId,
        pool: PoolId,
        now: Timestamp,
        most: u32,
    ) -> Result<Vec<HeldSeat>, StoreError> {
        query(
            "-- held_seats\n\
             SELECT id, credential, zoom_user, holder, meeting, hosting, taken_at, ends_at FROM pool_seats\n\
             WHERE workspace = $1 AND pool = $2 AND ends_at > $3 ORDER BY taken_at, id LIMIT $4",
        )
        .with(values![workspace, pool, now, most])
        .all(&self.readers, held_seat)
        .await
    }

    async fn release_seat(&self, workspace: WorkspaceId, id: SeatId) -> Result<bool, StoreError> {
        let done = query("-- release_seat\nDELETE FROM pool_seats WHERE id = $1 AND workspace = $2")
            .with(values![id, workspace])
            .execute(&self.writer)
            .await?;
        Ok(done == 1)
    }
}
