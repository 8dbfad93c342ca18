//! Creating a bot: the checks before it is stored, and its row.

use std::{
    collections::{BTreeMap, HashMap},
    sync::{Mutex, PoisonError},
    time::Duration,
};

use broker::{NamedAccount, PersonalLink, WrongField};
use model::{BotId, BotStatus, Class, Code, CredentialId, Failure, StatusChange, Timestamp, WorkspaceId};
use store::{AppKind, Bot, BotFilter, Digest, MemberUsage, Pool, StoreError};
use zoom::{LinkError, MeetingLink};

use crate::{
    BotRequest, GivenPicture, Kind, NoFreeBot, NotAPicture, Note, OpenedBot, Supervisor, ZoomOptions,
};

/// A bot that joins later than this is scheduled; until then a server that runs bots may be started.
pub(crate) const AD_HOC: Duration = Duration::from_secs(600);
/// Most bytes of a stored request, without images. The contract's own objects take a few hundred.
const MAX_REQUEST_BYTES: usize = 64 * 1024;
/// How long a count of a workspace's bots is cached while it is far from the limit.
const COUNT_TTL: Duration = Duration::from_secs(60);

/// A bot to create.
#[derive(Debug, Clone)]
pub struct NewBot {
    /// The request.
    pub request: BotRequest,
    /// When it joins; `None` means at once.
    pub join_at: Option<Timestamp>,
    /// The caller's own labels.
    pub metadata: BTreeMap<String, String>,
    /// What it shows as soon as it is in.
    pub picture: Option<GivenPicture>,
}

/// Why a bot was not created.
#[derive(Debug)]
pub enum NotCreated {
    /// A field of [`ZoomOptions`] is wrong: its name and the reason.
    Zoom(&'static str, String),
    /// The link leads to no meeting that is known here: why.
    Meeting(String),
    /// The picture cannot be shown.
    Picture(NotAPicture),
    /// No server has a place for it.
    NoFreeBot(NoFreeBot),
    /// A call failed, or a limit is reached.
    Failed(Failure),
}

impl From<Failure> for NotCreated {
    fn from(failure: Failure) -> Self {
        Self::Failed(failure)
    }
}

impl From<StoreError> for NotCreated {
    fn from(error: StoreError) -> Self {
        Self::Failed(error.into())
    }
}

/// A digest by which the bots of one meeting are found without opening their requests.
pub fn meeting_digest(meeting_url: &str) -> Digest {
    tenants::digest(meeting_url)
}

impl Supervisor {
    /// Creates a bot and wakes the supervisor.
    #[tracing::instrument(name = "create_bot", skip_all, fields(%workspace))]
    pub async fn create(&self, workspace: WorkspaceId, mut new: NewBot) -> Result<OpenedBot, NotCreated> {
        let parts = &*self.parts;
        self.check_sign_in(workspace, &mut new.request.zoom).await?;
        self.resolve_personal_link(workspace, &mut new.request.meeting_url).await?;
        let (id, now) = (BotId::generate(&parts.env), parts.env.now());
        if let Some(why) = self.why_no_place(new.join_at, now).await? {
            return Err(NotCreated::NoFreeBot(why));
        }
        check_size(&new.request)?;
        self.check_number(workspace, now).await?;
        let picture = match new.picture {
            None => None,
            Some(given) => Some(given.prepare().await.map_err(NotCreated::Picture)?),
        };
        let picture = picture.map(|picture| picture.seal(&parts.broker.vault, workspace, id));
        let ready = StatusChange { code: BotStatus::Ready, message: None, created_at: now, sub_code: None };
        let bot = Bot {
            id,
            workspace,
            request: new.request.seal(&parts.broker.vault, workspace, id),
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
        parts.store.add_bot(&bot, picture.as_ref()).await?;
        parts.metrics.bot_step(BotStatus::Ready, None);
        if !new.request.ignored.is_empty() {
            tracing::info!(bot = %id, ignored = ?new.request.ignored, "a bot's request has fields without effect");
        }
        let words = match new.request.ignored.len() {
            0 => "The request was accepted.".to_owned(),
            _ => {
                format!("The request was accepted; without effect here: {}.", new.request.ignored.join(", "))
            }
        };
        parts.log.note(id, of_request(Note::new(Kind::Created, words), &new.request, new.join_at));
        self.poke(id);
        Ok(OpenedBot { row: bot, request: new.request })
    }

    /// Whether the workspace may have one more bot that has not ended. Counts are cached, so concurrent
    /// requests on several servers may pass the limit by a few.
    async fn check_number(&self, workspace: WorkspaceId, now: Timestamp) -> Result<(), NotCreated> {
        let most = u64::from(self.parts.most_of_a_workspace.get());
        let counts = || self.alive.0.lock().unwrap_or_else(PoisonError::into_inner);
        let kept = counts().get(&workspace).copied();
        let fresh = kept.filter(|(at, count)| at.was_within(COUNT_TTL, now) && *count < most);
        let (at, count) = if let Some(kept) = fresh {
            kept
        } else {
            let alive = BotStatus::ALL.iter().copied().filter(|status| !status.is_terminal());
            let filter = BotFilter { status: alive.collect(), ..BotFilter::default() };
            (now, self.parts.store.bots(workspace, &filter, 0, 0).await?.count)
        };
        if count >= most {
            let words = format!(
                "{count} bots of this workspace have not ended, and it may have {most} (bots.most_of_a_workspace, \
                 which the operator of this server sets): wait until some have ended, or tell some to leave"
            );
            let failure = Failure::new(Code::RateLimited, words);
            return Err(Failure { retry_after: Some(COUNT_TTL), ..failure }.into());
        }
        let mut counts = counts();
        counts.retain(|_, (at, _)| at.was_within(COUNT_TTL, now));
        counts.insert(workspace, (at, count + 1));
        Ok(())
    }

    /// Replaces a personal link (`/my/NAME`) by the link that it leads to.
    pub(crate) async fn resolve_personal_link(
        &self,
        workspace: WorkspaceId,
        meeting_url: &mut String,
    ) -> Result<(), NotCreated> {
        let personal = MeetingLink::parse(meeting_url).is_err_and(|error| error == LinkError::Personal);
        let Some(name) = zoom::personal_name(meeting_url).filter(|_| personal) else { return Ok(()) };
        match self.parts.broker.meeting_map.personal_link(workspace, &name).await? {
            PersonalLink::Meeting(link) => link.expose().clone_into(meeting_url),
            PersonalLink::Unknown => {
                let words = format!(
                    "No account that is connected here is known to have the personal link /my/{name}: connect its \
                     owner's account, or use the link that it leads to, with a meeting number."
                );
                return Err(NotCreated::Meeting(words));
            }
            PersonalLink::Several => {
                let words = format!(
                    "Several accounts that are connected here have a personal link /my/{name}: use the link that it \
                     leads to, with a meeting number."
                );
                return Err(NotCreated::Meeting(words));
            }
        }
        Ok(())
    }

    /// Checks the app, the account and the pool. An address that names a user is replaced by the user's id.
    pub(crate) async fn check_sign_in(
        &self,
        workspace: WorkspaceId,
        zoom: &mut ZoomOptions,
    ) -> Result<(), NotCreated> {
        let parts = &*self.parts;
        if let Some(app) = zoom.oauth_app {
            match parts.store.zoom_oauth_app(workspace, app).await?.map(|app| app.kind) {
                None => return refused("oauth_app", "This workspace has no such app."),
                Some(AppKind::ServerToServer) => {
                    let words = "A server-to-server app cannot sign a join: name a General app.";
                    return refused("oauth_app", words);
                }
                Some(AppKind::UserLevel | AppKind::AccountLevel) => {}
            }
        }
        if let Some(credential) = zoom.credential.or(zoom.obf_credential) {
            return self.check_account(workspace, credential, zoom).await;
        }
        let Some(pool) = zoom.pool else { return Ok(()) };
        match parts.store.pool(workspace, pool, parts.env.now()).await? {
            None => refused("pool", "This workspace has no such pool."),
            Some((_, members)) if members.iter().any(|member| member.status.is_usable()) => Ok(()),
            Some((pool, members)) => refused("pool", dead_pool(&pool, &members)),
        }
    }

    async fn check_account(
        &self,
        workspace: WorkspaceId,
        credential: CredentialId,
        zoom: &mut ZoomOptions,
    ) -> Result<(), NotCreated> {
        let broker = &self.parts.broker;
        let own_field = if zoom.obf_credential.is_some() { "obf_credential" } else { "credential" };
        let named = broker.users.name_account(workspace, credential, zoom.user.as_ref()).await;
        if let Ok(Err(WrongField { field, words })) = named {
            return refused(if field == "credential" { own_field } else { field }, words);
        }
        if let Some(words) = broker.users.why_dead(workspace, credential).await? {
            return refused(own_field, words);
        }
        match named {
            Ok(Ok(NamedAccount { user, address })) => (zoom.user, zoom.user_address) = (user, address),
            // The bot joins later: its token is requested by the address, which is resolved then.
            Err(failure) if failure.class() == Class::Retry => {}
            Err(failure) => return Err(failure.into()),
            Ok(Err(_)) => {}
        }
        Ok(())
    }
}

/// What of a request its bot's log shows.
pub(crate) fn of_request(note: Note, request: &BotRequest, join_at: Option<Timestamp>) -> Note {
    note.with("ignored", request.ignored.clone())
        .with_some("signs_in_by", request.zoom.source())
        .with_some("join_at", join_at.map(|at| at.to_string()))
}

/// Refuses a request that is too large to be kept.
pub(crate) fn check_size(request: &BotRequest) -> Result<(), Failure> {
    let bytes = request.stored_bytes();
    if bytes <= MAX_REQUEST_BYTES {
        return Ok(());
    }
    let words = format!(
        "the request is {bytes} bytes without its images; a bot's is stored up to {MAX_REQUEST_BYTES}: leave out what has no effect here"
    );
    Err(Failure::new(Code::RequestMalformed, words))
}

/// The bots of each workspace that have not ended, and when they were counted.
#[derive(Debug, Default)]
pub(crate) struct AliveCounts(Mutex<HashMap<WorkspaceId, (Timestamp, u64)>>);

fn refused(field: &'static str, words: impl Into<String>) -> Result<(), NotCreated> {
    Err(NotCreated::Zoom(field, words.into()))
}

fn dead_pool(pool: &Pool, members: &[MemberUsage]) -> String {
    let states = members.iter().map(|member| format!("{} is {}", member.member.account.0, member.status));
    let states: Vec<_> = states.take(10).collect();
    let states = if states.is_empty() { "it is empty".to_owned() } else { states.join(", ") };
    format!(
        "No account of the pool {} can sign a bot in ({states}): connect one again, or add one.",
        pool.name
    )
}
