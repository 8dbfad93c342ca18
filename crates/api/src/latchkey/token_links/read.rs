//! Fields of links, as requests write them.

use std::net::IpAddr;

use ipnet::IpNet;
use model::{MeetingNumber, Secret, Timestamp, TokenKind};
use serde_json::Value;
use store::{Dialect, LinkAccount, Proof};
use token_links::dialects::DialectRules;

use crate::{State, fields::Fields};

/// Secrets that are valid at once: the new one and the one it replaces, with room for a mistake.
const MOST_SECRETS: usize = 4;
/// Networks of one link.
const MOST_NETWORKS: usize = 32;

pub(super) const SIGNATURE: &str = "signature";
pub(super) const QUERY_SECRET: &str = "query_secret";
pub(super) const UNSIGNED: &str = "unsigned";

/// All fields of a link. One that is misspelt would make another link than was wanted.
pub(super) const FIELDS: [&str; 25] = [
    "name",
    "dialect",
    "kind",
    "kinds",
    "credential",
    "user",
    "accounts",
    "pool",
    "host",
    "meeting",
    "meeting_in_request",
    "verification",
    "query_parameter",
    "query_secret",
    "signing_secret",
    "networks",
    "optional",
    "allow_repeat",
    "zak_outlives",
    "seat_seconds",
    "hosting",
    "per_minute",
    "not_before",
    "expires_at",
    "max_uses",
];

/// The word for what a request has to bring.
pub(super) const fn verification(proof: &Proof) -> &'static str {
    match proof {
        Proof::Signature => SIGNATURE,
        Proof::QuerySecret { .. } => QUERY_SECRET,
        Proof::Nothing => UNSIGNED,
    }
}

pub(super) fn dialect(fields: &mut Fields<'_>) -> Option<Dialect> {
    let word = fields.text("dialect", 40)?;
    let known = Dialect::ALL.into_iter().find(|dialect| dialect.as_str() == word);
    if known.is_none() {
        let [most @ .., last] = Dialect::ALL.map(Dialect::as_str);
        fields.complain("dialect", format!("It must be {} or {last}.", most.join(", ")));
    }
    known
}

/// `kinds`, a list, or `kind`, a word.
pub(super) fn kinds(fields: &mut Fields<'_>) -> Option<Vec<TokenKind>> {
    let field = match (fields.anything("kinds"), fields.anything("kind")) {
        (Some(_), Some(_)) => {
            fields.complain("kind", "Give this or kinds, not both.");
            "kinds"
        }
        (Some(_), None) => "kinds",
        (None, _) => "kind",
    };
    let words = fields.one_or_more(field, TokenKind::ALL.len())?;
    let kinds: Result<Vec<TokenKind>, _> = words.iter().map(|word| word.parse()).collect();
    match kinds {
        Ok(kinds) if !kinds.is_empty() => Some(kinds),
        _ => {
            fields.complain(field, "It must be zak, obf, join_token or access_token, or a list of these.");
            None
        }
    }
}

/// One of `accounts`.
pub(super) fn account(fields: &mut Fields<'_>) -> Option<LinkAccount> {
    fields.only(&["credential", "user"]);
    named_account(fields)
}

/// The account that stands among a link's own fields.
pub(super) fn named_account(fields: &mut Fields<'_>) -> Option<LinkAccount> {
    let credential = fields.parsed("credential", "It must be the id of an account.");
    let credential = fields.required("credential", credential);
    let user = fields.parsed("user", "It must be an e-mail address or Zoom's id of a user.");
    credential.map(|credential| LinkAccount { credential, user, address: None })
}

/// Text or a number.
pub(super) fn meeting(fields: &mut Fields<'_>) -> Option<MeetingNumber> {
    let number = match fields.anything("meeting")? {
        Value::Number(number) => number.as_i64().and_then(|number| number.try_into().ok()),
        Value::String(text) => text.parse().ok(),
        _ => None,
    };
    if number.is_none() {
        fields.complain("meeting", "It must be a meeting number of 9 to 11 digits.");
    }
    number
}

/// `signing_secret`: a secret, or a list of them, newest first.
pub(super) fn signing_secrets(fields: &mut Fields<'_>, rules: &dyn DialectRules) -> Option<Vec<Secret>> {
    let words = fields.one_or_more("signing_secret", MOST_SECRETS)?;
    let secrets = words.into_iter().map(|word| model::pasted(word).map(Secret::new)).collect();
    let secrets: Vec<Secret> = match secrets {
        Ok(secrets) => secrets,
        Err(wrong) => {
            fields.complain("signing_secret", wrong.to_string());
            return None;
        }
    };
    let sound = rules.verifier(&secrets).is_some();
    if !sound {
        fields.complain("signing_secret", rules.secret_form());
    }
    Some(secrets).filter(|_| sound)
}

pub(super) fn networks(fields: &mut Fields<'_>) -> Option<Vec<IpNet>> {
    let words = fields.one_or_more("networks", MOST_NETWORKS)?;
    // A bare address is a network of one.
    let network = |word: &&str| word.parse().ok().or_else(|| word.parse::<IpAddr>().ok().map(IpNet::from));
    let networks: Option<Vec<IpNet>> = words.iter().map(network).collect();
    if networks.is_none() {
        fields.complain("networks", "It must be a list of networks, such as 203.0.113.0/24.");
    }
    networks
}

/// A whole number in this range.
pub(super) fn bounded(fields: &mut Fields<'_>, field: &str, least: u32, most: u32) -> Option<u32> {
    let number = fields.number(field, least)?;
    if number > most {
        fields.complain(field, format!("It must be at most {most}."));
        return None;
    }
    Some(number)
}

/// A time that has not come.
pub(super) fn ahead(state: &State, fields: &mut Fields<'_>, field: &str) -> Option<Timestamp> {
    let time = fields.time(field)?;
    if time <= state.env.now() {
        fields.complain(field, "It must lie ahead.");
        return None;
    }
    Some(time)
}
