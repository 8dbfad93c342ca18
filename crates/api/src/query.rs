//! Query parameters of lists.

use std::{fmt::Display, str::FromStr};

use base64::{Engine as _, prelude::BASE64_URL_SAFE_NO_PAD};
use broker::Broker;
use model::{Timestamp, nearest};
use store::Order;
use url::Url;
use utoipa::IntoParams;

use crate::{
    error::ApiError,
    fields::FieldErrors,
    page::{CountedPage, PAGE_SIZE, Page, Wanted},
};

/// A request's query as pairs: the same name may appear several times.
pub(crate) struct Query {
    pairs: Vec<(String, String)>,
    /// The documented names; `None` if others may be there too.
    names: Option<Vec<String>>,
}

impl Query {
    /// A query that may have parameters of others, as the redirect from Zoom does.
    pub(crate) fn of(raw: Option<&str>) -> Self {
        Self {
            pairs: url::form_urlencoded::parse(raw.unwrap_or("").as_bytes()).into_owned().collect(),
            names: None,
        }
    }

    /// The query of a list whose parameters are the fields of `T`, which document them, and names that begin with `prefix`.
    /// Others are refused: if a filter were ignored, the answer would contain all rows.
    pub(crate) fn of_type<T: IntoParams>(
        raw: Option<&str>,
        prefix: Option<&str>,
    ) -> Result<Self, FieldErrors> {
        let names: Vec<_> = T::into_params(|| None).into_iter().map(|parameter| parameter.name).collect();
        let names: Vec<_> = names.iter().map(String::as_str).chain(prefix).collect();
        Self::of_names(raw, &names)
    }

    /// The same with these names. One that ends in `__` stands for all names with that beginning.
    pub(crate) fn of_names(raw: Option<&str>, names: &[&str]) -> Result<Self, FieldErrors> {
        let query =
            Self { names: Some(names.iter().map(|&name| name.to_owned()).collect()), ..Self::of(raw) };
        let Some((unknown, _)) = query.pairs.iter().find(|(given, _)| !query.knows(given)) else {
            return Ok(query);
        };
        let words = match nearest(unknown, names) {
            Some(meant) => format!("This list has no such filter: did you mean {meant}?"),
            None if names.is_empty() => "This list has no filters.".to_owned(),
            None => format!("This list has no such filter. The filters are: {}.", names.join(", ")),
        };
        Err(FieldErrors::one(unknown, words))
    }

    fn knows(&self, given: &str) -> bool {
        let given = given.strip_suffix("[]").unwrap_or(given);
        let is_known = |name: &String| given == name || (name.ends_with("__") && given.starts_with(&**name));
        self.names.as_ref().is_none_or(|names| names.iter().any(is_known))
    }

    /// Every value of a name; the name may be written with `[]`.
    fn all<'a>(&'a self, name: &'a str) -> impl Iterator<Item = &'a str> {
        // A misspelt name would ignore the filter.
        debug_assert!(self.knows(name), "{name} is not a parameter of this list");
        let named = move |given: &str| given.strip_suffix("[]").unwrap_or(given) == name;
        self.pairs.iter().filter(move |(given, _)| named(given)).map(|(_, value)| value.as_str())
    }

    /// Every word of a list, written `name=a&name=b` or `name=a,b`.
    pub(crate) fn list<'a>(&'a self, name: &'a str) -> impl Iterator<Item = &'a str> {
        self.all(name).flat_map(|value| value.split(',')).map(str::trim).filter(|word| !word.is_empty())
    }

    pub(crate) fn get<'a>(&'a self, name: &'a str) -> Option<&'a str> {
        self.all(name).last().filter(|value| !value.is_empty())
    }

    /// A time, with or without its parts from the hour on.
    pub(crate) fn time(&self, name: &str) -> Result<Option<Timestamp>, FieldErrors> {
        let wrong = || FieldErrors::one(name, "It must be a date, or a time in ISO 8601.");
        self.get(name).map(|text| loose_time(text).ok_or_else(wrong)).transpose()
    }

    /// `after`: the number of the `what` after which the page begins; 0, the first page, if it is not given.
    pub(crate) fn after(&self, what: &str) -> Result<u64, FieldErrors> {
        let wrong = || FieldErrors::one("after", format!("It must be the number of an {what}."));
        // The store uses signed numbers.
        let number = |text: &str| text.parse().ok().filter(|number: &u64| i64::try_from(*number).is_ok());
        self.get("after").map_or(Ok(0), |text| number(text).ok_or_else(wrong))
    }

    /// An id to filter by. An empty one is refused: the caller wants to filter, and would get the whole list.
    pub(crate) fn id<T: FromStr>(&self, name: &str) -> Result<Option<T>, FieldErrors> {
        let wrong = |_| FieldErrors::one(name, "It must be an id.");
        self.all(name).last().map(|text| text.parse().map_err(wrong)).transpose()
    }

    /// A word of a closed set to filter by.
    pub(crate) fn word<T: FromStr>(&self, name: &str, complaint: &str) -> Result<Option<T>, FieldErrors> {
        let wrong = |_| FieldErrors::one(name, complaint);
        self.get(name).map(|text| text.parse().map_err(wrong)).transpose()
    }

    /// Which page is requested. `ordering` is one of `fields` (the first is the default), with a minus for descending;
    /// `cursor` is the place to continue from, and must match the ordering that it was made with.
    pub(crate) fn wanted<P: FromStr + Display>(
        &self,
        fields: &[&'static str],
        usual: Order,
    ) -> Result<Wanted<P>, ApiError> {
        let (field, order) = match self.get("ordering") {
            None => (fields[0], usual),
            Some(asked) => {
                let (name, order) = match asked.strip_prefix('-') {
                    Some(name) => (name, Order::Descending),
                    None => (asked, Order::Ascending),
                };
                let known = fields.iter().find(|field| **field == name);
                let ways: Vec<_> = fields.iter().map(|field| format!("{field} or -{field}")).collect();
                let wrong = || FieldErrors::one("ordering", format!("It must be {}.", ways.join(", ")));
                (*known.ok_or_else(wrong)?, order)
            }
        };
        let mut wanted = Wanted { field, order, cursor: None };
        if let Some(text) = self.get("cursor") {
            let read = String::from_utf8(BASE64_URL_SAFE_NO_PAD.decode(text).unwrap_or_default()).ok();
            wanted.cursor = Some(read.and_then(|text| wanted.read(&text)).ok_or(ApiError::InvalidPage)?);
        }
        Ok(wanted)
    }

    /// Where the previous page ended, for a list that has only a forward cursor.
    pub(crate) fn cursor<T: FromStr>(&self) -> Result<Option<T>, ApiError> {
        let read =
            |text: &str| String::from_utf8(BASE64_URL_SAFE_NO_PAD.decode(text).ok()?).ok()?.parse().ok();
        self.get("cursor").map(|text| read(text).ok_or(ApiError::InvalidPage)).transpose()
    }

    /// Names that begin with `prefix`, returned without it.
    pub(crate) fn prefixed<'a>(&'a self, prefix: &'a str) -> impl Iterator<Item = (&'a str, &'a str)> {
        self.pairs.iter().filter_map(move |(name, value)| Some((name.strip_prefix(prefix)?, value.as_str())))
    }

    /// The requested page, from 0.
    pub(crate) fn page(&self) -> Result<u64, ApiError> {
        let page = self.get("page").unwrap_or("1").parse::<u64>().ok();
        page.and_then(|page| page.checked_sub(1)).ok_or(ApiError::InvalidPage)
    }

    /// The same query with `name` set to `value`, as a full URL: clients follow it unchanged.
    pub(crate) fn with(&self, broker: &Broker, path: &str, name: &str, value: &str) -> Url {
        let mut url = broker.addresses.public_base().clone();
        url.set_path(&format!("{}{path}", url.path().trim_end_matches('/')));
        url.query_pairs_mut()
            .extend_pairs(self.pairs.iter().filter(|(given, _)| given != name))
            .append_pair(name, value);
        url
    }

    /// The answer: a page of a list with a forward cursor. `next` is where the next page begins.
    pub(crate) fn answer_by_cursor<T>(
        &self,
        broker: &Broker,
        path: &str,
        next: Option<impl Display>,
        results: Vec<T>,
    ) -> Page<T> {
        let next = next.map(|next| BASE64_URL_SAFE_NO_PAD.encode(next.to_string()));
        let next = next.map(|next| self.with(broker, path, "cursor", &next).to_string());
        Page { next, previous: None, results }
    }

    /// The answer: one page of `count` rows in total.
    pub(crate) fn answer<T>(
        &self,
        broker: &Broker,
        path: &str,
        (page, count): (u64, u64),
        results: Vec<T>,
    ) -> Result<CountedPage<T>, ApiError> {
        if page > 0 && results.is_empty() {
            return Err(ApiError::InvalidPage);
        }
        let next = (page + 1).saturating_mul(PAGE_SIZE) < count;
        let at = |page: u64| self.with(broker, path, "page", &(page + 1).to_string()).to_string();
        Ok(CountedPage {
            count,
            next: next.then(|| at(page + 1)),
            previous: page.checked_sub(1).map(at),
            results,
        })
    }
}

/// `2025-12-15`, `2025-12-15 00:00:00` and full ISO 8601; without an offset it is UTC.
fn loose_time(text: &str) -> Option<Timestamp> {
    let text = text.trim().replacen(' ', "T", 1);
    [text.clone(), format!("{text}Z"), format!("{text}T00:00:00Z")].iter().find_map(|text| text.parse().ok())
}

#[cfg(test)]
mod tests {
    use super::loose_time;

    #[test]
    fn loose_times_are_read_as_utc() {
        let expected = loose_time("2025-12-15T00:00:00Z");
        assert!(expected.is_some());
        for text in ["2025-12-15", "2025-12-15 00:00:00", "2025-12-15T00:00:00", "2025-12-15T01:00:00+01:00"]
        {
            assert_eq!(loose_time(text), expected, "{text}");
        }
        assert_eq!(loose_time("yesterday"), None);
    }
}
