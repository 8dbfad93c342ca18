//! Token links: the addresses that bot platforms fetch tokens from.

use std::net::IpAddr;

use async_trait::async_trait;
use model::{
    AccountUser, CredentialId, CredentialStatus, MeetingNumber, PoolId, Sealed, Timestamp, TokenKind,
    TokenLinkId, WorkspaceId,
};
use serde::{Deserialize, Serialize};

use crate::{Digest, StoreError};

/// How a platform asks, and how it wants to be answered.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Dialect {
    /// GET; the token as text. Recall's, and everybody's who does as Recall does.
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

/// An account, and which of its users if it has several.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct LinkAccount {
    /// The account.
    pub credential: CredentialId,
    /// Whose tokens, where the account is a server-to-server app's; `None` for every other.
    pub user: Option<AccountUser>,
    /// The address by which somebody named the user, for people: it may be another user's by now.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub address: Option<AccountUser>,
}

/// Whose tokens a link gives.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum LinkSource {
    /// The first of these that can give one. For an OBF token in Attendee's dialect: all of them, any may vouch.
    Accounts(Vec<LinkAccount>),
    /// An account of the pool that has a seat.
    Pool(PoolId),
    /// The account of the meeting's host.
    Host,
}

/// What a request must bring beside the address.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Proof {
    /// A signature, as the dialect has it.
    Signature,
    /// A secret in the query, under this name: the older scheme.
    QuerySecret {
        /// `token`, say.
        name: String,
        /// Hash of the secret.
        digest: Digest,
    },
    /// Nothing: the address alone counts.
    Nothing,
}

/// What a link gives, and under which terms. Stored as one JSON text: no query asks about any of it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct LinkTerms {
    /// How it is asked.
    pub dialect: Dialect,
    /// The kinds of token it gives; a request that names none gets the first.
    pub kinds: Vec<TokenKind>,
    /// Whose they are.
    pub source: LinkSource,
    /// The one meeting that tokens are for.
    pub meeting: Option<MeetingNumber>,
    /// Whether a request may name the meeting, if the link does not.
    pub meeting_in_request: bool,
    /// What proves that a request is the platform's.
    pub proof: Proof,
    /// The networks that requests may come from, as text; empty: from anywhere.
    pub networks: Vec<String>,
    /// Attendee: with no token to give, an empty answer, upon which the bot joins as nobody. Otherwise an error.
    pub optional: bool,
    /// Attendee: whether the same request may come again after the time of a retry.
    pub allow_repeat: bool,
    /// A ZAK in an answer lasts for at least so many seconds: until the bot has joined.
    pub zak_outlives_seconds: u32,
    /// How long a seat of a pool is kept if nobody says that the bot has left, in seconds.
    pub seat_seconds: u32,
    /// Whether its ZAKs are to start meetings, as far as nobody knows whose those are. Links of a pool only.
    #[serde(default)]
    pub hosting: bool,
    /// Fetches in a minute.
    pub per_minute: Option<u32>,
}

impl LinkTerms {
    /// The usual terms: one kind, any meeting, signed requests, in Recall's dialect.
    pub fn usual(kind: TokenKind, source: LinkSource) -> Self {
        Self {
            dialect: Dialect::Recall,
            kinds: vec![kind],
            source,
            meeting: None,
            meeting_in_request: false,
            proof: Proof::Signature,
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

/// How long and how often.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct LinkLife {
    /// Before this it gives nothing.
    pub not_before: Option<Timestamp>,
    /// From this on it gives nothing.
    pub expires_at: Option<Timestamp>,
    /// So often in all.
    pub max_uses: Option<u32>,
}

/// What an address gives, and what it demands.
#[derive(Debug, Clone)]
pub struct TokenLink {
    /// The public half of the address.
    pub id: TokenLinkId,
    /// The tenant.
    pub workspace: WorkspaceId,
    /// For people.
    pub name: String,
    /// Hash of the secret half of the address.
    pub secret_digest: Digest,
    /// What it gives.
    pub terms: LinkTerms,
    /// How long and how often.
    pub life: LinkLife,
    /// Verify the requests: secrets, newest first, with spaces between. `None` means the workspace's callback secret.
    pub signing_secret: Option<Sealed>,
    /// How often it was used, if that is limited.
    pub uses: u32,
    /// The last uses, newest first; some seconds late.
    pub last_uses: Vec<LinkUse>,
    /// Counts the changes of its terms.
    pub revision: i64,
    /// When it was made.
    pub created_at: Timestamp,
    /// When it was revoked.
    pub revoked_at: Option<Timestamp>,
}

/// One answer of a link, for whoever looks at it. The audit is the record that counts.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct LinkUse {
    /// When.
    pub at: Timestamp,
    /// The kind of token.
    pub kind: TokenKind,
    /// `given`, or the code of the refusal.
    pub outcome: String,
    /// The address at the other end.
    pub from: Option<IpAddr>,
    /// The bot, by its id at its platform.
    pub bot: Option<String>,
    /// The meeting.
    pub meeting: Option<MeetingNumber>,
}

/// An account that a link names, as it is at this moment.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct AccountState {
    /// The account.
    pub credential: CredentialId,
    /// Whether it can be used.
    pub status: CredentialStatus,
    /// Tokens that were minted in another epoch of the account are void.
    pub epoch: i64,
}

/// A link as it is served.
#[derive(Debug, Clone)]
pub struct ServableLink {
    /// The link.
    pub link: TokenLink,
    /// The accounts that it names.
    pub accounts: Vec<AccountState>,
}

/// Uses that a link shows.
pub const LAST_USES: usize = 10;

/// Token links.
#[async_trait]
pub trait TokenLinks {
    /// Stores a link.
    async fn add_token_link(&self, link: &TokenLink) -> Result<(), StoreError>;

    /// Moves on, from within each change, with what a link gives: with its terms and life, with its accounts, whether each
    /// is usable and in which epoch, and with the callback secrets of its workspace. Not with its name and its uses, nor
    /// with links that are new.
    async fn link_revision(&self) -> Result<i64, StoreError>;

    /// A link by its id, to be served. Asked before the tenant is known: the secret decides.
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

    /// How many links that are not revoked draw on the pool.
    async fn links_of_pool(&self, workspace: WorkspaceId, pool: PoolId) -> Result<u64, StoreError>;

    /// Replaces name, terms, life and signing secrets of the link if it still is at the given revision, which moves on.
    async fn change_token_link(&self, link: &TokenLink) -> Result<bool, StoreError>;

    /// Ends a link; `false` when the workspace has none with this id.
    async fn revoke_token_link(
        &self,
        workspace: WorkspaceId,
        id: TokenLinkId,
        now: Timestamp,
    ) -> Result<bool, StoreError>;

    /// Counts a use of a link whose uses are limited; `false` when it is used up.
    async fn count_use(&self, id: TokenLinkId) -> Result<bool, StoreError>;

    /// Takes a use back: nothing came of it.
    async fn uncount_use(&self, id: TokenLinkId) -> Result<(), StoreError>;

    /// Puts uses, newest first, before those that each link shows. [`LAST_USES`] of them stay. Links in the order of their
    /// ids, so that servers don't wait for one another in a circle; all of them, or none.
    async fn note_uses(&self, links: &[(TokenLinkId, Vec<LinkUse>)]) -> Result<(), StoreError>;

    /// Remembers a request by its hash. Answers when it was first seen, if this is not the first time.
    async fn first_seen(&self, request: &Digest, now: Timestamp) -> Result<Option<Timestamp>, StoreError>;

    /// When a request was first seen, if it was.
    async fn seen_request(&self, request: &Digest) -> Result<Option<Timestamp>, StoreError>;

    /// Forgets requests that were first seen before `end`.
    async fn forget_requests(&self, end: Timestamp) -> Result<u64, StoreError>;
}
