//! The shared state of Zoom's limits.

use async_trait::async_trait;
use model::Timestamp;
use store::{StoreError, ZoomLimit, ZoomLimits};

use crate::{
    SqlStore,
    query::{json, query, values},
    row::Row,
};

fn limit(row: &Row) -> Result<ZoomLimit, StoreError> {
    let row = row.of("zoom_limits");
    Ok(ZoomLimit {
        lane: row.text("lane")?,
        version: row.number("version")?,
        per_second: row.optional_count("per_second")?,
        strain: row.count("strain")?,
        strained_at: row.optional_time("strained_at")?,
        blocked_until: row.optional_time("blocked_until")?,
        shares: row.json("shares")?,
        changed_at: row.time("changed_at")?,
    })
}

#[async_trait]
impl ZoomLimits for SqlStore {
    async fn zoom_limit(&self, lane: &str) -> Result<Option<ZoomLimit>, StoreError> {
        query(
            "-- zoom_limit\n\
             SELECT lane, version, per_second, strain, strained_at, blocked_until, shares, changed_at\n\
             FROM zoom_limits WHERE lane = $1",
        )
        .bind(lane)
        .one(&self.readers, self::limit)
        .await
    }

    async fn replace_zoom_limit(&self, limit: &ZoomLimit) -> Result<bool, StoreError> {
        let statement = if limit.version == 0 {
            "-- replace_zoom_limit: first\n\
             INSERT INTO zoom_limits (lane, version, per_second, strain, strained_at, blocked_until, shares, changed_at)\n\
             VALUES ($1, $2 + 1, $3, $4, $5, $6, $7, $8) ON CONFLICT DO NOTHING"
        } else {
            "-- replace_zoom_limit\n\
             UPDATE zoom_limits SET version = $2 + 1, per_second = $3, strain = $4, strained_at = $5,\n\
                 blocked_until = $6, shares = $7, changed_at = $8\n\
             WHERE lane = $1 AND version = $2"
        };
        let done = query(statement)
            .with(values![
                &limit.lane,
                limit.version,
                limit.per_second,
                limit.strain,
                limit.strained_at,
                limit.blocked_until,
                json(&limit.shares),
                limit.changed_at
            ])
            .execute(&self.writer)
            .await?;
        Ok(done == 1)
    }

    async fn forget_zoom_limits(&self, before: Timestamp) -> Result<u64, StoreError> {
        query("-- forget_zoom_limits\nDELETE FROM zoom_limits WHERE changed_at < $1")
            .bind(before)
            .execute(&self.writer)
            .await
    }
}
