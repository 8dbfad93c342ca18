//! Token links: the URLs from which bot platforms fetch tokens.

use std::net::IpAddr;

use async_trait::async_trait;
use model::{
    AccountUser, CredentialId, CredentialStatus, MeetingNumber, PoolId, Sealed, Timestamp, TokenKind,
    TokenLinkId, WorkspaceId,
};
use serde::{Deserialize, Serialize};

use crate::{Digest, StoreError};

/// The protocol by which a platform fetches tokens.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Dialect {
    /// GET; the token as text. The protocol of Recall and of platforms that follow it.
    Recall,
    /// POST with JSON; a JSON object of tokens.
    Attendee,
    /// GET with `bot_id` and `extra` in the query; the token as text.
    MeetingBaas,
    /// GET with the link's secret in `Authorization: Bearer`; the token as JSON.
    Bearer,
}

impl Dialect {
    /// Every dialect.
    pub const ALL: [Self; 4] = [Self::Recall, Self::Attendee, Self::MeetingBaas, Self::Bearer];

    /// The word in requests and answers.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Recall => "recall",
            Self::Attendee => "attendee",
            Self::MeetingBaas => "meeting_baas",
            Self::Bearer => "bearer",
        }
    }
}

/// An account, and one of its users if it has several.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct LinkAccount {
    /// The account.
    pub credential: CredentialId,
    /// The user, if the account is a server-to-server app's; otherwise `None`.
    pub user: Option<AccountUser>,
    /// The e-mail address by which the user was named, for people. It may be another user's by now.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub address: Option<AccountUser>,
}

/// The accounts whose tokens a link gives.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum LinkSource {
    /// The first of these that can give a token. For an OBF token in Attendee's dialect: all of them,
    /// because any of them may vouch.
    Accounts(Vec<LinkAccount>),
    /// An account of the pool that has a seat.
    Pool(PoolId),
    /// The account of the meeting's host.
    Host,
}

/// How a request is verified, in addition to the URL.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum LinkVerification {
    /// A signature of the dialect.
    Signature,
    /// A secret in the query, under this name: an older scheme.
    QuerySecret {
        /// The parameter's name, for example `token`.
        name: String,
        /// Hash of the secret.
        digest: Digest,
    },
    /// No further verification: the URL is enough.
    Nothing,
}

/// Which tokens a link gives, and to which requests. Stored as one JSON text, because no query reads
/// its parts.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct LinkTerms {
    /// The protocol.
    pub dialect: Dialect,
    /// The kinds of token it gives; the first is the default.
    pub kinds: Vec<TokenKind>,
    /// The accounts.
    pub source: LinkSource,
    /// The only meeting that tokens are given for.
    pub meeting: Option<MeetingNumber>,
    /// Whether a request may name the meeting when the link does not.
    pub meeting_in_request: bool,
    /// The verification that a request must pass.
    pub proof: LinkVerification,
    /// The networks that requests may come from; empty means any.
    pub networks: Vec<String>,
    /// Attendee: whether to give an empty answer when there is no token, so that the bot joins
    /// anonymously. Otherwise it is an error.
    pub optional: bool,
    /// Attendee: whether a request may be repeated after the time of a retry.
    pub allow_repeat: bool,
    /// The shortest lifetime of a ZAK in an answer, in seconds, so that the bot can join with it.
    pub zak_outlives_seconds: u32,
    /// How long a seat of a pool stays taken without a report that the bot has left, in seconds.
    pub seat_seconds: u32,
    /// Whether its ZAKs are to start meetings when the host is not known. Links of a pool only.
    #[serde(default)]
    pub hosting: bool,
    /// The maximum number of fetches in a minute.
    pub per_minute: Option<u32>,
}

impl LinkTerms {
    /// The default terms: one kind, any meeting, signed requests, Recall's dialect.
    pub fn usual(kind: TokenKind, source: LinkSource) -> Self {
        Self {
            dialect: Dialect::Recall,
            kinds: vec![kind],
            source,
            meeting: None,
            meeting_in_request: false,
            proof: LinkVerification::Signature,
            networks: Vec::new(),
            optional: false,
            allow_repeat: false,
            zak_outlives_seconds: 600,
            seat_seconds: 4 * 3600,
            hosting: false,
            per_minute: None,
        }
    }
}

/// Limits of a link's validity and of its uses.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct LinkLife {
    /// It gives no token before this.
    pub not_before: Option<Timestamp>,
    /// It gives no token from this time on.
    pub expires_at: Option<Timestamp>,
    /// The maximum number of uses.
    pub max_uses: Option<u32>,
}

/// A token link.
#[derive(Debug, Clone)]
pub struct TokenLink {
    /// Its id: the public half of the URL.
    pub id: TokenLinkId,
    /// The tenant.
    pub workspace: WorkspaceId,
    /// For people.
    pub name: String,
    /// Hash of the secret half of the URL.
    pub secret_digest: Digest,
    /// Which tokens it gives, and to which requests.
    pub terms: LinkTerms,
    /// Limits of its validity and of its uses.
    pub life: LinkLife,
    /// Secrets that verify requests, newest first, separated by spaces. `None` means the
    /// workspace's callback secret.
    pub signing_secret: Option<Sealed>,
    /// How often it was used, if uses are limited.
    pub uses: u32,
    /// The last uses, newest first; updated some seconds late.
    pub last_uses: Vec<LinkUse>,
    /// Counts the changes of its terms.
    pub revision: i64,
    /// When it was made.
    pub created_at: Timestamp,
    /// When it was revoked.
    pub revoked_at: Option<Timestamp>,
}

/// One answer of a link, for display. The audit is the complete record.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct LinkUse {
    /// When.
    pub at: Timestamp,
    /// The kind of token.
    pub kind: TokenKind,
    /// `given`, or the code of the refusal.
    pub outcome: String,
    /// The peer's address.
    pub from: Option<IpAddr>,
    /// The bot, by its id at its platform.
    pub bot: Option<String>,
    /// The meeting.
    pub meeting: Option<MeetingNumber>,
}

/// The current state of an account that a link names.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct AccountState {
    /// The account.
    pub credential: CredentialId,
    /// Whether it can be used.
    pub status: CredentialStatus,
    /// The current epoch: tokens of other epochs are void.
    pub epoch: i64,
}

/// A link with the data that is needed to serve it.
#[derive(Debug, Clone)]
pub struct ServableLink {
    /// The link.
    pub link: TokenLink,
    /// The accounts it names.
    pub accounts: Vec<AccountState>,
}

/// How many recent uses of a link are stored.
pub const LAST_USES: usize = 10;

/// Token links.
#[async_trait]
pub trait TokenLinks {
    /// Stores a link.
    async fn add_token_link(&self, link: &TokenLink) -> Result<(), StoreError>;

    /// A number that changes in the same transaction as anything that affects the tokens of links:
    /// terms, life, the state and epoch of their accounts, the workspace's callback secrets. Names,
    /// uses and new links don't change it.
    async fn link_revision(&self) -> Result<i64, StoreError>;

    /// A link by its id, to be served. Across tenants: the secret in the URL decides.
    async fn servable_link(&self, id: TokenLinkId) -> Result<Option<ServableLink>, StoreError>;

    /// A link of the workspace.
    async fn token_link(
        &self,
        workspace: WorkspaceId,
        id: TokenLinkId,
    ) -> Result<Option<TokenLink>, StoreError>;

    /// The workspace's links, newest first, `most` of them, older than `before`.
    async fn token_links(
        &self,
        workspace: WorkspaceId,
        before: Option<TokenLinkId>,
        most: u32,
    ) -> Result<Vec<TokenLink>, StoreError>;

    /// How many links of the pool are not revoked.
    async fn links_of_pool(&self, workspace: WorkspaceId, pool: PoolId) -> Result<u64, StoreError>;

    /// Replaces name, terms, life and signing secrets of the link if its revision is the given one;
    /// the revision increases.
    async fn change_token_link(&self, link: &TokenLink) -> Result<bool, StoreError>;

    /// Revokes a link; `false` when the workspace has no link with this id.
    async fn revoke_token_link(
        &self,
        workspace: WorkspaceId,
        id: TokenLinkId,
        now: Timestamp,
    ) -> Result<bool, StoreError>;

    /// Counts a use of a link whose uses are limited; `false` when none is left.
    async fn count_use(&self, id: TokenLinkId) -> Result<bool, StoreError>;

    /// Subtracts a use that gave no token.
    async fn uncount_use(&self, id: TokenLinkId) -> Result<(), StoreError>;

    /// Prepends uses, newest first, to those of each link, and keeps [`LAST_USES`]. The links are
    /// sorted by id, so that servers can't deadlock. All are stored or none.
    async fn note_uses(&self, links: &[(TokenLinkId, Vec<LinkUse>)]) -> Result<(), StoreError>;

    /// Records a request by its hash. Returns when it was first seen, if this is not the first time.
    async fn record_request(&self, request: &Digest, now: Timestamp)
    -> Result<Option<Timestamp>, StoreError>;

    /// When a request was first seen, if it was.
    async fn request_seen_at(&self, request: &Digest) -> Result<Option<Timestamp>, StoreError>;

    /// Deletes requests that were first seen before `end`.
    async fn forget_requests(&self, end: Timestamp) -> Result<u64, StoreError>;
}
