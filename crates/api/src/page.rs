//! Lists that are returned in pages.

use std::{fmt::Display, str::FromStr};

use base64::{Engine as _, prelude::BASE64_URL_SAFE_NO_PAD};
use broker::Broker;
use model::{Timestamp, nearest};
use serde::Serialize;
use store::{Order, Place};
use url::Url;
use utoipa::{IntoParams, ToSchema};

use crate::{error::ApiError, fields::FieldErrors};

/// Rows on one page.
pub(crate) const PAGE_SIZE: u64 = 100;

/// A page of a list with cursors. Follow `next` unchanged.
#[derive(Serialize, ToSchema)]
pub(crate) struct Page<T> {
    /// The address of the next page.
    #[schema(required)]
    next: Option<String>,
    /// The address of the previous page.
    #[schema(required)]
    previous: Option<String>,
    results: Vec<T>,
}

/// A page of a list that has a total count.
#[derive(Serialize, ToSchema)]
pub(crate) struct CountedPage<T> {
    /// Rows in the whole list.
    count: u64,
    /// The address of the next page.
    #[schema(required)]
    next: Option<String>,
    /// The address of the previous page.
    #[schema(required)]
    previous: Option<String>,
    results: Vec<T>,
}

/// A request's query as pairs: the same name may appear several times.
pub(crate) struct Query(Vec<(String, String)>);

impl Query {
    pub(crate) fn of(raw: Option<&str>) -> Self {
        Self(url::form_urlencoded::parse(raw.unwrap_or("").as_bytes()).into_owned().collect())
    }

    /// Refuses unknown names: if a filter were ignored, the answer would contain all rows. A name that ends in `__`
    /// stands for all names with that beginning.
    pub(crate) fn only(self, names: &[&str]) -> Result<Self, FieldErrors> {
        let known = |given: &str| {
            let given = given.strip_suffix("[]").unwrap_or(given);
            names.iter().any(|name| given == *name || (name.ends_with("__") && given.starts_with(name)))
        };
        let Some((unknown, _)) = self.0.iter().find(|(given, _)| !known(given)) else { return Ok(self) };
        let words = match nearest(unknown, names) {
            Some(meant) => format!("This list has no such filter: did you mean {meant}?"),
            None if names.is_empty() => "This list has no filters.".to_owned(),
            None => format!("This list has no such filter. The filters are: {}.", names.join(", ")),
        };
        Err(FieldErrors::one(unknown, words))
    }

    /// The same with the parameters of a documented type, so that exactly these are accepted, and with a prefix of others.
    pub(crate) fn of_type<T: IntoParams>(
        raw: Option<&str>,
        prefix: Option<&str>,
    ) -> Result<Self, FieldErrors> {
        let names: Vec<_> = T::into_params(|| None).into_iter().map(|parameter| parameter.name).collect();
        Self::of(raw).only(&names.iter().map(String::as_str).chain(prefix).collect::<Vec<_>>())
    }

    /// Every value of a name; the name may be written with `[]`.
    fn all<'a>(&'a self, name: &'a str) -> impl Iterator<Item = &'a str> {
        let named = move |given: &str| given.strip_suffix("[]").unwrap_or(given) == name;
        self.0.iter().filter(move |(given, _)| named(given)).map(|(_, value)| value.as_str())
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
        self.0.iter().filter_map(move |(name, value)| Some((name.strip_prefix(prefix)?, value.as_str())))
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
            .extend_pairs(self.0.iter().filter(|(given, _)| given != name))
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

/// The requested page of a list with cursors. `P` is a row's place in the list.
pub(crate) struct Wanted<P> {
    /// The field that the list is sorted by.
    pub(crate) field: &'static str,
    /// The order in the list itself.
    order: Order,
    cursor: Option<(Way, P)>,
}

/// Which way to read from a cursor's place.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Way {
    On,
    Back,
}

impl Way {
    const fn as_str(self) -> &'static str {
        match self {
            Self::On => "on",
            Self::Back => "back",
        }
    }
}

impl<P: FromStr + Display> Wanted<P> {
    /// The order in which to read the rows: a previous page is read backwards.
    pub(crate) fn order(&self) -> Order {
        match self.cursor {
            Some((Way::Back, _)) => self.order.reversed(),
            _ => self.order,
        }
    }

    /// The place after which to read, in that order.
    pub(crate) fn beyond(&self) -> Option<&P> {
        self.cursor.as_ref().map(|(_, place)| place)
    }

    /// The answer. `rows` has one more than a page, if there are more.
    pub(crate) fn answer<R, T>(
        &self,
        (query, broker, path): (&Query, &Broker, &str),
        mut rows: Vec<R>,
        place: impl Fn(&R) -> P,
        shown: impl Fn(&R) -> Result<T, ApiError>,
    ) -> Result<Page<T>, ApiError> {
        let whole = usize::try_from(PAGE_SIZE).expect("a small number");
        let more = rows.len() > whole;
        rows.truncate(whole);
        let back = matches!(self.cursor, Some((Way::Back, _)));
        if back {
            rows.reverse();
        }
        // There are rows on the side that the cursor came from.
        let (before, after) = if back { (more, true) } else { (self.cursor.is_some(), more) };
        let at = |row: Option<&R>, way| {
            let cursor = BASE64_URL_SAFE_NO_PAD.encode(self.written(way, &place(row?)));
            Some(query.with(broker, path, "cursor", &cursor).to_string())
        };
        let next = at(rows.last().filter(|_| after), Way::On);
        let previous = at(rows.first().filter(|_| before), Way::Back);
        let results = rows.iter().map(shown).collect::<Result<Vec<_>, _>>()?;
        Ok(Page { next, previous, results })
    }

    /// The text of a cursor: its ordering, direction and place.
    fn written(&self, way: Way, place: &P) -> String {
        let sign = match self.order {
            Order::Ascending => "",
            Order::Descending => "-",
        };
        format!("{sign}{}.{}.{place}", self.field, way.as_str())
    }

    /// `None` if this list never issued such a cursor.
    fn read(&self, text: &str) -> Option<(Way, P)> {
        let (_, place) = text.split_once('.')?.1.split_once('.')?;
        let place = place.parse().ok()?;
        [Way::On, Way::Back]
            .into_iter()
            .find(|way| self.written(*way, &place) == text)
            .map(|way| (way, place))
    }
}

impl Wanted<Place> {
    /// The same for the store.
    pub(crate) fn page(&self) -> store::Page {
        let most = u32::try_from(PAGE_SIZE + 1).expect("a small number");
        store::Page { order: self.order(), after: self.beyond().cloned(), most }
    }
}

/// A page of a list that continues at a place of its own type.
pub(crate) fn page_with_next<T>(next: Option<String>, results: Vec<T>) -> Page<T> {
    Page { next, previous: None, results }
}

/// A list that fits on one page, in the shape of the v2 resources.
pub(crate) fn single_page<T>(results: Vec<T>) -> Page<T> {
    Page { next: None, previous: None, results }
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
