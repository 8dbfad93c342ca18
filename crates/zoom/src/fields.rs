//! Reads external JSON, mostly Zoom's, so that only a needed field can make it unreadable.
//!
//! A field is stored as its bytes until it is read, so that an odd field (another type, a number out of range,
//! a lone surrogate) doesn't make the others unreadable.

use std::{borrow::Cow, collections::HashMap};

use serde::{Deserialize, Deserializer, de::DeserializeOwned};
use serde_json::value::RawValue;

/// The longest text. Zoom's ids and tokens have a few dozen characters.
const MAX_CHARACTERS: usize = 512;
/// How many occurrences of a field's name are tried in an answer that is not JSON.
const MAX_PLACES: usize = 16;

/// A JSON object.
#[derive(Debug, Default, Deserialize)]
#[serde(transparent)]
pub struct Fields(HashMap<String, Box<RawValue>>);

impl Fields {
    /// Parses a JSON object; `None` for anything else.
    pub fn of(body: &[u8]) -> Option<Self> {
        read(body).ok()
    }

    /// The field, if it exists and can be read as a `T`.
    pub fn get<T: DeserializeOwned>(&self, name: &str) -> Option<T> {
        serde_json::from_str(self.0.get(name)?.get()).ok()
    }

    /// Whether the field exists and is not `null`, whether readable or not.
    pub fn says(&self, name: &str) -> bool {
        self.0.get(name).is_some_and(|value| value.get() != "null")
    }

    /// A text that is neither empty nor longer than any of Zoom's names.
    pub(crate) fn text(&self, name: &str) -> Option<String> {
        self.get(name).filter(|text: &String| (1..=MAX_CHARACTERS).contains(&text.len()))
    }

    /// The object in this field; an empty one if there is none.
    pub(crate) fn object(&self, name: &str) -> Self {
        self.get(name).unwrap_or_default()
    }

    /// A whole number in any format.
    pub fn whole(&self, name: &str) -> Option<i64> {
        self.get(name).as_ref().and_then(whole)
    }
}

/// Reads a body. A byte order mark is ignored, and invalid Unicode affects only the text that contains it.
pub(crate) fn read<T: DeserializeOwned>(body: &[u8]) -> serde_json::Result<T> {
    serde_json::from_str(text_of(body).trim_start_matches('\u{feff}'))
}

/// An optional field: an unreadable value counts as absent.
#[derive(Debug)]
pub(crate) struct Readable<T>(pub(crate) Option<T>);

impl<T> Default for Readable<T> {
    fn default() -> Self {
        Self(None)
    }
}

impl<'de, T: DeserializeOwned> Deserialize<'de> for Readable<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let raw = Box::<RawValue>::deserialize(deserializer)?;
        Ok(Self(serde_json::from_str(raw.get()).ok()))
    }
}

/// A number that is written as a number or as text. A fraction is cut off.
#[derive(Debug, Deserialize)]
#[serde(untagged)]
pub(crate) enum Numeric {
    Whole(i64),
    Fraction(f64),
    Text(String),
}

/// The whole number; `None` if it is not a finite number.
pub(crate) fn whole(number: &Numeric) -> Option<i64> {
    let fraction = match number {
        Numeric::Whole(number) => return Some(*number),
        Numeric::Fraction(number) => *number,
        Numeric::Text(text) => match text.trim().parse() {
            Ok(number) => return Some(number),
            Err(_) => text.trim().parse().ok()?,
        },
    };
    #[expect(clippy::cast_possible_truncation, reason = "larger numbers become the largest")]
    fraction.is_finite().then_some(fraction as i64)
}

/// Searches for a field in an answer that is not a JSON object: with bytes around it, a missing end, or a list around it.
pub(crate) fn search<T: DeserializeOwned>(body: &[u8], name: &str) -> Option<T> {
    let (text, key) = (text_of(body), format!("\"{name}\""));
    text.match_indices(&key).take(MAX_PLACES).find_map(|(at, _)| {
        let value = text[at + key.len()..].trim_start().strip_prefix(':')?;
        serde_json::Deserializer::from_str(value).into_iter().next()?.ok()
    })
}

fn text_of(body: &[u8]) -> Cow<'_, str> {
    String::from_utf8_lossy(body)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_odd_field_does_not_affect_others() {
        for odd in [
            "1e400",
            r#""\ud800""#,
            "null",
            "[[[]]]",
            &format!("{}{}", "[".repeat(500), "]".repeat(500)),
            "-0",
            r#"{"id": 1}"#,
        ] {
            let body = format!("\u{feff} {{\"odd\": {odd}, \"id\": \"a\"}}");
            let fields = Fields::of(body.as_bytes()).unwrap_or_else(|| panic!("{odd}"));
            assert_eq!(fields.text("id").as_deref(), Some("a"), "{odd}");
            assert_eq!(fields.text("odd"), None, "{odd}");
        }
        let not_unicode = b"{\"topic\": \"\xff\", \"id\": \"a\"}";
        assert_eq!(Fields::of(not_unicode).unwrap().text("id").as_deref(), Some("a"));
    }

    #[test]
    fn a_number_is_read_in_every_format() {
        for (written, number) in [
            ("20", Some(20)),
            ("20.9", Some(20)),
            ("-3", Some(-3)),
            (r#"" 20 ""#, Some(20)),
            (r#""20.5""#, Some(20)),
            ("1e17", Some(100_000_000_000_000_000)),
            ("1e300", Some(i64::MAX)),
            (r#""-1e300""#, Some(i64::MIN)),
            ("1e400", None),
            (r#""1e400""#, None),
            (r#""NaN""#, None),
            (r#""soon""#, None),
            ("true", None),
            ("[20]", None),
            ("{}", None),
            ("null", None),
        ] {
            let fields = Fields::of(format!("{{\"n\": {written}}}").as_bytes()).unwrap();
            assert_eq!(fields.whole("n"), number, "{written}");
        }
    }

    #[test]
    fn a_field_is_found_in_a_text_that_is_not_an_object() {
        for body in [
            r#"while(1);{"a": 1, "token": "t"}"#,
            r#"{"token": "t"}{"token": "u"}"#,
            r#"[{"token" : "t"}]"#,
            r#"{"token": "t", "b": "cu"#,
            r#"{"token": null, "inner": {"token": "t"}}"#,
        ] {
            assert_eq!(search::<String>(body.as_bytes(), "token").as_deref(), Some("t"), "{body}");
        }
        for body in
            [r#"{"token": "t"#, r#"{"text": "\"token\": \"t\""}"#, r#"{"tokens": "t"}"#, r#"{"token": 7}"#]
        {
            assert_eq!(search::<String>(body.as_bytes(), "token"), None, "{body}");
        }
    }
}
