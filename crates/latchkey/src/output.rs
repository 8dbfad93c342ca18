//! Output of commands: tables for people, the API's own JSON with `--json`.

use comfy_table::{Table, presets::NOTHING};
use serde_json::Value;

/// Help heading of the options that many commands have.
pub(crate) const COMMON: &str = "Common options";

#[derive(Debug, Clone, Copy, clap::Args)]
pub(crate) struct Output {
    /// Print JSON, for programs. A server's answer is printed as it is.
    #[arg(long, global = true, help_heading = COMMON)]
    pub(crate) json: bool,
}

/// The command ran, and its result is negative: exit code 3.
#[derive(Debug)]
pub(crate) struct ProblemsFound(pub(crate) String);

impl std::fmt::Display for ProblemsFound {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.0)
    }
}

impl std::error::Error for ProblemsFound {}

impl Output {
    /// Prints a new object: its id.
    pub(crate) fn made(self, thing: &Value) {
        if self.json {
            println!("{thing:#}");
        } else {
            println!("{}", text(thing, "id"));
        }
    }

    /// Prints what was done: in words, or as JSON in one line.
    pub(crate) fn say(self, thing: &Value, words: &str) {
        if self.json {
            println!("{thing}");
        } else {
            println!("{words}");
        }
    }

    /// Prints what was done by a command without a result: words on standard error, or JSON in one line.
    pub(crate) fn done(self, thing: &Value, words: &str) {
        if self.json {
            println!("{thing}");
        } else {
            eprintln!("{words}");
        }
    }

    /// Prints a list: one row per object.
    pub(crate) fn list<const N: usize>(
        self,
        header: [&str; N],
        things: &[Value],
        row: impl Fn(&Value) -> [String; N],
    ) {
        if self.json {
            println!("{:#}", Value::from(things.to_vec()));
            return;
        }
        let mut table = Table::new();
        table.load_style(NOTHING).set_header(header);
        for thing in things {
            table.add_row(row(thing));
        }
        println!("{table}");
    }

    /// Prints one object: one line per property. Empty properties are left out.
    pub(crate) fn one<const N: usize>(self, thing: &Value, sides: [(&str, String); N]) {
        if self.json {
            println!("{thing:#}");
            return;
        }
        let mut table = Table::new();
        table.load_style(NOTHING);
        for (name, side) in sides.into_iter().filter(|(_, side)| !side.is_empty()) {
            table.add_row([name.to_owned(), side]);
        }
        println!("{table}");
    }
}

/// A field of an answer as text; empty if it is missing.
pub(crate) fn text(thing: &Value, field: &str) -> String {
    match &thing[field] {
        Value::Null => String::new(),
        Value::String(text) => text.clone(),
        other => other.to_string(),
    }
}

/// A list of words in one text.
pub(crate) fn words(thing: &Value, field: &str) -> String {
    let words: Vec<_> = thing[field].as_array().into_iter().flatten().filter_map(Value::as_str).collect();
    words.join(" ")
}
