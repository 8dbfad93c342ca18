//! Findings of the doctor, and how they are printed.

use serde::Serialize;
use serde_json::json;

/// Result of one check.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum State {
    /// As it should be.
    Ok,
    /// It works, but is probably not intended, or will soon stop working.
    Warning,
    /// Something does not work because of it.
    Fault,
    /// It was not checked; `found` has the reason.
    Skipped,
}

/// One finding.
#[derive(Debug, Serialize)]
pub(super) struct Finding {
    /// The check; a stable name for programs.
    pub(super) check: &'static str,
    /// Which object, if a check has several: a URL or an id.
    #[serde(skip_serializing_if = "Option::is_none")]
    about: Option<String>,
    pub(super) state: State,
    found: String,
    /// The consequence.
    #[serde(skip_serializing_if = "Option::is_none")]
    why: Option<&'static str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    fix: Option<String>,
}

impl Finding {
    pub(super) fn ok(check: &'static str, found: impl Into<String>) -> Self {
        Self { check, about: None, state: State::Ok, found: found.into(), why: None, fix: None }
    }

    pub(super) fn skipped(check: &'static str, found: impl Into<String>) -> Self {
        Self { state: State::Skipped, ..Self::ok(check, found) }
    }

    pub(super) fn warning(
        check: &'static str,
        found: impl Into<String>,
        why: &'static str,
        fix: impl Into<String>,
    ) -> Self {
        Self { state: State::Warning, why: Some(why), fix: Some(fix.into()), ..Self::ok(check, found) }
    }

    pub(super) fn fault(
        check: &'static str,
        found: impl Into<String>,
        why: &'static str,
        fix: impl Into<String>,
    ) -> Self {
        Self { state: State::Fault, ..Self::warning(check, found, why, fix) }
    }

    /// Sets the object that the finding is about.
    pub(super) fn about(self, about: impl Into<String>) -> Self {
        Self { about: Some(about.into()), ..self }
    }
}

/// All findings, in the order of the checks.
#[derive(Debug, Default)]
pub(super) struct Report(Vec<Finding>);

impl Report {
    pub(super) fn add(&mut self, finding: Finding) {
        self.0.push(finding);
    }

    pub(super) fn count(&self, state: State) -> usize {
        self.0.iter().filter(|finding| finding.state == state).count()
    }

    pub(super) fn print(&self, as_json: bool) {
        if as_json {
            let healthy = self.count(State::Fault) == 0;
            println!("{:#}", json!({ "healthy": healthy, "findings": self.0 }));
            return;
        }
        let width = self.0.iter().map(|finding| finding.check.len()).max().unwrap_or_default();
        for Finding { check, about, state, found, why, fix } in &self.0 {
            let word = match state {
                State::Ok => "ok",
                State::Warning => "warning",
                State::Fault => "FAULT",
                State::Skipped => "skipped",
            };
            let about = about.as_ref().map(|about| format!("{about}: ")).unwrap_or_default();
            println!("{word:<8} {check:<width$}  {about}{found}");
            for (name, words) in [("why", why.map(str::to_owned)), ("fix", fix.clone())] {
                if let Some(words) = words {
                    println!("{:indent$}{name}: {words}", "", indent = 8 + 1 + width + 2);
                }
            }
        }
    }
}
