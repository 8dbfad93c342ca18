//! The servers that run bots, and how many bots need a slot.

use async_trait::async_trait;
use model::{CLOCK_TOLERANCE, Timestamp};
use store::{BotDemand, BotServer, BotServers, StoreError};

use super::bot_leases::MAX_LEASE;
use crate::{
    SqlStore,
    query::{query, values},
    row::Row,
};

#[async_trait]
impl BotServers for SqlStore {
    async fn bot_demand(&self, until: Timestamp, now: Timestamp) -> Result<BotDemand, StoreError> {
        let rows = query(
            "-- bot_demand\n\
             SELECT due.bots, due.waiting, workspaces.bot_limit FROM (\n\
                 SELECT workspace, count(*) AS bots,\n\
                     count(CASE WHEN lease_expires_at IS NULL OR lease_expires_at <= $2\n\
                                     OR lease_expires_at > $3 THEN 1 END) AS waiting\n\
                 FROM bots WHERE status NOT IN ('done', 'fatal') AND coalesce(join_at, created_at) <= $1\n\
                 GROUP BY workspace\n\
             ) AS due LEFT JOIN workspaces ON workspaces.id = due.workspace",
        )
        .with(values![until, now, now + MAX_LEASE])
        .fetch_all(&self.readers)
        .await?;
        let mut demand = BotDemand::default();
        for row in &rows {
            let row = row.of("bots");
            let (bots, waiting) = (row.count("bots")?, row.count("waiting")?);
            let limit = row.optional_count("bot_limit")?.unwrap_or(u32::MAX);
            let needed = bots.min(limit);
            demand.needed += u64::from(needed);
            // Leased bots count against the limit first.
            demand.waiting += u64::from(waiting.min(needed.saturating_sub(bots - waiting)));
        }
        Ok(demand)
    }

    async fn report_bot_server(
        &self,
        server: &BotServer,
        forget_before: Timestamp,
    ) -> Result<(), StoreError> {
        query(
            "-- see_bot_server\n\
             INSERT INTO bot_servers (id, seen_at, capacity) VALUES ($1, $2, $3)\n\
             ON CONFLICT (id) DO UPDATE SET seen_at = excluded.seen_at, capacity = excluded.capacity",
        )
        .with(values![&server.id, server.seen_at, server.capacity])
        .execute(&self.writer)
        .await?;
        query("-- see_bot_server: forget\nDELETE FROM bot_servers WHERE seen_at < $1")
            .bind(forget_before)
            .execute(&self.writer)
            .await?;
        Ok(())
    }

    async fn bot_servers(&self, now: Timestamp) -> Result<Vec<BotServer>, StoreError> {
        let server = |row: &Row| {
            let row = row.of("bot_servers");
            Ok(BotServer {
                id: row.text("id")?,
                capacity: row.count("capacity")?,
                seen_at: row.time("seen_at")?,
            })
        };
        query(
            "-- bot_servers\n\
             SELECT id, capacity, seen_at FROM bot_servers WHERE seen_at <= $1 ORDER BY seen_at DESC, id",
        )
        .bind(now + CLOCK_TOLERANCE)
        .all(&self.readers, server)
        .await
    }
}
