//! What this server can't do at the moment, and why: for `/readyz`.

use std::{
    collections::BTreeMap,
    sync::{Arc, Mutex, PoisonError},
};

use serde::Serialize;

use crate::Timestamp;

/// How much a [`Problem`] takes away. In order: the worst comes last.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, utoipa::ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum Severity {
    /// Everything works, and an operator should know this all the same.
    Warning,
    /// Something doesn't work. Tokens are still given.
    Degraded,
    /// This server cannot give a token: a load balancer should ask another one.
    Failing,
}

/// Something that is not as it should be.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Problem {
    /// How bad it is.
    pub severity: Severity,
    /// What happened. It holds no secret: `/readyz` is public.
    pub cause: String,
    /// What can't be done because of it, and what a person should do.
    pub consequence: String,
}

/// How it stands with one thing that this server needs.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Finding {
    /// Which thing, in one word.
    pub name: &'static str,
    /// Whether it is as it should be.
    pub ok: bool,
    /// Since when: the first look that found it so.
    pub since: Timestamp,
    /// What is wrong with it.
    #[serde(flatten)]
    pub problem: Option<Problem>,
}

/// The findings of one process. Cloned freely; all clones are one registry.
///
/// To add a finding, call [`report`](Self::report) with a name of its own: once at the start for what never changes, and
/// at each look for what does. `/readyz` and `/metrics` show whatever was reported.
#[derive(Debug, Clone, Default)]
pub struct Health(Arc<Mutex<BTreeMap<&'static str, Finding>>>);

impl Health {
    /// Notes how it stands with `name` now. Answers since when it has been so.
    pub fn report(&self, name: &'static str, problem: Option<Problem>, now: Timestamp) -> Timestamp {
        let mut findings = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let ok = problem.is_none();
        let before = findings.get(name).filter(|before| before.ok == ok);
        let since = before.map_or(now, |before| before.since);
        findings.insert(name, Finding { name, ok, since, problem });
        since
    }

    /// Every finding, by name.
    pub fn findings(&self) -> Vec<Finding> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).values().cloned().collect()
    }

    /// The worst of all problems; `None` when there is none.
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
    fn a_problem_is_dated_from_its_first_report() {
        let (health, at) = (Health::default(), Timestamp::from_second);
        assert_eq!(health.report("disk", Some(problem(Severity::Warning)), at(1)), at(1));
        assert_eq!(
            health.report("disk", Some(problem(Severity::Failing)), at(2)),
            at(1),
            "it only got worse"
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
