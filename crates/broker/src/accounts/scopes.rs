//! What an app must be allowed at Zoom, so that missing scopes are named when an account is connected and not when the
//! first bot fails.

use model::CredentialKind;

/// Each need, by the scopes that meet it: any one does. The first is the one to ask for.
type Need = &'static [&'static str];

/// `type=zak` of a user's own.
const ZAK: Need = &[
    "user:read:zak",
    "user:read:zak:admin",
    "user:read:token",
    "user:read:token:admin",
    "user_zak:read",
    "user:read",
    "user:read:admin",
];
/// Who the user is.
const ME: Need = &["user:read:user", "user:read:user:admin", "user:read", "user:read:admin", "user_profile"];
/// `type=zak` of any user of the account.
const ZAK_OF_ANY: Need =
    &["user:read:zak:admin", "user:read:zak", "user:read:token:admin", "user:read:token", "user:read:admin"];

/// A user's own meetings.
const MEETINGS: Need =
    &["meeting:read:list_meetings", "meeting:read:list_meetings:admin", "meeting:read", "meeting:read:admin"];
/// The users of the account, and the meetings of each.
const USERS: Need = &["user:read:list_users:admin", "user:read:admin"];
const MEETINGS_OF_ANY: Need =
    &["meeting:read:list_meetings:admin", "meeting:read:list_meetings", "meeting:read:admin"];

/// Scopes without which an account works, but its meetings are not known here: those that `granted` has no substitute of. Of
/// unknown scopes (`None`) none is missing.
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

/// The scopes to ask for that `granted` has no substitute of; none of unknown ones (`None`). A customer who manages the grant doesn't tell its scopes, so
/// none is missed.
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
