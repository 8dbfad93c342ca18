//! Lists that are returned in pages.

use std::{fmt::Display, str::FromStr};

use base64::{Engine as _, prelude::BASE64_URL_SAFE_NO_PAD};
use broker::Broker;
use serde::Serialize;
use store::{Order, Place};
use utoipa::ToSchema;

use crate::{error::ApiError, query::Query};

/// Rows on one page.
pub(crate) const PAGE_SIZE: u64 = 100;

/// A page of a list with cursors. Follow `next` unchanged.
#[derive(Serialize, ToSchema)]
pub(crate) struct Page<T> {
    /// The address of the next page.
    #[schema(required)]
    pub(crate) next: Option<String>,
    /// The address of the previous page.
    #[schema(required)]
    pub(crate) previous: Option<String>,
    pub(crate) results: Vec<T>,
}

/// A page of a list that has a total count.
#[derive(Serialize, ToSchema)]
pub(crate) struct CountedPage<T> {
    /// Rows in the whole list.
    pub(crate) count: u64,
    /// The address of the next page.
    #[schema(required)]
    pub(crate) next: Option<String>,
    /// The address of the previous page.
    #[schema(required)]
    pub(crate) previous: Option<String>,
    pub(crate) results: Vec<T>,
}

/// The requested page of a list with cursors. `P` is a row's place in the list.
pub(crate) struct Wanted<P> {
    /// The field that the list is sorted by.
    pub(crate) field: &'static str,
    /// The order in the list itself.
    pub(crate) order: Order,
    pub(crate) cursor: Option<(Way, P)>,
}

/// Which way to read from a cursor's place.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Way {
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
    pub(crate) fn read(&self, text: &str) -> Option<(Way, P)> {
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
