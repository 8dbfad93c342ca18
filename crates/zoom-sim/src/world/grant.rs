//! Consents in progress, authorisation codes, and grants.

use std::collections::HashMap;

use jiff::{SignedDuration, Timestamp};

use crate::entropy::Entropy;
use crate::ids::{AccountId, ClientId, GrantId, UserId};

/// Lifetime of a code, which works once (D).
pub(crate) const CODE_LIFE: SignedDuration = SignedDuration::from_mins(5);
/// Lifetime of a refresh token: about 90 days, starting again with each rotation (O; that it slides is ours).
pub(crate) const REFRESH_LIFE: SignedDuration = SignedDuration::from_hours(90 * 24);

/// The PKCE challenge, which binds a code to the client that requested it (D; RFC 7636).
#[derive(Clone, Debug)]
pub(crate) enum Challenge {
    /// Base64url of the SHA-256 of the verifier.
    S256(String),
    /// The verifier itself; also the default when no method is given.
    Plain(String),
}

/// An app's request at `/oauth/authorize`.
#[derive(Clone, Debug)]
pub(crate) struct Request {
    pub(crate) client_id: ClientId,
    pub(crate) redirect_uri: String,
    pub(crate) state: Option<String>,
    pub(crate) challenge: Option<Challenge>,
}

/// A consent page that was shown, or a code that was issued: each works once.
#[derive(Clone, Debug)]
pub(crate) struct Pending {
    pub(crate) request: Request,
    pub(crate) user_id: UserId,
    pub(crate) expires_at: Timestamp,
}

/// The user or account that a token acts for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Owner {
    /// A user who consented.
    User(UserId),
    /// An account, through its own server-to-server app.
    Account(AccountId),
}

/// An active consent, or its equivalent for a server-to-server token.
#[derive(Clone, Debug)]
pub(crate) struct Grant {
    pub(crate) client_id: ClientId,
    pub(crate) owner: Owner,
    pub(crate) scopes: Vec<String>,
    /// The newest access token's `jti`, for the switch that allows only one valid access token.
    pub(crate) newest_access: Option<String>,
}

#[derive(Clone, Debug)]
struct RefreshToken {
    grant: GrantId,
    expires_at: Timestamp,
    rotated_at: Option<Timestamp>,
}

/// Consents in progress, codes, refresh tokens and grants.
#[derive(Debug, Default)]
pub(crate) struct Grants {
    consents: HashMap<String, Pending>,
    codes: HashMap<String, Pending>,
    in_force: HashMap<GrantId, Grant>,
    refresh_tokens: HashMap<String, RefreshToken>,
}

impl Grants {
    /// Records a consent page and returns its id, which works once.
    pub(crate) fn ask(&mut self, entropy: &mut Entropy, pending: Pending) -> String {
        let id = entropy.secret();
        self.consents.insert(id.clone(), pending);
        id
    }

    /// Takes the request of a consent page, if the page was shown, has not expired, and was not answered before.
    pub(crate) fn answer(&mut self, consent: &str, now: Timestamp) -> Option<Pending> {
        self.consents.remove(consent).filter(|pending| now < pending.expires_at)
    }

    /// Issues a code for a given consent.
    pub(crate) fn issue_code(&mut self, entropy: &mut Entropy, pending: Pending) -> String {
        let code = entropy.secret();
        self.codes.insert(code.clone(), pending);
        code
    }

    /// Takes a code: it is consumed even if the exchange fails.
    pub(crate) fn take_code(&mut self, code: &str, now: Timestamp) -> Option<Pending> {
        self.codes.remove(code).filter(|pending| now < pending.expires_at)
    }

    /// Starts a grant. An earlier one of the same user and app ends (D 4741); server-to-server grants stay valid next to
    /// each other (D).
    pub(crate) fn start(&mut self, entropy: &mut Entropy, grant: Grant) -> GrantId {
        if matches!(grant.owner, Owner::User(_)) {
            self.end_where(|old| old.client_id == grant.client_id && old.owner == grant.owner);
        }
        let id = GrantId(entropy.id());
        self.in_force.insert(id.clone(), grant);
        id
    }

    pub(crate) fn get(&self, id: &GrantId) -> Option<&Grant> {
        self.in_force.get(id)
    }

    pub(crate) fn get_mut(&mut self, id: &GrantId) -> Option<&mut Grant> {
        self.in_force.get_mut(id)
    }

    /// Issues a new refresh token for a grant.
    pub(crate) fn issue_refresh(&mut self, entropy: &mut Entropy, grant: &GrantId, now: Timestamp) -> String {
        let token = entropy.secret();
        let expires_at = now + REFRESH_LIFE;
        let record = RefreshToken { grant: grant.clone(), expires_at, rotated_at: None };
        self.refresh_tokens.insert(token.clone(), record);
        token
    }

    /// The grant of a refresh token, if the token is still valid for this app.
    ///
    /// A rotated token stays valid for `grace_seconds` (default 0).
    pub(crate) fn by_refresh(
        &self,
        token: &str,
        client_id: &ClientId,
        now: Timestamp,
        grace_seconds: i64,
    ) -> Option<GrantId> {
        let record = self.refresh_tokens.get(token)?;
        let rotated_out = record
            .rotated_at
            .is_some_and(|at| now.as_second() >= at.as_second().saturating_add(grace_seconds));
        let grant = self.in_force.get(&record.grant)?;
        (!rotated_out && now < record.expires_at && grant.client_id == *client_id)
            .then(|| record.grant.clone())
    }

    /// Marks a refresh token as used. It becomes invalid at once, except for the grace period of the switch (D).
    pub(crate) fn rotate_out(&mut self, token: &str, now: Timestamp) {
        if let Some(record) = self.refresh_tokens.get_mut(token) {
            record.rotated_at.get_or_insert(now);
        }
    }

    /// Ends the grant of a refresh token; returns false if there is none.
    pub(crate) fn revoke_refresh(&mut self, token: &str, client_id: &ClientId) -> bool {
        let Some(record) = self.refresh_tokens.get(token) else { return false };
        let id = record.grant.clone();
        self.end(&id, client_id)
    }

    /// Ends a grant of this app and all of its tokens; returns false if there is none.
    pub(crate) fn end(&mut self, id: &GrantId, client_id: &ClientId) -> bool {
        let owned = self.in_force.get(id).is_some_and(|grant| grant.client_id == *client_id);
        if owned {
            self.in_force.remove(id);
            self.refresh_tokens.retain(|_, token| token.grant != *id);
        }
        owned
    }

    /// Whether an app has an active grant of this owner.
    pub(crate) fn has(&self, client_id: &ClientId, owner: &Owner) -> bool {
        self.in_force.values().any(|grant| grant.client_id == *client_id && grant.owner == *owner)
    }

    /// Ends a user's grants for one app; returns false if there are none.
    pub(crate) fn end_consent(&mut self, user_id: &UserId, client_id: &ClientId) -> bool {
        let owner = Owner::User(user_id.clone());
        let found = self.has(client_id, &owner);
        self.end_where(|grant| grant.client_id == *client_id && grant.owner == owner);
        found
    }

    /// Ends every grant and pending consent of a user who was deactivated or deleted (ours).
    pub(crate) fn end_user(&mut self, user_id: &UserId) {
        self.consents.retain(|_, pending| pending.user_id != *user_id);
        self.codes.retain(|_, pending| pending.user_id != *user_id);
        self.end_where(|grant| grant.owner == Owner::User(user_id.clone()));
    }

    fn end_where(&mut self, doomed: impl Fn(&Grant) -> bool) {
        self.in_force.retain(|_, grant| !doomed(grant));
        let in_force = &self.in_force;
        self.refresh_tokens.retain(|_, token| in_force.contains_key(&token.grant));
    }
}
