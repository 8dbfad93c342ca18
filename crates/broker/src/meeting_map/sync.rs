//! Lists the meetings of accounts that are due, under the row's lease, page by page.
//!
//! Every process runs one. What is stored is as of the moment the list was begun, so that a webhook which came since is not
//! undone. A list that breaks off leaves what it had; the next one begins anew. It never touches the account's health: who
//! lacks the scope can still sign bots in.

use std::{collections::BTreeMap, convert::Infallible, sync::Arc, time::Duration};

use model::{
    Class, Code, CredentialId, CredentialKind, Failure, LeaseToken, MeetingNumber, Timestamp, WorkspaceId,
};
use rate_limits::Need;
use store::{Credential, DueSync, Lease, Meeting, StoreError, Subject, SyncOutcome};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use zoom::{Label, Listed, ListedMeeting, ListedUser, ZoomError, ZoomUser};

use super::MeetingMap;
use crate::{
    accounts::{may_give_tokens, schedule, scopes, usable},
    log_lines::failure_note,
    tokens::LiveAccess,
};

/// How often an idle process looks.
const POLL_INTERVAL: Duration = Duration::from_secs(2);
/// How many accounts a process lists at once.
const MAX_IN_FLIGHT: u32 = 4;
/// A claim that nobody renews lapses after this.
const LEASE_TTL: Duration = Duration::from_secs(300);
/// What was listed is stored at least this often, which renews the claim.
const STORE_INTERVAL: Duration = Duration::from_secs(60);
/// How long one call may wait for its turn: a list gives way to everybody else.
const TURN_TIMEOUT: Duration = Duration::from_secs(120);
/// Meetings that are stored at a time.
const STORE_BATCH: usize = 300;
/// Pages of one list. Nobody has so many meetings: Zoom would be turning in a circle.
const MAX_PAGES: usize = 1000;
/// An account is listed anew after this, when webhooks tell of what happens in between ...
const INTERVAL_WITH_WEBHOOKS: Duration = Duration::from_secs(24 * 3600);
/// ... and when they do not.
const INTERVAL_WITHOUT_WEBHOOKS: Duration = Duration::from_secs(6 * 3600);
/// Zoom validates a webhook's address every 72 hours (documented). One that was not validated for longer tells nothing.
const WEBHOOK_VALIDATION_TTL: Duration = Duration::from_secs(96 * 3600);
/// The first pause after a failure that may pass. It doubles with each.
const FIRST_PAUSE: Duration = Duration::from_secs(30);
/// How long a row remembers that its meeting is gone. Zoom's last try of a webhook comes after 85 minutes (documented).
const GONE_TTL: Duration = Duration::from_secs(24 * 3600);
/// How often older ones are removed.
const FORGET_INTERVAL: Duration = Duration::from_secs(3600);

/// Why a list broke off.
enum Broken {
    /// Zoom refused a call.
    Refused(ZoomError),
    /// It failed on the way to Zoom, or to the store.
    Failed(Failure),
    /// The consent does not cover meetings.
    NotCovered,
    /// The claim is somebody else's by now, or the account is gone.
    Fenced,
}

impl From<ZoomError> for Broken {
    fn from(error: ZoomError) -> Self {
        Self::Refused(error)
    }
}

impl From<Failure> for Broken {
    fn from(failure: Failure) -> Self {
        Self::Failed(failure)
    }
}

impl From<StoreError> for Broken {
    fn from(error: StoreError) -> Self {
        Self::Failed(error.into())
    }
}

impl MeetingMap {
    /// Has an account's meetings listed soon, because somebody asks. `false` when the workspace has no such account. One
    /// that cannot be used is not listed, and its log says so.
    pub async fn request_sync(&self, workspace: WorkspaceId, id: CredentialId) -> Result<bool, Failure> {
        let Some(credential) = self.store.credential(workspace, id).await? else { return Ok(false) };
        let missing = scopes::missing_for_meetings(credential.kind, credential.grant.scopes.as_deref());
        let may = may_give_tokens(credential.status).and_then(|()| match missing.as_slice() {
            [] => Ok(()),
            missing => {
                let words =
                    format!("the grant lacks scopes that lists of meetings need: {}", missing.join(", "));
                Err(Failure::new(Code::ScopeMissing, words))
            }
        });
        if let Err(failure) = may {
            let words = format!("meetings are not listed: {}; {}", failure.detail, failure.code.advice());
            let note = failure_note(&self.env, &words, failure.code);
            self.store.add_log_line(workspace, Subject::Credential(id), &note).await?;
            return Ok(true);
        }
        self.store.want_meeting_sync(workspace, id, self.env.now()).await?;
        Ok(true)
    }

    /// Keeps the map in step for as long as it is polled.
    pub async fn run_sync(self: &Arc<Self>) -> Infallible {
        let permits = Arc::new(Semaphore::new(MAX_IN_FLIGHT as usize));
        let mut sweep_at = self.env.now();
        loop {
            let now = self.env.now();
            let left = u32::try_from(permits.available_permits()).unwrap_or(MAX_IN_FLIGHT);
            let free = Arc::clone(&permits).acquire_many_owned(left).await.expect("never closed");
            let looked = self.sync_due_into(free).await;
            let swept = if now >= sweep_at {
                sweep_at = now + FORGET_INTERVAL;
                self.store.forget_gone_meetings(now - GONE_TTL).await.map(drop)
            } else {
                Ok(())
            };
            if let Err(error) = looked.and(swept.map_err(Failure::from)) {
                tracing::warn!(%error, "the map of meetings could not be looked after");
            }
            self.env.clock.sleep(POLL_INTERVAL).await;
        }
    }

    /// Claims accounts whose meetings are due and sets off their lists, which go on as tasks of the process. Answers how
    /// many.
    pub async fn sync_due(self: &Arc<Self>) -> Result<u32, Failure> {
        let permits = Arc::new(Semaphore::new(MAX_IN_FLIGHT as usize));
        let free = permits.acquire_many_owned(MAX_IN_FLIGHT).await.expect("never closed");
        self.sync_due_into(free).await
    }

    async fn sync_due_into(self: &Arc<Self>, mut permits: OwnedSemaphorePermit) -> Result<u32, Failure> {
        let now = self.env.now();
        let lease = Lease { token: LeaseToken::generate(&self.env), expires_at: now + LEASE_TTL };
        let limit = u32::try_from(permits.num_permits()).unwrap_or(MAX_IN_FLIGHT);
        if limit == 0 {
            return Ok(0);
        }
        let due = self.store.claim_meeting_syncs(&lease, now, limit).await?;
        let claimed = u32::try_from(due.len()).unwrap_or(u32::MAX);
        for due in due {
            let permit = permits.split(1).expect("no more were claimed than there are permits for");
            let this = Arc::clone(self);
            self.tasks.spawn(async move {
                tokio::select! {
                    () = this.sync(due, lease) => {}
                    // Its claim lapses, and then it is due again.
                    () = this.stopping.cancelled() => {}
                }
                drop(permit);
            });
        }
        Ok(claimed)
    }

    /// Lists one account's meetings and says on its row what came of it.
    async fn sync(self: &Arc<Self>, due: DueSync, lease: Lease) {
        let since = self.env.now();
        let failure = match self.list_into_map(due, &lease, since).await {
            Ok(repair_after) => {
                let outcome = SyncOutcome::Completed { since };
                return self.finish_sync(due, &lease, outcome, repair_after).await;
            }
            Err(Broken::Fenced) => return,
            // Whoever registers an app for tokens alone has nothing to mend.
            Err(Broken::NotCovered) => {
                return self.finish_sync(due, &lease, SyncOutcome::NotBegun, INTERVAL_WITHOUT_WEBHOOKS).await;
            }
            Err(Broken::Refused(error)) => error.into(),
            Err(Broken::Failed(failure)) => failure,
        };
        match failure.class() {
            // A scope that was never asked for, of an account that is well otherwise. Its own log says so.
            Class::PersonMustAct => {
                tracing::info!(credential = %due.credential, %failure, "meetings are not listed");
            }
            Class::Retry | Class::OurFault => {
                tracing::warn!(credential = %due.credential, %failure, "meetings could not be listed");
            }
        }
        // A line when it begins to fail, and not for each try.
        let note = (due.failures == 0).then(|| {
            let words =
                format!("meetings could not be listed: {}; {}", failure.detail, failure.code.advice());
            failure_note(&self.env, &words, failure.code)
        });
        let outcome = SyncOutcome::Failed { note: note.as_ref() };
        self.finish_sync(due, &lease, outcome, pause_after(&failure, due.failures)).await;
    }

    async fn finish_sync(&self, due: DueSync, lease: &Lease, outcome: SyncOutcome<'_>, pause: Duration) {
        if !matches!(outcome, SyncOutcome::NotBegun) {
            self.metrics.meeting_sync(matches!(outcome, SyncOutcome::Completed { .. }));
        }
        let next = self.env.now() + schedule::part(&self.env, pause, 750..1000);
        if let Err(error) = self.store.finish_meeting_sync(due.credential, lease, outcome, next).await {
            // It is due again when the claim lapses.
            tracing::warn!(credential = %due.credential, %error, "a list of meetings could not be recorded");
        }
    }

    /// Brings everything that Zoom lists into the map. Answers after how long the next list shall repair it.
    async fn list_into_map(
        self: &Arc<Self>,
        due: DueSync,
        lease: &Lease,
        since: Timestamp,
    ) -> Result<Duration, Broken> {
        let account = usable(&*self.store, due.workspace, due.credential).await?;
        if !scopes::missing_for_meetings(account.kind, account.grant.scopes.as_deref()).is_empty() {
            return Err(Broken::NotCovered);
        }
        let app = self.apps.of_account(account.workspace, account.app).await?;
        let mut list = List::begin(self, &account, lease, since);
        match list.whole().await {
            // Our record calls the token valid and Zoom does not: once more, with another one.
            Err(Broken::Refused(ZoomError::TokenRejected)) => {
                list.rejected = Some(list.generation);
                list.whole().await?;
            }
            done => done?,
        }
        let told = app.webhook_last_validation.is_some_and(|at| since.since(at) < WEBHOOK_VALIDATION_TTL);
        Ok(if told { INTERVAL_WITH_WEBHOOKS } else { INTERVAL_WITHOUT_WEBHOOKS })
    }
}

/// When to try again: what a person has to mend will hardly be mended within minutes.
fn pause_after(failure: &Failure, failures: u32) -> Duration {
    match failure.class() {
        Class::Retry => {
            let doubled = FIRST_PAUSE.saturating_mul(1 << failures.min(16)).min(INTERVAL_WITHOUT_WEBHOOKS);
            // No less than Zoom asks for, whatever is taken off it for the sake of jitter.
            doubled.max(failure.retry_after.unwrap_or_default().mul_f64(1.5))
        }
        Class::PersonMustAct | Class::OurFault => INTERVAL_WITHOUT_WEBHOOKS,
    }
}

/// A list that is being made.
struct List<'a> {
    map: &'a MeetingMap,
    account: &'a Credential,
    lease: &'a Lease,
    /// When it was begun.
    since: Timestamp,
    /// The grant whose token was used last.
    generation: i64,
    /// One whose token Zoom refuses.
    rejected: Option<i64>,
    /// What is not stored yet.
    rows: BTreeMap<MeetingNumber, Meeting>,
    stored_at: Timestamp,
}

impl<'a> List<'a> {
    fn begin(map: &'a MeetingMap, account: &'a Credential, lease: &'a Lease, since: Timestamp) -> Self {
        let rows = BTreeMap::new();
        Self { map, account, lease, since, generation: 0, rejected: None, rows, stored_at: since }
    }

    /// Every host of the account, and then all meetings of each: a page of hosts can be followed for a quarter of an hour
    /// only (documented).
    async fn whole(&mut self) -> Result<(), Broken> {
        let (mut hosts, mut after) = (Vec::new(), None);
        for _ in 0..MAX_PAGES {
            let page = self.hosts(after.as_deref()).await?;
            hosts.extend(page.rows);
            after = page.next;
            if after.is_none() {
                for host in &hosts {
                    self.meetings_of(host).await?;
                }
                return self.store().await;
            }
        }
        Err(endless())
    }

    /// Whoever's meetings this account can see: itself, or the users of the Zoom account that it speaks for.
    async fn hosts(&mut self, after: Option<&str>) -> Result<Listed<ListedUser>, Broken> {
        if self.account.kind == CredentialKind::ServerToServer {
            let access = self.access().await?;
            let api = self.map.access.api(&access, Label::Medium, Need::whenever(TURN_TIMEOUT)).await?;
            let users = self.map.zoom.users(api, after).await;
            return users.map_err(naming("user:read:list_users:admin"));
        }
        let access = self.access().await?;
        let api = self.map.access.api(&access, Label::Light, Need::whenever(TURN_TIMEOUT)).await?;
        let ZoomUser { id, personal_room, .. } =
            self.map.zoom.me(api).await.map_err(naming("user:read:user"))?;
        Ok(Listed { rows: vec![ListedUser { id, personal_room }], next: None })
    }

    async fn meetings_of(&mut self, host: &ListedUser) -> Result<(), Broken> {
        if let Some(number) = host.personal_room {
            self.add(Meeting { number, host: host.id.clone(), personal: true }).await?;
        }
        let mut after = None;
        for _ in 0..MAX_PAGES {
            let meetings = match self.meetings(&host.id, after.as_deref()).await {
                // Gone since the hosts were listed: then so are the meetings.
                Err(Broken::Refused(ZoomError::UserUnknown)) => return Ok(()),
                meetings => meetings?,
            };
            for ListedMeeting { number, host_id } in meetings.rows {
                let personal = Some(number) == host.personal_room;
                let host = host_id.unwrap_or_else(|| host.id.clone());
                self.add(Meeting { number, host, personal }).await?;
            }
            after = meetings.next;
            if after.is_none() {
                return Ok(());
            }
        }
        Err(endless())
    }

    /// A page of one host's meetings.
    async fn meetings(&mut self, host: &str, after: Option<&str>) -> Result<Listed<ListedMeeting>, Broken> {
        let (who, scope) = match self.account.kind {
            CredentialKind::ServerToServer => (host, "meeting:read:list_meetings:admin"),
            CredentialKind::UserOauth | CredentialKind::CustomerManaged => {
                ("me", "meeting:read:list_meetings")
            }
        };
        let access = self.access().await?;
        let api = self.map.access.api(&access, Label::Medium, Need::whenever(TURN_TIMEOUT)).await?;
        self.map.zoom.meetings(api, who, after).await.map_err(naming(scope))
    }

    /// A token for the next call. A long list outlives several.
    async fn access(&mut self) -> Result<LiveAccess, Broken> {
        let Credential { workspace, id, .. } = *self.account;
        let access = self.map.access.quiet(workspace, id, self.rejected).await?;
        self.generation = access.generation;
        Ok(access)
    }

    async fn add(&mut self, meeting: Meeting) -> Result<(), Broken> {
        self.rows.insert(meeting.number, meeting);
        let late = self.map.env.now().since(self.stored_at) >= STORE_INTERVAL;
        if self.rows.len() >= STORE_BATCH || late { self.store().await } else { Ok(()) }
    }

    /// Stores what was listed, and holds on to the claim.
    async fn store(&mut self) -> Result<(), Broken> {
        let rows: Vec<Meeting> = std::mem::take(&mut self.rows).into_values().collect();
        self.stored_at = self.map.env.now();
        let until = self.stored_at + LEASE_TTL;
        let store = &self.map.store;
        let held = store.put_meetings(self.account.id, self.lease, &rows, self.since, until).await?;
        if held { Ok(()) } else { Err(Broken::Fenced) }
    }
}

/// Zoom does not always name the scope that a call lacks; we know which it needs.
fn naming(scope: &'static str) -> impl Fn(ZoomError) -> Broken {
    move |error| match error {
        ZoomError::ScopeMissing { scopes } if scopes.is_empty() => {
            ZoomError::ScopeMissing { scopes: vec![scope.to_owned()] }.into()
        }
        error => error.into(),
    }
}

fn endless() -> Broken {
    Failure::new(Code::ZoomUnexpected, "Zoom's list of meetings does not end").into()
}
