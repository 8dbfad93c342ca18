//! Which participants of a meeting are bots of this installation.

use async_trait::async_trait;
use model::{BotId, MeetingNumber, Timestamp};
use store::{BotParticipants, Lease, StoreError};

use crate::{
    SqlStore,
    db::Tx,
    query::{query, values},
};

/// Deletes a bot's place, in the transaction of its last step.
pub(super) async fn leave(db: &mut Tx, bot: BotId) -> Result<(), StoreError> {
    query("-- leave place\nDELETE FROM bot_places WHERE bot = $1").bind(bot).execute(db).await?;
    Ok(())
}

#[async_trait]
impl BotParticipants for SqlStore {
    async fn record_bot_participant(
        &self,
        bot: BotId,
        lease: &Lease,
        meeting: MeetingNumber,
        zoom_user: u32,
    ) -> Result<bool, StoreError> {
        let taken = query(
            "-- record_bot_participant\n\
             INSERT INTO bot_places (bot, meeting, zoom_user)\n\
                 SELECT id, $3, $4 FROM bots WHERE id = $1 AND lease_token = $2\n\
             ON CONFLICT (bot) DO UPDATE SET meeting = excluded.meeting, zoom_user = excluded.zoom_user",
        )
        .with(values![bot, lease.token, meeting.as_i64(), zoom_user])
        .execute(&self.writer)
        .await?;
        Ok(taken == 1)
    }

    async fn bot_participants(&self, meeting: MeetingNumber, now: Timestamp) -> Result<Vec<u32>, StoreError> {
        let rows = query(
            "-- bot_participants\n\
             SELECT p.zoom_user FROM bot_places p JOIN bots b ON b.id = p.bot\n\
             WHERE p.meeting = $1 AND b.lease_expires_at > $2 ORDER BY p.zoom_user",
        )
        .with(values![meeting.as_i64(), now])
        .fetch_all(&self.readers)
        .await?;
        rows.iter().map(|row| row.of("bot_places").count("zoom_user")).collect()
    }
}
