//! The output of bots: pictures and chat messages.

use async_trait::async_trait;
use model::{BotId, ChatMessageId, Sealed, WorkspaceId};
use store::{Bot, BotOutputs, ChatMessage, ChatProgress, Lease, Queued, StoreError};

use super::bots;
use crate::{
    SqlStore,
    db::{Isolation, Tx},
    query::{insert, query, values},
    row::Row,
};

const COLUMNS: &str = "id, bot, workspace, message, created_at";

fn message(row: &Row) -> Result<ChatMessage, StoreError> {
    let row = row.of("bot_chat_messages");
    Ok(ChatMessage {
        id: row.parsed("id")?,
        bot: row.parsed("bot")?,
        workspace: row.parsed("workspace")?,
        message: row.sealed("message")?,
        created_at: row.time("created_at")?,
    })
}

fn progress(row: &Row) -> Result<ChatProgress, StoreError> {
    let row = row.of("bot_chat_messages");
    let words = || Ok::<_, StoreError>(row.optional_text("words")?.unwrap_or_default());
    Ok(match &*row.text("delivery")? {
        "queued" => ChatProgress::Queued,
        "taken" => ChatProgress::Taken,
        "sent" => ChatProgress::Sent,
        "refused" => ChatProgress::Refused(words()?),
        "unconfirmed" => ChatProgress::Unconfirmed(words()?),
        other => {
            let cause = format!("{other:?} is not a progress of a message").into();
            return Err(StoreError::Corrupt { table: "bot_chat_messages", cause });
        }
    })
}

/// Stores the picture of a bot, in the transaction that changes the bot.
pub(super) async fn put_picture(
    db: &mut Tx,
    workspace: WorkspaceId,
    bot: BotId,
    picture: &Sealed,
) -> Result<(), StoreError> {
    query(
        "-- put_picture\n\
         INSERT INTO bot_pictures (id, workspace, picture) VALUES ($1, $2, $3)\n\
         ON CONFLICT (id) DO UPDATE SET picture = excluded.picture",
    )
    .with(values![bot, workspace, &picture.0])
    .execute(db)
    .await?;
    Ok(())
}

/// Erases the output of bots, in the transaction of their last step.
pub(super) async fn erase(db: &mut Tx, bots: &[String]) -> Result<(), StoreError> {
    for statement in [
        "-- erase outputs: pictures\nDELETE FROM bot_pictures WHERE id = ANY($1)",
        "-- erase outputs: messages\nDELETE FROM bot_chat_messages WHERE bot = ANY($1)",
    ] {
        query(statement).bind(bots.to_vec()).execute(&mut *db).await?;
    }
    Ok(())
}

/// Raises the revision of a bot of the workspace that has not ended, and so locks its row. Returns whether there is one.
async fn raise_revision(db: &mut Tx, workspace: WorkspaceId, bot: BotId) -> Result<bool, StoreError> {
    let raised = query(
        "-- raise_revision\n\
         UPDATE bots SET output_revision = output_revision + 1\n\
         WHERE id = $1 AND workspace = $2 AND status NOT IN ('done', 'fatal')",
    )
    .with(values![bot, workspace])
    .execute(db)
    .await?;
    Ok(raised == 1)
}

/// Changes the picture of a bot of the workspace that has not ended, and raises its revision.
pub(super) async fn change_picture(
    db: &mut Tx,
    workspace: WorkspaceId,
    bot: BotId,
    picture: Option<&Sealed>,
) -> Result<(), StoreError> {
    if !raise_revision(db, workspace, bot).await? {
        return Ok(());
    }
    if let Some(picture) = picture {
        return put_picture(db, workspace, bot, picture).await;
    }
    query("-- change_picture: none\nDELETE FROM bot_pictures WHERE id = $1").bind(bot).execute(db).await?;
    Ok(())
}

#[async_trait]
impl BotOutputs for SqlStore {
    async fn set_picture(
        &self,
        workspace: WorkspaceId,
        bot: BotId,
        picture: Option<&Sealed>,
    ) -> Result<Option<Bot>, StoreError> {
        let body = |mut tx: Tx| async move {
            change_picture(&mut tx, workspace, bot, picture).await?;
            let row = bots::one(&mut tx, bot).await?.filter(|bot| bot.workspace == workspace);
            tx.commit().await?;
            Ok(row)
        };
        self.transaction("set_picture", Isolation::ReadCommitted, body).await
    }

    async fn picture(&self, bot: BotId) -> Result<Option<Sealed>, StoreError> {
        query("-- picture\nSELECT picture FROM bot_pictures WHERE id = $1")
            .bind(bot)
            .one(&self.readers, |row| row.of("bot_pictures").sealed("picture"))
            .await
    }

    async fn queue_message(&self, message: &ChatMessage, most: u32) -> Result<Queued, StoreError> {
        let body = |mut tx: Tx| async move {
            if !raise_revision(&mut tx, message.workspace, message.bot).await? {
                return Ok(Queued::NoBot);
            }
            // The bot's row is locked, so the second of two callers counts the first one's message.
            let waiting = query(
                "-- queue_message: count\n\
                 SELECT count(*) FROM bot_chat_messages WHERE bot = $1 AND delivery IN ('queued', 'taken')",
            )
            .bind(message.bot)
            .count(&mut tx)
            .await?;
            if waiting >= u64::from(most) {
                return Ok(Queued::Full);
            }
            insert("-- queue_message", "bot_chat_messages")
                .set("id", message.id)
                .set("bot", message.bot)
                .set("workspace", message.workspace)
                .set("message", &message.message.0)
                .set("delivery", "queued")
                .set("created_at", message.created_at)
                .execute(&mut tx)
                .await?;
            tx.commit().await?;
            Ok(Queued::Waits)
        };
        self.transaction("queue_message", Isolation::ReadCommitted, body).await
    }

    async fn take_message(&self, bot: BotId, lease: &Lease) -> Result<Option<ChatMessage>, StoreError> {
        query(format!(
            "-- take_message\n\
             UPDATE bot_chat_messages SET delivery = 'taken'\n\
             WHERE delivery = 'queued' AND id =\n\
                 (SELECT min(m.id) FROM bot_chat_messages m JOIN bots b ON b.id = m.bot\n\
                  WHERE m.bot = $1 AND b.lease_token = $2 AND m.delivery = 'queued')\n\
             RETURNING {COLUMNS}"
        ))
        .with(values![bot, lease.token])
        .one(&self.writer, message)
        .await
    }

    async fn settle_message(&self, id: ChatMessageId, progress: &ChatProgress) -> Result<(), StoreError> {
        let (word, words) = match progress {
            ChatProgress::Queued => ("queued", None),
            ChatProgress::Taken => ("taken", None),
            ChatProgress::Sent => ("sent", None),
            ChatProgress::Refused(words) => ("refused", Some(words.clone())),
            ChatProgress::Unconfirmed(words) => ("unconfirmed", Some(words.clone())),
        };
        query("-- settle_message\nUPDATE bot_chat_messages SET delivery = $1, words = $2 WHERE id = $3")
            .with(values![word, &words, id])
            .execute(&self.writer)
            .await?;
        Ok(())
    }

    async fn chat_progress(
        &self,
        workspace: WorkspaceId,
        id: ChatMessageId,
    ) -> Result<Option<ChatProgress>, StoreError> {
        query("-- chat_progress\nSELECT delivery, words FROM bot_chat_messages WHERE id = $1 AND workspace = $2")
            .with(values![id, workspace])
            .one(&self.readers, progress)
            .await
    }

    async fn erase_message(&self, workspace: WorkspaceId, id: ChatMessageId) -> Result<bool, StoreError> {
        let erased = query(
            "-- erase_message\n\
             DELETE FROM bot_chat_messages WHERE id = $1 AND workspace = $2 AND delivery <> 'taken'",
        )
        .with(values![id, workspace])
        .execute(&self.writer)
        .await?;
        Ok(erased == 1)
    }
}
