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

/// The scopes to ask for that `granted` has no substitute of. A customer who manages the grant doesn't tell its scopes, so
/// none is missed.
pub fn missing(kind: CredentialKind, granted: &[String]) -> Vec<&'static str> {
    let needs: &[Need] = match kind {
        CredentialKind::UserOauth => &[ME, ZAK],
        CredentialKind::ServerToServer => &[ZAK_OF_ANY],
        CredentialKind::CustomerManaged => &[],
    };
    let unmet = |need: &&Need| !granted.iter().any(|scope| need.contains(&scope.as_str()));
    needs.iter().filter(unmet).map(|need| need[0]).collect()
}
