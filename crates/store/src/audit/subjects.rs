//! The subjects by which records can be found without unpacking every row: the account, the requester
//! and the bot.
//!
//! A store records each subject once for each minute in which a record is about it. A query for a
//! subject reads those minutes, and unpacks only their rows.

use std::{fmt, ops::RangeInclusive};

use model::{ApiKeyId, AuditActor, BotId, CredentialId, PlatformBot, TokenLinkId};
use uuid::Uuid;

use super::AuditRecord;

const SLICES_IN_A_MINUTE: i64 = 600;

/// A subject of a record. It is stored as text: an id, or a bot's id at its platform.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum AuditSubject {
    /// An account, a token link, an API key or a bot of this server. No two of them share an id.
    Id(Uuid),
    /// A bot of another platform.
    PlatformBot(PlatformBot),
}

impl AuditSubject {
    /// All subjects of a record.
    pub(super) fn all_of(record: &AuditRecord) -> impl Iterator<Item = Self> {
        let ids = [Self::Id(Uuid::from_bytes(*record.credential.as_bytes())), Self::Id(record.who.uuid())];
        ids.into_iter().chain(record.about.bot.clone().map(Self::PlatformBot))
    }
}

impl fmt::Display for AuditSubject {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Id(id) => id.fmt(f),
            Self::PlatformBot(bot) => bot.fmt(f),
        }
    }
}

/// The minute, counted from 1970, that contains a slice.
pub const fn minute_of(slice: i64) -> i64 {
    slice.div_euclid(SLICES_IN_A_MINUTE)
}

/// The slices of a minute.
pub const fn slices_of(minute: i64) -> RangeInclusive<i64> {
    let first = minute.saturating_mul(SLICES_IN_A_MINUTE);
    first..=first.saturating_add(SLICES_IN_A_MINUTE - 1)
}

/// Filters of records. A missing filter matches all.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct AuditFilter {
    /// Tokens of this account.
    pub credential: Option<CredentialId>,
    /// Tokens that were requested from this token link.
    pub token_link: Option<TokenLinkId>,
    /// Tokens that were requested with this API key.
    pub api_key: Option<ApiKeyId>,
    /// Tokens for this bot: by its id here, or by its id at the platform that requested them.
    pub bot: Option<PlatformBot>,
}

impl AuditFilter {
    /// All records.
    pub const NONE: Self = Self { credential: None, token_link: None, api_key: None, bot: None };

    /// The subject to look for. If there are several, the one with probably the fewest records.
    pub fn subject(&self) -> Option<AuditSubject> {
        let Self { credential, token_link, api_key, bot } = self;
        let id = (token_link.as_ref().map(TokenLinkId::as_bytes))
            .or(api_key.as_ref().map(ApiKeyId::as_bytes))
            .or(credential.as_ref().map(CredentialId::as_bytes))
            .map(|bytes| Uuid::from_bytes(*bytes));
        bot.clone().map(AuditSubject::PlatformBot).or(id.map(AuditSubject::Id))
    }

    /// Whether the record matches all filters.
    pub fn is_met_by(&self, record: &AuditRecord) -> bool {
        let Self { credential, token_link, api_key, bot } = self;
        credential.is_none_or(|id| record.credential == id)
            && token_link.is_none_or(|id| record.who == AuditActor::TokenLink(id))
            && api_key.is_none_or(|id| record.who == AuditActor::ApiKey(id))
            && bot.as_ref().is_none_or(|bot| {
                let ours = bot.as_str().parse::<BotId>().is_ok_and(|id| record.who == AuditActor::Bot(id));
                ours || record.about.bot.as_ref() == Some(bot)
            })
    }
}
