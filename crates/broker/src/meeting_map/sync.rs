//! Lists the meetings of an account, under the row's lease, page by page.
//!
//! Stored meetings have the time of the list's start, so a later webhook is not undone. Meetings that an
//! interrupted list has stored stay; the next list starts from the beginning. A list never changes the account's
//! health, because an account without the scope can still sign bots in.

use std::{collections::BTreeMap, convert::Infallible, sync::Arc, time::Duration};

use model::{
    Class, Code, CredentialId, CredentialKind, Failure, MeetingNumber, Timestamp, WorkspaceId, chain,
};
use rate_limits::CallPriority;
use store::{Credential, DueSync, Lease, Meeting, StoreError, Subject, SyncOutcome};
use workers::Backoff;
use zoom::{Label, Listed, ListedMeeting, ListedUser, ZoomError, ZoomUser};

use super::MeetingMap;
use crate::{
    accounts::{check_usable, schedule, scopes, usable_account},
    log_lines::failure_note,
    tokens::ZoomAccess,
};

/// A lease that is not renewed expires after this.
pub(super) const LEASE_TTL: Duration = Duration::from_secs(300);
/// Listed meetings are stored at least this often.
const STORE_INTERVAL: Duration = Duration::from_secs(60);
/// How long a call may wait for its turn: other calls have priority.
const TURN_TIMEOUT: Duration = Duration::from_secs(120);
/// The number of meetings that are stored at once.
const STORE_BATCH: usize = 300;
/// The maximum number of pages of a list. More would be a loop in Zoom's paging.
const MAX_PAGES: usize = 1000;
/// Zoom validates a webhook's URL every 72 hours (documented). Without a validation for longer, no webhooks
/// are expected.
const WEBHOOK_VALIDATION_TTL: Duration = Duration::from_secs(96 * 3600);
/// The first pause after temporary failures. Pauses are no longer than the interval of lists.
const FIRST_PAUSE: Duration = Duration::from_secs(30);
/// How long the row of a deleted meeting is stored. Zoom's last repetition of a webhook comes after 85
/// minutes (documented).
const GONE_TTL: Duration = Duration::from_secs(24 * 3600);
/// The interval between deletions of such rows.
const FORGET_INTERVAL: Duration = Duration::from_secs(3600);

/// Why a list was interrupted.
enum Broken {
    /// Zoom refused a call.
    Refused(ZoomError),
    /// The call to Zoom or the store failed.
    Failed(Failure),
    /// The consent lacks the scope for meetings.
    NotCovered,
    /// Another process has claimed the list, or the account is gone.
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
    /// Makes an account's list due now, on request. `false` when the workspace has no such account. An
    /// unusable account is not listed; its log says so.
    pub async fn request_sync(&self, workspace: WorkspaceId, id: CredentialId) -> Result<bool, Failure> {
        let Some(credential) = self.store.credential(workspace, id).await? else { return Ok(false) };
        let missing = scopes::missing_for_meetings(credential.kind, credential.grant.scopes.as_deref());
        let may = check_usable(credential.status).and_then(|()| match missing.as_slice() {
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
        self.store.request_meeting_sync(workspace, id, self.env.now()).await?;
        Ok(true)
    }

    /// Deletes the rows of meetings that were deleted long ago, for as long as it is polled.
    pub async fn run_forgetting(self: Arc<Self>) -> Infallible {
        loop {
            if let Err(error) = self.store.forget_gone_meetings(self.env.now() - GONE_TTL).await {
                tracing::warn!(error = %chain(&error), "the rows of deleted meetings were not removed");
            }
            self.env.clock.sleep(FORGET_INTERVAL).await;
        }
    }

    /// Lists one account's meetings and records the outcome on its row.
    pub(super) async fn sync(self: &Arc<Self>, due: DueSync, lease: &Lease) -> Result<(), Failure> {
        let since = self.env.now();
        let failure = match self.list_into_map(due, lease, since).await {
            Ok(repair_after) => {
                let outcome = SyncOutcome::Completed { since, now: self.env.now() };
                return self.finish_sync(due, lease, outcome, repair_after).await;
            }
            // The new holder of the lease continues.
            Err(Broken::Fenced) => return Ok(()),
            // An app that is only registered for tokens lacks the scope on purpose.
            Err(Broken::NotCovered) => {
                return self.finish_sync(due, lease, SyncOutcome::NotBegun, self.list_every).await;
            }
            Err(Broken::Refused(error)) => error.into(),
            Err(Broken::Failed(failure)) => failure,
        };
        // The first failure is logged, but not each attempt.
        let note = (due.failures == 0).then(|| {
            let words =
                format!("meetings could not be listed: {}; {}", failure.detail, failure.code.advice());
            failure_note(&self.env, &words, failure.code)
        });
        let outcome = SyncOutcome::Failed { note: note.as_ref() };
        let pause = self.pause_after(&failure, due.failures);
        self.finish_sync(due, lease, outcome, pause).await?;
        Err(failure)
    }

    async fn finish_sync(
        &self,
        due: DueSync,
        lease: &Lease,
        outcome: SyncOutcome<'_>,
        pause: Duration,
    ) -> Result<(), Failure> {
        if !matches!(outcome, SyncOutcome::NotBegun) {
            self.metrics.meeting_sync(matches!(outcome, SyncOutcome::Completed { .. }));
        }
        let next = self.env.now() + schedule::part(&self.env, pause, 750..1000);
        // If this fails, the list is due again when the lease expires.
        self.store.finish_meeting_sync(due.credential, lease, outcome, next).await?;
        Ok(())
    }

    /// The pause before the next attempt. A failure that a person must fix is unlikely to be fixed within minutes.
    fn pause_after(&self, failure: &Failure, failures: u32) -> Duration {
        match failure.class() {
            Class::Retry => {
                let backoff = Backoff { first: FIRST_PAUSE, longest: self.list_every };
                // Not less than Zoom demands, even after jitter has shortened it.
                backoff.pause(failures).max(failure.retry_after.unwrap_or_default().mul_f64(1.5))
            }
            Class::PersonMustAct | Class::OurFault => self.list_every,
        }
    }

    /// Stores all meetings that Zoom lists. Returns the time until the next list.
    async fn list_into_map(
        self: &Arc<Self>,
        due: DueSync,
        lease: &Lease,
        since: Timestamp,
    ) -> Result<Duration, Broken> {
        let account = usable_account(&*self.store, due.workspace, due.credential).await?;
        if !scopes::missing_for_meetings(account.kind, account.grant.scopes.as_deref()).is_empty() {
            return Err(Broken::NotCovered);
        }
        let app = self.apps.of_account(account.workspace, account.app).await?;
        let mut list = List::begin(self, &account, lease, since);
        match list.whole().await {
            // Our record says that the token is valid, but Zoom refuses it: retry once with a new one.
            Err(Broken::Refused(ZoomError::TokenRejected)) => {
                list.rejected = Some(list.generation);
                list.whole().await?;
            }
            done => done?,
        }
        let is_told =
            app.webhook_last_validation.is_some_and(|at| at.was_within(WEBHOOK_VALIDATION_TTL, since));
        Ok(if is_told { self.list_every_with_webhooks } else { self.list_every })
    }
}

/// A list in progress.
struct List<'a> {
    map: &'a MeetingMap,
    account: &'a Credential,
    lease: &'a Lease,
    /// When it was started.
    since: Timestamp,
    /// The generation of the last token.
    generation: i64,
    /// The generation whose token Zoom refuses.
    rejected: Option<i64>,
    /// Meetings that are not yet stored.
    rows: BTreeMap<MeetingNumber, Meeting>,
    stored_at: Timestamp,
}

impl<'a> List<'a> {
    fn begin(map: &'a MeetingMap, account: &'a Credential, lease: &'a Lease, since: Timestamp) -> Self {
        let rows = BTreeMap::new();
        Self { map, account, lease, since, generation: 0, rejected: None, rows, stored_at: since }
    }

    /// Lists all hosts first, then the meetings of each, because the page token of hosts is valid for a quarter
    /// of an hour (documented).
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

    /// The hosts whose meetings this account can see: its own user, or the users of its Zoom account.
    async fn hosts(&mut self, after: Option<&str>) -> Result<Listed<ListedUser>, Broken> {
        if self.account.kind == CredentialKind::ServerToServer {
            let access = self.access().await?;
            let api =
                self.map.access.api(&access, Label::Medium, CallPriority::background(TURN_TIMEOUT)).await?;
            let users = self.map.zoom.users(api, after).await;
            return users.map_err(naming("user:read:list_users:admin"));
        }
        let access = self.access().await?;
        let api = self.map.access.api(&access, Label::Light, CallPriority::background(TURN_TIMEOUT)).await?;
        let ZoomUser { id, personal_room, personal_name, .. } =
            self.map.zoom.me(api).await.map_err(naming("user:read:user"))?;
        Ok(Listed { rows: vec![ListedUser { id, personal_room, personal_name }], next: None })
    }

    async fn meetings_of(&mut self, host: &ListedUser) -> Result<(), Broken> {
        if let Some(number) = host.personal_room {
            let personal_name = host.personal_name.clone();
            self.add(Meeting { number, host: host.id.clone(), personal: true, personal_name }).await?;
        }
        let mut after = None;
        for _ in 0..MAX_PAGES {
            let meetings = match self.meetings(&host.id, after.as_deref()).await {
                // The user and their meetings were deleted after the hosts were listed.
                Err(Broken::Refused(ZoomError::UserUnknown)) => return Ok(()),
                meetings => meetings?,
            };
            for ListedMeeting { number, host_id } in meetings.rows {
                let personal = Some(number) == host.personal_room;
                let personal_name = host.personal_name.clone().filter(|_| personal);
                let host = host_id.unwrap_or_else(|| host.id.clone());
                self.add(Meeting { number, host, personal, personal_name }).await?;
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
        let api = self.map.access.api(&access, Label::Medium, CallPriority::background(TURN_TIMEOUT)).await?;
        self.map.zoom.meetings(api, who, after).await.map_err(naming(scope))
    }

    /// A token for the next call. A long list needs several.
    async fn access(&mut self) -> Result<ZoomAccess, Broken> {
        let Credential { workspace, id, .. } = *self.account;
        let access = self.map.access.for_own_call(workspace, id, self.rejected).await?;
        self.generation = access.generation;
        Ok(access)
    }

    async fn add(&mut self, meeting: Meeting) -> Result<(), Broken> {
        self.rows.insert(meeting.number, meeting);
        let late = self.map.env.now().since(self.stored_at) >= STORE_INTERVAL;
        if self.rows.len() >= STORE_BATCH || late { self.store().await } else { Ok(()) }
    }

    /// Stores the listed meetings, and renews the claim.
    async fn store(&mut self) -> Result<(), Broken> {
        let rows: Vec<Meeting> = std::mem::take(&mut self.rows).into_values().collect();
        self.stored_at = self.map.env.now();
        let until = self.stored_at + LEASE_TTL;
        let store = &self.map.store;
        let held = store.put_meetings(self.account.id, self.lease, &rows, self.since, until).await?;
        if held { Ok(()) } else { Err(Broken::Fenced) }
    }
}

/// Adds the scope that the call needs to an error, because Zoom does not always name it.
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
