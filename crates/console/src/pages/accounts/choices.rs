//! Accounts to choose in a form: the newest, or any other by its id, e-mail address or name.

use serde::Deserialize;
use serde_json::{Map, Value};

use super::{Account, one};
use crate::{
    client::{Client, List, Refused},
    form::Form,
    format::query,
};

const PATH: &str = "/api/v2/zoom-oauth-credentials/";
/// The form field for an account that is not in the list.
const TYPED: &str = "typed";

/// The newest accounts, at most one page of the API.
pub(crate) struct Choices {
    pub(crate) accounts: Vec<Account>,
    /// Whether there are more: then the form has a field to type one.
    pub(crate) is_cut: bool,
}

impl Choices {
    /// Reads the list, with the chosen account if it is an older one.
    pub(crate) async fn read(client: &Client, chosen: &str) -> Result<Self, Refused> {
        let list: List<Account> = client.get(PATH).await?;
        let (mut accounts, is_cut) = (list.results, list.next.is_some());
        if is_id(chosen) && accounts.iter().all(|account| account.id != chosen) {
            accounts.extend(one(client, chosen).await?);
        }
        Ok(Self { accounts, is_cut })
    }

    /// Only accounts that can give tokens now.
    pub(crate) fn working(mut self) -> Self {
        self.accounts.retain(Account::works);
        self
    }

    /// The name of one of the accounts.
    pub(crate) fn name_of(&self, id: &str) -> Option<&str> {
        self.accounts.iter().find(|account| account.id == id).map(Account::name)
    }
}

/// How a bot signs in, or whose tokens a link gives.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum With {
    Account(String),
    Pool(String),
    /// The account of the meeting's host.
    Host,
    Nobody,
}

impl With {
    /// Reads a form: the account that was typed, or else the chosen one.
    pub(crate) async fn read(client: &Client, form: &Form) -> Result<Self, Refused> {
        if let Some(id) = typed(client, form).await? {
            return Ok(Self::Account(id));
        }
        Ok(match form.text("with").split_once(':') {
            Some(("account", id)) => Self::Account(id.to_owned()),
            Some(("pool", id)) => Self::Pool(id.to_owned()),
            _ if form.text("with") == "host" => Self::Host,
            _ => Self::Nobody,
        })
    }

    /// As fields of an API call.
    pub(crate) fn fields(&self) -> Map<String, Value> {
        let field = match self {
            Self::Account(id) => Some(("credential", id.as_str().into())),
            Self::Pool(id) => Some(("pool", id.as_str().into())),
            Self::Host => Some(("host", true.into())),
            Self::Nobody => None,
        };
        field.into_iter().map(|(name, value)| (name.to_owned(), value)).collect()
    }
}

/// The account that was typed into a form, if any: by its id, or the only match of a search.
pub(crate) async fn typed(client: &Client, form: &Form) -> Result<Option<String>, Refused> {
    #[derive(Deserialize)]
    struct Found {
        id: String,
    }
    let text = form.text(TYPED);
    if text.is_empty() {
        return Ok(None);
    }
    if is_id(text) && one(client, text).await?.is_some() {
        return Ok(Some(text.to_owned()));
    }
    let found: List<Found> = client.get(&format!("{PATH}{}", query(&[("latchkey_search", text)]))).await?;
    let words = match found.results.as_slice() {
        [only] => return Ok(Some(only.id.clone())),
        [] => "There is no account with this id, e-mail address or name.".to_owned(),
        several => {
            let more = if found.next.is_some() { "or more " } else { "" };
            format!("{} {more}accounts match: type more of it, or the id.", several.len())
        }
    };
    Err(Refused { status: 400, fields: vec![(TYPED.to_owned(), words)], ..Refused::default() })
}

fn is_id(text: &str) -> bool {
    text.len() == 36 && text.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-')
}
