//! Creates bots.

use std::sync::Arc;

use metrics::Metrics;
use model::{BotId, BotStatus, Environment, StatusChange, Timestamp, WorkspaceId};
use store::{Bot, Bots};
use tenants::Vault;

use super::{
    new_bot::{NewBot, NotCreated},
    reader::{OpenedBot, meeting_digest},
    request_check::{RequestCheck, check_size},
    workspace_limit::WorkspaceLimit,
};
use crate::{
    log::{BotLog, LogEntryKind, NewLogEntry},
    request::BotRequest,
    servers::BotSlots,
    wake::Wake,
};

/// Creates bots.
pub struct Creator {
    pub(crate) store: Arc<dyn Bots + Send + Sync>,
    pub(crate) check: Arc<RequestCheck>,
    pub(crate) places: BotSlots,
    pub(crate) limit: WorkspaceLimit,
    pub(crate) vault: Vault,
    pub(crate) log: BotLog,
    pub(crate) metrics: Metrics,
    pub(crate) env: Environment,
    pub(crate) wake: Wake,
}

impl Creator {
    /// Creates a bot, which joins at `join_at`, or at once.
    #[tracing::instrument(name = "create_bot", skip_all, fields(%workspace))]
    pub async fn create(&self, workspace: WorkspaceId, mut new: NewBot) -> Result<OpenedBot, NotCreated> {
        self.check.check_sign_in(workspace, &mut new.request.zoom).await?;
        self.check.resolve_personal_link(workspace, &mut new.request.meeting_url).await?;
        let (id, now) = (BotId::generate(&self.env), self.env.now());
        if let Some(why) = self.places.why_none(new.join_at, now).await? {
            return Err(NotCreated::NoFreeSlot(why));
        }
        check_size(&new.request)?;
        self.limit.check(workspace, now).await?;
        let picture = match new.picture {
            None => None,
            Some(given) => Some(given.prepare().await.map_err(NotCreated::Picture)?),
        };
        let picture = picture.map(|picture| picture.seal(&self.vault, workspace, id));
        let ready = StatusChange { code: BotStatus::Ready, message: None, created_at: now, sub_code: None };
        let bot = Bot {
            id,
            workspace,
            request: new.request.seal(&self.vault, workspace, id),
            meeting_digest: meeting_digest(&new.request.meeting_url),
            join_at: new.join_at,
            metadata: new.metadata,
            signs_in_with: new.request.zoom.signs_in_with(),
            status_changes: vec![ready],
            leave_requested_at: None,
            leased_until: None,
            output_revision: 0,
            created_at: now,
        };
        self.store.add_bot(&bot, picture.as_ref()).await?;
        self.metrics.bot_step(BotStatus::Ready, None);
        if !new.request.ignored.is_empty() {
            tracing::info!(bot = %id, ignored = ?new.request.ignored, "a bot's request has fields that have no effect");
        }
        let words = match new.request.ignored.len() {
            0 => "The request was accepted.".to_owned(),
            _ => {
                format!(
                    "The request was accepted. Fields without effect: {}.",
                    new.request.ignored.join(", ")
                )
            }
        };
        self.log.note(
            id,
            with_request(NewLogEntry::new(LogEntryKind::Created, words), &new.request, new.join_at),
        );
        self.wake.bot(id);
        Ok(OpenedBot { row: bot, request: new.request })
    }
}

/// Adds those parts of a request to a note that a bot's log shows.
pub(super) fn with_request(
    note: NewLogEntry,
    request: &BotRequest,
    join_at: Option<Timestamp>,
) -> NewLogEntry {
    note.with("ignored", request.ignored.clone())
        .with_some("signs_in_by", request.zoom.source())
        .with_some("join_at", join_at.map(|at| at.to_string()))
}
