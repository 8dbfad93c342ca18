//! Finds addresses in a pasted text: from a mail, a calendar, a chat, a page's source.

use super::{LinkError, PASSCODE, REGISTRATION, is_zooms, may_stand_in_a_value};

pub(super) const SCHEMES: &[&str] = &["https://", "http://", "zoommtg://", "zoomus://"];
pub(super) const ENCODED_SCHEMES: &[&str] = &["https%3a", "http%3a", "zoommtg%3a", "zoomus%3a"];

/// The text without artifacts of its transport: invisible characters, escapes of HTML, JSON and mail.
pub(super) fn cleaned(text: &str) -> String {
    let visible: String = text.chars().filter(|char| !is_invisible(*char)).collect();
    let plain = without_entities(&visible.replace("\\/", "/"))
        .replace("\\u0026", "&")
        .replace("\\u003d", "=")
        .replace("\\u003D", "=")
        .replace("\r\n", "\n");
    let spaced = plain.chars().filter_map(|char| match char {
        '\n' | '\r' | '\u{b}' | '\u{c}' | '\u{85}' | '\u{2028}' | '\u{2029}' => Some('\n'),
        char if char.is_whitespace() => Some(' '),
        char if char.is_control() => None,
        char => Some(char),
    });
    let spaced: String = spaced.collect();
    without_quoted_printable(spaced.trim())
}

/// Whether the character takes no space: joiners, marks of direction, soft hyphens, byte order marks.
const fn is_invisible(char: char) -> bool {
    matches!(
        char,
        '\u{ad}' | '\u{34f}' | '\u{180e}' | '\u{200b}'..='\u{200f}' | '\u{202a}'..='\u{202e}'
            | '\u{2060}'..='\u{206f}' | '\u{feff}'
    )
}

/// Decodes HTML's escapes, even if they were escaped twice.
fn without_entities(text: &str) -> String {
    let mut text = text.to_owned();
    for _ in 0..3 {
        if !text.contains('&') {
            break;
        }
        let mut parts = text.split('&');
        let mut plain = parts.next().unwrap_or_default().to_owned();
        for part in parts {
            if let Some((char, rest)) =
                part.split_once(';').and_then(|(name, rest)| Some((entity(name)?, rest)))
            {
                plain.push(char);
                plain.push_str(rest);
            } else {
                plain.push('&');
                plain.push_str(part);
            }
        }
        text = plain;
    }
    text
}

fn entity(name: &str) -> Option<char> {
    match name.to_ascii_lowercase().as_str() {
        "amp" => Some('&'),
        "lt" => Some('<'),
        "gt" => Some('>'),
        "quot" => Some('"'),
        "apos" => Some('\''),
        "nbsp" => Some(' '),
        name => {
            let number = name.strip_prefix('#')?;
            let code = match number.strip_prefix('x') {
                Some(hex) => u32::from_str_radix(hex, 16).ok()?,
                None => number.parse().ok()?,
            };
            char::from_u32(code).filter(|char| char.is_ascii_graphic() || *char == ' ')
        }
    }
}

/// Decodes mail's escapes. Only a text with both of their marks counts as encoded, because `=3D` may begin a passcode.
fn without_quoted_printable(text: &str) -> String {
    if !(text.contains("=\n") && text.contains("=3D")) {
        return text.to_owned();
    }
    let joined = text.replace("=\n", "");
    let mut parts = joined.split('=');
    let mut plain = parts.next().unwrap_or_default().to_owned();
    for part in parts {
        let code = part.get(..2).and_then(|hex| u8::from_str_radix(hex, 16).ok()).map(char::from);
        if let Some(char) = code.filter(char::is_ascii_graphic) {
            plain.push(char);
            plain.push_str(&part[2..]);
        } else {
            plain.push('=');
            plain.push_str(part);
        }
    }
    plain
}

/// Whether the text contains a passcode, as invitations do: `Passcode: 123456`.
pub(super) fn names_a_passcode(text: &str) -> bool {
    let text = text.to_lowercase();
    PASSCODE.iter().any(|word| {
        text.match_indices(word)
            .any(|(at, word)| text[at + word.len()..].trim_start().starts_with([':', '：']))
    })
}

/// Whether an address was escaped as a whole, as if it were a parameter of another.
pub(super) fn is_encoded(address: &str) -> bool {
    ENCODED_SCHEMES.iter().any(|scheme| starts_with(address, scheme))
}

pub(super) fn starts_with(text: &str, start: &str) -> bool {
    text.get(..start.len()).is_some_and(|begin| begin.eq_ignore_ascii_case(start))
}

/// A run of characters that addresses consist of, and the text between it and its neighbours.
struct Run<'a> {
    before: &'a str,
    text: &'a str,
    after: &'a str,
}

fn is_of_addresses(char: char) -> bool {
    char.is_ascii_graphic()
        && !matches!(char, '<' | '>' | '"' | '`' | '{' | '}' | '|' | '\\' | '^' | '[' | ']')
}

fn runs(text: &str) -> Vec<Run<'_>> {
    let mut runs: Vec<Run<'_>> = Vec::new();
    let mut rest = text;
    while !rest.is_empty() {
        let start = rest.find(is_of_addresses).unwrap_or(rest.len());
        let (before, begun) = rest.split_at(start);
        if let Some(last) = runs.last_mut() {
            last.after = before;
        }
        let end = begun.find(|char| !is_of_addresses(char)).unwrap_or(begun.len());
        let (text, after) = begun.split_at(end);
        if !text.is_empty() {
            runs.push(Run { before, text, after: "" });
        }
        rest = after;
    }
    runs
}

/// All addresses in a cleaned text, each complete and without other text.
pub(super) fn addresses(text: &str) -> Result<Vec<String>, LinkError> {
    let runs = runs(text);
    let (mut found, mut next) = (Vec::new(), 0);
    while let Some(run) = runs.get(next) {
        let first = next;
        next += 1;
        let Some(start) = start_of_address(run.text) else { continue };
        let mut address = run.text[start..].to_owned();
        if let Some(last) = (start == 0).then(|| last_enclosed(&runs, first)).flatten() {
            next = last + 1;
            address = runs[first..next].iter().map(|run| run.text).collect();
        }
        while let Some(run) = runs.get(next) {
            match joint(&address, run) {
                Joint::One => address.push_str(run.text),
                Joint::Two => break,
                Joint::Unclear => return Err(LinkError::Unclear),
            }
            next += 1;
        }
        let after = runs[next - 1].after;
        // `?pwd=<passcode>`, `?pwd={{passcode}}`: there is a passcode, but it can't be read.
        if address.ends_with('=')
            && concerns_zoom(&address)
            && after.starts_with(|char: char| matches!(char, '<' | '{' | '[' | '^') || char.is_alphanumeric())
        {
            return Err(LinkError::Unclear);
        }
        let address = trimmed(&address, run.text[..start].chars().next_back());
        let bare = !is_encoded(address) && !SCHEMES.iter().any(|scheme| starts_with(address, scheme));
        found.push(if bare { format!("https://{address}") } else { address.to_owned() });
    }
    Ok(found)
}

/// The position in a run at which an address begins, with or without a scheme.
fn start_of_address(run: &str) -> Option<usize> {
    let bare = run.trim_start_matches(['(', '\'', '*', '_', '~']);
    if is_encoded(bare) || begins_with_a_host(bare) {
        return Some(run.len() - bare.len());
    }
    let lower = run.to_ascii_lowercase();
    SCHEMES.iter().filter_map(|scheme| lower.find(scheme)).min()
}

/// `us02web.zoom.us/…`
fn begins_with_a_host(text: &str) -> bool {
    let host = text.split(['/', '?']).next().unwrap_or_default();
    let label = |label: &str| {
        !label.is_empty() && label.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-')
    };
    host.len() < text.len() && host.contains('.') && host.split('.').all(label)
}

/// Removes punctuation of the sentence around an address. `marker` is the character before it, such as Markdown's `*`.
fn trimmed(address: &str, marker: Option<char>) -> &str {
    let mut address = address;
    loop {
        let Some(last) = address.chars().next_back() else { return address };
        let count = |char| address.matches(char).count();
        let is_the_sentences = matches!(last, '.' | ',' | ';' | ':' | '!' | '?' | '\'')
            || last == ')' && count(')') > count('(')
            || matches!(last, '*' | '_' | '~') && marker == Some(last);
        if !is_the_sentences {
            return address;
        }
        address = &address[..address.len() - 1];
    }
}

/// The text between two runs.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Gap {
    Space,
    /// One end of a line; the marks of a quoted mail may follow.
    Line,
    Other,
}

fn gap(between: &str) -> Gap {
    let between = between.trim_start_matches(' ');
    match between.strip_prefix('\n') {
        None if between.is_empty() => Gap::Space,
        Some(quote) if quote.chars().all(|char| matches!(char, ' ' | '>')) => Gap::Line,
        _ => Gap::Other,
    }
}

/// The last run of an address in `<…>` or quotes that spans several lines. This is the only possible reading.
fn last_enclosed(runs: &[Run<'_>], first: usize) -> Option<usize> {
    let closing: &[char] = match runs[first].before.chars().next_back()? {
        '<' => &['>', '|'],
        '"' => &['"'],
        '“' | '„' => &['”', '“'],
        _ => return None,
    };
    let lines =
        runs[first..].iter().take_while(|run| gap(run.after) == Gap::Line && !run.after.is_empty()).count();
    let last = first + lines;
    // A mark of quoted mail looks like the closing bracket, but is not one.
    (runs.get(last)?.after.starts_with(closing) && lines > 0).then_some(last)
}

/// Whether the run after an address belongs to it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Joint {
    One,
    Two,
    Unclear,
}

fn joint(address: &str, next: &Run<'_>) -> Joint {
    let gap = gap(next.before);
    if gap == Gap::Other || start_of_address(next.text).is_some() || !concerns_zoom(address) {
        return Joint::Two;
    }
    let line = gap == Gap::Line;
    let alone = line && (next.after.is_empty() || next.after.trim_start_matches(' ').starts_with('\n'));
    if is_on_zoom(address) {
        joint_of_link(address, next.text, line, alone)
    } else {
        joint_of_wrapper(address, next.text, line, alone)
    }
}

fn joint_of_link(address: &str, next: &str, line: bool, alone: bool) -> Joint {
    if let Some(digits) = open_number(address)
        && next.starts_with(|char: char| char.is_ascii_digit())
    {
        return joint_of_number(digits, next);
    }
    let starts_a_parameter = next.starts_with(['?', '&', '#']) && next.contains('=');
    let starts_with_an_escape = next
        .strip_prefix('%')
        .is_some_and(|code| code.bytes().take_while(u8::is_ascii_hexdigit).count() >= 2);
    if starts_a_parameter || starts_with_an_escape || assigns(next) {
        return Joint::One;
    }
    let last = address.rsplit(['?', '&', '#']).next().unwrap_or_default();
    if let Some((name, value)) = last.split_once('=').filter(|(name, _)| is_known(name)) {
        return joint_of_value(name, value, next, line, alone);
    }
    // A line break in a parameter's name, or in the path.
    let name_goes_on = next.split_once('=').is_some_and(|(name, _)| is_known(&format!("{last}{name}")));
    let path = |text: &str| ["j/", "s/", "w/", "wc/", "my/"].iter().any(|path| text.starts_with(path));
    let path_goes_on =
        if address.ends_with('/') { path(next) } else { next.strip_prefix('/').is_some_and(path) };
    if name_goes_on || line && path_goes_on { Joint::One } else { Joint::Two }
}

/// The number of digits at the end of an address that ends with a meeting's number.
fn open_number(address: &str) -> Option<usize> {
    let (path, last) = address.rsplit_once('/')?;
    let is_number = last.bytes().all(|byte| byte.is_ascii_digit() || byte == b'-');
    let before = path.rsplit('/').next()?;
    (is_number && !address.contains(['?', '#']) && ["j", "s", "w", "wc", "join"].contains(&before))
        .then(|| digits(last))
}

fn digits(text: &str) -> usize {
    text.bytes().filter(u8::is_ascii_digit).count()
}

/// Meeting numbers are written in groups, and have 9 to 11 digits.
fn joint_of_number(so_far: usize, next: &str) -> Joint {
    let group = next.find(|char: char| !(char.is_ascii_digit() || char == '-')).unwrap_or(next.len());
    let (group, rest) = next.split_at(group);
    match so_far + digits(group) {
        12.. => Joint::Two,
        _ if so_far < 9 || rest.starts_with(['?', '/', '#', '&']) => Joint::One,
        _ => Joint::Unclear,
    }
}

fn joint_of_value(name: &str, value: &str, next: &str, line: bool, alone: bool) -> Joint {
    let next = trimmed(next, None);
    let rest = next.split(['?', '&', '#']).next().unwrap_or_default();
    let is_a_value = rest.bytes().all(may_stand_in_a_value);
    if value.is_empty() {
        return if alone && is_a_value { Joint::One } else { Joint::Unclear };
    }
    if is_passcode(name) {
        if is_zooms_passcode(value) {
            return Joint::Two;
        }
        if is_a_value && is_zooms_passcode(&format!("{value}{rest}")) {
            return Joint::One;
        }
    }
    // A word on its own line is the rest of the passcode, or a name.
    if line && is_a_value && (alone || rest.len() < next.len()) { Joint::Unclear } else { Joint::Two }
}

/// Whether it is a passcode as Zoom writes it into the links of invitations: a long word, a full stop, a digit (observed).
fn is_zooms_passcode(value: &str) -> bool {
    value.rsplit_once('.').is_some_and(|(word, version)| {
        word.len() >= 16
            && word.bytes().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_'))
            && matches!(version.as_bytes(), [b'0'..=b'9'])
    })
}

/// Whether a run continues with another parameter of a link: `def.1&tk=…`.
fn assigns(next: &str) -> bool {
    let mut pairs = next.split(['?', '&', '#']);
    pairs.next();
    pairs.any(|pair| pair.split_once('=').is_some_and(|(name, _)| is_known(name)))
}

/// Whether a parameter decides where and how a bot joins.
fn is_known(name: &str) -> bool {
    let name = name.to_ascii_lowercase();
    is_passcode(&name) || name == REGISTRATION || name == "confno"
}

fn is_passcode(name: &str) -> bool {
    PASSCODE.iter().any(|known| known.eq_ignore_ascii_case(name))
}

/// A wrapper has only escapes and its own parameters around a link; words of a sentence have neither.
fn joint_of_wrapper(address: &str, next: &str, line: bool, alone: bool) -> Joint {
    let at = address.to_ascii_lowercase().find("zoom").unwrap_or_default();
    let is_whole = address.contains("__;") || address[at..].contains('&');
    if is_whole || !line {
        Joint::Two
    } else if next.contains(['%', '&', '=', ';']) {
        Joint::One
    } else if alone {
        Joint::Unclear
    } else {
        Joint::Two
    }
}

/// Whether an address may lead to Zoom; otherwise it is ignored.
fn concerns_zoom(address: &str) -> bool {
    address.to_ascii_lowercase().contains("zoom")
}

fn is_on_zoom(address: &str) -> bool {
    let (_, rest) = address.split_once("://").unwrap_or(("", address));
    let host = rest.split(['/', '?', '#', ':']).next().unwrap_or_default().to_ascii_lowercase();
    is_zooms(&host)
}
