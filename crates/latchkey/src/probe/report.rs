//! The report of a probe. It can be sent to others: it contains no tokens, ids or addresses of persons.

use model::{Secret, Timestamp};
use serde_json::{Value, json};

use super::{behaviours::BEHAVIOURS, not_tried::not_tried};

/// The result for one behaviour.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Verdict {
    Confirmed,
    Refuted,
    /// It could not be tested, or the answer is inconclusive.
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
    /// Texts that must not be in the report.
    secrets: Vec<Secret>,
}

impl Report {
    /// Records a result. `observed` may contain texts from Zoom's answers.
    pub(super) fn note(&mut self, id: &'static str, verdict: Verdict, observed: impl Into<String>) {
        debug_assert!(BEHAVIOURS.iter().any(|behaviour| behaviour.id == id), "{id} must be in the table");
        let observed = observed.into();
        eprintln!("{:<9} {id}: {}", verdict.as_str(), self.clean(&observed));
        self.found.push((id, verdict, observed));
    }

    /// Records a result that is either confirmed or refuted.
    pub(super) fn judge(&mut self, id: &'static str, as_expected: bool, observed: impl Into<String>) {
        self.note(id, if as_expected { Verdict::Confirmed } else { Verdict::Refuted }, observed);
    }

    /// Masks a secret, or a text that identifies a person, in the report.
    pub(super) fn hide(&mut self, secret: &str) {
        if secret.len() >= 4 {
            self.secrets.push(Secret::new(secret));
        }
    }

    /// Whether a result was recorded.
    pub(super) fn has(&self, id: &str) -> bool {
        self.found.iter().any(|(found, ..)| *found == id)
    }

    /// The number of behaviours with this verdict.
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
    fn hidden_texts_are_masked_in_the_report() {
        let mut report = Report::default();
        report.hide("planted@example.test");
        report.note("me.answer", Verdict::Confirmed, "User does not exist: planted@example.test.");
        let text = report.json("https://zoom.us", Timestamp::from_second(0)).to_string();
        assert!(!text.contains("planted") && text.contains("does not exist: ********."), "{text}");
        assert_eq!(text.matches("\"not reached\"").count(), BEHAVIOURS.len() - 1);
    }
}
