//! The scopes an app needs at Zoom. Missing scopes are reported when an account is connected, not when the
//! first bot fails.

use model::CredentialKind;

/// Alternative scopes, any of which is enough. The first is the one to request.
type Need = &'static [&'static str];

/// ZAKs of the user.
const ZAK: Need = &[
    "user:read:zak",
    "user:read:zak:admin",
    "user:read:token",
    "user:read:token:admin",
    "user_zak:read",
    "user:read",
    "user:read:admin",
];
/// The user's own data.
const ME: Need = &["user:read:user", "user:read:user:admin", "user:read", "user:read:admin", "user_profile"];
/// ZAKs of any user of the account.
const ZAK_OF_ANY: Need =
    &["user:read:zak:admin", "user:read:zak", "user:read:token:admin", "user:read:token", "user:read:admin"];

/// A user's own meetings.
const MEETINGS: Need =
    &["meeting:read:list_meetings", "meeting:read:list_meetings:admin", "meeting:read", "meeting:read:admin"];
/// The account's users and their meetings.
const USERS: Need = &["user:read:list_users:admin", "user:read:admin"];
const MEETINGS_OF_ANY: Need =
    &["meeting:read:list_meetings:admin", "meeting:read:list_meetings", "meeting:read:admin"];

/// The missing scopes that are needed only to list the account's meetings. Empty when the granted scopes
/// are unknown (`None`).
pub fn missing_for_meetings(kind: CredentialKind, granted: Option<&[String]>) -> Vec<&'static str> {
    unmet(
        match kind {
            CredentialKind::UserOauth => &[MEETINGS],
            CredentialKind::ServerToServer => &[USERS, MEETINGS_OF_ANY],
            CredentialKind::CustomerManaged => &[],
        },
        granted,
    )
}

/// The missing scopes to request. Empty when the granted scopes are unknown (`None`): a customer who manages
/// the grant doesn't state them.
pub fn missing(kind: CredentialKind, granted: Option<&[String]>) -> Vec<&'static str> {
    let needs: &[Need] = match kind {
        CredentialKind::UserOauth => &[ME, ZAK],
        CredentialKind::ServerToServer => &[ZAK_OF_ANY],
        CredentialKind::CustomerManaged => &[],
    };
    unmet(needs, granted)
}

fn unmet(needs: &[Need], granted: Option<&[String]>) -> Vec<&'static str> {
    let Some(granted) = granted else { return Vec::new() };
    let unmet = |need: &&Need| !granted.iter().any(|scope| need.contains(&scope.as_str()));
    needs.iter().filter(unmet).map(|need| need[0]).collect()
}
