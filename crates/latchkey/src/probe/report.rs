//! What a probe found, in a form that can be sent to others: no token, no id, no address of a person.

use model::{Secret, Timestamp};
use serde_json::{Value, json};

use super::{behaviours::BEHAVIOURS, not_tried::not_tried};

/// What became of one behaviour.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Verdict {
    Confirmed,
    Refuted,
    /// It could not be tried, or the answer says neither.
    Unclear,
}

impl Verdict {
    const fn as_str(self) -> &'static str {
        match self {
            Self::Confirmed => "confirmed",
            Self::Refuted => "refuted",
            Self::Unclear => "unclear",
        }
    }
}

/// The findings so far.
#[derive(Default)]
pub(super) struct Report {
    found: Vec<(&'static str, Verdict, String)>,
    /// What must not be in the report.
    secrets: Vec<Secret>,
}

impl Report {
    /// Notes what was seen. `observed` may hold words of Zoom's answers.
    pub(super) fn note(&mut self, id: &'static str, verdict: Verdict, observed: impl Into<String>) {
        debug_assert!(BEHAVIOURS.iter().any(|behaviour| behaviour.id == id), "{id} is in the table");
        let observed = observed.into();
        eprintln!("{:<9} {id}: {}", verdict.as_str(), self.clean(&observed));
        self.found.push((id, verdict, observed));
    }

    /// The same for what is either so or not.
    pub(super) fn judge(&mut self, id: &'static str, as_expected: bool, observed: impl Into<String>) {
        self.note(id, if as_expected { Verdict::Confirmed } else { Verdict::Refuted }, observed);
    }

    /// Keeps a secret, or what names a person, out of the report.
    pub(super) fn hide(&mut self, secret: &str) {
        if secret.len() >= 4 {
            self.secrets.push(Secret::new(secret));
        }
    }

    /// Whether it has been noted.
    pub(super) fn has(&self, id: &str) -> bool {
        self.found.iter().any(|(found, ..)| *found == id)
    }

    /// How many have this verdict.
    pub(super) fn count(&self, verdict: Verdict) -> usize {
        self.found.iter().filter(|(_, found, _)| *found == verdict).count()
    }

    /// The report as JSON: every behaviour of the table, in its order.
    pub(super) fn json(&self, zoom: &str, at: Timestamp) -> Value {
        let behaviours = BEHAVIOURS.iter().map(|behaviour| {
            let found = self.found.iter().find(|(id, ..)| *id == behaviour.id);
            let (verdict, observed) = found
                .map_or(("unclear", "not reached".to_owned()), |(_, verdict, observed)| {
                    (verdict.as_str(), self.clean(observed))
                });
            json!({ "id": behaviour.id, "simulator": behaviour.mark, "expected": behaviour.expected,
                    "verdict": verdict, "observed": observed })
        });
        json!({
            "format": 1,
            "latchkey": env!("CARGO_PKG_VERSION"),
            "zoom": zoom,
            "at": at,
            "behaviours": behaviours.collect::<Vec<_>>(),
            "not_tried": not_tried(),
        })
    }

    fn clean(&self, text: &str) -> String {
        let struck = |text: String, secret: &Secret| text.replace(secret.expose(), "********");
        self.secrets.iter().fold(text.to_owned(), struck)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_hidden_is_in_no_report() {
        let mut report = Report::default();
        report.hide("planted@example.test");
        report.note("me.answer", Verdict::Confirmed, "User does not exist: planted@example.test.");
        let text = report.json("https://zoom.us", Timestamp::from_second(0)).to_string();
        assert!(!text.contains("planted") && text.contains("does not exist: ********."), "{text}");
        assert_eq!(text.matches("\"not reached\"").count(), BEHAVIOURS.len() - 1);
    }
}
