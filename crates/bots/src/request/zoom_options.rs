//! How a bot signs in: `zoom` of Recall's API, with additional fields of Latchkey.

use model::{AccountUser, CredentialId, PoolId, SubCode, ZoomOauthAppId};
use serde::{Deserialize, Serialize};
use store::SignsInWith;

/// How a bot signs in to Zoom.
#[derive(Clone, Default, Serialize, Deserialize)]
pub struct ZoomOptions {
    /// A URL that returns a ZAK to a GET request.
    pub zak_url: Option<String>,
    /// The bot's e-mail address, for meetings that require one.
    pub user_email: Option<String>,
    /// A connected account that provides the ZAK, instead of `zak_url`.
    pub credential: Option<CredentialId>,
    /// The registered app that signs the join. By default the account's own app, or an app whose signatures Zoom is known
    /// to accept.
    #[serde(default)]
    pub oauth_app: Option<ZoomOauthAppId>,
    /// The user whose token is used, if the account belongs to a server-to-server app.
    #[serde(default)]
    pub user: Option<AccountUser>,
    /// The e-mail address by which the caller named the user, for display. It may belong to another user by now.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub user_address: Option<AccountUser>,
    /// A pool of connected accounts. The ZAK comes from a member that is not in the meeting.
    #[serde(default)]
    pub pool: Option<PoolId>,
    /// A URL that returns an OBF token to a GET request. The token is that of a participant who vouches for the bot.
    #[serde(default)]
    pub obf_token_url: Option<String>,
    /// A connected account whose user vouches for the bot, instead of `obf_token_url`.
    #[serde(default)]
    pub obf_credential: Option<CredentialId>,
    /// Whether the bot starts the meeting as its host.
    #[serde(default)]
    pub start_meeting: bool,
    /// A URL that returns a token to a GET request. The token lets the bot record without asking the host.
    pub join_token_url: Option<String>,
}

impl ZoomOptions {
    /// Whether the request says that the bot must sign in.
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

    /// The account or the pool, to be stored next to the sealed request.
    pub(crate) fn signs_in_with(&self) -> SignsInWith {
        SignsInWith { account: self.account(), pool: self.pool }
    }

    /// The account that the request names.
    pub(crate) fn account(&self) -> Option<CredentialId> {
        self.credential.or(self.obf_credential)
    }
}
