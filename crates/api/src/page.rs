//! Lists in pages.

use broker::Broker;
use serde_json::{Value, json};
use url::Url;

use crate::error::ApiError;

/// Rows on a page of a list.
pub(crate) const PAGE_SIZE: u64 = 100;

/// A request's query, read as pairs: the same name may come several times.
pub(crate) struct Query(Vec<(String, String)>);

impl Query {
    pub(crate) fn of(raw: Option<&str>) -> Self {
        Self(url::form_urlencoded::parse(raw.unwrap_or("").as_bytes()).into_owned().collect())
    }

    /// Every value of a name, which may be written with `[]`.
    fn all<'a>(&'a self, name: &'a str) -> impl Iterator<Item = &'a str> {
        let named = move |given: &str| given.strip_suffix("[]").unwrap_or(given) == name;
        self.0.iter().filter(move |(given, _)| named(given)).map(|(_, value)| value.as_str())
    }

    /// Every word of a list, written `name=a&name=b` or `name=a,b`.
    pub(crate) fn list<'a>(&'a self, name: &'a str) -> impl Iterator<Item = &'a str> {
        self.all(name).flat_map(|value| value.split(',')).map(str::trim).filter(|word| !word.is_empty())
    }

    /// Those of `rows` that agree with the query in these fields.
    pub(crate) fn agreeing(&self, rows: impl Iterator<Item = Value>, fields: &[&str]) -> Vec<Value> {
        let agrees = |row: &Value| {
            fields
                .iter()
                .all(|field| self.get(field).is_none_or(|wanted| row[field].as_str() == Some(wanted)))
        };
        rows.filter(agrees).collect()
    }

    pub(crate) fn get<'a>(&'a self, name: &'a str) -> Option<&'a str> {
        self.all(name).last().filter(|value| !value.is_empty())
    }

    /// Names that begin with `prefix`, without it.
    pub(crate) fn prefixed<'a>(&'a self, prefix: &'a str) -> impl Iterator<Item = (&'a str, &'a str)> {
        self.0.iter().filter_map(move |(name, value)| Some((name.strip_prefix(prefix)?, value.as_str())))
    }

    /// Which page is asked for, from 0.
    pub(crate) fn page(&self) -> Result<u64, ApiError> {
        let page = self.get("page").unwrap_or("1").parse::<u64>().ok();
        page.and_then(|page| page.checked_sub(1)).ok_or(ApiError::InvalidPage)
    }

    /// The same question with `name` set to `value`, as a full URL: clients follow it as it is.
    pub(crate) fn with(&self, broker: &Broker, path: &str, name: &str, value: &str) -> Url {
        let mut url = broker.public_base().clone();
        url.set_path(&format!("{}{path}", url.path().trim_end_matches('/')));
        url.query_pairs_mut()
            .extend_pairs(self.0.iter().filter(|(given, _)| given != name))
            .append_pair(name, value);
        url
    }

    fn at_page(&self, broker: &Broker, path: &str, page: u64) -> Url {
        self.with(broker, path, "page", &(page + 1).to_string())
    }

    /// The answer: a page of `count` rows in all.
    pub(crate) fn answer(
        &self,
        broker: &Broker,
        path: &str,
        (page, count): (u64, u64),
        results: &[Value],
    ) -> Result<Value, ApiError> {
        if page > 0 && results.is_empty() {
            return Err(ApiError::InvalidPage);
        }
        let next = (page + 1).saturating_mul(PAGE_SIZE) < count;
        Ok(json!({
            "count": count,
            "next": next.then(|| self.at_page(broker, path, page + 1).to_string()),
            "previous": page.checked_sub(1).map(|page| self.at_page(broker, path, page).to_string()),
            "results": results,
        }))
    }
}

/// A list that fits on one page, in the shape of the v2 resources.
pub(crate) fn single_page(results: &[Value]) -> Value {
    json!({ "next": null, "previous": null, "results": results })
}
