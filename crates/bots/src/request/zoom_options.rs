//! How a bot signs in: the contract's `zoom`, and our own fields there.

use model::{AccountUser, CredentialId, PoolId, SubCode, ZoomOauthAppId};
use serde::{Deserialize, Serialize};
use store::SignsInWith;

/// How a bot signs in to Zoom.
#[derive(Clone, Default, Serialize, Deserialize)]
pub struct ZoomOptions {
    /// A URL that answers a GET with a ZAK.
    pub zak_url: Option<String>,
    /// For meetings that ask for an e-mail address.
    pub user_email: Option<String>,
    /// An account connected here, instead of `zak_url`.
    pub credential: Option<CredentialId>,
    /// The registered app that signs the join. By default the account's own app, or one that is known to
    /// sign.
    #[serde(default)]
    pub oauth_app: Option<ZoomOauthAppId>,
    /// The user whose token to use, if the account is a server-to-server app's.
    #[serde(default)]
    pub user: Option<AccountUser>,
    /// The address by which the caller named the user, for people. It may be another user's by now.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub user_address: Option<AccountUser>,
    /// A pool of connected accounts; the ZAK comes from a member that is not in the meeting.
    #[serde(default)]
    pub pool: Option<PoolId>,
    /// A URL that answers a GET with an OBF token of a participant who vouches for the bot.
    #[serde(default)]
    pub obf_token_url: Option<String>,
    /// A connected account whose user vouches for the bot, instead of `obf_token_url`.
    #[serde(default)]
    pub obf_credential: Option<CredentialId>,
    /// Whether to start the meeting as its host.
    #[serde(default)]
    pub start_meeting: bool,
    /// A URL that answers a GET with a token to record without asking.
    pub join_token_url: Option<String>,
}

impl ZoomOptions {
    /// Whether the bot was told to sign in.
    pub(crate) fn signs_in(&self) -> bool {
        let urls = self.zak_url.is_some() || self.obf_token_url.is_some();
        urls || self.account().is_some() || self.pool.is_some()
    }

    /// The field that names the source of the token that signs the bot in.
    pub(crate) fn source(&self) -> Option<&'static str> {
        let sources = [
            ("zoom.zak_url", self.zak_url.is_some()),
            ("zoom.obf_token_url", self.obf_token_url.is_some()),
            ("zoom.credential", self.credential.is_some()),
            ("zoom.pool", self.pool.is_some()),
            ("zoom.obf_credential", self.obf_credential.is_some()),
        ];
        sources.into_iter().find(|(_, given)| *given).map(|(field, _)| field)
    }

    /// The field that names the source of the token that Zoom refused with this sub code.
    pub(crate) fn source_of(&self, refused: SubCode) -> Option<&'static str> {
        match refused {
            SubCode::ZoomInvalidJoinToken => self.join_token_url.as_ref().map(|_| "zoom.join_token_url"),
            SubCode::ZoomZakRejected | SubCode::ZoomObfRejected => self.source(),
            _ => None,
        }
    }

    /// The account or the pool, to be kept beside the sealed request.
    pub(crate) fn signs_in_with(&self) -> SignsInWith {
        SignsInWith { account: self.account(), pool: self.pool }
    }

    /// The named account.
    pub(crate) fn account(&self) -> Option<CredentialId> {
        self.credential.or(self.obf_credential)
    }
}
