//! Authentication of REST calls: the caller and what it may reach.

use axum::http::{HeaderMap, header};
use jiff::Timestamp;

use super::error::RestError;
use crate::gate::meeting::Meeting;
use crate::ids::{AccountId, MeetingNumber};
use crate::jwt;
use crate::oauth::access_token::Claims;
use crate::world::World;
use crate::world::grant::{Grant, Owner};
use crate::world::user::User;

/// A bearer token's grant, and whether the token itself has expired.
pub(crate) struct Bearer {
    grant: Grant,
    expired: bool,
    /// Whether a scope for the whole account permits the call.
    admin: bool,
}

impl Bearer {
    /// Reads the header; tokens in the query are ignored (D).
    pub(crate) fn read(world: &World, headers: &HeaderMap, now: Timestamp) -> Result<Self, RestError> {
        let value = headers.get(header::AUTHORIZATION).and_then(|value| value.to_str().ok());
        let (scheme, token) = value.and_then(|value| value.split_once(' ')).ok_or(RestError::InvalidToken)?;
        if !scheme.eq_ignore_ascii_case("bearer") {
            return Err(RestError::InvalidToken);
        }
        let claims: Claims = jwt::read(token, &world.signing_key).ok_or(RestError::InvalidToken)?;
        let grant = world.grants.get(&claims.grant).ok_or(RestError::InvalidToken)?;
        let app_works = world.app(&grant.client_id).is_some_and(|app| !app.disabled);
        let superseded =
            world.switches.one_live_access_token && grant.newest_access.as_deref() != Some(&*claims.jti);
        if !app_works || superseded {
            return Err(RestError::InvalidToken);
        }
        Ok(Self { grant: grant.clone(), expired: now.as_second() >= claims.exp, admin: false })
    }

    /// Refuses an expired token.
    pub(crate) fn unexpired(self) -> Result<Self, RestError> {
        if self.expired { Err(RestError::ExpiredToken) } else { Ok(self) }
    }

    /// Refuses a token that has none of these scopes.
    pub(crate) fn with_scope(self, any_of: &'static [&'static str]) -> Result<Self, RestError> {
        let held = any_of.iter().filter(|scope| self.grant.scopes.iter().any(|held| held == *scope));
        let held: Vec<_> = held.collect();
        let admin = held.iter().any(|scope| scope.split(':').any(|part| part == "admin"));
        if held.is_empty() { Err(RestError::MissingScope(any_of)) } else { Ok(Self { admin, ..self }) }
    }

    /// The account whose users and meetings the token may reach: its owner's.
    pub(crate) fn account<'a>(&'a self, world: &'a World) -> Result<&'a AccountId, RestError> {
        match &self.grant.owner {
            Owner::User(id) => world.user(id).map(|user| &user.account_id).ok_or(RestError::NoSuchUser),
            Owner::Account(account) => Ok(account),
        }
    }

    /// The meeting that a path names, if the token may reach its host.
    pub(crate) fn meeting<'w>(&self, world: &'w World, number: &str) -> Result<&'w Meeting, RestError> {
        let meeting = meeting(world, number)?;
        let reached = self.speaks_for_host(world, meeting);
        if reached { Ok(meeting) } else { Err(RestError::NoSuchMeeting(meeting.number.clone())) }
    }

    /// Whether the token is the host's own or may reach the host.
    pub(crate) fn speaks_for_host(&self, world: &World, meeting: &Meeting) -> bool {
        self.user(world, &meeting.host_id.0).is_ok()
    }

    /// The user that a path names: `me`, an id, or an e-mail address.
    ///
    /// A user's token reaches that user, and with an `:admin` scope the users of their account; an account's token reaches
    /// all of its users (D). For an account's token, `me` is the account's first user (I: the app's owner).
    pub(crate) fn user(&self, world: &World, who: &str) -> Result<User, RestError> {
        let mut users = world.users.iter();
        let found = match &self.grant.owner {
            Owner::User(id) => {
                let own = world.user(id).ok_or(RestError::NoSuchUser)?;
                let reached =
                    |user: &User| user.id == own.id || (self.admin && user.account_id == own.account_id);
                if who == "me" { Some(own) } else { users.find(|user| reached(user) && user.is_called(who)) }
            }
            Owner::Account(account) => {
                users.find(|user| user.account_id == *account && (who == "me" || user.is_called(who)))
            }
        };
        found.cloned().ok_or(RestError::NoSuchUser)
    }
}

/// The meeting that a path names, of any host.
pub(crate) fn meeting<'w>(world: &'w World, number: &str) -> Result<&'w Meeting, RestError> {
    let number = MeetingNumber(number.to_owned());
    if !number.is_plausible() {
        return Err(RestError::Validation("Invalid meeting id."));
    }
    world.meetings.get(&number).ok_or(RestError::NoSuchMeeting(number))
}
