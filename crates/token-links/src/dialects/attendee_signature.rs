//! Attendee's signature: Base64 of an HMAC-SHA256 over the body's JSON in one canonical form, in `X-Webhook-Signature`.
//!
//! The bytes that are sent are not the ones that are signed: keys are in another order, with spaces, with `\u` escapes.
//! So the body is parsed and written again: keys sorted at every level, no white space, only necessary escapes. Numbers
//! stay as they were written: `1.0` and `1e+16` are not rounded. The signature covers no time and no id, so it never
//! expires, and its verifier has to store which requests were seen. (Observed in Attendee's public code.)

use aws_lc_rs::hmac;
use base64::{Engine as _, prelude::BASE64_STANDARD};
use model::{Code, Failure, Secret};
use serde::de::IgnoredAny;

/// The longest accepted body, in bytes.
pub const MAX_BYTES: usize = 256 * 1024;
/// How deep objects and arrays may be nested.
const DEEPEST: usize = 32;

/// A project's webhook secret, as Attendee's dashboard shows it: Base64 of the key.
#[derive(Clone)]
pub struct AttendeeKey(hmac::Key);

impl AttendeeKey {
    /// Reads standard Base64 of 16 to 128 bytes. `None` for anything else.
    pub fn parse(secret: &Secret) -> Option<Self> {
        let bytes = BASE64_STANDARD.decode(secret.expose()).ok()?;
        (16..=128).contains(&bytes.len()).then(|| Self(hmac::Key::new(hmac::HMAC_SHA256, &bytes)))
    }

    /// The header's value for a body in its canonical form.
    pub fn sign(&self, canonical: &str) -> String {
        BASE64_STANDARD.encode(hmac::sign(&self.0, canonical.as_bytes()))
    }
}

/// Checks the header against every key (there are several while a secret is replaced). Returns the canonical form, which
/// identifies the request in the replay memory.
pub fn verify(keys: &[AttendeeKey], signature: &str, body: &[u8]) -> Result<String, Failure> {
    let canonical = canonical(body).ok_or_else(|| {
        Failure::new(
            Code::RequestMalformed,
            "the body is not JSON, names a key twice, is too long or nested too deeply",
        )
    })?;
    let given = BASE64_STANDARD.decode(signature).unwrap_or_default();
    // `hmac::verify` compares in constant time.
    let genuine = keys.iter().any(|key| hmac::verify(&key.0, canonical.as_bytes(), &given).is_ok());
    if genuine {
        Ok(canonical)
    } else {
        Err(Failure::new(Code::SignatureInvalid, "the signature in the header does not match"))
    }
}

/// A JSON text in its canonical form. `None` if it isn't JSON, names a key twice, is longer than [`MAX_BYTES`] or too deep.
pub fn canonical(body: &[u8]) -> Option<String> {
    let text = std::str::from_utf8(body).ok().filter(|text| text.len() <= MAX_BYTES)?;
    // The text is valid JSON, so the walk below only has to find where values end.
    serde_json::from_str::<IgnoredAny>(text).ok()?;
    let mut out = String::with_capacity(text.len());
    Walk { rest: text.trim_matches(is_space) }.value(&mut out, DEEPEST)?;
    Some(out)
}

/// White space as JSON defines it.
const fn is_space(c: char) -> bool {
    matches!(c, ' ' | '\t' | '\n' | '\r')
}

/// A walk over valid JSON.
struct Walk<'a> {
    rest: &'a str,
}

impl<'a> Walk<'a> {
    fn value(&mut self, out: &mut String, depth: usize) -> Option<()> {
        let depth = depth.checked_sub(usize::from(self.rest.starts_with(['{', '['])))?;
        match self.rest.as_bytes().first()? {
            b'{' => self.object(out, depth),
            b'[' => self.array(out, depth),
            b'"' => {
                out.push_str(&self.string()?);
                Some(())
            }
            _ => {
                let end = self.rest.find(|c| is_space(c) || matches!(c, ',' | ']' | '}'));
                out.push_str(self.take(end.unwrap_or(self.rest.len())));
                Some(())
            }
        }
    }

    fn array(&mut self, out: &mut String, depth: usize) -> Option<()> {
        self.skip(1);
        out.push('[');
        let begin = out.len();
        while !self.rest.starts_with(']') {
            if out.len() > begin {
                out.push(',');
            }
            self.value(out, depth)?;
            self.skip_comma();
        }
        self.skip(1);
        out.push(']');
        Some(())
    }

    fn object(&mut self, out: &mut String, depth: usize) -> Option<()> {
        self.skip(1);
        let mut members = Vec::new();
        while !self.rest.starts_with('}') {
            let key = self.string()?;
            self.skip_space();
            // The colon.
            self.skip(1);
            let mut value = String::new();
            self.value(&mut value, depth)?;
            members.push((serde_json::from_str::<String>(&key).ok()?, key, value));
            self.skip_comma();
        }
        self.skip(1);
        // UTF-8 bytes sort in the order of code points.
        members.sort_by(|(one, ..), (other, ..)| one.cmp(other));
        if members.windows(2).any(|pair| pair[0].0 == pair[1].0) {
            return None;
        }
        out.push('{');
        for (place, (_, key, value)) in members.iter().enumerate() {
            out.extend([if place == 0 { "" } else { "," }, key, ":", value]);
        }
        out.push('}');
        Some(())
    }

    /// A string with the fewest escapes. `None` when it contains half a character (a lone surrogate).
    fn string(&mut self) -> Option<String> {
        let mut escaped = false;
        let end = self.rest.bytes().skip(1).position(|byte| {
            let ends = byte == b'"' && !escaped;
            escaped = byte == b'\\' && !escaped;
            ends
        })?;
        let text: String = serde_json::from_str(self.take(end + 2)).ok()?;
        serde_json::to_string(&text).ok()
    }

    fn take(&mut self, bytes: usize) -> &'a str {
        let (taken, rest) = self.rest.split_at(bytes);
        self.rest = rest;
        taken
    }

    fn skip(&mut self, bytes: usize) {
        self.take(bytes);
        self.skip_space();
    }

    fn skip_space(&mut self) {
        self.rest = self.rest.trim_start_matches(is_space);
    }

    fn skip_comma(&mut self) {
        self.skip_space();
        self.rest = self.rest.strip_prefix(',').unwrap_or(self.rest);
        self.skip_space();
    }
}

impl std::fmt::Debug for AttendeeKey {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("AttendeeKey(…)")
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::{Value, json};

    use super::*;

    const SECRET: &str = "Tk9ULUEtUkVBTC1TRUNSRVQtYXR0ZW5kZWUtdmVjMDE=";
    /// As Python sends it.
    const SENT: &str = concat!(
        r#"{"bot_id": "bot_TESTVECTOR000001", "bot_metadata": {"tenant": "t-1", "note": "Z\u00fcrich \"A\"", "Order": 2}, "#,
        r#""callback_type": "zoom_tokens", "meeting_url": "https://zoom.us/j/12345678901?pwd=abc.1"}"#
    );
    const SIGNED: &str = concat!(
        r#"{"bot_id":"bot_TESTVECTOR000001","bot_metadata":{"Order":2,"note":"Zürich \"A\"","tenant":"t-1"},"#,
        r#""callback_type":"zoom_tokens","meeting_url":"https://zoom.us/j/12345678901?pwd=abc.1"}"#
    );
    const SIGNATURE: &str = "SWXW99aQQwx52hLCVLTNP0oAssngYEAm80WAqCUmawY=";

    fn key(secret: &str) -> AttendeeKey {
        AttendeeKey::parse(&Secret::new(secret)).unwrap()
    }

    fn verdict(signature: &str, body: &str) -> Result<String, Code> {
        verify(&[key(SECRET)], signature, body.as_bytes()).map_err(|failure| failure.code)
    }

    fn canonical(text: &str) -> Option<String> {
        super::canonical(text.as_bytes())
    }

    #[test]
    fn the_contracts_vectors_verify() {
        assert_eq!((SENT.len(), SIGNED.len()), (200, 184));
        assert_eq!(canonical(SENT).as_deref(), Some(SIGNED));
        assert_eq!(key(SECRET).sign(SIGNED), SIGNATURE);
        assert_eq!(verdict(SIGNATURE, SENT).as_deref(), Ok(SIGNED));
        let without = concat!(
            r#"{"bot_id":"bot_TESTVECTOR000001","bot_metadata":null,"callback_type":"zoom_tokens","#,
            r#""meeting_url":"https://zoom.us/j/12345678901?pwd=abc.1"}"#
        );
        assert!(verdict("rFjbGP6rqJYkPU/R7/UnZzwLWNMg+meKRbp9lYsf2sw=", without).is_ok());
        // A signature over the bytes as sent is wrong.
        let raw = verdict("MW4Cxsu3P1fNppKgrMQ7b8ng6pSivwYDlvHdXHDp5XM=", SENT);
        assert_eq!(raw, Err(Code::SignatureInvalid));
    }

    #[test]
    fn a_flipped_bit_another_key_or_another_spelling_is_refused() {
        let tag = BASE64_STANDARD.decode(SIGNATURE).unwrap();
        for bit in 0..tag.len() * 8 {
            let mut flipped = tag.clone();
            flipped[bit / 8] ^= 1 << (bit % 8);
            assert_eq!(verdict(&BASE64_STANDARD.encode(flipped), SENT), Err(Code::SignatureInvalid), "{bit}");
        }
        for other in ["", "=", &SIGNATURE[..SIGNATURE.len() - 1], &format!("v1,{SIGNATURE}"), &SIGNATURE[4..]]
        {
            assert_eq!(verdict(other, SENT), Err(Code::SignatureInvalid), "{other}");
        }
        let other = key("Tk9ULUEtUkVBTC1TRUNSRVQtYXR0ZW5kZWUtdmVjMDI=");
        assert!(verify(std::slice::from_ref(&other), SIGNATURE, SENT.as_bytes()).is_err());
        assert!(
            verify(&[other, key(SECRET)], SIGNATURE, SENT.as_bytes()).is_ok(),
            "while the secret is replaced"
        );
        assert!(verify(&[], SIGNATURE, SENT.as_bytes()).is_err());
    }

    #[test]
    fn numbers_stay_as_written_and_strings_get_the_fewest_escapes() {
        for (sent, signed) in [
            ("1.0", "1.0"),
            (
                " [ 1e+16 , 123456789012345678901234567890 , -0.10 ] ",
                "[1e+16,123456789012345678901234567890,-0.10]",
            ),
            ("{}", "{}"),
            ("[ ]", "[]"),
            ("{ \"b\" : [ { } , null ] , \"a\" : true }", r#"{"a":true,"b":[{},null]}"#),
            // Beyond the basic plane: sorted by code point, unlike UTF-16.
            ("{\"\u{ff5e}\":1,\"\\ud83d\\ude00\":2}", "{\"\u{ff5e}\":1,\"😀\":2}"),
            (
                r#""\u002f\/\u007f\u001f\b\f\n\r\t\"\\\u0000""#,
                "\"//\u{7f}\\u001f\\b\\f\\n\\r\\t\\\"\\\\\\u0000\"",
            ),
            (r#"["\\","]"]"#, r#"["\\","]"]"#),
        ] {
            assert_eq!(canonical(sent).as_deref(), Some(signed), "{sent}");
        }
    }

    #[test]
    fn other_texts_are_refused() {
        let deep = |levels| format!("{}{}", "[".repeat(levels), "]".repeat(levels));
        assert!(canonical(&deep(32)).is_some());
        let long = format!("\"{}\"", "x".repeat(MAX_BYTES));
        for text in [
            "",
            " ",
            "{",
            "nul",
            "[1,]",
            "{\"a\":1,}",
            "'a'",
            "01",
            "\"\\ud800\"",
            "NaN",
            "[1] [2]",
            r#"{"a":1,"a":2}"#,
            r#"{"a":1,"\u0061":2}"#,
            &deep(33),
            &deep(100_000),
            &long,
        ] {
            assert_eq!(
                verdict(SIGNATURE, text),
                Err(Code::RequestMalformed),
                "{}",
                &text[..text.len().min(40)]
            );
        }
        assert!(super::canonical(b"\"\xff\"").is_none());
        for secret in ["", "c2hvcnQ=", "whsec_Tk9ULUEtUkVBTC1TRUNSRVQtYXR0ZW5kZWUtdmVjMDE=", "!"] {
            assert!(AttendeeKey::parse(&Secret::new(secret)).is_none(), "{secret}");
        }
        assert_eq!(format!("{:?}", key(SECRET)), "AttendeeKey(…)");
    }

    fn any_json() -> impl Strategy<Value = Value> {
        let leaf = prop_oneof![
            Just(Value::Null),
            any::<bool>().prop_map(Value::from),
            any::<i64>().prop_map(Value::from),
            ".{0,12}".prop_map(Value::from),
            "[\\x00-\\x20\"\\\\/\\x7f]{0,6}".prop_map(Value::from),
        ];
        leaf.prop_recursive(6, 40, 6, |inner| {
            prop_oneof![
                prop::collection::vec(inner.clone(), 0..5).prop_map(Value::from),
                prop::collection::hash_map(".{0,6}", inner, 0..5)
                    .prop_map(|members| Value::Object(members.into_iter().collect())),
            ]
        })
    }

    proptest! {
        /// `serde_json` also writes objects sorted and compact: an independent implementation of the same rule.
        #[test]
        fn only_values_matter_not_white_space_or_order(value in any_json()) {
            let canonical_text = value.to_string();
            let pretty = serde_json::to_string_pretty(&value).unwrap();
            prop_assert_eq!(canonical(&pretty), Some(canonical_text.clone()));
            prop_assert_eq!(canonical(&canonical_text), Some(canonical_text.clone()));
            let signature = key(SECRET).sign(&canonical_text);
            prop_assert!(verdict(&signature, &pretty).is_ok());
            prop_assert!(verdict(&signature, &json!([value]).to_string()).is_err());
        }

        #[test]
        fn no_text_panics(text in prop_oneof![".{0,80}", "[\\[\\]{}\",:\\\\ eE0-9.a]{0,40}"], signature in ".{0,60}") {
            prop_assert!(verdict(&signature, &text).is_err());
        }
    }
}
