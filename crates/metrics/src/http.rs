//! What callers ask over HTTP.

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

/// Methods that routes know. Any other is the caller's invention.
const METHODS: [&str; 7] = ["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"];

type HttpLabels<const N: usize> = [(&'static str, String); N];

pub(crate) struct HttpSeries {
    requests: Family<HttpLabels<3>, Counter>,
    seconds: Family<HttpLabels<2>, Histogram, fn() -> Histogram>,
    link_requests: Family<Labels<1>, Counter>,
    /// Of these, those that were answered: looking a series up by its label costs more than counting.
    links_answered: Counter,
    link_seconds: Histogram,
}

impl HttpSeries {
    pub(crate) fn registered(registry: &mut Registry) -> Self {
        let buckets: fn() -> Histogram = || Histogram::new(exponential_buckets(0.001, 4.0, 8));
        let seconds = Family::new_with_constructor(buckets);
        registry.register("http_request_seconds", "How long requests took to be answered", seconds.clone());
        let link_requests: Family<Labels<1>, Counter> =
            registered(registry, "link_requests", "Requests to token links");
        for code in Code::ALL {
            link_requests.get_or_create(&outcome(code.as_str())).inc_by(0);
        }
        let link_seconds = Histogram::new(exponential_buckets(0.000_25, 4.0, 8));
        registry.register(
            "link_request_seconds",
            "How long requests to token links took to be answered",
            link_seconds.clone(),
        );
        let links_answered = link_requests.get_or_create(&outcome("answered")).clone();
        let series = Self {
            requests: registered(registry, "http_requests", "Requests that were answered"),
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
    /// A request was answered. `route` is the route's template, never a path: paths hold ids and secrets.
    pub fn http_request(&self, method: &str, route: &str, status: u16, took: Duration) {
        let series = &self.0.http;
        series.requests.get_or_create(&labels(method, route, status)).inc();
        series.seconds.get_or_create(&place(method, route)).observe(took.as_secs_f64());
    }

    /// A request to a token link was answered.
    pub fn link_request(&self, came_of_it: LinkOutcome, took: Duration) {
        let series = &self.0.http;
        match came_of_it {
            LinkOutcome::Answered => series.links_answered.inc(),
            LinkOutcome::Refused(code) => series.link_requests.get_or_create(&outcome(code.as_str())).inc(),
            LinkOutcome::Other => series.link_requests.get_or_create(&outcome("other")).inc(),
        };
        series.link_seconds.observe(took.as_secs_f64());
    }
}

/// What came of a request to a token link.
#[derive(Debug, Clone, Copy)]
pub enum LinkOutcome {
    /// It got what it asked for.
    Answered,
    /// It was refused.
    Refused(Code),
    /// It was not one that a link takes: another method, say.
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
