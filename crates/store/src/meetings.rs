//! Which account knows which meeting, and when each account's meetings are listed next.
//!
//! What is known of a meeting is as old as its source: a row says as of when, and nothing older replaces it. So a list that
//! was begun before a webhook came, and a webhook that comes late, both do no harm. A deleted meeting leaves a row that
//! says so, for as long as something older may still arrive.

use std::time::Duration;

use async_trait::async_trait;
use model::{CredentialId, CredentialKind, MeetingNumber, Timestamp, WorkspaceId};

use crate::{Lease, Note, Page, Place, StoreError};

/// No list of meetings is put off for longer.
pub const LONGEST_SYNC_PAUSE: Duration = Duration::from_secs(48 * 3600);

/// A meeting of one host.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Meeting {
    /// Its number.
    pub number: MeetingNumber,
    /// Zoom's id of the host.
    pub host: String,
    /// Whether it is the host's personal room.
    pub personal: bool,
}

/// An account whose meetings are to be listed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct DueSync {
    /// The tenant.
    pub workspace: WorkspaceId,
    /// The account.
    pub credential: CredentialId,
    /// How often in a row it failed.
    pub failures: u32,
}

/// What came of listing an account's meetings.
#[derive(Debug, Clone, Copy)]
pub enum SyncOutcome<'a> {
    /// All are stored. What the list, begun at `since`, did not name is gone.
    Completed {
        /// When the list was begun.
        since: Timestamp,
    },
    /// It was not begun: the account's consent does not cover its meetings, and nobody has asked for them.
    NotBegun,
    /// It failed; what is known stays.
    Failed {
        /// A line for the account's log.
        note: Option<&'a Note>,
    },
}

/// What Zoom tells of a meeting or a host, in one event.
#[derive(Debug, Clone)]
pub struct MeetingNews {
    /// Zoom's id of the account it happened in: accounts of its server-to-server apps hear it.
    pub zoom_account_id: String,
    /// What happened.
    pub change: MeetingChange,
    /// When: what is known from later stays.
    pub as_of: Timestamp,
}

/// What happened.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum MeetingChange {
    /// A meeting is there, new or changed.
    Exists {
        /// Its number.
        number: MeetingNumber,
        /// Zoom's id of the host.
        host: String,
    },
    /// A meeting is deleted.
    Gone {
        /// Its number.
        number: MeetingNumber,
        /// Zoom's id of the host, if it was told.
        host: Option<String>,
    },
    /// The host's personal room has this number from now on.
    PersonalRoom {
        /// Its number.
        number: MeetingNumber,
        /// Zoom's id of the host.
        host: String,
    },
    /// The host is no longer one.
    HostGone {
        /// Zoom's id of the host.
        host: String,
    },
    /// Something that only a list can tell.
    Unclear {
        /// Zoom's id of the host.
        host: String,
    },
}

/// Whose meeting it is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MeetingOwner {
    /// The account to ask.
    pub credential: CredentialId,
    /// What it is; a server-to-server account has to be told for whom.
    pub kind: CredentialKind,
    /// Zoom's id of the host.
    pub host: String,
}

/// A meeting that an account knows.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct KnownMeeting {
    /// Its number.
    pub number: MeetingNumber,
    /// The account.
    pub credential: CredentialId,
    /// As of when it is known.
    pub synced_at: Timestamp,
}

/// What a list of meetings is sorted by.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum MeetingKey {
    /// The number. It never changes, so that pages miss nothing while accounts are being listed.
    Number,
    /// As of when it is known.
    SyncedAt,
}

impl KnownMeeting {
    /// Where it stands in a list that is sorted by `key`.
    pub fn place(&self, key: MeetingKey) -> Place {
        match key {
            MeetingKey::Number => Place { key: self.number.as_i64(), id: self.credential.to_string() },
            MeetingKey::SyncedAt => Place {
                key: self.synced_at.as_microsecond(),
                id: format!("{}/{}", self.credential, self.number),
            },
        }
    }
}

/// What a list of meetings is narrowed to.
#[derive(Debug, Clone, Copy, Default)]
pub struct MeetingFilter {
    /// Known by this account only.
    pub credential: Option<CredentialId>,
    /// This number only.
    pub number: Option<MeetingNumber>,
    /// Known from later than this.
    pub synced_after: Option<Timestamp>,
    /// Known from earlier than this.
    pub synced_before: Option<Timestamp>,
}

/// Meetings of connected accounts.
#[async_trait]
pub trait Meetings {
    /// Makes an account's meetings due, because somebody asks: its state is
    /// [`InProgress`](model::MeetingSyncStatus::InProgress) from now on. `false` when the workspace has no such account, or
    /// it cannot be used.
    async fn want_meeting_sync(
        &self,
        workspace: WorkspaceId,
        id: CredentialId,
        now: Timestamp,
    ) -> Result<bool, StoreError>;

    /// Takes up to `limit` usable accounts whose meetings are due, or are said to be due later than [`LONGEST_SYNC_PAUSE`] from
    /// now, which only a wrong clock can have written; and that nobody holds, the longest due first, all under
    /// `lease`. Across tenants: asked by whoever keeps them in step.
    async fn claim_meeting_syncs(
        &self,
        lease: &Lease,
        now: Timestamp,
        limit: u32,
    ) -> Result<Vec<DueSync>, StoreError>;

    /// Stores meetings as of `since` under the lease, which is held until `until` from now on. Each number once.
    async fn put_meetings(
        &self,
        id: CredentialId,
        lease: &Lease,
        meetings: &[Meeting],
        since: Timestamp,
        until: Timestamp,
    ) -> Result<bool, StoreError>;

    /// Gives the lease back with what came of it. The next list is due at `next`, or sooner if somebody has asked since
    /// the claim.
    async fn finish_meeting_sync(
        &self,
        id: CredentialId,
        lease: &Lease,
        outcome: SyncOutcome<'_>,
        next: Timestamp,
    ) -> Result<bool, StoreError>;

    /// The host of a meeting among the workspace's usable accounts: the host's own account, or else a server-to-server
    /// account that speaks for the host. An account that knows the meeting of another host is never the answer.
    async fn meeting_owner(
        &self,
        workspace: WorkspaceId,
        number: MeetingNumber,
    ) -> Result<Option<MeetingOwner>, StoreError>;

    /// Meetings that the workspace's accounts know.
    async fn known_meetings(
        &self,
        workspace: WorkspaceId,
        filter: &MeetingFilter,
        key: MeetingKey,
        page: &Page,
    ) -> Result<Vec<KnownMeeting>, StoreError>;

    /// Forgets which meetings were deleted before `end`. Across tenants: a sweep.
    async fn forget_gone_meetings(&self, end: Timestamp) -> Result<u64, StoreError>;
}
