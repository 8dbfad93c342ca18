//! URLs that give data of a bot without an API key for some hours: to an `<img>`, or to a person who gets the URL from a
//! client.
//!
//! The token in a URL is a sealed note of the data and the expiry. The key ring seals and opens it, so every server of the
//! installation can read it, nobody else can make one, and nothing is stored.

use std::time::Duration;

use base64::{Engine as _, prelude::BASE64_URL_SAFE_NO_PAD};
use model::{BotId, Sealed, Secret, Timestamp, WorkspaceId};
use tenants::Cell;

use crate::{State, error::ApiError};

/// The validity of a signed address.
const GOOD_FOR: Duration = Duration::from_secs(6 * 3600);

/// A token for `what` of a bot, valid for the next hours.
pub(super) fn token(state: &State, workspace: WorkspaceId, bot: BotId, what: &str) -> String {
    let good_until = state.env.now() + GOOD_FOR;
    let note = Secret::new(format!("{what} {}", good_until.as_microsecond()));
    let sealed = state.broker.vault.seal(workspace, Cell::Download(bot), &note);
    BASE64_URL_SAFE_NO_PAD.encode(sealed.0)
}

/// Refuses a token that this server did not issue for `what` of this bot, or that has expired.
pub(super) fn check(
    state: &State,
    workspace: WorkspaceId,
    bot: BotId,
    what: &str,
    token: &str,
) -> Result<(), ApiError> {
    let good_until = || {
        let sealed = Sealed(BASE64_URL_SAFE_NO_PAD.decode(token).ok()?);
        let note = state.broker.vault.try_open(workspace, Cell::Download(bot), &sealed).ok()?;
        let (given, until) = note.expose().split_once(' ')?;
        (given == what).then(|| until.parse().ok().map(Timestamp::from_microsecond)).flatten()
    };
    match good_until() {
        None => Err(ApiError::AddressInvalid),
        Some(until) if until <= state.env.now() => Err(ApiError::AddressExpired(until)),
        Some(_) => Ok(()),
    }
}
