//! Pagination of lists.

use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use super::error::RestError;
use crate::jwt;

/// Lifetime of a `next_page_token` (D).
const TOKEN_LIFE: SignedDuration = SignedDuration::from_mins(15);
/// Bounds of `page_size`, and its default (D).
const SIZES: std::ops::RangeInclusive<usize> = 1..=300;
const DEFAULT_SIZE: usize = 30;

/// The pagination parameters of a query. They are text, so that a bad number gets an error of this API.
#[derive(Debug, Deserialize)]
pub(super) struct QueryParams {
    page_size: Option<String>,
    next_page_token: Option<String>,
}

/// Content of a `next_page_token`; opaque at Zoom (ours). It names the last row of the page, so that rows added or removed
/// meanwhile neither repeat nor hide another row.
#[derive(Clone, Debug, Serialize, Deserialize)]
struct Bookmark {
    list: String,
    after: String,
    exp: i64,
}

/// A page of a list.
pub(super) struct Page {
    /// Rows per page.
    size: usize,
    list: String,
    after: Option<String>,
}

impl Page {
    /// Reads the parameters. A bookmark is valid only for its own list and for a limited time.
    pub(super) fn read(
        asked: &QueryParams,
        list: String,
        key: &str,
        now: Timestamp,
    ) -> Result<Self, RestError> {
        let size = asked.page_size.as_deref().map_or(Some(DEFAULT_SIZE), |text| text.parse().ok());
        let size = size.filter(|size| SIZES.contains(size));
        let size = size.ok_or(RestError::Validation("The page_size must be between 1 and 300."))?;
        let token = asked.next_page_token.as_deref().filter(|token| !token.is_empty());
        let Some(token) = token else { return Ok(Self { size, list, after: None }) };
        let bookmark = jwt::read::<Bookmark>(token, key);
        let bookmark = bookmark.filter(|mark| mark.list == list && now.as_second() < mark.exp);
        let bookmark = bookmark.ok_or(RestError::Validation("The next page token is invalid or expired."))?;
        Ok(Self { size, list, after: Some(bookmark.after) })
    }

    /// The page of `rows`, which must be in the order of their keys, under the name `of`.
    pub(super) fn show<R>(
        &self,
        of: &str,
        rows: &[(String, R)],
        row: impl Fn(&R) -> Value,
        key: &str,
        now: Timestamp,
    ) -> Value {
        let rest = rows.iter().filter(|(id, _)| self.after.as_ref().is_none_or(|after| id > after));
        let shown: Vec<&(String, R)> = rest.clone().take(self.size).collect();
        let last = shown.last().filter(|_| rest.count() > shown.len());
        let next = last.map(|(after, _)| Bookmark {
            list: self.list.clone(),
            after: after.clone(),
            exp: (now + TOKEN_LIFE).as_second(),
        });
        json!({
            "page_size": self.size,
            "page_count": rows.len().div_ceil(self.size),
            "page_number": 1,
            "total_records": rows.len(),
            "next_page_token": next.map(|mark| jwt::sign(&mark, key)).unwrap_or_default(),
            of: shown.into_iter().map(|(_, shown)| row(shown)).collect::<Vec<_>>(),
        })
    }
}
