//! Metrics of Zoom's rate limits: turns that calls wait for, and limits that Zoom's responses name.

use prometheus_client::{
    metrics::{counter::Counter, family::Family, gauge::Gauge},
    registry::Registry,
};
use zoom::{Label, Plan};

use crate::{Labels, Metrics, registered};

/// The values of the label `limit`: the rate limit labels of the REST API, the token endpoint, and installs.
const LIMITS: [&str; 5] = ["light", "medium", "heavy", "tokens", "installs"];

/// The outcome of a request for a turn, which a call to Zoom needs.
#[derive(Debug, Clone, Copy)]
pub enum TurnOutcome {
    /// The turn was available at once.
    AtOnce,
    /// The turn was available in time.
    Waited,
    /// The turn would have been available too late.
    TurnedAway,
}

impl TurnOutcome {
    const ALL: [Self; 3] = [Self::AtOnce, Self::Waited, Self::TurnedAway];

    const fn as_str(self) -> &'static str {
        match self {
            Self::AtOnce => "at_once",
            Self::Waited => "waited",
            Self::TurnedAway => "turned_away",
        }
    }
}

pub(crate) struct LimitSeries {
    turns: Family<Labels<2>, Counter>,
    waiting: Family<Labels<1>, Gauge>,
    learned: Family<Labels<2>, Counter>,
    hits: Family<Labels<1>, Counter>,
}

impl LimitSeries {
    pub(crate) fn registered(registry: &mut Registry) -> Self {
        let series = Self {
            turns: registered(
                registry,
                "zoom_turns",
                "Requests for a turn, which a call to Zoom needs, by the outcome",
            ),
            waiting: registered(registry, "zoom_turns_waiting", "Calls to Zoom that wait for a turn"),
            learned: registered(
                registry,
                "zoom_limits_learned",
                "Responses of Zoom that named a new limit of an account, by the plan that has this limit",
            ),
            hits: registered(registry, "zoom_limit_hits", "Calls that Zoom refused because of a rate limit"),
        };
        for limit in LIMITS {
            for outcome in TurnOutcome::ALL {
                series.turns(limit, outcome).inc_by(0);
            }
            series.waiting.get_or_create(&[("limit", limit)]).inc_by(0);
            series.hits.get_or_create(&[("limit", limit)]).inc_by(0);
        }
        for label in Label::ALL {
            for plan in Plan::ALL {
                series.learned(label, plan).inc_by(0);
            }
        }
        series
    }

    fn turns(&self, limit: &'static str, outcome: TurnOutcome) -> Counter {
        self.turns.get_or_create(&[("limit", limit), ("outcome", outcome.as_str())]).clone()
    }

    fn learned(&self, label: Label, plan: Plan) -> Counter {
        self.learned.get_or_create(&[("limit", label.as_str()), ("plan", plan.as_str())]).clone()
    }
}

impl Metrics {
    /// Counts a request for a turn.
    pub fn turn(&self, limit: &'static str, outcome: TurnOutcome) {
        self.0.limits.turns(limit, outcome).inc();
    }

    /// Adds to the number of calls that wait for a turn.
    pub fn turn_waiting(&self, limit: &'static str, more: i64) {
        self.0.limits.waiting.get_or_create(&[("limit", limit)]).inc_by(more);
    }

    /// Counts a response of Zoom that named a new limit of an account.
    pub fn limit_learned(&self, label: Label, per_second: u32) {
        self.0.limits.learned(label, label.plan(per_second)).inc();
    }

    /// Counts a call that Zoom refused because of a rate limit.
    pub fn limit_hit(&self, limit: &'static str) {
        self.0.limits.hits.get_or_create(&[("limit", limit)]).inc();
    }
}
