//! The meetings that each account knows, and when they are listed next.
//!
//! Each row has the time of its source, and an older source never replaces a newer one. So a list
//! that started before a webhook, and a webhook that comes late, do no harm. A deleted meeting
//! leaves a row, for as long as older events may still arrive.

use std::time::Duration;

use async_trait::async_trait;
use model::{CredentialId, CredentialKind, MeetingNumber, Timestamp, WorkspaceId};

use crate::{Lease, Note, Page, Place, StoreError};

/// The longest time until the next list of an account's meetings.
pub const MAX_SYNC_PAUSE: Duration = Duration::from_secs(48 * 3600);

/// A meeting of one host.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Meeting {
    /// Its number.
    pub number: MeetingNumber,
    /// Zoom's id of the host.
    pub host: String,
    /// Whether it is the host's personal room.
    pub personal: bool,
    /// The name in the host's personal link (`/my/NAME`), in lower case, if this is the personal room and has one.
    pub personal_name: Option<String>,
}

/// An account whose meetings are to be listed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct DueSync {
    /// The tenant.
    pub workspace: WorkspaceId,
    /// The account.
    pub credential: CredentialId,
    /// Failures in a row.
    pub failures: u32,
    /// When it became due.
    pub due_at: Timestamp,
}

/// The result of listing an account's meetings.
#[derive(Debug, Clone, Copy)]
pub enum SyncOutcome<'a> {
    /// All meetings are stored. Those that the list, started at `since`, did not name are deleted.
    Completed {
        /// When the list was started.
        since: Timestamp,
        /// The time now. Rows from later were written by a wrong clock.
        now: Timestamp,
    },
    /// The list was not fetched: the consent lacks the scope, and no caller asked for the list.
    NotBegun,
    /// It failed; the known meetings stay.
    Failed {
        /// A line for the account's log.
        note: Option<&'a Note>,
    },
}

/// A change of a meeting or a host that a webhook reported.
#[derive(Debug, Clone)]
pub struct MeetingWebhookChange {
    /// Zoom's id of the account. The change also applies to the server-to-server apps of that account.
    pub zoom_account_id: String,
    /// The change.
    pub change: MeetingChange,
    /// The time of the event. Rows from a newer source stay.
    pub as_of: Timestamp,
}

/// The kind of change.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum MeetingChange {
    /// A meeting was created or changed.
    Exists {
        /// Its number.
        number: MeetingNumber,
        /// Zoom's id of the host.
        host: String,
    },
    /// A meeting was deleted.
    Gone {
        /// Its number.
        number: MeetingNumber,
        /// Zoom's id of the host, if the event names it.
        host: Option<String>,
    },
    /// This is now the number of the host's personal room.
    PersonalRoom {
        /// Its number.
        number: MeetingNumber,
        /// Zoom's id of the host.
        host: String,
    },
    /// The host is gone.
    HostGone {
        /// Zoom's id of the host.
        host: String,
    },
    /// A change that only a new list can resolve.
    Unclear {
        /// Zoom's id of the host.
        host: String,
    },
}

/// Whose meeting it is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MeetingOwner {
    /// The account to use.
    pub credential: CredentialId,
    /// Its kind; a server-to-server account needs the host's id.
    pub kind: CredentialKind,
    /// Zoom's id of the host.
    pub host: String,
}

/// A personal room that has a personal link.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PersonalRoom {
    /// Its number.
    pub number: MeetingNumber,
    /// Whose it is.
    pub owner: MeetingOwner,
}

/// A meeting that an account knows.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct KnownMeeting {
    /// Its number.
    pub number: MeetingNumber,
    /// The account.
    pub credential: CredentialId,
    /// The time of its source.
    pub synced_at: Timestamp,
}

/// The sort key of a list of meetings.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum MeetingKey {
    /// The number. It never changes, so paging stays complete while accounts are being listed.
    Number,
    /// The time of its source.
    SyncedAt,
}

impl KnownMeeting {
    /// Its position in a list sorted by `key`.
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

/// The filter of a list of meetings.
#[derive(Debug, Clone, Copy, Default)]
pub struct MeetingFilter {
    /// Only meetings that this account knows.
    pub credential: Option<CredentialId>,
    /// Only this number.
    pub number: Option<MeetingNumber>,
    /// Known from a source after this.
    pub synced_after: Option<Timestamp>,
    /// Known from a source before this.
    pub synced_before: Option<Timestamp>,
}

/// Meetings of connected accounts.
#[async_trait]
pub trait Meetings {
    /// Makes an account's list of meetings due at once, because a caller asked for it; its state
    /// becomes [`InProgress`](model::MeetingSyncStatus::InProgress). `false` when the workspace has
    /// no such account, or it cannot be used.
    async fn request_meeting_sync(
        &self,
        workspace: WorkspaceId,
        id: CredentialId,
        now: Timestamp,
    ) -> Result<bool, StoreError>;

    /// Claims up to `limit` usable accounts whose list of meetings is due and not leased, the
    /// longest due first. A due time later than [`MAX_SYNC_PAUSE`] from now, or a lease that
    /// ends after this one, was written by a wrong clock: the account counts as due and as not
    /// leased. Across tenants: used by the sync worker.
    async fn claim_meeting_syncs(
        &self,
        lease: &Lease,
        now: Timestamp,
        limit: u32,
    ) -> Result<Vec<DueSync>, StoreError>;

    /// Stores meetings as of `since` under the lease, which is extended until `until`. Each number
    /// occurs once. A stored row from after `until` was written by a wrong clock and is replaced.
    /// Without meetings, this only extends the lease.
    async fn put_meetings(
        &self,
        id: CredentialId,
        lease: &Lease,
        meetings: &[Meeting],
        since: Timestamp,
        until: Timestamp,
    ) -> Result<bool, StoreError>;

    /// Releases the lease with the result. The next list is due at `next`, or sooner if a caller
    /// has asked for one since the claim.
    async fn finish_meeting_sync(
        &self,
        id: CredentialId,
        lease: &Lease,
        outcome: SyncOutcome<'_>,
        next: Timestamp,
    ) -> Result<bool, StoreError>;

    /// The account to use for a meeting: the host's own, otherwise a server-to-server account that
    /// may act for the host. It is never the account of another user who merely knows the meeting.
    async fn meeting_owner(
        &self,
        workspace: WorkspaceId,
        number: MeetingNumber,
    ) -> Result<Option<MeetingOwner>, StoreError>;

    /// The personal rooms with this name in their links, each once, with the account to use: as [`Meetings::meeting_owner`]
    /// chooses it. Names are unique within a Zoom address only, so there may be several.
    async fn personal_rooms(
        &self,
        workspace: WorkspaceId,
        name: &str,
    ) -> Result<Vec<PersonalRoom>, StoreError>;

    /// Meetings that the workspace's accounts know.
    async fn known_meetings(
        &self,
        workspace: WorkspaceId,
        filter: &MeetingFilter,
        key: MeetingKey,
        page: &Page,
    ) -> Result<Vec<KnownMeeting>, StoreError>;

    /// Deletes the rows of meetings that were deleted before `end`. Across tenants.
    async fn forget_gone_meetings(&self, end: Timestamp) -> Result<u64, StoreError>;
}
