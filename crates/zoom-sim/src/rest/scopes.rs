//! Scopes that permit each call: granular ones, and the classic ones of older apps (D REF). Any one of a list suffices.

pub(super) const READ_USER: &[&str] =
    &["user:read:user", "user:read:user:admin", "user:read", "user:read:admin", "user_profile"];
pub(super) const LIST_USERS: &[&str] = &["user:read:list_users:admin", "user:read:admin"];
pub(super) const CREATE_USER: &[&str] = &["user:write:user:admin", "user:write:admin"];

/// Scopes for a ZAK.
pub(super) const ZAK: &[&str] = &[
    "user:read:zak",
    "user:read:zak:admin",
    "user:read:token",
    "user:read:token:admin",
    "user:read",
    "user:read:admin",
    "user_zak:read",
];
/// Scopes for another token of a user.
pub(super) const USER_TOKEN: &[&str] =
    &["user:read:token", "user:read:token:admin", "user:read", "user:read:admin"];

pub(super) const LIST_MEETINGS: &[&str] =
    &["meeting:read:list_meetings", "meeting:read:list_meetings:admin", "meeting:read", "meeting:read:admin"];
pub(super) const READ_MEETING: &[&str] =
    &["meeting:read:meeting", "meeting:read:meeting:admin", "meeting:read", "meeting:read:admin"];
pub(super) const CREATE_MEETING: &[&str] =
    &["meeting:write:meeting", "meeting:write:meeting:admin", "meeting:write", "meeting:write:admin"];
pub(super) const CHANGE_MEETING: &[&str] =
    &["meeting:update:meeting", "meeting:update:meeting:admin", "meeting:write", "meeting:write:admin"];
pub(super) const DELETE_MEETING: &[&str] =
    &["meeting:delete:meeting", "meeting:delete:meeting:admin", "meeting:write", "meeting:write:admin"];

pub(super) const LOCAL_RECORDING_TOKEN: &[&str] = &[
    "meeting:read:local_recording_token",
    "meeting:read:local_recording_token:admin",
    "meeting_token:read:local_recording",
    "meeting_token:read:admin:local_recording",
];
pub(super) const LIVE_STREAMING_TOKEN: &[&str] = &[
    "meeting:read:live_streaming_token",
    "meeting:read:live_streaming_token:admin",
    "meeting_token:read:live_streaming",
    "meeting_token:read:admin:live_streaming",
];
pub(super) const LOCAL_ARCHIVING_TOKEN: &[&str] = &[
    "meeting:read:local_archiving_token",
    "meeting:read:local_archiving_token:admin",
    "meeting_token:read:admin:local_archiving",
];
