//! Formats times, states and ids for pages. Everything that is put into HTML here is escaped here.

use std::{fmt, time::Duration};

use askama::filters::HtmlSafe;
use model::Timestamp;

/// Text inside HTML, also inside attributes.
pub(crate) struct Escaped<'t>(pub(crate) &'t str);

impl fmt::Display for Escaped<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for letter in self.0.chars() {
            match letter {
                '&' => f.write_str("&amp;")?,
                '<' => f.write_str("&lt;")?,
                '>' => f.write_str("&gt;")?,
                '"' => f.write_str("&quot;")?,
                '\'' => f.write_str("&#39;")?,
                other => fmt::Write::write_char(f, other)?,
            }
        }
        Ok(())
    }
}

impl HtmlSafe for Escaped<'_> {}

/// A time as its distance from now; the tooltip shows the exact time. A dash if there is none.
#[derive(Debug, Clone, Copy)]
pub(crate) struct When {
    at: Option<Timestamp>,
    now: Timestamp,
}

impl When {
    pub(crate) fn new(at: impl Into<Option<Timestamp>>, now: Timestamp) -> Self {
        Self { at: at.into(), now }
    }
}

impl fmt::Display for When {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Some(at) = self.at else { return f.write_str("<span class=\"none\">–</span>") };
        let exact = exact(at);
        write!(f, "<time datetime=\"{at}\" title=\"{exact}\">{}</time>", ago(at, self.now))
    }
}

impl HtmlSafe for When {}

/// `2026-11-29 21:40:19 UTC`
pub(crate) fn exact(at: Timestamp) -> String {
    let text = at.to_string();
    format!("{} UTC", text.get(..19).unwrap_or(&text).replace('T', " "))
}

/// `3 h ago`, `in 12 min`.
pub(crate) fn ago(at: Timestamp, now: Timestamp) -> String {
    let (past, future) = (now.since(at), at.since(now));
    let second = Duration::from_secs(1);
    if past < second && future < second {
        return "now".to_owned();
    }
    if past >= second { format!("{} ago", span(past)) } else { format!("in {}", span(future)) }
}

/// A duration in its largest unit.
pub(crate) fn span(span: Duration) -> String {
    const UNITS: [(u64, &str); 4] = [(86_400, "d"), (3600, "h"), (60, "min"), (1, "s")];
    let seconds = span.as_secs();
    match UNITS.iter().find(|(unit, _)| seconds >= *unit) {
        Some((unit, name)) => format!("{} {name}", seconds / unit),
        None => format!("{} ms", span.as_millis()),
    }
}

/// Time since a start, for a timeline: `0.410`, `1:02.003`, `1:00:02`.
pub(crate) fn offset(span: Duration) -> String {
    let (seconds, ms) = (span.as_secs(), span.subsec_millis());
    match seconds {
        0..60 => format!("{seconds}.{ms:03}"),
        60..3600 => format!("{}:{:02}.{ms:03}", seconds / 60, seconds % 60),
        _ => format!("{}:{:02}:{:02}", seconds / 3600, seconds / 60 % 60, seconds % 60),
    }
}

/// A number with thousands separators.
pub(crate) fn number(value: u64) -> String {
    let digits = value.to_string();
    let mut shown = String::new();
    for (index, digit) in digits.chars().enumerate() {
        if index > 0 && (digits.len() - index).is_multiple_of(3) {
            shown.push(',');
        }
        shown.push(digit);
    }
    shown
}

/// `1 bot`, `2 bots`.
pub(crate) fn counted(value: u64, one: &str, many: &str) -> String {
    format!("{} {}", number(value), if value == 1 { one } else { many })
}

/// How good or bad a state is. The colour never stands alone: a word or a shape says the same.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Tone {
    Good,
    Warn,
    Bad,
    Plain,
}

impl Tone {
    pub(crate) const fn as_str(self) -> &'static str {
        match self {
            Self::Good => "good",
            Self::Warn => "warn",
            Self::Bad => "bad",
            Self::Plain => "plain",
        }
    }
}

impl fmt::Display for Tone {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// A state: its name, with a shape in its colour.
#[derive(Debug, Clone)]
pub(crate) struct State {
    pub(crate) tone: Tone,
    pub(crate) word: String,
    /// The stable code, for searches.
    pub(crate) code: Option<String>,
}

impl State {
    pub(crate) fn new(tone: Tone, word: impl Into<String>) -> Self {
        Self { tone, word: word.into(), code: None }
    }

    fn coded(self, code: &str) -> Self {
        Self { code: Some(code.to_owned()), ..self }
    }

    /// The state of an account.
    pub(crate) fn of_account(status: &str) -> Self {
        let (state, cause) = status.split_once(':').unwrap_or((status, ""));
        let new = |tone, word: &str| Self::new(tone, word).coded(status);
        match (state, cause) {
            ("healthy", _) => Self::new(Tone::Good, "Healthy"),
            ("degraded", _) => new(Tone::Warn, "In trouble, being retried"),
            ("needs_reauth", "revoked") => new(Tone::Bad, "Needs you: revoked at Zoom"),
            ("needs_reauth", _) => new(Tone::Bad, "Needs you: Zoom's answer was lost"),
            ("disconnected", "app_deauthorized") => new(Tone::Bad, "Ended: the user removed the app"),
            ("disconnected", "user_deactivated") => new(Tone::Bad, "Ended: the user is deactivated"),
            ("disconnected", "user_deleted") => new(Tone::Bad, "Ended: the user is deleted"),
            ("disconnected", _) => new(Tone::Plain, "Disconnected"),
            _ => Self::new(Tone::Plain, status),
        }
    }

    /// The state of a bot, by its last status.
    pub(crate) fn of_bot(code: &str, sub_code: Option<&str>) -> Self {
        let (tone, word) = match code {
            "ready" => (Tone::Plain, "Waiting"),
            "joining_call" => (Tone::Plain, "Joining"),
            "in_waiting_room" => (Tone::Warn, "In the waiting room"),
            "in_call_not_recording" | "in_call_recording" => (Tone::Good, "In the meeting"),
            "call_ended" => (Tone::Plain, "Leaving"),
            "done" => (Tone::Good, "Done"),
            "fatal" => (Tone::Bad, "Failed"),
            other => (Tone::Plain, other),
        };
        Self { tone, word: word.to_owned(), code: sub_code.map(str::to_owned) }
    }
}

impl fmt::Display for State {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { tone, word, code } = self;
        write!(f, "<span class=\"state {tone}\">{}</span>", Escaped(word))?;
        match code {
            Some(code) => write!(f, " <code class=\"small\">{}</code>", Escaped(code)),
            None => Ok(()),
        }
    }
}

impl HtmlSafe for State {}

/// An id, shortened in the middle; a click copies the whole id.
#[derive(Debug, Clone)]
pub(crate) struct Id(pub(crate) String);

/// A long id without its middle.
pub(crate) fn shortened(whole: &str) -> String {
    match (whole.get(..8), whole.len().checked_sub(4).and_then(|end| whole.get(end..))) {
        (Some(begin), Some(end)) if whole.len() > 16 => format!("{begin}…{end}"),
        _ => whole.to_owned(),
    }
}

impl fmt::Display for Id {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let whole = &self.0;
        let short = shortened(whole);
        let (whole, short) = (Escaped(whole), Escaped(&short));
        write!(f, "<code class=\"id\" title=\"{whole}\" data-copy=\"{whole}\">{short}</code>")
    }
}

impl HtmlSafe for Id {}

/// A sub code as words: `meeting_requires_sign_in` becomes *Meeting requires sign in*.
pub(crate) fn words(code: &str) -> String {
    let spaced = code.replace('_', " ");
    let mut letters = spaced.chars();
    letters.next().map_or_else(String::new, |first| first.to_uppercase().chain(letters).collect())
}

/// Text from the API with names of fields in backticks, shown as code.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Marked(pub(crate) &'static str);

impl fmt::Display for Marked {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (index, part) in self.0.split('`').enumerate() {
            let part = Escaped(part);
            if index % 2 == 1 { write!(f, "<code>{part}</code>")? } else { write!(f, "{part}")? }
        }
        Ok(())
    }
}

impl HtmlSafe for Marked {}

/// A bar for each hour: bots that joined below, bots that failed above.
pub(crate) struct Bars(pub(crate) Vec<(String, u64, u64)>);

impl fmt::Display for Bars {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        const WIDTH: u64 = 14;
        const HEIGHT: u64 = 48;
        let most = self.0.iter().map(|(_, good, bad)| good + bad).max().unwrap_or(0).max(1);
        let width = self.0.len() as u64 * WIDTH;
        write!(
            f,
            "<svg class=\"bars\" viewBox=\"0 0 {width} {HEIGHT}\" preserveAspectRatio=\"none\" role=\"img\" \
             aria-label=\"Bots by hour, at most {most}\">"
        )?;
        for (index, (hour, good, bad)) in self.0.iter().enumerate() {
            let x = index as u64 * WIDTH + 1;
            let (up, down) = ((good * HEIGHT).div_ceil(most), (bad * HEIGHT).div_ceil(most));
            let down = down.min(HEIGHT - up);
            let bar = WIDTH - 3;
            write!(f, "<g><title>{}: {good} joined, {bad} failed</title>", Escaped(hour))?;
            write!(f, "<rect class=\"ground\" x=\"{x}\" y=\"0\" width=\"{bar}\" height=\"{HEIGHT}\"/>")?;
            for (class, y, height) in [("in", HEIGHT - up, up), ("out", HEIGHT - up - down, down)] {
                if height > 0 {
                    write!(
                        f,
                        "<rect class=\"{class}\" x=\"{x}\" y=\"{y}\" width=\"{bar}\" height=\"{height}\"/>"
                    )?;
                }
            }
            f.write_str("</g>")?;
        }
        f.write_str("</svg><p class=\"axis\" aria-hidden=\"true\">")?;
        let marked = self.0.iter().step_by(6).map(|(hour, ..)| hour.as_str()).chain(["now"]);
        for hour in marked {
            write!(f, "<span>{}</span>", Escaped(hour))?;
        }
        f.write_str("</p>")
    }
}

impl HtmlSafe for Bars {}

/// How much of a capacity is used.
pub(crate) struct Meter {
    pub(crate) taken: u64,
    pub(crate) of: u64,
    /// What is counted.
    pub(crate) what: &'static str,
}

impl fmt::Display for Meter {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { taken, of, what } = self;
        let class = if taken >= of && *of > 0 { " full" } else { "" };
        let width = (taken * 100).checked_div(*of).unwrap_or(0).min(100);
        write!(
            f,
            "<svg class=\"meter{class}\" viewBox=\"0 0 100 6\" preserveAspectRatio=\"none\" aria-hidden=\"true\">\
             <rect class=\"ground\" width=\"100\" height=\"6\"/><rect class=\"part\" width=\"{width}\" height=\"6\"/></svg> "
        )?;
        write!(
            f,
            "<span class=\"count\"><span class=\"unseen\">{}: </span>{} of {}</span>",
            Escaped(what),
            number(*taken),
            number(*of)
        )
    }
}

impl HtmlSafe for Meter {}

/// The cursor of the next or previous page, taken from the API's URL for use in this page's own address.
pub(crate) fn cursor_of(next: Option<&str>) -> Option<String> {
    let url = url::Url::parse(next?).ok()?;
    url.query_pairs()
        .find(|(name, _)| name == "cursor" || name == "after")
        .map(|(_, value)| value.into_owned())
}

/// A query of these pairs, without empty ones.
pub(crate) fn query(pairs: &[(&str, &str)]) -> String {
    let mut query = url::form_urlencoded::Serializer::new(String::new());
    query.extend_pairs(pairs.iter().filter(|(_, value)| !value.is_empty()));
    let query = query.finish();
    if query.is_empty() { query } else { format!("?{query}") }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use model::Timestamp;

    use super::{Id, Marked, State, Tone, When, ago, counted, number, offset, words};

    #[test]
    fn times_are_shown_in_their_largest_unit() {
        let now = Timestamp::from_second(1_800_000_000);
        assert_eq!(ago(now, now), "now");
        assert_eq!(ago(now - Duration::from_secs(7300), now), "2 h ago");
        assert_eq!(ago(now + Duration::from_secs(725), now), "in 12 min");
        assert_eq!(When::new(None, now).to_string(), "<span class=\"none\">–</span>");
        assert_eq!(offset(Duration::from_millis(62_003)), "1:02.003");
        assert_eq!(offset(Duration::from_millis(410)), "0.410");
    }

    #[test]
    fn numbers_have_separators() {
        assert_eq!(
            [number(0), number(999), number(1204), number(1_234_567)],
            ["0", "999", "1,204", "1,234,567"]
        );
        assert_eq!([counted(1, "bot", "bots"), counted(2, "bot", "bots")], ["1 bot", "2 bots"]);
    }

    #[test]
    fn text_in_html_is_escaped() {
        let state = State { tone: Tone::Bad, word: "<b>\"".into(), code: Some("a&b".into()) };
        let expected =
            "<span class=\"state bad\">&lt;b&gt;&quot;</span> <code class=\"small\">a&amp;b</code>";
        assert_eq!(state.to_string(), expected);
        assert!(!Id("<script>alert(1)</script>".into()).to_string().contains("<script"));
        let marked = Marked("pass `zoom.pool` or <b>").to_string();
        assert_eq!(marked, "pass <code>zoom.pool</code> or &lt;b&gt;");
        assert_eq!(words("meeting_requires_sign_in"), "Meeting requires sign in");
    }
}
