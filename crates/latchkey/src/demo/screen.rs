//! The demo's output for a person.

use std::{fmt::Display, time::Duration};

use comfy_table::{Cell, Color, Table, presets::UTF8_FULL_CONDENSED};
use indicatif::{ProgressBar, ProgressStyle};

use super::report::Report;

/// A spinner with the current step; finished steps stay above it. Without a terminal, plain lines.
pub(super) struct Screen {
    bar: ProgressBar,
}

impl Screen {
    pub(super) fn new() -> Self {
        let bar = ProgressBar::new_spinner();
        let style = ProgressStyle::with_template("{spinner:.cyan} {msg} {elapsed:.dim}");
        bar.set_style(style.unwrap_or_else(|_| ProgressStyle::default_spinner()));
        bar.enable_steady_tick(Duration::from_millis(100));
        Self { bar }
    }

    /// Shows the current step.
    pub(super) fn doing(&self, what: impl Display) {
        self.bar.set_message(what.to_string());
        self.bar.reset_elapsed();
        if self.bar.is_hidden() {
            println!("… {what}");
        }
    }

    /// Reports a successful step.
    pub(super) fn done(&self, what: impl Display) {
        self.say(format!("  ✓ {what}"));
    }

    /// Reports a failed step.
    pub(super) fn missed(&self, what: impl Display) {
        self.say(format!("  ✕ {what}"));
    }

    /// Prints a permanent line.
    pub(super) fn say(&self, line: impl Display) {
        if self.bar.is_hidden() {
            println!("{line}");
        } else {
            self.bar.println(line.to_string());
        }
    }

    /// Prints the final table.
    pub(super) fn table(&self, report: &Report) {
        let mut table = Table::new();
        table.load_style(UTF8_FULL_CONDENSED);
        table.set_header(["step", "", "how it ended", "join request", "inside"]);
        for step in &report.steps {
            let (mark, color) = if step.ok { ("✓", Color::Green) } else { ("✕", Color::Red) };
            let ms = |time: Option<i64>| time.map_or_else(|| "–".to_owned(), |time| format!("{time} ms"));
            let end = match &step.sub_code {
                Some(sub_code) => format!("{} / {sub_code}", step.codes.last().map_or("–", String::as_str)),
                None => step.codes.last().cloned().unwrap_or_else(|| "–".into()),
            };
            table.add_row([
                Cell::new(step.name),
                Cell::new(mark).fg(color),
                Cell::new(end),
                Cell::new(ms(step.create_to_join_request_ms)),
                Cell::new(ms(step.create_to_in_call_ms)),
            ]);
        }
        self.say(table);
    }

    /// Removes the spinner.
    pub(super) fn clear(&self) {
        self.bar.finish_and_clear();
    }
}
