//! Zoom's REST rate limits, by plan and label. An account's limits are shared by all of its apps.

use serde::{Deserialize, Deserializer, Serialize};
use serde_json::{Value, json};

use crate::clock::{Clock, Moment};
use crate::ids::{AccountId, UserId};
use crate::too_many_requests::{Headroom, PerDay, PerSecond};
use crate::world::World;
use crate::world::user::Plan;

/// Zoom's rate limit label of a call (D). No simulated call is Heavy or Resource-intensive.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) enum Label {
    Light,
    Medium,
}

impl Label {
    /// The value in `X-RateLimit-Category`.
    fn category(self) -> &'static str {
        match self {
            Self::Light => "Light",
            Self::Medium => "Medium",
        }
    }
}

/// An account's limits for one label; `null` is no limit.
#[derive(Clone, Copy, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Limit {
    /// Calls per second of real time, independent of Zoom's clock: callers pace themselves by it.
    per_second: Option<u32>,
    /// Calls per day of Zoom's time, from midnight UTC.
    per_day: Option<u32>,
}

/// The limits of a plan.
#[derive(Clone, Copy, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct OfPlan {
    light: Limit,
    medium: Limit,
}

/// The limits of all plans. Missing values are those that Zoom publishes (D): `{}` is the published set.
#[derive(Clone, Copy, Debug, Serialize)]
pub(crate) struct Limits {
    free: OfPlan,
    pro: OfPlan,
    business: OfPlan,
    /// Meetings created and changed for one host.
    meeting_writes_per_day: Option<u32>,
}

impl Limits {
    fn published() -> Value {
        json!({
            "free": {
                "light": {"per_second": 4, "per_day": 6_000},
                "medium": {"per_second": 2, "per_day": 2_000},
            },
            "pro": {
                "light": {"per_second": 30, "per_day": null},
                "medium": {"per_second": 20, "per_day": null},
            },
            "business": {
                "light": {"per_second": 80, "per_day": null},
                "medium": {"per_second": 60, "per_day": null},
            },
            "meeting_writes_per_day": 100,
        })
    }

    fn of(&self, plan: Plan, label: Label) -> Limit {
        let plan = match plan {
            Plan::Basic => &self.free,
            Plan::Pro => &self.pro,
            Plan::Business | Plan::Education | Plan::Enterprise => &self.business,
        };
        match label {
            Label::Light => plan.light,
            Label::Medium => plan.medium,
        }
    }
}

impl<'de> Deserialize<'de> for Limits {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        #[derive(Deserialize)]
        #[serde(deny_unknown_fields)]
        struct Whole {
            free: OfPlan,
            pro: OfPlan,
            business: OfPlan,
            meeting_writes_per_day: Option<u32>,
        }
        let mut limits = Self::published();
        merge(&mut limits, Value::deserialize(deserializer)?);
        let whole: Whole = serde_json::from_value(limits).map_err(serde::de::Error::custom)?;
        let Whole { free, pro, business, meeting_writes_per_day } = whole;
        Ok(Self { free, pro, business, meeting_writes_per_day })
    }
}

/// Merges `patch` into `base`, object by object.
fn merge(base: &mut Value, patch: Value) {
    match (base, patch) {
        (Value::Object(base), Value::Object(patch)) => {
            for (name, value) in patch {
                merge(base.entry(name).or_insert(Value::Null), value);
            }
        }
        (base, patch) => *base = patch,
    }
}

/// Recent use of the limits.
#[derive(Debug, Default)]
pub(crate) struct Used {
    seconds: PerSecond<(AccountId, Label)>,
    days: PerDay<(AccountId, Label)>,
    writes: PerDay<UserId>,
}

impl World {
    /// Counts one more call of an account. `Ok` is the remaining headroom if a limit is set; `Err` is a limit that was
    /// reached.
    pub(crate) fn count_call(
        &mut self,
        account: &AccountId,
        label: Label,
        at: Moment,
    ) -> Result<Option<Headroom>, Headroom> {
        let Some(limits) = self.switches.rest_limits else { return Ok(None) };
        let limit = limits.of(self.plan_of(account), label);
        let (who, category) = ((account.clone(), label), label.category());
        let mut left = None;
        if let Some(limit) = limit.per_day {
            let remaining = self.rest_used.days.admit(who.clone(), limit, at.now);
            let headroom = |remaining| Headroom::per_day(category, Some(limit), remaining, at.now);
            left = Some(headroom(remaining.ok_or_else(|| headroom(0))?));
        }
        if let Some(limit) = limit.per_second {
            let remaining = self.rest_used.seconds.admit(who, limit, Clock::real_unix_ms());
            let headroom = |remaining| Headroom::per_second(category, Some(limit), remaining, at.now);
            left = Some(headroom(remaining.ok_or_else(|| headroom(0))?));
        }
        Ok(left)
    }

    /// Counts one more creation or change of a meeting of `host`; returns false if the limit is exceeded.
    pub(crate) fn count_write(&mut self, host: &UserId, at: Moment) -> bool {
        let limit = self.switches.rest_limits.and_then(|limits| limits.meeting_writes_per_day);
        limit.is_none_or(|limit| self.rest_used.writes.admit(host.clone(), limit, at.now).is_some())
    }

    /// The plan of an account: the best among its users (ours).
    pub(crate) fn plan_of(&self, account: &AccountId) -> Plan {
        let users = self.users.iter().filter(|user| user.account_id == *account);
        users.map(|user| user.plan).max().unwrap_or_default()
    }
}
