//! The current problems of this server, for `/readyz`.

use std::{
    collections::BTreeMap,
    sync::{Arc, Mutex, PoisonError},
};

use serde::Serialize;

use crate::Timestamp;

/// How severe a [`Problem`] is, in ascending order.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, utoipa::ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum Severity {
    /// Everything works, but an operator should know.
    Warning,
    /// Something doesn't work. Tokens are still given.
    Degraded,
    /// This server cannot give tokens: a load balancer should use another one.
    Failing,
}

/// A problem.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Problem {
    /// The severity.
    pub severity: Severity,
    /// What happened. It contains no secret: `/readyz` is public.
    pub cause: String,
    /// What doesn't work because of it, and what a person should do.
    pub consequence: String,
}

/// The state of one dependency of this server.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Finding {
    /// Its name, one word.
    pub name: &'static str,
    /// Whether it is fine.
    pub ok: bool,
    /// The time of the first check with this result.
    pub since: Timestamp,
    /// The problem.
    #[serde(flatten)]
    pub problem: Option<Problem>,
}

/// The findings of one process. Clones share one registry.
///
/// To add a finding, call [`report`](Self::report) with its own name: once at the start if it never
/// changes, otherwise at each check. `/readyz` and `/metrics` show all findings.
#[derive(Debug, Clone, Default)]
pub struct Health(Arc<Mutex<BTreeMap<&'static str, Finding>>>);

impl Health {
    /// Records the current state of `name`. Returns since when it is in this state.
    pub fn report(&self, name: &'static str, problem: Option<Problem>, now: Timestamp) -> Timestamp {
        let mut findings = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let ok = problem.is_none();
        let before = findings.get(name).filter(|before| before.ok == ok);
        let since = before.map_or(now, |before| before.since);
        findings.insert(name, Finding { name, ok, since, problem });
        since
    }

    /// All findings, sorted by name.
    pub fn findings(&self) -> Vec<Finding> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).values().cloned().collect()
    }

    /// The most severe problem; `None` when there is none.
    pub fn worst(&self) -> Option<Severity> {
        let findings = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        findings.values().filter_map(|finding| Some(finding.problem.as_ref()?.severity)).max()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn problem(severity: Severity) -> Problem {
        Problem { severity, cause: "the cause".into(), consequence: "nothing works".into() }
    }

    #[test]
    fn a_problem_has_the_time_of_its_first_report() {
        let (health, at) = (Health::default(), Timestamp::from_second);
        assert_eq!(health.report("disk", Some(problem(Severity::Warning)), at(1)), at(1));
        assert_eq!(
            health.report("disk", Some(problem(Severity::Failing)), at(2)),
            at(1),
            "its severity changed only"
        );
        assert_eq!(health.report("disk", None, at(3)), at(3));
        assert_eq!(health.report("disk", Some(problem(Severity::Failing)), at(4)), at(4));
    }

    #[test]
    fn the_worst_problem_decides() {
        let (health, now) = (Health::default(), Timestamp::from_second(1));
        health.report("a", None, now);
        assert_eq!(health.worst(), None);
        health.report("b", Some(problem(Severity::Failing)), now);
        health.report("c", Some(problem(Severity::Degraded)), now);
        assert_eq!(health.worst(), Some(Severity::Failing));
    }
}
