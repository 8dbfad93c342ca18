//! Changes to bots that have not started to join.
//!
//! The step to `joining_call` decides: it is recorded under the lease before the bot's page joins. A change that is stored
//! before this step ends the lease, so the bot joins with the change. A change after this step is refused.

use std::sync::Arc;

use model::{BotId, BotStatus, Code, Environment, Failure, Timestamp, WorkspaceId};
use store::{Bot, BotChange, BotChanged, Bots, PictureChange};
use tenants::Vault;

use super::{
    creator::with_request,
    new_bot::{NewBot, NotCreated},
    reader::{OpenedBot, meeting_digest},
    request_check::{RequestCheck, check_size},
};
use crate::{
    log::{BotLog, LogEntryKind, NewLogEntry},
    request::BotRequest,
    servers::AD_HOC,
    wake::Wake,
};

/// How often a change is tried when there are concurrent changes of the bot. In each round one of them succeeds.
const MAX_TRIES: usize = 10;

/// A change of some fields of a bot.
#[derive(Debug)]
pub struct BotEdit {
    /// The new values.
    pub to: NewBot,
    /// The names of the fields that are replaced. The others stay unchanged.
    pub given: Vec<String>,
}

/// Why a change or cancellation of a bot was refused.
#[derive(Debug)]
pub enum NotChanged {
    /// The workspace has no such bot.
    Unknown,
    /// The bot has started to join, was told to leave, or has ended.
    Begun(Begun),
    /// The new `join_at` must be later than this. The bot's `join_at` stays unchanged.
    TooSoon(Timestamp),
    /// The changed request is refused for a reason that would also refuse a new bot.
    Refused(NotCreated),
}

/// Why, and since when, a bot can't be changed or cancelled any more.
#[derive(Debug, Clone, Copy)]
pub enum Begun {
    /// The bot started to join at this time.
    Joining(Timestamp),
    /// A caller told the bot to leave at this time.
    Leaving(Timestamp),
    /// The bot ended at this time.
    Ended(Timestamp),
}

impl Begun {
    fn of(bot: &Bot) -> Self {
        match (bot.status_changes.last(), bot.leave_requested_at) {
            (Some(last), _) if last.code.is_terminal() => Self::Ended(last.created_at),
            (_, Some(at)) => Self::Leaving(at),
            _ => {
                let first = bot.status_changes.iter().find(|step| step.code != BotStatus::Ready);
                Self::Joining(first.map_or(bot.created_at, |step| step.created_at))
            }
        }
    }
}

impl<E: Into<NotCreated>> From<E> for NotChanged {
    fn from(error: E) -> Self {
        Self::Refused(error.into())
    }
}

impl BotEdit {
    fn applied_to(&self, old: NewBot) -> NewBot {
        let given = |name: &str| self.given.iter().any(|given| given == name);
        // Destructured without `..`, so that the compiler requires every new field to be handled here.
        let NewBot { request, join_at, metadata, picture: _ } = self.to.clone();
        let BotRequest { meeting_url, bot_name, zoom, automatic_leave, objects, ignored } = request;
        let mut request = old.request;
        let mut kept = request.objects.into_given();
        kept.retain(|name, _| !given(name));
        kept.extend(objects.into_given());
        request.objects = kept.into();
        request.ignored.retain(|path| !given(path.split('.').next().unwrap_or(path)));
        request.ignored.extend(ignored);
        if given("meeting_url") {
            request.meeting_url = meeting_url;
        }
        if given("bot_name") {
            request.bot_name = bot_name;
        }
        if given("zoom") {
            request.zoom = zoom;
        }
        if given("automatic_leave") {
            request.automatic_leave = automatic_leave;
        }
        NewBot {
            request,
            join_at: if given("join_at") { join_at } else { old.join_at },
            metadata: if given("metadata") { metadata } else { old.metadata },
            // The picture has its own row.
            picture: None,
        }
    }
}

/// Changes and cancels bots that have not started to join.
pub struct Editor {
    pub(crate) store: Arc<dyn Bots + Send + Sync>,
    pub(crate) check: Arc<RequestCheck>,
    pub(crate) vault: Vault,
    pub(crate) log: BotLog,
    pub(crate) env: Environment,
    pub(crate) wake: Wake,
}

impl Editor {
    /// Changes a bot that has not started to join. Returns the changed bot.
    #[tracing::instrument(name = "change_bot", skip_all, fields(%workspace, bot = %id))]
    pub async fn change(
        &self,
        workspace: WorkspaceId,
        id: BotId,
        mut edit: BotEdit,
    ) -> Result<OpenedBot, NotChanged> {
        if edit.given.iter().any(|name| name == "zoom") {
            self.check.check_sign_in(workspace, &mut edit.to.request.zoom).await?;
        }
        if edit.given.iter().any(|name| name == "meeting_url") {
            self.check.resolve_personal_link(workspace, &mut edit.to.request.meeting_url).await?;
        }
        let picture = match edit.to.picture.take() {
            None => None,
            Some(given) => Some(given.prepare().await.map_err(NotCreated::Picture)?),
        };
        let picture = picture.map(|picture| picture.seal(&self.vault, workspace, id));
        let picture = match picture {
            _ if !edit.given.iter().any(|name| name == "automatic_video_output") => PictureChange::Keep,
            None => PictureChange::Remove,
            Some(picture) => PictureChange::Show(picture),
        };
        for _ in 0..MAX_TRIES {
            let bot = self.store.bot(workspace, id).await?.ok_or(NotChanged::Unknown)?;
            let request = BotRequest::open(&self.vault, workspace, id, &bot.request)?;
            let old = NewBot { request, join_at: bot.join_at, metadata: bot.metadata, picture: None };
            let new = edit.applied_to(old);
            let earliest = self.env.now() + AD_HOC;
            let is_ahead = new.join_at.is_some_and(|at| at > earliest);
            // "Too late to change" is the better error than "the new time is too early".
            if bot.status_changes.len() == 1 && new.join_at != bot.join_at && !is_ahead {
                return Err(NotChanged::TooSoon(earliest));
            }
            check_size(&new.request)?;
            let change = BotChange {
                meeting_digest: meeting_digest(&new.request.meeting_url),
                request: new.request.seal(&self.vault, workspace, id),
                join_at: new.join_at,
                metadata: new.metadata,
                picture: picture.clone(),
                signs_in_with: new.request.zoom.signs_in_with(),
            };
            match self.store.change_bot(workspace, id, &bot.request, &change).await? {
                BotChanged::Done(bot) => {
                    tracing::info!(ignored = ?new.request.ignored, join_at = bot.join_at.map(tracing::field::display), "changed a bot");
                    let names = format!("The request was changed: {}.", edit.given.join(", "));
                    self.log.note(
                        id,
                        with_request(
                            NewLogEntry::new(LogEntryKind::Changed, names),
                            &new.request,
                            bot.join_at,
                        ),
                    );
                    self.wake.bot(id);
                    return Ok(OpenedBot { row: bot, request: new.request });
                }
                BotChanged::Meanwhile => {}
                BotChanged::TooLate(bot) => return Err(NotChanged::Begun(Begun::of(&bot))),
                BotChanged::Unknown => return Err(NotChanged::Unknown),
            }
        }
        let words = format!("concurrent requests changed the bot {MAX_TRIES} times in the meantime");
        Err(Failure::new(Code::Unavailable, words).into())
    }

    /// Deletes a bot that has not started to join.
    #[tracing::instrument(name = "cancel_bot", skip_all, fields(%workspace, bot = %id))]
    pub async fn cancel(&self, workspace: WorkspaceId, id: BotId) -> Result<(), NotChanged> {
        match self.store.cancel_bot(workspace, id).await? {
            BotChanged::Done(_) => {
                tracing::info!("cancelled a bot");
                // A server that has leased the bot stops waiting for its join.
                self.wake.bot(id);
                Ok(())
            }
            BotChanged::TooLate(bot) => Err(NotChanged::Begun(Begun::of(&bot))),
            BotChanged::Unknown | BotChanged::Meanwhile => Err(NotChanged::Unknown),
        }
    }
}
