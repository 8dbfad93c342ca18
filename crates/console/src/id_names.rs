//! Text in which ids are replaced by the names of their objects.

use std::{
    collections::{BTreeSet, HashMap},
    fmt,
    sync::Arc,
};

use askama::filters::HtmlSafe;
use serde::Deserialize;

use crate::{
    client::{Client, Refused},
    format::{Escaped, Id},
};

/// The most ids that are looked up for one page; further ones are shown as ids.
const MAX_LOOKUPS: usize = 20;
/// The length of an id in characters.
const LENGTH: usize = 36;
/// What an id in a log may refer to: the API's path and the page.
const KINDS: [(&str, &str); 3] = [
    ("/api/v2/zoom-oauth-credentials/", "/accounts/"),
    ("/api/latchkey/v1/token-links/", "/token-links/"),
    ("/api/latchkey/v1/pools/", "/pools/"),
];

/// The names of accounts, token links and pools, by their ids.
#[derive(Debug, Default)]
pub(crate) struct Names {
    /// The base path of all links.
    base: String,
    known: HashMap<String, Named>,
}

#[derive(Debug)]
struct Named {
    path: String,
    name: String,
}

/// An account, a link or a pool in the API's answer.
#[derive(Deserialize)]
struct Shown {
    #[serde(alias = "display_name")]
    name: String,
}

impl Names {
    /// Looks up the ids in these texts. Deleted objects, and those without a name, are shown as ids.
    pub(crate) async fn read<'t>(
        client: &Client,
        base: &str,
        texts: impl Iterator<Item = &'t str>,
    ) -> Result<Arc<Self>, Refused> {
        let ids: BTreeSet<&str> = texts.flat_map(|text| parts(text).filter_map(Part::id)).collect();
        let mut known = HashMap::new();
        for id in ids.into_iter().take(MAX_LOOKUPS) {
            for (api, page) in KINDS {
                let Some(Shown { name }) = client.find(&format!("{api}{id}/")).await? else { continue };
                if !name.trim().is_empty() {
                    known.insert(id.to_owned(), Named { path: format!("{page}{id}"), name });
                }
                break;
            }
        }
        Ok(Arc::new(Self { base: base.to_owned(), known }))
    }

    /// The name of an id.
    pub(crate) fn get(&self, id: &str) -> Option<&str> {
        self.known.get(id).map(|named| named.name.as_str())
    }
}

/// A text with names in place of ids.
pub(crate) struct WithNames {
    text: String,
    names: Arc<Names>,
}

impl WithNames {
    pub(crate) fn new(text: impl Into<String>, names: &Arc<Names>) -> Self {
        Self { text: text.into(), names: Arc::clone(names) }
    }
}

impl fmt::Display for WithNames {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for part in parts(&self.text) {
            match part {
                Part::Words(words) => write!(f, "{}", Escaped(words))?,
                Part::Id(id) => match self.names.known.get(id) {
                    Some(Named { path, name }) => {
                        let (base, path) = (Escaped(&self.names.base), Escaped(path));
                        write!(f, "<a href=\"{base}{path}\">{}</a> {}", Escaped(name), Id(id.to_owned()))?;
                    }
                    None => write!(f, "{}", Escaped(id))?,
                },
            }
        }
        Ok(())
    }
}

impl HtmlSafe for WithNames {}

/// A part of a text.
#[derive(Debug, PartialEq, Eq)]
enum Part<'t> {
    Words(&'t str),
    Id(&'t str),
}

impl<'t> Part<'t> {
    fn id(self) -> Option<&'t str> {
        match self {
            Self::Id(id) => Some(id),
            Self::Words(_) => None,
        }
    }
}

/// Splits a text into ids and the text between them.
fn parts(text: &str) -> impl Iterator<Item = Part<'_>> {
    let is_of_an_id = |letter: char| letter.is_ascii_hexdigit() || letter == '-';
    let mut rest = text;
    std::iter::from_fn(move || {
        let first = rest.chars().next()?;
        let is_word = is_of_an_id(first);
        let end = rest.find(|letter| is_of_an_id(letter) != is_word).unwrap_or(rest.len());
        let (part, after) = rest.split_at(end);
        rest = after;
        Some(if is_word && is_id(part) { Part::Id(part) } else { Part::Words(part) })
    })
}

/// `01990000-0000-7000-8000-000000000000`
fn is_id(text: &str) -> bool {
    text.len() == LENGTH
        && text.bytes().enumerate().all(|(at, byte)| (byte == b'-') == matches!(at, 8 | 13 | 18 | 23))
}

#[cfg(test)]
mod tests {
    use std::{collections::HashMap, sync::Arc};

    use super::{Named, Names, WithNames, is_id, parts};

    const ID: &str = "01990000-0000-7000-8000-00000000abcd";

    #[test]
    fn ids_become_names_and_other_text_is_unchanged() {
        let account = Named { path: format!("/accounts/{ID}"), name: "Ada <Notes>".into() };
        let known = HashMap::from([(ID.to_owned(), account)]);
        let names = Arc::new(Names { base: "/base".into(), known });
        let other = ID.replace("abcd", "dcba");
        let text = format!("A seat on the account {ID}, <b> and {other}.");
        let shown = WithNames::new(text, &names).to_string();
        let link =
            format!("A seat on the account <a href=\"/base/accounts/{ID}\">Ada &lt;Notes&gt;</a> <code");
        assert!(shown.starts_with(&link), "{shown}");
        assert!(shown.ends_with(&format!("</code>, &lt;b&gt; and {other}.")), "{shown}");
    }

    #[test]
    fn the_parts_of_a_text_join_to_the_text() {
        for text in ["", "-", "Zürich – abc", ID, &format!("{ID}{ID}"), &format!("x{ID}–{ID}y")] {
            let said: String = parts(text).map(|part| format!("{part:?}")).collect::<Vec<_>>().join("\n");
            let whole = WithNames::new(text, &Arc::default()).to_string();
            assert_eq!(whole, text, "{said}");
        }
        assert!(is_id(ID) && !is_id(&ID.replace('-', "0")) && !is_id(&format!("{ID}0")));
    }
}
