//! Types of token links' fields.

use std::net::IpAddr;

use ipnet::IpNet;
use model::{AccountUser, CredentialId, MeetingNumber, Secret, TokenKind};
use serde::Serialize;
use serde_json::Value;
use store::{LinkAccount, LinkVerification};
use token_links::QUERY_PARAMETERS;
use utoipa::{
    ToSchema,
    openapi::{ArrayBuilder, OneOfBuilder, RefOr, Schema},
};

use crate::{
    fields::Fields,
    request::{Field, Request as _, Schemas, parsed, refer, reference, request, string},
};

/// The most accounts of one link: Attendee tries each given user in turn until one can vouch for the bot.
const MAX_ACCOUNTS: usize = 5;
/// The most secrets that are valid at once: a new one, the one that it replaces, and two spare ones.
const MAX_SECRETS: usize = 4;
/// The most networks of one link.
const MAX_NETWORKS: usize = 32;
const MIN_QUERY_SECRET_LEN: usize = 16;
const MAX_QUERY_SECRET_LEN: usize = 200;
const MAX_QUERY_PARAMETER_LEN: usize = 40;

/// Kinds of tokens: one, or a list of them.
pub(super) struct Kinds(pub(super) Vec<TokenKind>);

impl Field for Kinds {
    fn read(fields: &mut Fields<'_>, name: &str) -> Option<Self> {
        let words = fields.one_or_more(name, TokenKind::ALL.len())?;
        let kinds: Result<Vec<TokenKind>, _> = words.iter().map(|word| word.parse()).collect();
        match kinds {
            Ok(kinds) if !kinds.is_empty() => Some(Self(kinds)),
            _ => {
                let words = "It must be zak, obf, join_token or access_token, or a list of these.";
                fields.complain(name, words);
                None
            }
        }
    }

    fn schema() -> RefOr<Schema> {
        one_or_more(reference::<TokenKind>(), 1, TokenKind::ALL.len())
    }

    fn schemas(schemas: &mut Schemas) {
        refer::<TokenKind>(schemas);
    }
}

request! {
    /// An account whose tokens a link gives.
    closed struct CreateLinkAccount {
        credential: CredentialId,
        /// Whose token it gives, where the account is a server-to-server app's.
        user: Option<AccountUser>,
    }
}

/// The accounts of a link: the first one that can give a token is used.
pub(super) struct Accounts(pub(super) Vec<LinkAccount>);

impl Field for Accounts {
    fn read(fields: &mut Fields<'_>, name: &str) -> Option<Self> {
        let accounts = fields.objects(name, MAX_ACCOUNTS, CreateLinkAccount::read)?;
        if accounts.is_empty() {
            fields.complain(name, "Give at least one account.");
        }
        let accounts = accounts.into_iter().flatten();
        Some(Self(
            accounts
                .map(|CreateLinkAccount { credential, user }| LinkAccount { credential, user, address: None })
                .collect(),
        ))
    }

    fn schema() -> RefOr<Schema> {
        ArrayBuilder::new()
            .items(reference::<CreateLinkAccount>())
            .min_items(Some(1))
            .max_items(Some(MAX_ACCOUNTS))
            .into()
    }

    fn schemas(schemas: &mut Schemas) {
        refer::<CreateLinkAccount>(schemas);
    }
}

/// A meeting number, as a JSON number or as people write it.
pub(super) struct Meeting(pub(super) MeetingNumber);

impl Field for Meeting {
    fn read(fields: &mut Fields<'_>, name: &str) -> Option<Self> {
        let number = match fields.anything(name)? {
            Value::Number(number) => number.as_i64().and_then(|number| number.try_into().ok()),
            Value::String(text) => text.parse().ok(),
            _ => None,
        };
        if number.is_none() {
            fields.complain(name, "It must be a meeting number of 9 to 11 digits.");
        }
        number.map(Self)
    }

    fn schema() -> RefOr<Schema> {
        OneOfBuilder::new()
            .item(reference::<MeetingNumber>())
            .item(string(20).pattern(Some("^[0-9](?:[ -]*[0-9]){8,10}[ -]*$")))
            .into()
    }

    fn schemas(schemas: &mut Schemas) {
        refer::<MeetingNumber>(schemas);
    }
}

/// The secrets that a platform signs with, newest first. Their form is checked later, when the dialect is known.
pub(super) struct SigningSecrets(pub(super) Vec<Secret>);

impl Field for SigningSecrets {
    fn read(fields: &mut Fields<'_>, name: &str) -> Option<Self> {
        let words = fields.one_or_more(name, MAX_SECRETS)?;
        let secrets: Result<_, _> =
            words.into_iter().map(|word| model::pasted(word).map(Secret::new)).collect();
        match secrets {
            Ok(secrets) => Some(Self(secrets)),
            Err(wrong) => {
                fields.complain(name, wrong.to_string());
                None
            }
        }
    }

    fn schema() -> RefOr<Schema> {
        one_or_more(string(1000).into(), 1, MAX_SECRETS)
    }
}

/// Networks that requests may come from. A bare address is a network with one address.
pub(super) struct Networks(pub(super) Vec<IpNet>);

impl Field for Networks {
    fn read(fields: &mut Fields<'_>, name: &str) -> Option<Self> {
        let words = fields.one_or_more(name, MAX_NETWORKS)?;
        let network =
            |word: &&str| word.parse().ok().or_else(|| word.parse::<IpAddr>().ok().map(IpNet::from));
        let networks: Option<Vec<IpNet>> = words.iter().map(network).collect();
        if networks.is_none() {
            fields.complain(name, "It must be a list of networks, such as 203.0.113.0/24.");
        }
        networks.map(Self)
    }

    fn schema() -> RefOr<Schema> {
        one_or_more(string(50).into(), 0, MAX_NETWORKS)
    }
}

/// What a request must contain in addition to the link's secret.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub(super) enum Verification {
    Signature,
    QuerySecret,
    Unsigned,
}

impl Verification {
    pub(super) const fn as_str(self) -> &'static str {
        match self {
            Self::Signature => "signature",
            Self::QuerySecret => "query_secret",
            Self::Unsigned => "unsigned",
        }
    }
}

impl std::str::FromStr for Verification {
    type Err = ();

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let all = [Self::Signature, Self::QuerySecret, Self::Unsigned];
        all.into_iter().find(|known| known.as_str() == text).ok_or(())
    }
}

parsed! { Verification: "It must be signature, query_secret or unsigned."; }

impl From<&LinkVerification> for Verification {
    fn from(proof: &LinkVerification) -> Self {
        match proof {
            LinkVerification::Signature => Self::Signature,
            LinkVerification::QuerySecret { .. } => Self::QuerySecret,
            LinkVerification::Nothing => Self::Unsigned,
        }
    }
}

/// The name of the query parameter with the secret. It must differ from all parameters that requests use otherwise.
pub(super) struct QueryParameter(pub(super) String);

impl Field for QueryParameter {
    fn read(fields: &mut Fields<'_>, name: &str) -> Option<Self> {
        let text = fields.text(name, MAX_QUERY_PARAMETER_LEN)?;
        let words = if QUERY_PARAMETERS.contains(&text) {
            format!("{} are reserved for requests: choose another name.", QUERY_PARAMETERS.join(", "))
        } else if !text.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-_.~".contains(&byte)) {
            "It may only contain letters, digits, and - _ . ~.".to_owned()
        } else {
            return Some(Self(text.to_owned()));
        };
        fields.complain(name, words);
        None
    }

    fn schema() -> RefOr<Schema> {
        string(MAX_QUERY_PARAMETER_LEN).pattern(Some("^[A-Za-z0-9_.~-]+$")).into()
    }
}

/// The secret in a query.
pub(super) struct QuerySecret(pub(super) Secret);

impl Field for QuerySecret {
    fn read(fields: &mut Fields<'_>, name: &str) -> Option<Self> {
        let text = fields.pasted(name, MAX_QUERY_SECRET_LEN)?;
        if text.len() < MIN_QUERY_SECRET_LEN {
            fields.complain(name, format!("It must have at least {MIN_QUERY_SECRET_LEN} characters."));
            return None;
        }
        Some(Self(Secret::new(text)))
    }

    fn schema() -> RefOr<Schema> {
        string(MAX_QUERY_SECRET_LEN).min_length(Some(MIN_QUERY_SECRET_LEN)).into()
    }
}

fn one_or_more(item: RefOr<Schema>, least: usize, most: usize) -> RefOr<Schema> {
    let list = ArrayBuilder::new().items(item.clone()).min_items(Some(least)).max_items(Some(most));
    OneOfBuilder::new().item(item).item(list).into()
}
