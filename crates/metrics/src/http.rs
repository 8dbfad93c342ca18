//! Metrics of HTTP requests.

use std::time::Duration;

use model::Code;

use prometheus_client::{
    metrics::{
        counter::Counter,
        family::Family,
        histogram::{Histogram, exponential_buckets},
    },
    registry::Registry,
};

use crate::{Labels, Metrics, registered};

/// Methods that have their own label value. All others are counted as `other`, because callers may send any text.
const METHODS: [&str; 7] = ["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"];

type HttpLabels<const N: usize> = [(&'static str, String); N];

pub(crate) struct HttpSeries {
    requests: Family<HttpLabels<3>, Counter>,
    seconds: Family<HttpLabels<2>, Histogram, fn() -> Histogram>,
    link_requests: Family<Labels<1>, Counter>,
    /// The counter of successful link requests. It is cached, because looking up a series by its label costs more than
    /// counting.
    links_answered: Counter,
    link_seconds: Histogram,
}

impl HttpSeries {
    pub(crate) fn registered(registry: &mut Registry) -> Self {
        let buckets: fn() -> Histogram = || Histogram::new(exponential_buckets(0.001, 4.0, 8));
        let seconds = Family::new_with_constructor(buckets);
        registry.register("http_request_seconds", "How long requests took", seconds.clone());
        let link_requests: Family<Labels<1>, Counter> =
            registered(registry, "link_requests", "Requests to token links");
        for code in Code::ALL {
            link_requests.get_or_create(&outcome(code.as_str())).inc_by(0);
        }
        let link_seconds = Histogram::new(exponential_buckets(0.000_25, 4.0, 8));
        registry.register(
            "link_request_seconds",
            "How long requests to token links took",
            link_seconds.clone(),
        );
        let links_answered = link_requests.get_or_create(&outcome("answered")).clone();
        let series = Self {
            requests: registered(registry, "http_requests", "HTTP requests"),
            seconds,
            links_answered,
            link_requests,
            link_seconds,
        };
        series.requests.get_or_create(&labels("GET", "/metrics", 200)).inc_by(0);
        drop(series.seconds.get_or_create(&place("GET", "/metrics")));
        series
    }
}

impl Metrics {
    /// Counts a request. `route` is the route's template and never a path, because paths contain ids and secrets.
    pub fn http_request(&self, method: &str, route: &str, status: u16, took: Duration) {
        let series = &self.0.http;
        series.requests.get_or_create(&labels(method, route, status)).inc();
        series.seconds.get_or_create(&place(method, route)).observe(took.as_secs_f64());
    }

    /// Counts a request to a token link.
    pub fn link_request(&self, result: LinkOutcome, took: Duration) {
        let series = &self.0.http;
        match result {
            LinkOutcome::Answered => series.links_answered.inc(),
            LinkOutcome::Refused(code) => series.link_requests.get_or_create(&outcome(code.as_str())).inc(),
            LinkOutcome::Other => series.link_requests.get_or_create(&outcome("other")).inc(),
        };
        series.link_seconds.observe(took.as_secs_f64());
    }
}

/// The outcome of a request to a token link.
#[derive(Debug, Clone, Copy)]
pub enum LinkOutcome {
    /// The request succeeded.
    Answered,
    /// The request was refused with this code.
    Refused(Code),
    /// The request is not supported by a link, for example because of its method.
    Other,
}

fn outcome(word: &'static str) -> Labels<1> {
    [("outcome", word)]
}

fn place(method: &str, route: &str) -> HttpLabels<2> {
    let method = METHODS.into_iter().find(|known| *known == method).unwrap_or("other");
    [("method", method.to_owned()), ("route", route.to_owned())]
}

fn labels(method: &str, route: &str, status: u16) -> HttpLabels<3> {
    let [method, route] = place(method, route);
    [method, route, ("status", status.to_string())]
}
