//! `docs/settings.md`: every setting with its default and meaning, made from `docs/latchkey.sample.toml`.

use std::fmt::Write as _;

const SAMPLE: &str = include_str!("../../../../docs/latchkey.sample.toml");

const INTRODUCTION: &str = "# Settings

<!-- Made by `latchkey settings` from latchkey.sample.toml: change that file. -->

`latchkey serve --config latchkey.toml` reads a file of these;
[latchkey.sample.toml](latchkey.sample.toml) has each with its comment. An environment variable
overrides the file: `LATCHKEY_DATA_DIR` for `data_dir`, `LATCHKEY_BOTS__CAPACITY` for
`bots.capacity`. An unknown key or variable is refused.

Times without a unit in their name are seconds. Two kinds of times are not configurable. The lease
of a refresh, of a list of meetings and of a delivery is longer than the longest call that is made
under it, so no second server makes the same call. And the times of Recall's contract are fixed: an
address that gives tokens has 5 seconds and three attempts, a receiver of events has 15 seconds and
eight attempts.

| setting | default | meaning |
|---|---|---|
";

/// The page.
pub(crate) fn settings_page() -> String {
    let mut page = INTRODUCTION.to_owned();
    let (mut section, mut comment) = (String::new(), String::new());
    let mut lines = SAMPLE.lines();
    while let Some(line) = lines.next() {
        let (text, is_comment) = match line.strip_prefix('#') {
            Some(text) => (text.trim_start(), true),
            None => (line, false),
        };
        if let Some(name) = text.strip_prefix('[').and_then(|text| text.strip_suffix(']')) {
            (section, comment) = (format!("{name}."), String::new());
        } else if let Some((key, value)) = setting(text) {
            let default = match (is_comment, value) {
                // What a commented-out key has in the sample is an example.
                (true, _) => "none".to_owned(),
                (false, "[") => {
                    let items = lines.by_ref().take_while(|line| *line != "]").map(str::trim);
                    format!("`{}`", items.collect::<Vec<_>>().join(" ").trim_end_matches(','))
                }
                (false, "[]") => "empty".to_owned(),
                (false, value) => format!("`{}`", value.trim_matches('"')),
            };
            let _ = writeln!(page, "| `{section}{key}` | {default} | {} |", comment.trim());
            comment.clear();
        } else if is_comment && !text.is_empty() {
            let _ = write!(comment, "{text} ");
        } else {
            comment.clear();
        }
    }
    page
}

/// A key and its value.
fn setting(text: &str) -> Option<(&str, &str)> {
    let (key, value) = text.split_once(" = ")?;
    key.bytes().all(|byte| byte.is_ascii_lowercase() || byte == b'_').then_some((key, value))
}

#[cfg(test)]
mod tests {
    use super::{SAMPLE, setting, settings_page};

    #[test]
    fn the_page_is_made_from_the_sample_and_explains_every_setting() {
        let page = settings_page();
        let committed = include_str!("../../../../docs/settings.md");
        assert!(page == committed, "run cargo run --bin latchkey -- settings >docs/settings.md");
        let keys =
            SAMPLE.lines().filter(|line| setting(line.trim_start_matches(['#', ' '])).is_some()).count();
        let rows: Vec<_> = page.lines().filter(|line| line.starts_with("| `")).collect();
        assert_eq!(rows.len(), keys);
        for row in rows {
            assert!(!row.ends_with("|  |"), "{row} has no meaning");
        }
    }
}
